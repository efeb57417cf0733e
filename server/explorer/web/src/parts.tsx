// Small parts that several pages share.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { NumberSeries } from "./api";
import { number, points } from "./chart/frame";
import { printValue, type Unit } from "./units";
import { clockTime } from "./time";
import { settings } from "./state";

/** Load is a value on its way: while a new one is awaited the old one stays. */
export interface Load<T> {
  data?: T;
  error?: Error;
  busy: boolean;
}

/** useLoad calls load whenever key changes and aborts what it no longer needs. */
export function useLoad<T>(key: string, load: (signal: AbortSignal) => Promise<T>): Load<T> {
  const [state, set] = useState<Load<T>>({ busy: true });
  useEffect(() => {
    const stop = new AbortController();
    set((old) => ({ ...old, busy: true }));
    load(stop.signal).then(
      (data) => !stop.signal.aborted && set({ data, busy: false }),
      (error: Error) => !stop.signal.aborted && set({ error, busy: false }),
    );
    return () => stop.abort();
  }, [key]);
  return state;
}

/** Notice is a message about an answer: an error, a warning, a remark. */
export function Notice(props: { kind: "error" | "warning" | "info"; children: ComponentChildren }) {
  return (
    <div class={"notice " + props.kind} role={props.kind === "error" ? "alert" : "status"}>
      {props.children}
    </div>
  );
}

/** Spark is a small picture of a few numbers. */
export function Spark(props: { values: (number | null)[]; width?: number; height?: number; label: string }) {
  const { width = 120, height = 24 } = props;
  const known = props.values.filter((v): v is number => v !== null);
  const min = Math.min(0, ...known);
  const max = Math.max(...known, min + 1e-9);
  const x = (i: number) => (props.values.length < 2 ? 0 : (i / (props.values.length - 1)) * width);
  const y = (v: number) => height - 1 - ((v - min) / (max - min)) * (height - 2);
  let d = "";
  let pen = false;
  props.values.forEach((v, i) => {
    if (v === null) {
      pen = false;
      return;
    }
    d += `${pen ? "L" : "M"}${x(i).toFixed(1)} ${y(v).toFixed(1)}`;
    pen = true;
  });
  return (
    <svg class="spark" width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={props.label}>
      <path d={d} fill="none" stroke="currentColor" stroke-width="1.5" />
    </svg>
  );
}

const pageOf = 200;

/** SeriesTable lists series with their labels as columns and their last value. */
export function SeriesTable(props: { series: NumberSeries[]; unit: Unit }) {
  const [shown, show] = useState(pageOf);
  const [sort, setSort] = useState<{ by: string; down: boolean }>({ by: "", down: true });
  const names = [...new Set(props.series.flatMap((s) => Object.keys(s.metric)))].sort((a, b) => (a === "__name__" ? -1 : b === "__name__" ? 1 : a.localeCompare(b)));
  const rows = props.series.map((s) => {
    const all = points(s);
    return { s, last: all[all.length - 1], n: all.length };
  });
  if (sort.by) {
    const of = (r: (typeof rows)[number]) => (sort.by === "value" ? (r.last?.[1] ?? NaN) : sort.by === "time" ? (r.last?.[0] ?? 0) : (r.s.metric[sort.by] ?? ""));
    rows.sort((a, b) => {
      const x = of(a);
      const y = of(b);
      const c = typeof x === "number" && typeof y === "number" ? (Number.isNaN(x) ? 1 : Number.isNaN(y) ? -1 : x - y) : String(x).localeCompare(String(y), undefined, { numeric: true });
      return sort.down ? -c : c;
    });
  }
  const unit = settings.value.units ? props.unit : "none";
  const head = (by: string, text: string) => (
    <th scope="col" aria-sort={sort.by === by ? (sort.down ? "descending" : "ascending") : "none"}>
      <button type="button" onClick={() => setSort({ by, down: sort.by === by ? !sort.down : by === "value" || by === "time" })}>
        {text}
        {sort.by === by ? (sort.down ? " ↓" : " ↑") : ""}
      </button>
    </th>
  );
  const many = rows.some((r) => r.n > 1);
  return (
    <div class="scroll">
      <table class="data">
        <thead>
          <tr>
            {names.map((n) => head(n, n === "__name__" ? "metric" : n))}
            {head("time", "time")}
            {head("value", many ? "last value" : "value")}
            {many && <th scope="col">samples</th>}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, shown).map((r, i) => (
            <tr key={i}>
              {names.map((n) => (
                <td key={n}>{r.s.metric[n] ?? ""}</td>
              ))}
              <td>{r.last ? clockTime(r.last[0] * 1000, settings.value.zone) : r.s.histogram ? clockTime(r.s.histogram[0] * 1000, settings.value.zone) : ""}</td>
              <td class="num">{r.last ? printValue(r.last[1], unit) : r.s.histogram ? `count ${r.s.histogram[1].count}, sum ${printValue(number(r.s.histogram[1].sum), unit)}` : ""}</td>
              {many && <td class="num">{r.n}</td>}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > shown && (
        <button type="button" class="quiet" onClick={() => show(shown + 5 * pageOf)}>
          {rows.length - shown} more
        </button>
      )}
    </div>
  );
}

/** Menu is a button that opens a list of actions; Escape and a click elsewhere close it. */
export function Menu(props: { label: string; title?: string; children: (close: () => void) => ComponentChildren }) {
  const [open, set] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const away = (e: Event) => {
      if (e instanceof KeyboardEvent ? e.key === "Escape" : !box.current!.contains(e.target as Node)) set(false);
    };
    addEventListener("pointerdown", away);
    addEventListener("keydown", away);
    return () => {
      removeEventListener("pointerdown", away);
      removeEventListener("keydown", away);
    };
  }, [open]);
  return (
    <div class="menu" ref={box}>
      <button type="button" title={props.title} aria-haspopup="true" aria-expanded={open} onClick={() => set(!open)}>
        {props.label}
      </button>
      {open && <div class="menu-body">{props.children(() => set(false))}</div>}
    </div>
  );
}
