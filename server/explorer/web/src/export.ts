// What the page shows, as files.

import type { Labels, LogStream, NumberSeries } from "./api";

/** csvCell quotes a cell where RFC 4180 asks for it. */
export function csvCell(v: string): string {
  return /[",\r\n]/.test(v) ? '"' + v.replaceAll('"', '""') + '"' : v;
}

const csv = (rows: string[][]) => rows.map((r) => r.map(csvCell).join(",")).join("\r\n") + "\r\n";

function names(all: Labels[]): string[] {
  return [...new Set(all.flatMap((l) => Object.keys(l)))].sort();
}

/** seriesCSV has a row a sample: the labels, the time (RFC 3339), the value as the server printed it. */
export function seriesCSV(series: NumberSeries[]): string {
  const labels = names(series.map((s) => s.metric));
  const rows = [[...labels, "time", "value"]];
  for (const s of series) {
    for (const [t, v] of s.values ?? (s.value ? [s.value] : [])) rows.push([...labels.map((n) => s.metric[n] ?? ""), new Date(t * 1000).toISOString(), v]);
  }
  return csv(rows);
}

/** logsCSV has a row a log row: time in nanoseconds, labels, fields, the line. */
export function logsCSV(streams: LogStream[]): string {
  const labels = names(streams.map((s) => s.stream));
  const fields = [...new Set(streams.flatMap((s) => s.entries.flatMap((e) => e.fields.map((f) => f.name))))].sort();
  const rows = [["time", ...labels, ...fields, "line"]];
  for (const s of streams) {
    for (const e of s.entries) {
      rows.push([e.time, ...labels.map((n) => s.stream[n] ?? ""), ...fields.map((n) => e.fields.find((f) => f.name === n)?.value ?? ""), e.line]);
    }
  }
  return csv(rows);
}

/** tableCSV is a table's own cells. */
export const tableCSV = csv;

/** download saves text as a file. */
export function download(name: string, type: string, text: string): void {
  const a = document.createElement("a");
  a.href = URL.createObjectURL(new Blob([text], { type }));
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 10_000);
}
