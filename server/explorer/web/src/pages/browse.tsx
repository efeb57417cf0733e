// What is in the store: metrics and labels, with how many values each has.

import { useState } from "preact/hooks";
import * as api from "../api";
import { Notice, useLoad } from "../parts";
import { newPanel, show, update, view } from "../state";
import { likely, unitOf } from "../units";

interface Stat {
  name: string;
  value: number;
}

interface Cardinality {
  data: { headStats?: { numSeries?: number }; seriesCountByMetricName?: Stat[]; labelValueCountByLabelName?: Stat[]; seriesCountByLabelValuePair?: Stat[] };
}

export function Browse() {
  const [filter, setFilter] = useState("");
  const name = view.value.arg;
  const names = useLoad("names", () => api.metricNames());
  const stats = useLoad("stats", () => api.optional<Cardinality>("/api/v1/status/tsdb"));
  const found = names.data?.filter((n) => n.toLowerCase().includes(filter.toLowerCase())) ?? [];
  return (
    <main class="browse">
      <section class="panel" aria-label="Metrics">
        <h2>Metrics {names.data && <span class="soft">{names.data.length}</span>}</h2>
        <input type="search" aria-label="Filter metrics" placeholder="filter" value={filter} onInput={(e) => setFilter(e.currentTarget.value)} />
        {names.error && <Notice kind="error">{names.error.message}</Notice>}
        <ul class="names">
          {found.slice(0, 1000).map((n) => (
            <li key={n}>
              <button type="button" class="quiet code" aria-current={n === name} onClick={() => update({ arg: n })}>
                {n}
              </button>
            </li>
          ))}
        </ul>
        {found.length > 1000 && <div class="note">and {found.length - 1000} more</div>}
      </section>
      <div>
        {name && <Metric key={name} name={name} />}
        {stats.data && <Counts stats={stats.data} />}
        <LogStreams />
      </div>
    </main>
  );
}

function Metric({ name }: { name: string }) {
  const load = useLoad(name, async () => {
    const labels = (await api.labelNames(name)).filter((n) => n !== "__name__");
    const values = await Promise.all(labels.map((l) => api.labelValues(l, name)));
    const count = await api.instant(`count(${name})`, Date.now());
    const n = (count.result as api.NumberSeries[])[0]?.value?.[1] ?? "0";
    return { labels: labels.map((l, i) => ({ name: l, values: values[i]! })), series: n };
  });
  const unit = unitOf(name, name);
  return (
    <section class="panel" aria-label={"Metric " + name}>
      <div class="panel-tools">
        <h2 class="code">{name}</h2>
        <span class="grow" />
        <button type="button" class="primary" onClick={() => show([newPanel(likely(name))])}>
          Explore
        </button>
      </div>
      {load.error && <Notice kind="error">{load.error.message}</Notice>}
      <p>
        {load.data?.series ?? "…"} series now{unit !== "none" && `, in ${unit}`}
      </p>
      <Values labels={load.data?.labels ?? []} query={(l, v) => `${likely(name).replace(name, `${name}{${l}=${JSON.stringify(v)}}`)}`} />
    </section>
  );
}

function Values(props: { labels: { name: string; values: string[] }[]; query: (label: string, value: string) => string }) {
  return (
    <table class="data">
      <thead>
        <tr>
          <th scope="col">label</th>
          <th scope="col">values</th>
          <th scope="col">which</th>
        </tr>
      </thead>
      <tbody>
        {props.labels.map((l) => (
          <tr key={l.name}>
            <th scope="row" class="code">
              {l.name}
            </th>
            <td class="num">{l.values.length}</td>
            <td class="chips">
              {l.values.slice(0, 40).map((v) => (
                <button key={v} type="button" class="chip" onClick={() => show([newPanel(props.query(l.name, v))])}>
                  {v}
                </button>
              ))}
              {l.values.length > 40 && <span class="soft"> and {l.values.length - 40} more</span>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function LogStreams() {
  const load = useLoad("logs", async () => {
    const labels = await api.logLabels();
    const values = await Promise.all(labels.map((l) => api.logLabelValues(l)));
    return labels.map((name, i) => ({ name, values: values[i]! }));
  });
  return (
    <section class="panel" aria-label="Log streams">
      <h2>Labels of logs</h2>
      {load.error && <Notice kind="error">{load.error.message}</Notice>}
      {load.data?.length === 0 && <div class="note">no logs yet</div>}
      <Values labels={load.data ?? []} query={(l, v) => `{${l}=${JSON.stringify(v)}}`} />
    </section>
  );
}

function Counts({ stats }: { stats: Cardinality }) {
  const list = (title: string, rows: Stat[] | undefined, onClick?: (name: string) => void) =>
    rows && rows.length > 0 && (
      <div>
        <h3>{title}</h3>
        <table class="data">
          <tbody>
            {rows.slice(0, 10).map((r) => (
              <tr key={r.name}>
                <td class="code">{onClick ? <button type="button" class="quiet code" onClick={() => onClick(r.name)}>{r.name}</button> : r.name}</td>
                <td class="num">{r.value}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    );
  return (
    <section class="panel" aria-label="Cardinality">
      <h2>Cardinality {stats.data.headStats?.numSeries !== undefined && <span class="soft">{stats.data.headStats.numSeries} series</span>}</h2>
      <div class="columns">
        {list("Series by metric", stats.data.seriesCountByMetricName, (n) => update({ arg: n }))}
        {list("Values by label", stats.data.labelValueCountByLabelName)}
        {list("Series by label and value", stats.data.seriesCountByLabelValuePair)}
      </div>
    </section>
  );
}
