// Running a panel: which calls its query, view and overlays need, and what
// they come to together.

import * as api from "./api";
import type { Answer, LogStream, NumberSeries } from "./api";
import { settings, type Panel } from "./state";
import { resolve, stepFor } from "./time";
import { unitOf, type Unit } from "./units";
import { anomalyQuery, baselineQuery, crossings, crossingQuery, episodes, forecastHorizon, forecastQuery } from "./overlay";
import type { Episode, Mark } from "./chart/chart";
import { volumeQuery } from "./logs/rows";

export const logLimit = 1000;
/** volumeBars is about how many counts of log rows are drawn. */
const volumeBars = 100;
/** overlayMost bounds the series for which an overlay is asked: four weeks are read for each. */
export const overlayMost = 12;

export interface Span {
  from: number; // Unix milliseconds
  to: number;
  step: number; // seconds
}

/** span resolves the view's range for a chart of some width. */
export function span(from: string, to: string, width: number, now = Date.now()): Span {
  const a = resolve(from, now);
  const b = resolve(to, now);
  if (Number.isNaN(a) || Number.isNaN(b)) throw new Error(`the range ${from} to ${to} is not one of times: want now, now-6h, now+7d or a date`);
  if (a >= b) throw new Error(`the range ${from} to ${to} is empty: want its end after its start`);
  const step = stepFor(a, b, width);
  // On the step's own grid neighbouring ranges ask for the same times.
  return { from: Math.ceil(a / (step * 1000)) * step * 1000, to: b, step };
}

export interface Outcome {
  query: string;
  kind: "numbers" | "logs" | "value";
  series: NumberSeries[];
  streams: LogStream[];
  volume?: NumberSeries[];
  /** value is a scalar's or a string's text. */
  value?: string;
  unit: Unit;
  episodes: Episode[];
  marks: Mark[];
  level?: number;
  span: Span;
  /** end is where the axis ends, beyond the span for a forecast. */
  end: number;
  instant: boolean;
  warnings: string[];
  stats?: Answer["stats"];
}

/** runPanel asks for all that a panel shows. */
export async function runPanel(panel: Panel, at: Span, signal: AbortSignal): Promise<Outcome> {
  const query = panel.query.trim();
  const out: Outcome = { query, kind: "numbers", series: [], streams: [], unit: "none", episodes: [], marks: [], span: at, end: at.to, instant: panel.view === "table", warnings: [] };
  const now = Date.now();
  let main: Answer;
  if (out.instant) main = await api.instant(query, at.to, signal);
  else {
    try {
      main = await api.range(query, { ...at, limit: logLimit, direction: "backward" }, signal);
    } catch (err) {
      // Tables have computed times in their labels: one time only.
      if (!(err instanceof api.ServerError) || !/instant query/.test(err.message)) throw err;
      main = await api.instant(query, Math.min(at.to, now), signal);
      out.instant = true;
    }
  }
  out.warnings.push(...main.warnings, ...main.infos);
  if (main.stats) out.stats = main.stats;
  switch (main.resultType) {
    case "streams":
      out.kind = "logs";
      out.streams = main.result as LogStream[];
      const coarse = { ...at, step: stepFor(at.from, at.to, 2 * volumeBars) };
      await api.range(volumeQuery(query, coarse.step), coarse, signal).then(
        (v) => (out.volume = v.result as NumberSeries[]),
        () => signal.throwIfAborted(), // rows without a volume are still rows
      );
      return out;
    case "scalar":
    case "string":
      out.kind = "value";
      out.value = (main.result as [number, string])[1];
      return out;
  }
  out.series = main.result as NumberSeries[];
  out.unit = unitOf(query, out.series[0]?.metric["__name__"]);
  const ends = out.series.flatMap((s) => (s.values ?? []).slice(-1).map((p) => p[0] * 1000));
  out.end = Math.max(out.end, ...ends);
  if (out.instant && ends.length > 0) out.instant = false; // a forecast has times of its own
  if (panel.overlays.length > 0 && out.series.length > overlayMost) {
    out.warnings.push(`overlays are drawn for up to ${overlayMost} series: this query has ${out.series.length}`);
    return out;
  }
  const overlay = async (text: string, use: (a: Answer) => void, run: (q: string) => Promise<Answer>) => {
    try {
      const a = await run(text);
      out.warnings.push(...a.warnings);
      use(a);
    } catch (err) {
      signal.throwIfAborted();
      out.warnings.push(`${text}: ${(err as Error).message}`);
    }
  };
  const ranged = (q: string) => api.range(q, { ...at, to: Math.min(at.to, now) }, signal);
  const instantNow = (q: string) => api.instant(q, Math.min(at.to, now), signal);
  const level = panel.limit.trim() === "" ? NaN : Number(panel.limit);
  const jobs: Promise<void>[] = [];
  if (panel.overlays.includes("baseline")) jobs.push(overlay(baselineQuery(query), (a) => void out.series.push(...(a.result as NumberSeries[])), ranged));
  if (panel.overlays.includes("anomalies")) jobs.push(overlay(anomalyQuery(query), (a) => (out.episodes = episodes(a.result as NumberSeries[], at.step)), ranged));
  const ahead = async () => {
    let horizon = forecastHorizon(at.from, at.to, now);
    if (!Number.isNaN(level)) {
      out.level = level;
      await overlay(crossingQuery(query, level), (a) => (out.marks = crossings(a, settings.value.zone)), instantNow);
      // The crossing is what one wants to see, if it is not many ranges away.
      const first = out.marks[0] && out.marks[0].at - now / 1000;
      if (first && first < (4 * (at.to - at.from)) / 1000) horizon = Math.max(horizon, first * 1.15);
    }
    if (!panel.overlays.includes("forecast")) return;
    await overlay(
      forecastQuery(query, horizon),
      (a) => {
        out.series.push(...(a.result as NumberSeries[]));
        out.end = Math.max(out.end, now + horizon * 1000);
      },
      instantNow,
    );
  };
  jobs.push(ahead());
  await Promise.all(jobs);
  return out;
}
