// "Explain this": what changed in a span against the time before it, over
// metrics, log patterns and the parts of the query that was looked at.

import * as api from "../api";
import type { NumberSeries } from "../api";
import { number, points, printLabels } from "../chart/frame";
import { Notice, Spark, useLoad } from "../parts";
import { newPanel, update, view, settings } from "../state";
import { clockTime, stepFor } from "../time";
import { likely, plain } from "../units";
import { longest } from "../logs/patterns";
import { selector as selectorOf } from "../logs/rows";

interface Finding {
  title: string;
  effect: number;
  p?: number | undefined;
  query: string;
}

interface Section {
  name: string;
  call: string;
  findings: Finding[];
  note?: string;
}

/** seconds prints a span as the language's durations. */
const seconds = (s: number) => Math.max(60, Math.round(s)) + "s";

/** bare is the labels of a finding without those that the function added. */
function bare(metric: api.Labels): api.Labels {
  const { direction: _d, p_adj: _a, p: _p, rank: _r, ...labels } = metric;
  return labels;
}

const selector = (m: api.Labels) => selectorOf(bare(m));

/** course is the query that shows the series of a finding, a counter as its rate. */
export function course(metric: api.Labels): string {
  const { signal = "", ...labels } = bare(metric);
  const text = printLabels({ ...labels, __name__: signal });
  return likely(signal) === signal ? text : `rate(${text}[5m])`;
}

function findings(result: NumberSeries[], query: (m: api.Labels) => string): Finding[] {
  return result.map((s) => {
    const p = s.metric["p_adj"] ?? s.metric["p"];
    const { signal, direction: _d, p_adj: _a, p: _p, rank: _r, pattern, pattern_id: _i, status, ...labels } = s.metric;
    const title = pattern !== undefined ? `${status ?? ""} ${pattern}`.trim() : printLabels(signal ? { ...labels, __name__: signal } : labels);
    return { title, effect: points(s)[0]?.[1] ?? NaN, p: p === undefined ? undefined : number(p), query: query(s.metric) };
  });
}

/** parts is what an aggregation adds up, or the query itself. */
export function parts(query: string): string {
  const head = /^\s*(?:sum|avg|min|max|count|topk|bottomk|quantile)\b\s*(?:(?:by|without)\s*\([^)]*\)\s*)?\(/.exec(query);
  if (!head) return query.trim();
  let depth = 1;
  let end = head[0].length;
  for (let quote = ""; end < query.length && depth > 0; end++) {
    const c = query[end]!;
    if (quote) {
      if (c === "\\" && quote !== "`") end++;
      else if (c === quote) quote = "";
    } else if (c === '"' || c === "'" || c === "`") quote = c;
    else if (c === "(") depth++;
    else if (c === ")") depth--;
  }
  // What follows the aggregation, but for its labels, makes it a part of something else.
  if (!/^\s*(?:(?:by|without)\s*\([^)]*\)\s*)?$/.test(query.slice(end))) return query.trim();
  return query.slice(head[0].length, end - 1).replace(/^\s*[\d.]+\s*,/, "").trim();
}

/** everywhere selects every log stream by a label that they have. */
function everywhere(labels: string[]): string | undefined {
  const name = ["service", "app", "job", "service_name", "measurement", "host"].find((n) => labels.includes(n)) ?? labels[0];
  return name && `{${name}=~".+"}`;
}

async function explain(from: number, to: number, query: string, signal: AbortSignal): Promise<Section[]> {
  const [functions, logLabels] = await Promise.all([api.functions(), api.logLabels()]);
  const known = new Set(functions.map((f) => f.name));
  const width = seconds(to - from);
  const step = Math.max(15, Math.round((to - from) / 60));
  const logs = everywhere(logLabels);
  const inner = parts(query);
  const sections: (Section | undefined)[] = await Promise.all([
    ask("Metrics that moved", "rank_changes", `rank_changes({__name__=~".+"}[${width}], k=20)`, course),
    query.trim().startsWith("{") ? undefined : ask("Where the change of the query lies", "contrib", `contrib((${inner})[${width}:${step}s])`, () => inner),
    logs ? ask("Log streams that moved", "rank_changes", `rank_changes(logs(${logs})[${width}], k=20)`, selector) : undefined,
    logs ? ask("Log patterns that came, went or changed", "pattern_diff", `pattern_diff(logs(${logs})[${width}])`, (m) => `${logs} |= ${JSON.stringify(longest(m["pattern"] ?? ""))}`) : undefined,
  ]);
  return sections.filter((s) => s !== undefined);

  async function ask(name: string, needs: string, call: string, toQuery: (m: api.Labels) => string): Promise<Section | undefined> {
    if (!known.has(needs)) return undefined;
    try {
      const a = await api.instant(call, to * 1000, signal);
      const found = findings(a.result as NumberSeries[], toQuery);
      // The others come best first; patterns come by name.
      if (needs === "pattern_diff") found.sort((x, y) => Math.abs(y.effect) - Math.abs(x.effect));
      return { name, call, findings: found.slice(0, 20), note: a.warnings.join("; ") };
    } catch (err) {
      signal.throwIfAborted();
      return { name, call, findings: [], note: (err as Error).message };
    }
  }
}

/** Explain shows what changed between two times, in Unix seconds. */
export function Explain(props: { from: number; to: number; query: string }) {
  const load = useLoad(`${props.from}|${props.to}|${props.query}`, (signal) => explain(props.from, props.to, props.query, signal));
  const zone = settings.value.zone;
  return (
    <section class="panel explain" id="explain" aria-label="What changed" aria-busy={load.busy}>
      <h2>
        What changed from {clockTime(props.from * 1000, zone)} to {clockTime(props.to * 1000, zone)}
      </h2>
      <p class="soft">Against the time before it. Evidence, ordered by size: what moved, not what caused it.</p>
      {load.error && <Notice kind="error">{load.error.message}</Notice>}
      {load.busy && !load.data && <div class="note">looking at everything that moved…</div>}
      {load.data?.length === 0 && <Notice kind="info">This server has none of the functions rank_changes, pattern_diff and contrib.</Notice>}
      {load.data?.map((s) => (
        <div key={s.name}>
          <h3>{s.name}</h3>
          {s.note && s.findings.length === 0 && <Notice kind="warning">{s.note}</Notice>}
          {s.findings.length === 0 && !s.note && <div class="note">nothing</div>}
          {s.findings.length > 0 && (
            <table class="data findings">
              <thead>
                <tr>
                  <th scope="col" class="num">{s.name.includes("patterns") ? "rows" : s.name.includes("query") ? "share" : "effect"}</th>
                  <th scope="col" class="num">p</th>
                  <th scope="col">picture</th>
                  <th scope="col">what</th>
                </tr>
              </thead>
              <tbody>
                {s.findings.map((f) => (
                  <tr key={f.title}>
                    <td class="num">{plain(f.effect)}</td>
                    <td class="num">{f.p === undefined ? "" : plain(f.p)}</td>
                    <td>{!f.query.startsWith("{") && <Picture query={f.query} from={props.from} to={props.to} />}</td>
                    <td class="code">
                      <button type="button" class="quiet code" title={"Show " + f.query} onClick={() => update({ panels: [...view.value.panels, newPanel(f.query)] })}>
                        {f.title}
                      </button>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
          <details>
            <summary>the query{s.note && s.findings.length > 0 ? ", and a warning" : ""}</summary>
            <code>{s.call}</code>
            {s.note && s.findings.length > 0 && <Notice kind="warning">{s.note}</Notice>}
          </details>
        </div>
      ))}
    </section>
  );
}

/** Picture is a finding's series over the span and four times its length before. */
function Picture(props: { query: string; from: number; to: number }) {
  const start = props.from - 4 * (props.to - props.from);
  const load = useLoad(props.query, async (signal) => {
    const a = await api.range(props.query, { from: start * 1000, to: props.to * 1000, step: stepFor(start * 1000, props.to * 1000, 240) }, signal);
    const s = (a.result as NumberSeries[])[0];
    return s ? points(s).map((p) => (isFinite(p[1]) ? p[1] : null)) : [];
  });
  return <Spark values={load.data ?? []} label={"Course of " + props.query} />;
}
