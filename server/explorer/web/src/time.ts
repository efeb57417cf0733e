// Times: the expressions of the range control ("now-6h", "now+7d", RFC 3339),
// steps that fit a width, and printing in a chosen time zone.

const unit: Record<string, number> = { ms: 1, s: 1e3, m: 60e3, h: 3600e3, d: 86400e3, w: 7 * 86400e3, y: 365 * 86400e3 };

/** duration parses "90s", "1h30m" or "4w" to milliseconds; NaN where it is none. */
export function duration(text: string): number {
  const t = text.trim();
  if (!/^(\d+(\.\d+)?(ms|[smhdwy]))+$/.test(t)) return NaN;
  let sum = 0;
  for (const m of t.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdwy])/g)) sum += Number(m[1]) * unit[m[2]!]!;
  return sum;
}

/** printDuration prints milliseconds with at most two units: "3d4h", "250ms". */
export function printDuration(ms: number): string {
  if (!isFinite(ms)) return ms > 0 ? "never" : "–";
  const neg = ms < 0 ? "-" : "";
  ms = Math.abs(ms);
  if (ms < 1000) return neg + Math.round(ms) + "ms";
  const parts: string[] = [];
  let rest = Math.round(ms / 1000) * 1000;
  for (const u of ["y", "d", "h", "m", "s"]) {
    const n = Math.floor(rest / unit[u]!);
    if (n > 0) {
      parts.push(n + u);
      rest -= n * unit[u]!;
    } else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return neg + (parts.join("") || "0s");
}

/**
 * resolve turns a time expression into Unix milliseconds: now, now-6h,
 * now+7d, a date or time that Date understands, or a Unix time in seconds or
 * milliseconds. NaN where it is none.
 */
export function resolve(expr: string, now: number): number {
  const t = expr.trim();
  const rel = /^now(?:\s*([+-])\s*(\S+))?$/.exec(t);
  if (rel) {
    if (!rel[1]) return now;
    const d = duration(rel[2]!);
    return rel[1] === "+" ? now + d : now - d;
  }
  if (/^\d{9,11}(\.\d+)?$/.test(t)) return Number(t) * 1000;
  if (/^\d{12,14}$/.test(t)) return Number(t);
  return Date.parse(t);
}

const niceSteps = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];

/** stepFor returns the step, in seconds, that gives a chart of that width about one point for two pixels. */
export function stepFor(from: number, to: number, width: number): number {
  const want = (to - from) / 1000 / Math.max(100, Math.min(width / 2, 800));
  return niceSteps.find((s) => s >= want) ?? 604800;
}

const printers = new Map<string, Intl.DateTimeFormat>();

function printer(zone: string, what: "full" | "day" | "clock"): Intl.DateTimeFormat {
  const key = zone + "|" + what;
  let p = printers.get(key);
  if (!p) {
    const o: Intl.DateTimeFormatOptions = { hourCycle: "h23" };
    if (zone !== "browser") o.timeZone = zone;
    if (what !== "clock") Object.assign(o, { year: "numeric", month: "2-digit", day: "2-digit" });
    if (what !== "day") Object.assign(o, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
    p = new Intl.DateTimeFormat("en-CA", o);
    printers.set(key, p);
  }
  return p;
}

/** clockTime prints date and time to the second in a zone ("browser" or an IANA name). */
export function clockTime(ms: number, zone: string): string {
  return printer(zone, "full").format(ms).replace(", ", " ");
}

/** timeOfDay prints hours, minutes and seconds with milliseconds. */
export function timeOfDay(ms: number, zone: string): string {
  return printer(zone, "clock").format(ms) + "." + String(Math.floor(((ms % 1000) + 1000) % 1000)).padStart(3, "0");
}

/** day prints the date. */
export function day(ms: number, zone: string): string {
  return printer(zone, "day").format(ms);
}

/** validZone reports whether the browser knows the IANA zone. */
export function validZone(zone: string): boolean {
  if (zone === "browser") return true;
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
