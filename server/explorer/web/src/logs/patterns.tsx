// What kinds of lines there are: patterns with their counts over time, beside
// those of the window before, so that new and gone ones stand out.

import { range, type NumberSeries } from "../api";
import { points } from "../chart/frame";
import type { Span } from "../run";
import { Notice, Spark, useLoad } from "../parts";
import { printValue } from "../units";

export type Status = "new" | "gone" | "up" | "down" | "";

export interface Counted {
  pattern: string;
  count: number;
  before: number;
  samples: number[];
  status: Status;
}

/**
 * statusOf tells whether two counts of windows of equal length differ by more
 * than chance explains: square roots of Poisson counts have a variance of a
 * quarter (Bartlett 1936), and 3.3 standard deviations are asked for, as by
 * pattern_diff.
 */
export function statusOf(now: number, before: number): Status {
  if (Math.abs(Math.sqrt(now + 3 / 8) - Math.sqrt(before + 3 / 8)) < 3.3 * Math.SQRT1_2) return before === 0 && now > 0 ? "new" : now === 0 && before > 0 ? "gone" : "";
  if (before === 0) return "new";
  if (now === 0) return "gone";
  return now > before ? "up" : "down";
}

/** columns is into how many windows the course of a pattern is cut. */
const columns = 40;

/** compare reads counts per window and pattern: those of the last columns windows are now, those before them before. */
export function compare(series: NumberSeries[], end: number, step: number): Counted[] {
  const by = new Map<string, Counted>();
  for (const s of series) {
    const pattern = s.metric["pattern"] ?? "";
    const c = by.get(pattern) ?? { pattern, count: 0, before: 0, samples: new Array<number>(columns).fill(0), status: "" };
    by.set(pattern, c);
    for (const [t, v] of points(s)) {
      const i = columns - 1 - Math.round((end - t) / step);
      if (i < 0) c.before += v;
      else {
        c.samples[i]! += v;
        c.count += v;
      }
    }
  }
  for (const c of by.values()) c.status = statusOf(c.count, c.before);
  return [...by.values()].sort((a, b) => b.count - a.count || b.before - a.before);
}

/** longest is the longest constant text of a pattern, with which a line filter finds its rows. */
export function longest(pattern: string): string {
  return pattern
    .split(/<[^<>]*>/)
    .map((s) => s.trim())
    .sort((a, b) => b.length - a.length)[0]!;
}

export function Patterns(props: { query: string; span: Span; onLine: (text: string) => void }) {
  const { from, to } = props.span;
  const load = useLoad(`${props.query}|${from}|${to}`, async (signal) => {
    const step = Math.max(1, Math.round((to - from) / 1000 / columns));
    // Both windows in one answer: so patterns are merged over both of them.
    const a = await range(`sum by (pattern) (pattern_count_over_time(logs(${props.query} [${step}s])))`, { from: to - (2 * columns - 1) * step * 1000, to, step }, signal);
    return compare(a.result as NumberSeries[], to / 1000, step);
  });
  if (load.error) return <Notice kind="error">{load.error.message}</Notice>;
  if (load.busy && !load.data) return <div class="note">finding patterns…</div>;
  if (!load.data) return null;
  const total = load.data.reduce((a, c) => a + c.count, 0);
  return (
    <div class="scroll">
      <table class="data patterns">
        <thead>
          <tr>
            <th scope="col">count</th>
            <th scope="col">share</th>
            <th scope="col">over time</th>
            <th scope="col">before</th>
            <th scope="col">pattern</th>
          </tr>
        </thead>
        <tbody>
          {load.data.slice(0, 300).map((c) => (
            <tr key={c.pattern} class={c.status}>
              <td class="num">{printValue(c.count, "none")}</td>
              <td class="num">{total > 0 ? ((100 * c.count) / total).toFixed(1) + " %" : ""}</td>
              <td>
                <Spark values={c.samples} label={"Counts of " + c.pattern} />
              </td>
              <td class="num">
                {c.status && <b class={"badge " + c.status}>{c.status}</b>} {printValue(c.before, "none")}
              </td>
              <td class="code">
                <button type="button" class="quiet code" title="Only rows with its longest constant text" onClick={() => props.onLine(longest(c.pattern))}>
                  {c.pattern}
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
