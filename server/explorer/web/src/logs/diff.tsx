// Two windows of the same log query beside each other: which patterns came,
// went, grew or shrank, which streams did, and the lines themselves.

import { Fragment } from "preact";
import { useState } from "preact/hooks";
import * as api from "../api";
import type { Labels, NumberSeries } from "../api";
import { points, printLabels } from "../chart/frame";
import { levelColour } from "../chart/palette";
import { Notice, useLoad } from "../parts";
import type { Span } from "../run";
import { dark, settings } from "../state";
import { clockTime, duration, printDuration, timeOfDay } from "../time";
import { printValue } from "../units";
import { longest, statusOf, type Status } from "./patterns";
import { levelOf, merge, withLine } from "./rows";

const choices: [string, string][] = [
  ["before", "the time before"],
  ["1h", "an hour earlier"],
  ["1d", "a day earlier"],
  ["1w", "a week earlier"],
];

/** shift is how many seconds earlier the other window begins; NaN where the text says none. It never overlaps the window. */
export function shift(against: string, width: number): number {
  const s = against === "before" || against === "" ? width : duration(against) / 1000;
  return s < width ? NaN : s;
}

interface Change {
  name: string;
  labels: Labels;
  now: number;
  before: number;
  status: Status;
}

/** changes reads an answer at two times: the other window's and this one's. */
export function changes(series: NumberSeries[], end: number, name: (m: Labels) => string): Change[] {
  const by = new Map<string, Change>();
  for (const s of series) {
    const k = name(s.metric);
    const c = by.get(k) ?? { name: k, labels: s.metric, now: 0, before: 0, status: "" };
    by.set(k, c);
    for (const [t, v] of points(s)) {
      if (Math.abs(t - end) < 1) c.now += v;
      else c.before += v;
    }
  }
  const all = [...by.values()];
  for (const c of all) c.status = statusOf(c.now, c.before);
  return all.sort((a, b) => weight(b) - weight(a) || b.now - a.now);
}

/** weight orders changes: how far the counts lie apart, in the units of what chance explains. */
const weight = (c: Change) => Math.abs(Math.sqrt(c.now) - Math.sqrt(c.before));

export function Diff(props: { query: string; span: Span; against: string; onAgainst: (a: string) => void; onLine: (text: string) => void }) {
  const { query, span } = props;
  const [only, setOnly] = useState<Status | "all">("all");
  const zone = settings.value.zone;
  const width = Math.max(1, Math.round((span.to - span.from) / 1000));
  const earlier = shift(props.against, width);
  const load = useLoad(`${query}|${span.from}|${span.to}|${earlier}`, async (signal) => {
    if (Number.isNaN(earlier)) return undefined;
    // Both windows in one answer: so patterns are merged over both of them.
    const at = { from: span.to - earlier * 1000, to: span.to, step: earlier };
    const [patterns, streams] = await Promise.all([
      api.range(`sum by (pattern) (pattern_count_over_time(logs(${query} [${width}s])))`, at, signal),
      api.range(`count_over_time(logs(${query} [${width}s]))`, at, signal),
    ]);
    const end = span.to / 1000;
    return {
      patterns: changes(patterns.result as NumberSeries[], end, (m) => m["pattern"] ?? ""),
      streams: changes(streams.result as NumberSeries[], end, (m) => printLabels(m)),
      warnings: patterns.warnings,
    };
  });
  const known = choices.some(([c]) => c === (props.against || "before"));
  const windows: [string, number, number][] = [
    ["this window", span.from, span.to],
    ["the other", span.from - earlier * 1000, span.to - earlier * 1000],
  ];
  const total = (which: "now" | "before") => load.data?.streams.reduce((a, c) => a + c[which], 0) ?? 0;
  return (
    <div class="diff" aria-busy={load.busy}>
      <div class="row">
        <label>
          Against{" "}
          <select value={known ? props.against || "before" : "other"} onChange={(e) => props.onAgainst(e.currentTarget.value === "other" ? "2d" : e.currentTarget.value)}>
            {choices.map(([c, t]) => (
              <option key={c} value={c}>
                {t}
              </option>
            ))}
            <option value="other">so much earlier:</option>
          </select>
        </label>
        {!known && <input aria-label="How much earlier" size={6} value={props.against} onChange={(e) => props.onAgainst(e.currentTarget.value.trim())} />}
        <span class="grow" />
        <div role="group" aria-label="Which changes" class="row">
          {(["all", "new", "gone", "up", "down"] as const).map((s) => (
            <button key={s} type="button" aria-pressed={only === s} onClick={() => setOnly(s)}>
              {s}
            </button>
          ))}
        </div>
      </div>
      {Number.isNaN(earlier) && <Notice kind="error">{`The other window would overlap this one: want a distance such as 1d, of at least ${printDuration(width * 1000)}.`}</Notice>}
      {load.error && <Notice kind="error">{load.error.message}</Notice>}
      {load.data?.warnings.map((w) => <Notice key={w} kind="warning">{w}</Notice>)}
      {load.busy && !load.data && <div class="note">comparing…</div>}
      {load.data && !Number.isNaN(earlier) && (
        <>
          <div class="windows">
            {windows.map(([name, from, to], i) => (
              <div key={name}>
                <strong>{printValue(total(i === 0 ? "now" : "before"), "none")} rows</strong> in {name}
                <div class="soft">
                  {clockTime(from, zone)} – {clockTime(to, zone)}
                </div>
              </div>
            ))}
          </div>
          <Changes title="Patterns" list={load.data.patterns} only={only} lines={(c) => <Lines query={withLine(query, longest(c.name))} windows={windows} />} onPick={(c) => props.onLine(longest(c.name))} />
          <Changes title="Streams" list={load.data.streams} only={only} colour={(c) => levelColour(levelOf(c.labels, [], ""), dark())} />
        </>
      )}
    </div>
  );
}

const shownMost = 100;

function Changes(props: { title: string; list: Change[]; only: Status | "all"; colour?: (c: Change) => string; lines?: (c: Change) => preact.ComponentChildren; onPick?: (c: Change) => void }) {
  const [open, setOpen] = useState("");
  const list = props.list.filter((c) => props.only === "all" || c.status === props.only);
  const most = Math.max(1, ...props.list.map((c) => Math.max(c.now, c.before)));
  const share = (n: number) => `${(100 * n) / most}%`;
  return (
    <section aria-label={props.title + " compared"}>
      <h3>
        {props.title} <span class="soft">({list.length})</span>
      </h3>
      {list.length === 0 && <div class="note">none</div>}
      {list.length > 0 && (
        <div class="scroll">
          <table class="data changes">
            <thead>
              <tr>
                <th scope="col">change</th>
                <th scope="col" class="num">
                  now
                </th>
                <th scope="col" class="num">
                  then
                </th>
                <th scope="col">now above then</th>
                <th scope="col">{props.title === "Patterns" ? "pattern" : "stream"}</th>
              </tr>
            </thead>
            <tbody>
              {list.slice(0, shownMost).map((c) => (
                <Fragment key={c.name}>
                  <tr>
                    <td>{c.status ? <b class={"badge " + c.status}>{c.status}</b> : <span class="soft">same</span>}</td>
                    <td class="num">{printValue(c.now, "none")}</td>
                    <td class="num">{printValue(c.before, "none")}</td>
                    <td>
                      <div class="pair" role="img" aria-label={`${c.now} now, ${c.before} then`}>
                        <i style={{ width: share(c.now), background: props.colour?.(c) }} />
                        <i class="then" style={{ width: share(c.before) }} />
                      </div>
                    </td>
                    <td class="code">
                      <div class="named">

                      </div>
                    </td>
                    <td class="code">
                     <div class="named">
                      {props.lines && (
                        <button type="button" class="quiet" aria-expanded={open === c.name} aria-label={`Lines of ${c.name}`} title="Lines of both windows" onClick={() => setOpen(open === c.name ? "" : c.name)}>
                          {open === c.name ? "▾" : "▸"}
                        </button>
                      )}
                      {props.onPick ? (
                        <button type="button" class="quiet code" title="Only rows with its longest constant text" onClick={() => props.onPick!(c)}>
                          {c.name}
                        </button>
                      ) : (
                        c.name
                      )}
                     </div>
                    </td>
                  </tr>
                  {props.lines && open === c.name && (
                    <tr>
                      <td colSpan={5}>{props.lines(c)}</td>
                    </tr>
                  )}
                </Fragment>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {list.length > shownMost && <div class="note">and {list.length - shownMost} more</div>}
    </section>
  );
}

const linesShown = 5;

/** Lines shows the newest rows of each window side by side. */
function Lines(props: { query: string; windows: [string, number, number][] }) {
  const load = useLoad(props.query + JSON.stringify(props.windows), (signal) =>
    Promise.all(props.windows.map(async ([, from, to]) => merge(await api.rows(props.query, `${Math.round(from)}000000`, `${Math.round(to)}000000`, linesShown, "backward", signal)))),
  );
  if (load.error) return <Notice kind="error">{load.error.message}</Notice>;
  if (!load.data) return <div class="note">reading…</div>;
  return (
    <div class="windows">
      {load.data.map((rows, i) => (
        <div key={i} class="context" aria-label={"Lines of " + props.windows[i]![0]}>
          {rows.length === 0 && <span class="soft">no such line in {props.windows[i]![0]}</span>}
          {rows.map((r) => (
            <div key={r.time + r.line}>
              <time>{timeOfDay(r.ms, settings.value.zone)}</time> {r.line}
            </div>
          ))}
        </div>
      ))}
    </div>
  );
}
