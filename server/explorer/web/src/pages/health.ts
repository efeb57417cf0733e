// The few figures that tell whether a server is well, out of all that it has.

import { printValue } from "../units";
import { printDuration } from "../time";

export interface Figure {
  name: string;
  help: string;
  type: string;
  samples: { labels: string; value: number }[];
}

/** parseMetrics reads Prometheus's text format as far as the server writes it. */
export function parseMetrics(text: string): Figure[] {
  const by = new Map<string, Figure>();
  const figure = (name: string) => {
    let f = by.get(name);
    if (!f) by.set(name, (f = { name, help: "", type: "", samples: [] }));
    return f;
  };
  for (const line of text.split("\n")) {
    const meta = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (meta) {
      if (meta[1] === "HELP") figure(meta[2]!).help = meta[3]!;
      else figure(meta[2]!).type = meta[3]!;
      continue;
    }
    const sample = /^([a-zA-Z_:][\w:]*)(\{.*\})?\s+(\S+)/.exec(line);
    if (!sample) continue;
    const base = by.get(sample[1]!.replace(/_(bucket|sum|count)$/, ""));
    if (base && base.type !== "gauge" && base.type !== "counter" && sample[1] !== base.name) continue;
    figure(sample[1]!).samples.push({ labels: sample[2] ?? "", value: Number(sample[3]) });
  }
  return [...by.values()].filter((f) => f.samples.length > 0);
}

/** Snapshot is the figures at a time, in Unix milliseconds. */
export interface Snapshot {
  at: number;
  figures: Figure[];
}

/** sum adds up a figure's samples, or those whose labels match; 0 where there is none. */
function sum(s: Snapshot, name: string, labels?: RegExp): number {
  const f = s.figures.find((f) => f.name === "tidemark_" + name);
  return f?.samples.filter((x) => !labels || labels.test(x.labels)).reduce((a, x) => a + x.value, 0) ?? 0;
}

export interface Card {
  title: string;
  value: string;
  /** more is said beneath, in small. */
  more: string;
  bad: boolean;
}

/** health makes cards of the figures; what counts per second compares with the snapshot before. */
export function health(now: Snapshot, before: Snapshot | undefined): Card[] {
  const rate = (name: string) => {
    if (!before || now.at <= before.at) return "…";
    return printValue(Math.max(0, sum(now, name) - sum(before, name)) / ((now.at - before.at) / 1000), "per second");
  };
  const bytes = (v: number) => printValue(v, "bytes");
  const hits = sum(now, "storage_block_cache_hits_total");
  const misses = sum(now, "storage_block_cache_misses_total");
  const free = sum(now, "storage_disk_free_bytes");
  const rejected = sum(now, "ingest_lines_total", /rejected/) + sum(now, "storage_daily_streams_refused_rows_total");
  const failed = sum(now, "queries_total") - sum(now, "queries_total", /outcome="ok"/);
  const faults = sum(now, "storage_flush_errors_total") + sum(now, "storage_compaction_errors_total") + sum(now, "storage_encoding_faults_total") + sum(now, "http_panics_total");
  const readOnly = sum(now, "storage_read_only") > 0;
  const asked = sum(now, "queries_total");
  return [
    { title: "Writes", value: readOnly ? "refused" : "taken", more: readOnly ? "a disk failed: see the log" : `${rate("storage_rows_total")} rows, ${rate("storage_samples_total")} numbers`, bad: readOnly },
    { title: "Refused lines", value: printValue(rejected, "none"), more: "since the start", bad: rejected > 0 },
    { title: "Recent data", value: bytes(sum(now, "storage_head_bytes")), more: `${printValue(sum(now, "storage_head_streams"), "none")} label sets in memory, the log has ${bytes(sum(now, "storage_wal_segment_bytes"))}`, bad: false },
    { title: "Disk", value: bytes(sum(now, "storage_disk_bytes")), more: free < 0 ? "free space unknown" : `${bytes(free)} free`, bad: free >= 0 && free < 1 << 30 },
    { title: "Last flush", value: printDuration(1000 * sum(now, "storage_last_flush_seconds")), more: `${printValue(sum(now, "storage_flushes_total"), "none")} flushes, ${printValue(sum(now, "storage_compactions_total"), "none")} compactions, ${printValue(sum(now, "storage_partitions_unsettled"), "none")} days unsettled`, bad: false },
    { title: "Block cache", value: hits + misses > 0 ? printValue(hits / (hits + misses), "ratio") : "–", more: `found of ${printValue(hits + misses, "none")}, ${bytes(sum(now, "storage_block_cache_bytes"))}`, bad: false },
    { title: "Queries", value: rate("queries_total"), more: `${printValue(asked, "none")} asked, ${printValue(failed, "none")} failed`, bad: asked > 20 && failed > asked / 10 },
    { title: "Losses", value: printValue(sum(now, "storage_losses"), "none"), more: "parts of the store or its log that were damaged and cut out", bad: sum(now, "storage_losses") > 0 },
    { title: "Faults", value: printValue(faults, "none"), more: "of flushes, compactions, encodings and handlers", bad: faults > 0 },
  ];
}
