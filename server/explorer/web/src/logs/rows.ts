// Log rows in one order, the fields in their lines, and the changes of a query
// that a click on a value makes.

import type { Field, Labels, LogStream } from "../api";

export interface Row {
  time: string; // Unix nanoseconds
  ms: number;
  labels: Labels;
  line: string;
  fields: Field[];
  level: string;
}

/** merge puts the rows of all streams in one order, newest first. */
export function merge(streams: LogStream[]): Row[] {
  const out: Row[] = [];
  for (const s of streams) {
    for (const e of s.entries) {
      out.push({ time: e.time, ms: Number(e.time.slice(0, -6) || "0") + Number(e.time.slice(-6)) / 1e6, labels: s.stream, line: e.line, fields: e.fields, level: levelOf(s.stream, e.fields, e.line) });
    }
  }
  return out.sort((a, b) => (a.time.length !== b.time.length ? b.time.length - a.time.length : a.time < b.time ? 1 : a.time > b.time ? -1 : 0));
}

/** levelOf finds a row's level in its labels, its fields or its line; "" where there is none. */
export function levelOf(labels: Labels, fields: Field[], line: string): string {
  const named = labels["level"] ?? labels["detected_level"] ?? labels["severity"] ?? fields.find((f) => /^(level|severity|lvl)$/i.test(f.name))?.value;
  if (named) return named.toLowerCase();
  const found = /\b(?:level|lvl|severity)"?[=:]\s*"?(\w+)/i.exec(line.slice(0, 300))?.[1] ?? /\b(FATAL|CRITICAL|ERROR|WARN(?:ING)?|INFO|DEBUG|TRACE)\b/.exec(line.slice(0, 120))?.[1];
  return found?.toLowerCase() ?? "";
}

/** Origin says where a field comes from, and so how a query filters by it. */
export type Origin = "label" | "field" | "logfmt" | "json";

export interface FieldCount {
  name: string;
  origin: Origin;
  rows: number;
  values: [string, number][]; // most frequent first
  distinct: number;
}

/** parsed reads a line's own fields: logfmt pairs or the members of a JSON object. */
export function parsed(line: string): { origin: Origin; pairs: [string, string][] } {
  if (line.startsWith("{")) {
    try {
      const o = JSON.parse(line) as unknown;
      if (o && typeof o === "object" && !Array.isArray(o)) {
        return { origin: "json", pairs: Object.entries(o).filter(([, v]) => v === null || typeof v !== "object").map(([k, v]) => [k, String(v)]) };
      }
    } catch {
      // not JSON after all
    }
  }
  const pairs: [string, string][] = [];
  for (const m of line.matchAll(/(?:^|\s)([A-Za-z_][\w.]*)=("(?:[^"\\]|\\.)*"|[^\s"]+)/g)) {
    let v = m[2]!;
    if (v.startsWith('"')) {
      try {
        v = JSON.parse(v) as string;
      } catch {
        v = v.slice(1, -1);
      }
    }
    pairs.push([m[1]!, v]);
  }
  return { origin: "logfmt", pairs };
}

/** countFields counts labels, typed fields and the fields of lines with their most frequent values. */
export function countFields(rows: Row[]): FieldCount[] {
  const by = new Map<string, { origin: Origin; rows: number; values: Map<string, number> }>();
  const add = (name: string, origin: Origin, value: string) => {
    let f = by.get(name);
    if (!f) by.set(name, (f = { origin, rows: 0, values: new Map() }));
    f.rows++;
    f.values.set(value, (f.values.get(value) ?? 0) + 1);
  };
  for (const r of rows) {
    const seen = new Set<string>();
    for (const [k, v] of Object.entries(r.labels)) {
      seen.add(k);
      add(k, "label", v);
    }
    for (const f of r.fields) {
      if (seen.has(f.name)) continue;
      seen.add(f.name);
      add(f.name, "field", f.value);
    }
    const p = parsed(r.line);
    for (const [k, v] of p.pairs) {
      if (seen.has(k)) continue;
      seen.add(k);
      add(k, p.origin, v);
    }
  }
  const rank = { label: 0, field: 1, logfmt: 2, json: 2 };
  return [...by]
    .map(([name, f]) => ({ name, origin: f.origin, rows: f.rows, distinct: f.values.size, values: [...f.values].sort((a, b) => b[1] - a[1]).slice(0, 10) }))
    .sort((a, b) => rank[a.origin] - rank[b.origin] || b.rows - a.rows || a.name.localeCompare(b.name));
}

const quoted = JSON.stringify;

/** end of the first selector's braces in a query, outside of strings; -1 where there is none. */
function selectorEnd(query: string): number {
  let quote = "";
  for (let i = 0; i < query.length; i++) {
    const c = query[i]!;
    if (quote) {
      if (c === "\\" && quote !== "`") i++;
      else if (c === quote) quote = "";
    } else if (c === '"' || c === "'" || c === "`") quote = c;
    else if (c === "}") return i;
  }
  return -1;
}

/** withFilter adds a filter to a log query: a matcher for a label, a stage for a field, with the parser that the field needs. */
export function withFilter(query: string, name: string, origin: Origin, op: "=" | "!=", value: string): string {
  if (origin === "label") {
    const end = selectorEnd(query);
    if (end < 0) return query;
    const before = query.slice(0, end).trimEnd();
    const comma = before.endsWith("{") || before.endsWith(",") ? "" : ", ";
    return before + comma + name + op + quoted(value) + query.slice(end);
  }
  let out = query.trimEnd();
  if (origin !== "field" && !new RegExp("\\|\\s*" + origin + "\\b").test(out)) out += " | " + origin;
  const label = name.replace(/[^a-zA-Z0-9_]/g, "_");
  return `${out} | ${label}${op}${quoted(value)}`;
}

/** withLine adds a line filter. */
export function withLine(query: string, text: string): string {
  return query.trimEnd() + " |= " + quoted(text);
}

/** selector writes labels as a stream selector. */
export function selector(labels: Labels): string {
  return "{" + Object.entries(labels).map(([k, v]) => `${k}=${quoted(v)}`).join(", ") + "}";
}

/** volumeQuery counts a log query's rows by level. */
export function volumeQuery(query: string, step: number): string {
  return `sum by (level) (count_over_time(${query.trim()} [${step}s]))`;
}
