// Rows of logs, newest first: a list that makes elements only for what is in
// sight, with a row's details beside it.

import { useEffect, useRef, useState } from "preact/hooks";
import { rows as readRows } from "../api";
import { dark, settings } from "../state";
import { clockTime, timeOfDay } from "../time";
import { levelColour } from "../chart/palette";
import { Notice, useLoad } from "../parts";
import { merge, parsed, selector, type Origin, type Row } from "./rows";

const rowHeight = 22;

export interface ListProps {
  rows: Row[];
  follow: boolean; // stay at the newest row
  onFilter: (name: string, origin: Origin, op: "=" | "!=", value: string) => void;
  onMore?: (() => void) | undefined; // the end of the list was reached
}

export function LogList(props: ListProps) {
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [open, setOpen] = useState<Row | undefined>();
  const [at, setAt] = useState(-1);
  const height = 440;
  const zone = settings.value.zone;
  const night = dark();

  useEffect(() => {
    if (props.follow) box.current!.scrollTop = 0;
  }, [props.rows, props.follow]);

  const first = Math.max(0, Math.floor(top / rowHeight) - 10);
  const last = Math.min(props.rows.length, Math.ceil((top + height) / rowHeight) + 10);
  const select = (i: number) => {
    const k = Math.max(0, Math.min(props.rows.length - 1, i));
    setAt(k);
    setOpen(props.rows[k]);
    const el = box.current!;
    if (k * rowHeight < el.scrollTop) el.scrollTop = k * rowHeight;
    else if ((k + 1) * rowHeight > el.scrollTop + el.clientHeight) el.scrollTop = (k + 1) * rowHeight - el.clientHeight;
  };
  const keys = (e: KeyboardEvent) => {
    const moves: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + 18, PageUp: at - 18, Home: 0, End: props.rows.length - 1 };
    const to = moves[e.key];
    if (to !== undefined) {
      e.preventDefault();
      select(to);
    } else if (e.key === "Escape") setOpen(undefined);
  };
  return (
    <div class="logs-main">
      <div
        class="loglist"
        ref={box}
        style={{ height: height + "px" }}
        tabIndex={0}
        role="listbox"
        aria-label={`${props.rows.length} log rows, newest first`}
        onKeyDown={keys}
        onScroll={(e) => {
          const el = e.currentTarget;
          setTop(el.scrollTop);
          if (props.onMore && el.scrollTop + el.clientHeight > el.scrollHeight - 5 * rowHeight) props.onMore();
        }}
      >
        <div style={{ height: props.rows.length * rowHeight + "px", position: "relative" }}>
          {props.rows.slice(first, last).map((r, k) => {
            const i = first + k;
            return (
              <div
                key={i}
                role="option"
                aria-selected={open === r}
                class={"logrow" + (open === r ? " open" : "")}
                style={{ top: i * rowHeight + "px", borderLeftColor: levelColour(r.level, night) }}
                onClick={() => {
                  setAt(i);
                  setOpen(open === r ? undefined : r);
                }}
              >
                <time title={clockTime(r.ms, zone)}>{clockTime(r.ms, zone).slice(5, 10)} {timeOfDay(r.ms, zone)}</time>
                <span class="lvl" style={{ color: levelColour(r.level, night) }}>
                  {r.level.slice(0, 5)}
                </span>
                <span class="line">{r.line}</span>
              </div>
            );
          })}
        </div>
      </div>
      {open && <Detail key={open.time + open.line} row={open} onFilter={props.onFilter} onClose={() => setOpen(undefined)} />}
    </div>
  );
}

function Detail(props: { row: Row; onFilter: ListProps["onFilter"]; onClose: () => void }) {
  const { row } = props;
  const [context, setContext] = useState(false);
  const p = parsed(row.line);
  const cells: [string, Origin, string][] = [
    ...Object.entries(row.labels).map(([k, v]): [string, Origin, string] => [k, "label", v]),
    ...row.fields.map((f): [string, Origin, string] => [f.name, "field", f.value]),
    ...p.pairs.map(([k, v]): [string, Origin, string] => [k, p.origin, v]),
  ];
  return (
    <section class="detail" aria-label="Details of the row">
      <header>
        <strong>{clockTime(row.ms, settings.value.zone)}</strong>
        <span class="soft"> {row.time} ns</span>
        <span class="grow" />
        <button type="button" onClick={() => setContext(!context)} aria-pressed={context}>
          Context
        </button>
        <button type="button" onClick={() => void navigator.clipboard?.writeText(row.line)}>
          Copy line
        </button>
        <button type="button" onClick={props.onClose} aria-label="Close the details">
          ×
        </button>
      </header>
      <pre>{row.line}</pre>
      {context && <Context row={row} />}
      <table class="fields">
        <tbody>
          {cells.map(([k, origin, v]) => (
            <tr key={origin + k}>
              <th scope="row">
                {k} <span class="soft">{origin}</span>
              </th>
              <td>{v}</td>
              <td>
                <button type="button" title={`Only rows with ${k}=${v}`} aria-label={`Only rows with ${k}=${v}`} onClick={() => props.onFilter(k, origin, "=", v)}>
                  +
                </button>
                <button type="button" title={`No rows with ${k}=${v}`} aria-label={`No rows with ${k}=${v}`} onClick={() => props.onFilter(k, origin, "!=", v)}>
                  −
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

const around = 8;

/** Context shows what its stream said before and after a row. */
function Context(props: { row: Row }) {
  const { row } = props;
  const load = useLoad(row.time + row.line, async (signal) => {
    const t = BigInt(row.time);
    const hour = 3600n * 1_000_000_000n;
    const text = selector(row.labels);
    const [before, after] = await Promise.all([
      readRows(text, String(t - 24n * hour), String(t + 1n), around + 1, "backward", signal),
      readRows(text, String(t + 1n), String(t + 24n * hour), around, "forward", signal),
    ]);
    return merge([...before, ...after]);
  });
  if (load.error) return <Notice kind="error">{load.error.message}</Notice>;
  if (!load.data) return <div class="note">reading the context…</div>;
  return (
    <div class="context" aria-label="Context">
      {load.data.map((r) => (
        <div key={r.time + r.line} class={r.time === row.time && r.line === row.line ? "self" : ""}>
          <time>{timeOfDay(r.ms, settings.value.zone)}</time> {r.line}
        </div>
      ))}
    </div>
  );
}
