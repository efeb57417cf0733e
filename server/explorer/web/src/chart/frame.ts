// From an answer's series to what a chart draws: aligned columns over one time
// axis, with bands, fans, forecasts and histograms recognised by their labels.

import type { Labels, NumberSeries } from "../api";

export interface Line {
  labels: Labels;
  /** name is what tells this line from the others of its frame. */
  name: string;
  values: (number | null)[];
  /** role: a plain line, or an edge of a band that is drawn as an area. */
  role: "line" | "expected" | "lower" | "upper";
  /** family groups the edges and the middle of one band or fan. */
  family: string;
}

export interface Frame {
  /** times are Unix seconds, ascending. */
  times: number[];
  lines: Line[];
  /** areas are pairs of indexes in lines: upper edge, lower edge. */
  areas: [number, number][];
  /** more is the number of series left out, beyond maxLines. */
  more: number;
}

/** maxLines bounds the series that a chart draws; the table has them all. */
export const maxLines = 200;

/** points reads a series' samples as numbers, whether an instant's or a range's. */
export function points(s: NumberSeries): [number, number][] {
  const all = s.values ?? (s.value ? [s.value] : []);
  return all.map(([t, v]) => [t, number(v)]);
}

/** number reads a number as the API prints it, with NaN and infinities. */
export function number(v: string): number {
  if (v === "+Inf") return Infinity;
  if (v === "-Inf") return -Infinity;
  return Number(v);
}

/** printLabels prints labels as a selector; without some of them. */
export function printLabels(labels: Labels, without: string[] = []): string {
  const { __name__: name, ...rest } = labels;
  const pairs = Object.keys(rest)
    .filter((k) => !without.includes(k))
    .sort()
    .map((k) => `${k}=${JSON.stringify(rest[k])}`);
  const showName = name && !without.includes("__name__") ? name : "";
  return showName + (pairs.length > 0 ? "{" + pairs.join(", ") + "}" : showName ? "" : "{}");
}

/** commonLabels are those that every series has with the same value. */
export function commonLabels(all: Labels[]): Labels {
  const first = all[0];
  if (!first) return {};
  const out: Labels = {};
  for (const [k, v] of Object.entries(first)) if (all.every((l) => l[k] === v)) out[k] = v;
  return out;
}

function without(labels: Labels, ...names: string[]): Labels {
  const out = { ...labels };
  for (const n of names) delete out[n];
  return out;
}

const key = (labels: Labels) => JSON.stringify(Object.entries(labels).sort());

/**
 * frame aligns series. Series that differ only in band (lower, expected,
 * upper) become a band, those that differ only in q a fan around the middle
 * quantile.
 */
export function frame(series: NumberSeries[]): Frame {
  const more = Math.max(0, series.length - maxLines);
  const shown = series.slice(0, maxLines);
  const at = new Map<number, number>();
  const times = [...new Set(shown.flatMap((s) => points(s).map((p) => p[0])))].sort((a, b) => a - b);
  times.forEach((t, i) => at.set(t, i));

  const quantiles = new Map<string, number[]>();
  for (const s of shown) {
    const q = Number(s.metric["q"]);
    if (s.metric["q"] === undefined || Number.isNaN(q)) continue;
    const k = key(without(s.metric, "q"));
    quantiles.set(k, [...(quantiles.get(k) ?? []), q].sort((a, b) => a - b));
  }
  const names = new Set(shown.flatMap((s) => s.metric["__name__"] ?? []));
  const common = commonLabels(shown.map((s) => s.metric));
  const hidden = shown.length > 1 ? Object.keys(common) : [];
  const lines = shown.map((s): Line => {
    const values: (number | null)[] = new Array(times.length).fill(null);
    for (const [t, v] of points(s)) values[at.get(t)!] = isFinite(v) ? v : null;
    let role: Line["role"] = "line";
    // A metric and its baseline or forecast belong together, though only one
    // of them still has the name.
    let family = key(names.size > 1 ? s.metric : without(s.metric, "__name__"));
    const band = s.metric["band"];
    if (band === "lower" || band === "upper" || band === "expected") {
      role = band;
      family = key(without(s.metric, "__name__", "band", "season"));
    } else if (s.metric["q"] !== undefined) {
      family = key(without(s.metric, "__name__", "q"));
      const qs = quantiles.get(key(without(s.metric, "q"))) ?? [];
      const i = qs.indexOf(Number(s.metric["q"]));
      if (qs.length > 1) role = i === (qs.length - 1) / 2 ? "expected" : i < qs.length / 2 ? "lower" : "upper";
    }
    return { labels: s.metric, name: printLabels(s.metric, hidden), values, role, family };
  });

  const areas: [number, number][] = [];
  const families = new Map<string, number[]>();
  lines.forEach((l, i) => {
    if (l.role !== "line") families.set(l.family, [...(families.get(l.family) ?? []), i]);
  });
  for (const members of families.values()) {
    const rank = (i: number) => Number(lines[i]!.labels["q"] ?? 0);
    const lower = members.filter((i) => lines[i]!.role === "lower").sort((a, b) => rank(a) - rank(b));
    const upper = members.filter((i) => lines[i]!.role === "upper").sort((a, b) => rank(b) - rank(a));
    for (let i = 0; i < Math.min(lower.length, upper.length); i++) areas.push([upper[i]!, lower[i]!]);
  }
  return { times, lines, areas, more };
}

/** stack adds the lines up from the bottom; a gap counts as nothing. */
export function stack(f: Frame): (number | null)[][] {
  const sum = new Array<number>(f.times.length).fill(0);
  return f.lines.map((l) =>
    l.values.map((v, i) => {
      sum[i] = sum[i]! + (v ?? 0);
      return sum[i]!;
    }),
  );
}

/** Heat is a heatmap: for each time the count in each bucket. */
export interface Heat {
  times: number[];
  /** edges are the buckets' bounds, ascending; bucket i lies between i and i+1. */
  edges: number[];
  /** counts has a row per time. */
  counts: number[][];
  most: number;
}

/**
 * heatmap reads a classic histogram (cumulative series told apart by le) or
 * native histograms; undefined where the answer is neither.
 */
export function heatmap(series: NumberSeries[]): Heat | undefined {
  const native = series.filter((s) => s.histograms || s.histogram);
  if (native.length > 0) return nativeHeat(native);
  const classic = series.filter((s) => s.metric["le"] !== undefined);
  if (classic.length < 2) return undefined;
  const bounds = [...new Set(classic.map((s) => number(s.metric["le"]!)))].sort((a, b) => a - b);
  const times = [...new Set(classic.flatMap((s) => points(s).map((p) => p[0])))].sort((a, b) => a - b);
  const at = new Map(times.map((t, i) => [t, i]));
  const counts = times.map(() => new Array<number>(bounds.length).fill(0));
  for (const s of classic) {
    const b = bounds.indexOf(number(s.metric["le"]!));
    for (const [t, v] of points(s)) if (isFinite(v)) counts[at.get(t)!]![b]! += v;
  }
  for (const row of counts) for (let b = row.length - 1; b > 0; b--) row[b] = Math.max(0, row[b]! - row[b - 1]!);
  const finite = bounds.filter(isFinite);
  const low = finite.length > 0 ? Math.min(0, finite[0]!) : 0;
  const last = finite[finite.length - 1] ?? 1;
  const edges = [low, ...bounds.map((b) => (isFinite(b) ? b : last * 1.5))];
  return { times, edges, counts, most: Math.max(0, ...counts.flat()) };
}

function nativeHeat(series: NumberSeries[]): Heat {
  const cells = series.flatMap((s) =>
    (s.histograms ?? (s.histogram ? [s.histogram] : [])).flatMap(([t, h]) => (h.buckets ?? []).map(([, lo, hi, n]) => ({ t, lo: Number(lo), hi: Number(hi), n: Number(n) }))),
  );
  const edges = [...new Set(cells.flatMap((c) => [c.lo, c.hi]))].filter(isFinite).sort((a, b) => a - b);
  const times = [...new Set(cells.map((c) => c.t))].sort((a, b) => a - b);
  const at = new Map(times.map((t, i) => [t, i]));
  const counts = times.map(() => new Array<number>(Math.max(0, edges.length - 1)).fill(0));
  for (const c of cells) {
    const row = counts[at.get(c.t)!]!;
    for (let b = 0; b < row.length; b++) {
      // A wide bucket spreads over the narrow ones that others brought in.
      const overlap = Math.min(c.hi, edges[b + 1]!) - Math.max(c.lo, edges[b]!);
      if (overlap > 0) row[b]! += (c.n * overlap) / (c.hi - c.lo);
    }
  }
  return { times, edges, counts, most: Math.max(0, ...counts.flat()) };
}

/** Summary is what the legend says of a line. */
export interface Summary {
  last: number | null;
  min: number | null;
  max: number | null;
  mean: number | null;
}

/** summary looks at every value that there is. */
export function summary(values: (number | null)[]): Summary {
  let n = 0;
  let sum = 0;
  let min = Infinity;
  let max = -Infinity;
  let last: number | null = null;
  for (const v of values) {
    if (v === null) continue;
    n++;
    sum += v;
    min = Math.min(min, v);
    max = Math.max(max, v);
    last = v;
  }
  return n === 0 ? { last, min: null, max: null, mean: null } : { last, min, max, mean: sum / n };
}
