// The explorer: queries under one another on one time axis.

import { useState } from "preact/hooks";
import { Panel } from "../panel";
import { Menu } from "../parts";
import { newPanel, refresh, settings, show, update, view } from "../state";
import { clockTime, resolve } from "../time";
import { Explain } from "./explain";

const presets: [string, string, string][] = [
  ["15 minutes", "now-15m", "now"],
  ["1 hour", "now-1h", "now"],
  ["6 hours", "now-6h", "now"],
  ["24 hours", "now-24h", "now"],
  ["2 days", "now-2d", "now"],
  ["7 days", "now-7d", "now"],
  ["30 days", "now-30d", "now"],
  ["9 weeks", "now-9w", "now"],
  ["last and next week", "now-7d", "now+7d"],
  ["last and next month", "now-30d", "now+30d"],
];

const examples: [string, string, Parameters<typeof show>][] = [
  ["How busy are the hosts?", "topk(5, cpu_usage_user)", [[newPanel("topk(5, cpu_usage_user)", "line")], "now-24h", "now"]],
  ["What is normal here?", "cpu_usage_user of one host, with its baseline", [[{ ...newPanel('avg_over_time(cpu_usage_user{host="web-eu-1"}[5m])', "line"), overlays: ["baseline", "anomalies"] }], "now-7d", "now"]],
  ["When is the disk full?", "disk_used_percent, its forecast and the day it crosses 100", [[{ ...newPanel('disk_used_percent{host="db-ap-1", path="/data"}', "line"), overlays: ["forecast"], limit: "100" }], "now-30d", "now+30d"]],
  ["What do the services say?", '{service="checkout"}', [[newPanel('{service="checkout"}', "logs")], "now-6h", "now"]],
];

export function Explore() {
  const v = view.value;
  const [selected, select] = useState<{ from: number; to: number; query: string } | undefined>();
  const zoom = (from: number, to: number) => {
    update({ from: new Date(from * 1000).toISOString(), to: new Date(to * 1000).toISOString() });
    select(undefined);
  };
  const empty = v.panels.length === 1 && v.panels[0]!.query === "";
  return (
    <main>
      <RangeBar />
      {selected && (
        <div class="selection" role="dialog" aria-label="The selected span">
          <span>
            {clockTime(selected.from * 1000, settings.value.zone)} – {clockTime(selected.to * 1000, settings.value.zone)}
          </span>
          <button type="button" class="primary" onClick={() => zoom(selected.from, selected.to)}>
            Zoom
          </button>
          <button type="button" onClick={() => document.getElementById("explain")?.scrollIntoView({ behavior: "smooth" })}>
            What changed
          </button>
          <button type="button" aria-label="Forget the selection" onClick={() => select(undefined)}>
            ×
          </button>
        </div>
      )}
      {empty && (
        <section class="welcome" aria-label="Where to begin">
          <h2>Ask anything of metrics and logs</h2>
          <ul>
            {examples.map(([title, text, args]) => (
              <li key={title}>
                <button type="button" onClick={() => show(...args)}>
                  <strong>{title}</strong>
                  <span class="code">{text}</span>
                </button>
              </li>
            ))}
          </ul>
          <p class="soft">Drag over a chart to select a span: zoom into it, or let Tidemark explain what changed in it.</p>
        </section>
      )}
      {v.panels.map((p) => (
        <Panel key={p.id} panel={p} alone={v.panels.length === 1} onSelect={(from, to) => select({ from, to, query: p.query })} />
      ))}
      <button type="button" class="add" onClick={() => update({ panels: [...v.panels, newPanel()] })}>
        + Add a query
      </button>
      {selected && <Explain key={`${selected.from}-${selected.to}`} from={selected.from} to={selected.to} query={selected.query} />}
    </main>
  );
}

function RangeBar() {
  const v = view.value;
  const shift = (share: number) => {
    const now = Date.now();
    const a = resolve(v.from, now);
    const b = resolve(v.to, now);
    const by = (b - a) * share;
    if (!Number.isNaN(by)) update({ from: new Date(a + by).toISOString(), to: new Date(b + by).toISOString() });
  };
  return (
    <div class="rangebar" role="toolbar" aria-label="Time range">
      <Menu label={presets.find(([, f, t]) => f === v.from && t === v.to)?.[0] ?? "Range"}>
        {(close) =>
          presets.map(([name, from, to]) => (
            <button key={name} type="button" class="quiet" onClick={() => (close(), update({ from, to }))}>
              {name}
            </button>
          ))
        }
      </Menu>
      <label>
        from <input aria-label="From" value={v.from} size={20} onChange={(e) => update({ from: e.currentTarget.value })} />
      </label>
      <label>
        to <input aria-label="To" value={v.to} size={20} onChange={(e) => update({ to: e.currentTarget.value })} />
      </label>
      <button type="button" aria-label="Earlier" title="Half a range earlier" onClick={() => shift(-0.5)}>
        ←
      </button>
      <button type="button" aria-label="Later" title="Half a range later" onClick={() => shift(0.5)}>
        →
      </button>
      <button type="button" onClick={() => refresh.value++}>
        Refresh
      </button>
      <label>
        every{" "}
        <select value={settings.value.refreshEvery} onChange={(e) => (settings.value = { ...settings.value, refreshEvery: Number(e.currentTarget.value) })}>
          <option value={0}>never</option>
          <option value={5}>5 s</option>
          <option value={30}>30 s</option>
          <option value={300}>5 min</option>
        </select>
      </label>
    </div>
  );
}
