// Overlays: what a panel's query becomes when the reader asks for its
// baseline, its anomalies or its forecast.

import type { Answer, NumberSeries } from "./api";
import { points } from "./chart/frame";
import type { Episode, Mark } from "./chart/chart";
import { day, printDuration } from "./time";

/** history writes a query as a range to learn from: four weeks of it. */
export function history(query: string): string {
  const q = query.trim();
  if (/^[a-zA-Z_:][\w:]*\s*(\{[^{}]*\})?$/.test(q)) return q + "[4w]";
  return `(${q})[4w:5m]`;
}

export const baselineQuery = (q: string) => `baseline(${history(q)})`;
export const anomalyQuery = (q: string) => `anomaly_score(${history(q)})`;

/** forecastQuery asks for the fan of the given number of seconds ahead. */
export const forecastQuery = (q: string, horizon: number) => `forecast(${history(q)}, h="${Math.max(60, Math.round(horizon))}s")`;

/** crossingQuery asks when a limit is reached. */
export const crossingQuery = (q: string, limit: number) => `time_to(${history(q)}, ${limit})`;

/** forecastHorizon is how far a forecast goes in a view: to its end, or half of its length beyond now. */
export function forecastHorizon(from: number, to: number, now: number): number {
  return to > now + 60_000 ? (to - now) / 1000 : Math.max(3600, (now - from) / 2000);
}

/** episodes are the spans in which any series scores beyond its band; neighbours a step apart belong together. */
export function episodes(scores: NumberSeries[], step: number): Episode[] {
  const times = new Set<number>();
  for (const s of scores) for (const [t, v] of points(s)) if (Math.abs(v) > 1) times.add(t);
  const out: Episode[] = [];
  for (const t of [...times].sort((a, b) => a - b)) {
    const last = out[out.length - 1];
    if (last && t - last.to <= step * 1.5) last.to = t;
    else out.push({ from: t - step, to: t });
  }
  return out;
}

/** crossings calls out when each series reaches the limit: the middle date, and the range it lies in. */
export function crossings(a: Answer, zone: string): Mark[] {
  const by = new Map<string, Map<string, number>>();
  for (const s of a.result as NumberSeries[]) {
    const { q = "0.5", ...labels } = s.metric;
    const k = JSON.stringify(labels);
    const p = points(s)[0];
    if (!p) continue;
    if (!by.has(k)) by.set(k, new Map());
    by.get(k)!.set(q, p[1]);
  }
  const now = Date.now() / 1000;
  const marks: Mark[] = [];
  for (const [k, qs] of by) {
    const mid = qs.get("0.5");
    if (mid === undefined || !isFinite(mid)) continue;
    const labels = JSON.parse(k) as Record<string, string>;
    const name = labels["host"] ?? labels["instance"] ?? labels["service"] ?? "";
    const early = qs.get("0.1");
    const late = qs.get("0.9");
    const span = early !== undefined && late !== undefined && isFinite(early) && isFinite(late) ? ` (in ${printDuration(early * 1000)} to ${printDuration(late * 1000)})` : "";
    marks.push({ at: now + mid, text: `${name ? name + ": " : ""}limit reached ${day((now + mid) * 1000, zone)}${span}` });
  }
  return marks.sort((x, y) => x.at - y.at).slice(0, 6);
}
