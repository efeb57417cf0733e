// The fields of the rows in sight, with their values counted; a click filters.

import { useMemo, useState } from "preact/hooks";
import { countFields, type Origin, type Row } from "./rows";

export function Fields(props: { rows: Row[]; onFilter: (name: string, origin: Origin, op: "=" | "!=", value: string) => void }) {
  const fields = useMemo(() => countFields(props.rows.slice(0, 2000)), [props.rows]);
  const [open, setOpen] = useState<string | undefined>();
  return (
    <aside class="fieldlist" aria-label="Fields">
      <h3>Fields</h3>
      {fields.slice(0, 60).map((f) => (
        <div key={f.name}>
          <button type="button" class="fieldname" aria-expanded={open === f.name} onClick={() => setOpen(open === f.name ? undefined : f.name)}>
            <span>{f.name}</span>
            <span class="soft">
              {f.distinct} · {Math.round((100 * f.rows) / Math.max(1, Math.min(2000, props.rows.length)))} %
            </span>
          </button>
          {open === f.name && (
            <ul>
              {f.values.map(([v, n]) => (
                <li key={v}>
                  <button type="button" class="fieldvalue" title={`Only rows with ${f.name}=${v}`} onClick={() => props.onFilter(f.name, f.origin, "=", v)}>
                    <span class="bar" style={{ width: (100 * n) / f.rows + "%" }} />
                    <span class="text">{v || "(empty)"}</span>
                    <span class="soft">{n}</span>
                  </button>
                </li>
              ))}
            </ul>
          )}
        </div>
      ))}
    </aside>
  );
}
