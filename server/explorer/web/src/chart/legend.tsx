// The legend: a table of the lines with their figures; a click hides a line,
// with Alt it leaves that line alone.

import type { Frame } from "./frame";
import { commonLabels, printLabels, summary } from "./frame";
import { colour } from "./palette";
import { dark, settings } from "../state";
import { printValue, type Unit } from "../units";

export function Legend(props: { frame: Frame; unit: Unit; hidden: Set<number>; colours?: string[] | undefined; onHide: (hidden: Set<number>) => void }) {
  const { frame, hidden } = props;
  const unit = settings.value.units ? props.unit : "none";
  const night = dark();
  const families = new Map<string, number>();
  for (const l of frame.lines) if (!families.has(l.family)) families.set(l.family, families.size);
  const common = frame.lines.length > 1 ? commonLabels(frame.lines.map((l) => l.labels)) : {};
  const toggle = (i: number, alone: boolean) => {
    if (alone) {
      const others = frame.lines.map((_, k) => k).filter((k) => k !== i);
      props.onHide(hidden.size === others.length && !hidden.has(i) ? new Set() : new Set(others));
      return;
    }
    const next = new Set(hidden);
    if (!next.delete(i)) next.add(i);
    props.onHide(next);
  };
  return (
    <div class="legend">
      {Object.keys(common).length > 0 && <div class="legend-common">all: {printLabels(common)}</div>}
      <table>
        <thead>
          <tr>
            <th scope="col">series</th>
            <th scope="col">last</th>
            <th scope="col">min</th>
            <th scope="col">mean</th>
            <th scope="col">max</th>
          </tr>
        </thead>
        <tbody>
          {frame.lines.slice(0, 50).map((l, i) => {
            const s = summary(l.values);
            return (
              <tr key={l.name + i} class={hidden.has(i) ? "off" : ""}>
                <th scope="row">
                  <button type="button" class="swatch" aria-pressed={!hidden.has(i)} title="Show or hide; with Alt, this one alone" onClick={(e) => toggle(i, e.altKey)}>
                    <i style={{ background: props.colours?.[i] ?? colour(families.get(l.family)!, night) }} />
                    {l.name}
                  </button>
                </th>
                <td>{printValue(s.last, unit)}</td>
                <td>{printValue(s.min, unit)}</td>
                <td>{printValue(s.mean, unit)}</td>
                <td>{printValue(s.max, unit)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {frame.lines.length > 50 && <div class="note">and {frame.lines.length - 50} more lines</div>}
      {frame.more > 0 && <div class="note">{frame.more} more series are not drawn; the table has them, and topk narrows them down.</div>}
    </div>
  );
}
