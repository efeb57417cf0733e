// One chart on the shared time axis: a thin wrapper around uPlot that draws
// lines, areas, stacks, bars, bands, fans, episodes, marks and heatmaps.

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useEffect, useRef } from "preact/hooks";
import type { Frame, Heat } from "./frame";
import { stack } from "./frame";
import { colour, fade, heatColour } from "./palette";
import { printValue, type Unit } from "../units";
import { dark, settings } from "../state";
import { clockTime } from "../time";

export type Shape = "line" | "area" | "stacked" | "bars";

/** Mark is a vertical line with a word, such as the crossing of a threshold. */
export interface Mark {
  at: number; // Unix seconds
  text: string;
}

/** Episode is a span that is shaded, such as an anomaly. */
export interface Episode {
  from: number;
  to: number;
}

export interface ChartProps {
  frame: Frame;
  heat?: Heat | undefined;
  shape: Shape;
  unit: Unit;
  from: number; // Unix seconds
  to: number;
  height: number;
  hidden?: Set<number>;
  colours?: string[];
  marks?: Mark[];
  episodes?: Episode[];
  level?: number | undefined;
  label: string;
  onSelect: (from: number, to: number) => void;
  onReset: () => void;
}

const syncKey = "tidemark";

/** Chart draws a frame or a heatmap. Dragging selects a span of time, a double click asks for the whole range again. */
export function Chart(props: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const theme = settings.value.theme;
  const zone = settings.value.zone;

  useEffect(() => {
    const el = box.current!;
    const plot = new uPlot(options(latest.current, el.clientWidth, latest), data(latest.current), el);
    const watch = new ResizeObserver(() => plot.setSize({ width: el.clientWidth, height: latest.current.height }));
    watch.observe(el);
    return () => {
      watch.disconnect();
      plot.destroy();
    };
  }, [props.frame, props.heat, props.shape, props.unit, props.from, props.to, props.height, props.hidden, props.marks, props.episodes, props.level, theme, zone]);

  return <div class="chart" ref={box} role="img" aria-label={props.label} style={{ minHeight: props.height + "px" }} />;
}

function data(p: ChartProps): uPlot.AlignedData {
  if (p.heat) return [p.heat.times, p.heat.times.map(() => null)] as unknown as uPlot.AlignedData;
  const columns = p.shape === "stacked" ? stack(p.frame) : p.frame.lines.map((l) => l.values);
  return [p.frame.times, ...columns] as uPlot.AlignedData;
}

function options(p: ChartProps, width: number, latest: { current: ChartProps }): uPlot.Options {
  const night = dark();
  const style = getComputedStyle(document.documentElement);
  const ink = style.getPropertyValue("--ink-soft").trim();
  const grid = style.getPropertyValue("--grid").trim();
  const zone = settings.value.zone;
  const unit: Unit = settings.value.units ? p.unit : "none";

  const series: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  if (p.heat) {
    series.push({ show: false });
  } else {
    const families = new Map<string, number>();
    const bars = p.shape === "bars" ? uPlot.paths.bars!({ size: [0.8, 40] }) : undefined;
    p.frame.lines.forEach((l, i) => {
      if (!families.has(l.family)) families.set(l.family, families.size);
      const c = p.colours?.[i] ?? colour(families.get(l.family)!, night);
      const edge = l.role === "lower" || l.role === "upper";
      const s: uPlot.Series = {
        label: l.name,
        show: !p.hidden?.has(i),
        stroke: edge ? fade(c, 0.35) : c,
        width: edge ? 1 : 1.5,
        points: { show: p.frame.times.length <= 2, size: 6 },
        spanGaps: false,
      };
      if (l.role === "expected") s.dash = [6, 4];
      if (bars) s.paths = bars;
      if (p.shape === "area" && l.role === "line") s.fill = fade(c, 0.18);
      if (p.shape === "stacked") s.fill = fade(c, 0.45);
      if (p.shape === "bars") s.fill = fade(c, 0.7);
      series.push(s);
    });
    for (const [upper, lower] of p.frame.areas) {
      const fam = families.get(p.frame.lines[upper]!.family)!;
      bands.push({ series: [upper + 1, lower + 1], fill: fade(p.colours?.[upper] ?? colour(fam, night), 0.16) });
    }
    if (p.shape === "stacked") for (let i = p.frame.lines.length; i > 1; i--) bands.push({ series: [i, i - 1] });
  }

  const font = "12px " + style.getPropertyValue("--sans");
  const axis: Partial<uPlot.Axis> = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 }, font };
  return {
    width,
    height: p.height,
    series,
    bands,
    legend: { show: false },
    tzDate: (ts) => (zone === "browser" ? new Date(ts * 1000) : uPlot.tzDate(new Date(ts * 1000), zone)),
    padding: [8, 20, 0, 0],
    scales: { x: { time: true, min: p.from, max: p.to, range: (_u, min, max) => [min, max] }, y: yScale(p) },
    axes: [
      { ...axis, space: 70, values: clockAxis },
      {
        ...axis,
        size: 72,
        values: p.heat ? (_u, ticks) => ticks.map((v) => printValue(p.heat!.edges[Math.round(v)], unit)) : (_u, ticks) => ticks.map((v) => printValue(v, unit)),
      },
    ],
    cursor: { sync: { key: syncKey, setSeries: false }, drag: { x: true, y: false, setScale: false }, points: { size: 6 }, focus: { prox: 24 } },
    focus: { alpha: 0.35 },
    hooks: {
      setSelect: [
        (u) => {
          if (u.select.width < 4) return;
          const from = u.posToVal(u.select.left, "x");
          const to = u.posToVal(u.select.left + u.select.width, "x");
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          latest.current.onSelect(from, to);
        },
      ],
      ready: [(u) => u.over.addEventListener("dblclick", () => latest.current.onReset())],
      drawClear: [(u) => drawEpisodes(u, p.episodes ?? [], style), (u) => p.heat && drawHeat(u, p.heat, night)],
      draw: [(u) => drawLevel(u, p.level, style), (u) => drawMarks(u, p.marks ?? [], style), (u) => drawNow(u, style)],
      setCursor: [(u) => tip(u, latest.current, unit, zone)],
    },
  };
}

// Labels of the time axis by distance: [distance, label, , label where the
// year changes, , where the day does, …], in seconds, on a clock of 24 hours.
const clockAxis: uPlot.Axis.Values = [
  [86400 * 365, "{YYYY}", null, null, null, null, null, null, 1],
  [86400 * 28, "{MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [86400, "{MMM} {D}", "\n{YYYY}", null, null, null, null, null, 1],
  [60, "{HH}:{mm}", "\n{MMM} {D}, {YYYY}", null, "\n{MMM} {D}", null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", "\n{MMM} {D}, {YYYY}", null, "\n{MMM} {D}", null, null, null, 1],
  [0.001, ":{ss}.{fff}", "\n{MMM} {D}, {YYYY} {HH}:{mm}", null, "\n{MMM} {D} {HH}:{mm}", null, "\n{HH}:{mm}", null, 1],
];

function yScale(p: ChartProps): uPlot.Scale {
  if (p.heat) return { range: () => [0, p.heat!.edges.length - 1] };
  const zero = p.shape !== "line" || p.unit === "percent" || p.unit === "per second";
  return {
    range: (_u, min, max) => {
      if (min === null || max === null || !isFinite(min) || !isFinite(max)) return [0, 1];
      if (p.level !== undefined) {
        min = Math.min(min, p.level);
        max = Math.max(max, p.level);
      }
      if (zero) min = Math.min(0, min);
      if (min === max) {
        const pad = Math.abs(min) * 0.1 || 1;
        return zero && min >= 0 ? [0, max + pad] : [min - pad, max + pad];
      }
      const pad = (max - min) * 0.06;
      return [zero && min === 0 ? 0 : min - pad, max + pad];
    },
  };
}

function drawEpisodes(u: uPlot, episodes: Episode[], style: CSSStyleDeclaration): void {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.fillStyle = style.getPropertyValue("--alarm-soft").trim();
  for (const e of episodes) {
    const a = Math.max(bbox.left, u.valToPos(e.from, "x", true));
    const b = Math.min(bbox.left + bbox.width, u.valToPos(e.to, "x", true));
    if (b > a - 1) ctx.fillRect(a, bbox.top, Math.max(2, b - a), bbox.height);
  }
  ctx.restore();
}

function drawHeat(u: uPlot, h: Heat, night: boolean): void {
  const { ctx, bbox } = u;
  const step = h.times.length > 1 ? h.times[1]! - h.times[0]! : u.scales["x"]!.max! - u.scales["x"]!.min!;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  h.times.forEach((t, i) => {
    const right = u.valToPos(t, "x", true);
    const left = u.valToPos(t - step, "x", true);
    h.counts[i]!.forEach((n, b) => {
      if (n <= 0) return;
      const top = u.valToPos(b + 1, "y", true);
      const bottom = u.valToPos(b, "y", true);
      ctx.fillStyle = heatColour(n / h.most, night);
      ctx.fillRect(Math.floor(left), Math.floor(top), Math.ceil(right - left) + 1, Math.ceil(bottom - top));
    });
  });
  ctx.restore();
}

function vertical(u: uPlot, at: number, colour: string, dash: number[]): number | undefined {
  const { ctx, bbox } = u;
  const x = Math.round(u.valToPos(at, "x", true));
  if (x < bbox.left || x > bbox.left + bbox.width) return undefined;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash(dash);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.restore();
  return x;
}

function drawNow(u: uPlot, style: CSSStyleDeclaration): void {
  const now = Date.now() / 1000;
  // Only a chart that shows the future needs to say where it begins.
  if (u.scales["x"]!.max! - now > 60) vertical(u, now, style.getPropertyValue("--ink-soft").trim(), [2, 4]);
}

function drawLevel(u: uPlot, level: number | undefined, style: CSSStyleDeclaration): void {
  if (level === undefined) return;
  const { ctx, bbox } = u;
  const y = Math.round(u.valToPos(level, "y", true));
  ctx.save();
  ctx.strokeStyle = style.getPropertyValue("--alarm").trim();
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([8, 5]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
}

function drawMarks(u: uPlot, marks: Mark[], style: CSSStyleDeclaration): void {
  const alarm = style.getPropertyValue("--alarm").trim();
  marks.forEach((m, i) => {
    const x = vertical(u, m.at, alarm, []);
    if (x === undefined) return;
    const { ctx, bbox } = u;
    ctx.save();
    ctx.font = `${12 * devicePixelRatio}px ${style.getPropertyValue("--sans")}`;
    const w = ctx.measureText(m.text).width + 12 * devicePixelRatio;
    const left = Math.min(x, bbox.left + bbox.width - w);
    const top = bbox.top + (4 + 22 * (i % 3)) * devicePixelRatio;
    ctx.fillStyle = alarm;
    ctx.fillRect(left, top, w, 18 * devicePixelRatio);
    ctx.fillStyle = style.getPropertyValue("--paper").trim();
    ctx.textAlign = "left";
    ctx.textBaseline = "middle";
    ctx.fillText(m.text, left + 6 * devicePixelRatio, top + 9.5 * devicePixelRatio);
    ctx.restore();
  });
}

/** tip shows the time and the values under the cursor, the nearest line first. */
function tip(u: uPlot, p: ChartProps, unit: Unit, zone: string): void {
  let el = u.over.querySelector<HTMLElement>(".tip");
  if (!el) {
    el = document.createElement("div");
    el.className = "tip";
    u.over.append(el);
  }
  const { left, top, idx } = u.cursor;
  if (left === undefined || left < 0 || idx === null || idx === undefined || !u.over.matches(":hover")) {
    el.hidden = true;
    return;
  }
  const rows: [string, string, string][] = [];
  const when = p.heat ? p.heat.times[idx] : p.frame.times[idx];
  if (when === undefined) return;
  if (p.heat) {
    const b = Math.floor(u.posToVal(top!, "y"));
    const n = p.heat.counts[idx]?.[b];
    if (n !== undefined) rows.push([heatColour(n / p.heat.most, dark()), `${printValue(p.heat.edges[b], unit)} – ${printValue(p.heat.edges[b + 1], unit)}`, printValue(n, "none")]);
  } else {
    const y = u.posToVal(top!, "y");
    const near = p.frame.lines
      .map((l, i) => ({ l, i, v: l.values[idx] ?? null }))
      .filter((c) => c.v !== null && !p.hidden?.has(c.i))
      .sort((a, b) => Math.abs(a.v! - y) - Math.abs(b.v! - y));
    for (const c of near.slice(0, 8)) {
      const s = u.series[c.i + 1]!.stroke;
      rows.push([typeof s === "function" ? String((s as (u: uPlot, i: number) => unknown)(u, c.i + 1)) : "", c.l.name, printValue(c.v, unit)]);
    }
    if (near.length > 8) rows.push(["", `and ${near.length - 8} more`, ""]);
  }
  el.replaceChildren();
  const head = document.createElement("div");
  head.className = "tip-time";
  head.textContent = clockTime(when * 1000, zone);
  el.append(head);
  for (const [c, name, value] of rows) {
    const row = document.createElement("div");
    const dot = document.createElement("i");
    dot.style.background = c;
    const text = document.createElement("span");
    text.textContent = name;
    const v = document.createElement("b");
    v.textContent = value;
    row.append(dot, text, v);
    el.append(row);
  }
  el.hidden = false;
  const right = left > u.over.clientWidth / 2;
  el.style.left = right ? "" : left + 14 + "px";
  el.style.right = right ? u.over.clientWidth - left + 14 + "px" : "";
  el.style.top = "4px";
}
