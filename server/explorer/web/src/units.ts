// Units: what a metric's name says about its values, and how they are printed.

export type Unit = "none" | "bytes" | "bytes/s" | "seconds" | "percent" | "ratio" | "per second";

/** unitOf reads the unit from a query's metric name and whether it is a rate. */
export function unitOf(query: string, name: string | undefined): Unit {
  const all = name ?? query.match(/[a-zA-Z_:][a-zA-Z0-9_:]*(?=\s*[{[)]|\s*$)/)?.[0] ?? "";
  // A histogram's buckets are in the unit of what it counts.
  const bucket = /_([a-z]+)_bucket\b/.exec(query)?.[1];
  if (bucket && !/histogram_(count|sum|avg|fraction)/.test(query)) return bucket === "seconds" ? "seconds" : bucket === "bytes" ? "bytes" : "none";
  if (/anomaly_score|anomal|corr_over_time|count_over_time/.test(query)) return "none";
  if (/time_to\s*\(/.test(query)) return "seconds";
  const rate = /\b(i?rate|deriv)\s*\(/.test(query);
  if (/_bytes(_|$)|_bytes_total$|^disk_(used|total|free)$|bytes_(sent|recv)/.test(all)) return rate ? "bytes/s" : "bytes";
  if (/_seconds(_|$)/.test(all)) return rate && !/histogram_quantile|\//.test(query) ? "none" : "seconds";
  if (/percent|_usage_(user|system|iowait|idle)/.test(all)) return "percent";
  if (/_ratio$/.test(all)) return "ratio";
  return rate ? "per second" : "none";
}

const binary = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const decimal = ["", "k", "M", "G", "T", "P", "E"];

function scaled(v: number, base: number, names: string[], tail: string): string {
  let i = 0;
  let a = Math.abs(v);
  while (a >= base && i < names.length - 1) {
    a /= base;
    i++;
  }
  return plain(v / base ** i) + (names[i] || tail ? (tail ? " " : "") + names[i] + tail : "");
}

/** plain prints a number with about four significant digits, without an exponent where that reads well. */
export function plain(v: number): string {
  if (Number.isNaN(v)) return "NaN";
  if (!isFinite(v)) return v > 0 ? "+Inf" : "-Inf";
  const a = Math.abs(v);
  if (a !== 0 && (a < 1e-4 || a >= 1e15)) return v.toExponential(3);
  return String(Number(v.toPrecision(a >= 1000 ? 5 : 4)));
}

/** printValue prints a value in its unit. */
export function printValue(v: number | null | undefined, unit: Unit): string {
  if (v === null || v === undefined) return "";
  if (!isFinite(v)) return plain(v);
  switch (unit) {
    case "bytes":
      return scaled(v, 1024, binary, "B");
    case "bytes/s":
      return scaled(v, 1024, binary, "B/s");
    case "seconds":
      return printSeconds(v);
    case "percent":
      return plain(v) + " %";
    case "ratio":
      return plain(v * 100) + " %";
    case "per second":
      return scaled(v, 1000, decimal, "/s");
  }
  return Math.abs(v) >= 1e5 ? scaled(v, 1000, decimal, "") : plain(v);
}

function printSeconds(v: number): string {
  const a = Math.abs(v);
  if (a === 0) return "0 s";
  if (a < 1e-3) return plain(v * 1e6) + " µs";
  if (a < 1) return plain(v * 1e3) + " ms";
  if (a < 120) return plain(v) + " s";
  if (a < 7200) return plain(v / 60) + " min";
  if (a < 172800) return plain(v / 3600) + " h";
  return plain(v / 86400) + " d";
}

/** likely is the query with which one begins to look at a metric of that name. */
export function likely(name: string): string {
  if (/_bucket$/.test(name)) return `sum by (le) (rate(${name}[5m]))`;
  if (/_(total|count|sum)$/.test(name) || /^net_bytes/.test(name)) return `rate(${name}[5m])`;
  return name;
}
