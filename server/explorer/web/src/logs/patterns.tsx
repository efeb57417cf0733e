// What kinds of lines there are: patterns with their counts over time, beside
// those of the window before, so that new and gone ones stand out.

import { optional } from "../api";
import type { Span } from "../run";
import { Notice, Spark, useLoad } from "../parts";
import { printValue } from "../units";

interface PatternSeries {
  pattern: string;
  level?: string;
  samples: [number, number][];
}

export interface Counted {
  pattern: string;
  level: string;
  count: number;
  before: number;
  samples: (number | null)[];
  status: "new" | "gone" | "up" | "down" | "";
}

/** compare joins the patterns of a window with those of the one before. Up and down mean more than twice or less than half, of a count that matters. */
export function compare(now: PatternSeries[], before: PatternSeries[]): Counted[] {
  const sum = (p: PatternSeries) => p.samples.reduce((a, [, n]) => a + n, 0);
  const by = new Map<string, Counted>();
  for (const p of now) by.set(p.pattern, { pattern: p.pattern, level: p.level ?? "", count: sum(p), before: 0, samples: p.samples.map((s) => s[1]), status: "" });
  for (const p of before) {
    const c = by.get(p.pattern);
    if (c) c.before = sum(p);
    else by.set(p.pattern, { pattern: p.pattern, level: p.level ?? "", count: 0, before: sum(p), samples: [], status: "" });
  }
  for (const c of by.values()) {
    if (c.before === 0) c.status = "new";
    else if (c.count === 0) c.status = "gone";
    else if (Math.max(c.count, c.before) >= 10 && c.count > 2 * c.before) c.status = "up";
    else if (Math.max(c.count, c.before) >= 10 && 2 * c.count < c.before) c.status = "down";
  }
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
  const { from, to, step } = props.span;
  const load = useLoad(`${props.query}|${from}|${to}`, async () => {
    const ask = async (a: number, b: number) =>
      (await optional<{ data: PatternSeries[] }>("/loki/api/v1/patterns", { query: props.query, start: (a / 1000).toFixed(3), end: (b / 1000).toFixed(3), step: step + "s" }))?.data;
    const [now, before] = await Promise.all([ask(from, to), ask(from - (to - from), from)]);
    return now && compare(now, before ?? []);
  });
  if (load.error) return <Notice kind="error">{load.error.message}</Notice>;
  if (load.busy && !load.data) return <div class="note">finding patterns…</div>;
  if (!load.data) return <Notice kind="info">This server does not answer with patterns.</Notice>;
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
              <td>{c.samples.length > 1 && <Spark values={c.samples} label={"Counts of " + c.pattern} />}</td>
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
