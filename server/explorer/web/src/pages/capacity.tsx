// Capacity: what fills, sorted by the day on which it is full.

import { useState } from "preact/hooks";
import * as api from "../api";
import type { Labels, NumberSeries } from "../api";
import { points, printLabels } from "../chart/frame";
import { download, tableCSV } from "../export";
import { Notice, useLoad } from "../parts";
import { newPanel, settings, show } from "../state";
import { clockTime, day, printDuration } from "../time";
import { plain } from "../units";

interface Resource {
  query: string;
  limit: number;
}

const stored = "tidemark.resources";

/** guess finds metrics whose names say that they fill up to a hundred percent or to one. */
export function guess(names: string[]): Resource[] {
  const out: Resource[] = [];
  for (const n of names) {
    if (/_used_percent$/.test(n)) out.push({ query: n, limit: 100 });
    else if (/(_used|_usage|_utili[sz]ation)_ratio$/.test(n)) out.push({ query: n, limit: 1 });
  }
  return out;
}

async function resources(): Promise<Resource[]> {
  try {
    const own = JSON.parse(localStorage.getItem(stored) ?? "null");
    if (Array.isArray(own)) return own as Resource[];
  } catch {
    // what is stored is not a list: begin anew
  }
  return guess(await api.metricNames());
}

interface Row {
  resource: Resource;
  labels: Labels;
  now: number | undefined;
  /** seconds until the limit: early (10 %), middle and late (90 %). */
  early: number;
  mid: number;
  late: number;
}

async function rowsOf(r: Resource, at: number, signal: AbortSignal): Promise<Row[]> {
  const [dates, values] = await Promise.all([api.instant(`time_to((${r.query})[4w:1h], ${r.limit})`, at, signal), api.instant(r.query, at, signal)]);
  const bare = (l: Labels) => {
    const { q: _q, __name__: _n, ...rest } = l;
    return JSON.stringify(Object.entries(rest).sort());
  };
  const current = new Map((values.result as NumberSeries[]).map((s) => [bare(s.metric), points(s)[0]?.[1]]));
  const by = new Map<string, Row>();
  for (const s of dates.result as NumberSeries[]) {
    const k = bare(s.metric);
    const { q, ...labels } = s.metric;
    const row = by.get(k) ?? { resource: r, labels, now: current.get(k), early: Infinity, mid: Infinity, late: Infinity };
    by.set(k, row);
    const v = points(s)[0]?.[1] ?? Infinity;
    if (q === "0.1") row.early = v;
    else if (q === "0.9") row.late = v;
    else row.mid = v;
  }
  // What fills up is of interest even where the middle says never.
  return [...by.values()];
}

export function Capacity() {
  const [version, setVersion] = useState(0);
  const [fresh, setFresh] = useState({ query: "", limit: "100" });
  const [all, setAll] = useState(false);
  const zone = settings.value.zone;
  const load = useLoad(String(version), async (signal) => {
    const list = await resources();
    const at = Date.now();
    const errors: string[] = [];
    const rows = await Promise.all(
      list.map((r) =>
        rowsOf(r, at, signal).catch((err: Error) => {
          signal.throwIfAborted();
          errors.push(`${r.query}: ${err.message}`);
          return [];
        }),
      ),
    );
    return { list, at, errors, rows: rows.flat().sort((a, b) => a.mid - b.mid || a.early - b.early || (b.now ?? 0) - (a.now ?? 0)) };
  });
  const keep = (list: Resource[]) => {
    localStorage.setItem(stored, JSON.stringify(list));
    setVersion(version + 1);
  };
  const d = load.data;
  const date = (s: number) => (isFinite(s) && d ? day(d.at + s * 1000, zone) : "–");
  const filling = d?.rows.filter((r) => isFinite(r.early)) ?? [];
  const shown = all ? (d?.rows ?? []) : filling;
  const look = (r: Row) =>
    show([{ ...newPanel(printLabels(/^[\w:]+$/.test(r.resource.query) ? { ...r.labels, __name__: r.resource.query } : r.labels), "line"), overlays: ["forecast"], limit: String(r.resource.limit) }], "now-30d", "now+30d");
  const csv = () => {
    if (!d) return;
    const names = [...new Set(shown.flatMap((r) => Object.keys(r.labels)))].filter((n) => n !== "__name__").sort();
    const iso = (s: number) => (isFinite(s) ? new Date(d.at + s * 1000).toISOString() : "");
    download(
      "capacity.csv",
      "text/csv",
      tableCSV([
        ["resource", ...names, "limit", "now", "headroom", "full_early", "full", "full_late"],
        ...shown.map((r) => [r.resource.query, ...names.map((n) => r.labels[n] ?? ""), String(r.resource.limit), String(r.now ?? ""), r.now === undefined ? "" : String(r.resource.limit - r.now), iso(r.early), iso(r.mid), iso(r.late)]),
      ]),
    );
  };
  return (
    <main>
      <section class="panel" aria-label="Capacity" aria-busy={load.busy}>
        <div class="panel-tools">
          <h2>What runs out, and when</h2>
          <span class="grow" />
          <label>
            <input type="checkbox" checked={all} onChange={(e) => setAll(e.currentTarget.checked)} /> also what does not fill
          </label>
          <button type="button" onClick={csv} disabled={!d}>
            CSV
          </button>
        </div>
        <p class="soft">Learned from four weeks. The date is the middle of the forecast; in eight of ten cases the day lies between the two beside it.</p>
        {load.error && <Notice kind="error">{load.error.message}</Notice>}
        {d?.errors.map((e) => <Notice key={e} kind="warning">{e}</Notice>)}
        {load.busy && !d && <div class="note">forecasting…</div>}
        {d && shown.length === 0 && <Notice kind="info">{d.rows.length === 0 ? "No resource has enough history, or none is listed below." : `None of ${d.rows.length} resources fills up within a year.`}</Notice>}
        {shown.length > 0 && (
          <div class="scroll">
            <table class="data">
              <thead>
                <tr>
                  <th scope="col">resource</th>
                  <th scope="col">now</th>
                  <th scope="col">headroom</th>
                  <th scope="col">full on</th>
                  <th scope="col">in</th>
                  <th scope="col">at the earliest</th>
                  <th scope="col">at the latest</th>
                </tr>
              </thead>
              <tbody>
                {shown.map((r) => (
                  <tr key={r.resource.query + JSON.stringify(r.labels)}>
                    <td class="code">
                      <button type="button" class="quiet code" onClick={() => look(r)}>
                        {printLabels({ ...r.labels, __name__: /^[\w:]+$/.test(r.resource.query) ? r.resource.query : "" })}
                      </button>
                    </td>
                    <td class="num">
                      {r.now === undefined ? "" : plain(r.now)}
                      {r.now !== undefined && <meter aria-label="used" min={0} max={r.resource.limit} low={r.resource.limit * 0.7} high={r.resource.limit * 0.9} optimum={0} value={r.now} />}
                    </td>
                    <td class="num">{r.now === undefined ? "" : plain(r.resource.limit - r.now)}</td>
                    <td>
                      <strong class="date">{date(r.mid)}</strong>
                    </td>
                    <td class="date">{isFinite(r.mid) ? printDuration(r.mid * 1000) : "–"}</td>
                    <td class="date">{date(r.early)}</td>
                    <td class="date">{date(r.late)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {d && <div class="note">as of {clockTime(d.at, zone)}</div>}
      </section>
      <section class="panel" aria-label="Resources">
        <h2>Resources</h2>
        <table class="data">
          <thead>
            <tr>
              <th scope="col">query</th>
              <th scope="col">limit</th>
              <th />
            </tr>
          </thead>
          <tbody>
            {d?.list.map((r) => (
              <tr key={r.query}>
                <td class="code">{r.query}</td>
                <td class="num">{r.limit}</td>
                <td>
                  <button type="button" aria-label={"Remove " + r.query} onClick={() => keep(d.list.filter((x) => x !== r))}>
                    ×
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        <form
          class="row"
          onSubmit={(e) => {
            e.preventDefault();
            if (d && fresh.query.trim() && fresh.limit.trim() && !Number.isNaN(Number(fresh.limit))) {
              keep([...d.list, { query: fresh.query.trim(), limit: Number(fresh.limit) }]);
              setFresh({ query: "", limit: "100" });
            }
          }}
        >
          <input aria-label="Query of the resource" placeholder="disk_used_percent" value={fresh.query} onInput={(e) => setFresh({ ...fresh, query: e.currentTarget.value })} />
          <input aria-label="Its limit" size={8} inputMode="decimal" value={fresh.limit} onInput={(e) => setFresh({ ...fresh, limit: e.currentTarget.value })} />
          <button type="submit">Add</button>
          <button type="button" onClick={() => (localStorage.removeItem(stored), setVersion(version + 1))}>
            Find by name again
          </button>
        </form>
      </section>
    </main>
  );
}
