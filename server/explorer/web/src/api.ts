// The server's HTTP API, typed. Every call can be aborted.

export type Labels = Record<string, string>;
export type Point = [number, string];

export interface HistogramValue {
  count: string;
  sum: string;
  buckets?: [number, string, string, string][];
}

export interface NumberSeries {
  metric: Labels;
  value?: Point;
  values?: Point[];
  histogram?: [number, HistogramValue];
  histograms?: [number, HistogramValue][];
}

export interface Field {
  name: string;
  type: string;
  value: string;
}

export interface Entry {
  time: string; // Unix nanoseconds
  line: string;
  fields: Field[];
}

export interface LogStream {
  stream: Labels;
  entries: Entry[];
}

export interface Answer {
  resultType: "scalar" | "string" | "vector" | "matrix" | "streams";
  result: unknown;
  warnings: string[];
  infos: string[];
  stats?: { series: number; samples: number; rows: number; seconds: number };
}

export interface FunctionParam {
  name: string;
  types: string[];
  optional?: boolean;
  named_only?: boolean;
  default?: string;
  doc: string;
}

export interface FunctionDoc {
  name: string;
  family: string;
  signature: string;
  returns: string;
  params: FunctionParam[];
  doc: string;
  example: string;
}

/** ServerError is what the server answered instead of data. */
export class ServerError extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

/** token is sent as a bearer token where the server asks for one. */
export const access = { token: localStorage.getItem("tidemark.token") ?? "" };

async function send(path: string, params: Record<string, string | string[] | undefined>, method: "GET" | "POST" | "DELETE", signal?: AbortSignal): Promise<Response> {
  const form = new URLSearchParams();
  for (const [k, v] of Object.entries(params)) {
    if (v === undefined) continue;
    for (const one of Array.isArray(v) ? v : [v]) form.append(k, one);
  }
  const headers: Record<string, string> = {};
  if (access.token) headers["Authorization"] = "Bearer " + access.token;
  const inUrl = method !== "POST" && form.size > 0 ? "?" + form : "";
  return fetch(path + inUrl, { method, headers, body: method === "POST" ? form : undefined, signal: signal ?? null });
}

async function json<T>(path: string, params: Record<string, string | string[] | undefined> = {}, method: "GET" | "POST" | "DELETE" = "GET", signal?: AbortSignal): Promise<T> {
  let res: Response;
  try {
    res = await send(path, params, method, signal);
  } catch (err) {
    if (signal?.aborted) throw err;
    throw new ServerError("the server cannot be reached: " + (err as Error).message, 0);
  }
  const text = await res.text();
  let body: any;
  try {
    body = JSON.parse(text);
  } catch {
    throw new ServerError(`the server answered ${res.status} and no JSON: ${text.slice(0, 200)}`, res.status);
  }
  if (!res.ok || body.status === "error") {
    throw new ServerError(body.error ?? res.statusText, res.status);
  }
  return body as T;
}

interface Envelope {
  data: { resultType: Answer["resultType"]; result: unknown };
  warnings?: string[];
  infos?: string[];
  stats?: Answer["stats"];
}

function answer(e: Envelope): Answer {
  return { resultType: e.data.resultType, result: e.data.result, warnings: e.warnings ?? [], infos: e.infos ?? [], stats: e.stats };
}

const seconds = (ms: number) => (ms / 1000).toFixed(3);

/** instant evaluates a query at one time, in Unix milliseconds. */
export async function instant(query: string, at: number, signal?: AbortSignal): Promise<Answer> {
  return answer(await json<Envelope>("/tidemark/api/v1/query", { query, time: seconds(at) }, "POST", signal));
}

export interface RangeOptions {
  from: number;
  to: number;
  step?: number; // seconds
  limit?: number;
  direction?: "forward" | "backward";
}

/** range evaluates a query over a range of Unix milliseconds. */
export async function range(query: string, o: RangeOptions, signal?: AbortSignal): Promise<Answer> {
  return answer(
    await json<Envelope>(
      "/tidemark/api/v1/query_range",
      { query, start: seconds(o.from), end: seconds(o.to), step: o.step?.toString(), limit: o.limit?.toString(), direction: o.direction },
      "POST",
      signal,
    ),
  );
}

/** rows reads log rows between two times in Unix nanoseconds. */
export async function rows(query: string, fromNs: string, toNs: string, limit: number, direction: "forward" | "backward", signal?: AbortSignal): Promise<LogStream[]> {
  const e = await json<Envelope>("/tidemark/api/v1/query_range", { query, start: fromNs, end: toNs, limit: String(limit), direction }, "POST", signal);
  return e.data.result as LogStream[];
}

/** Check is what kind of answer a query has, or what is wrong with it and where: offset counts bytes of UTF-8. */
export type Check = { valid: true; type: string } | { valid: false; message: string; offset: number; token: string; expected: string[]; suggest: string };

/** check looks at a query without running it. */
export async function check(query: string, signal?: AbortSignal): Promise<Check> {
  return (await json<{ data: Check }>("/tidemark/api/v1/check_query", { query }, "POST", signal)).data;
}

/** format prints a query as the language's printer does. */
export async function format(query: string, signal?: AbortSignal): Promise<string> {
  return (await json<{ data: string }>("/tidemark/api/v1/format_query", { query }, "POST", signal)).data;
}

let functionList: Promise<FunctionDoc[]> | undefined;

/** functions lists the language's functions; they do not change while the page lives. */
export function functions(): Promise<FunctionDoc[]> {
  functionList ??= json<{ data: FunctionDoc[] }>("/tidemark/api/v1/functions").then(
    (r) => r.data,
    (err) => {
      functionList = undefined;
      throw err;
    },
  );
  return functionList;
}

const lists = new Map<string, { at: number; data: Promise<string[]> }>();

// Names for completion may be half a minute old.
function cached(path: string, params: Record<string, string>): Promise<string[]> {
  const key = path + "?" + new URLSearchParams(params);
  const old = lists.get(key);
  if (old && Date.now() - old.at < 30_000) return old.data;
  const data = json<{ data?: string[] }>(path, params).then((r) => r.data ?? []);
  lists.set(key, { at: Date.now(), data });
  data.catch(() => lists.delete(key));
  if (lists.size > 200) lists.delete(lists.keys().next().value!);
  return data;
}

/** metricNames lists the metrics. */
export const metricNames = () => cached("/api/v1/label/__name__/values", {});

/** labelNames lists the labels of metrics, or of those a selector matches. */
export const labelNames = (match?: string) => cached("/api/v1/labels", match ? { "match[]": match } : {});

/** labelValues lists a label's values, perhaps only among what a selector matches. */
export const labelValues = (name: string, match?: string) => cached(`/api/v1/label/${encodeURIComponent(name)}/values`, match ? { "match[]": match } : {});

/** logLabels and logLabelValues do the same for log streams. */
export const logLabels = () => cached("/loki/api/v1/labels", {});
export const logLabelValues = (name: string) => cached(`/loki/api/v1/label/${encodeURIComponent(name)}/values`, {});

/** optional calls a path of the API that a server may lack; it answers undefined then. */
export async function optional<T>(path: string, params: Record<string, string> = {}, method: "GET" | "POST" | "DELETE" = "GET"): Promise<T | undefined> {
  try {
    return await json<T>(path, params, method);
  } catch (err) {
    if (err instanceof ServerError && (err.status === 404 || err.status === 405)) return undefined;
    throw err;
  }
}

/** metricsText is the server's own figures in Prometheus's text format. */
export async function metricsText(): Promise<string> {
  const res = await send("/metrics", {}, "GET");
  if (!res.ok) throw new ServerError(res.statusText, res.status);
  return res.text();
}
