// The server's health: what it takes in, what it stores, what it is asked.

import { useEffect, useState } from "preact/hooks";
import * as api from "../api";
import { Notice, useLoad } from "../parts";
import { newPanel, show } from "../state";
import { printDuration } from "../time";
import { plain } from "../units";

export interface Figure {
  name: string;
  help: string;
  type: string;
  samples: { labels: string; value: number }[];
}

/** parseMetrics reads Prometheus's text format as far as the server writes it. */
export function parseMetrics(text: string): Figure[] {
  const by = new Map<string, Figure>();
  const figure = (name: string) => {
    let f = by.get(name);
    if (!f) by.set(name, (f = { name, help: "", type: "", samples: [] }));
    return f;
  };
  for (const line of text.split("\n")) {
    const meta = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (meta) {
      if (meta[1] === "HELP") figure(meta[2]!).help = meta[3]!;
      else figure(meta[2]!).type = meta[3]!;
      continue;
    }
    const sample = /^([a-zA-Z_:][\w:]*)(\{.*\})?\s+(\S+)/.exec(line);
    if (!sample) continue;
    const base = by.get(sample[1]!.replace(/_(bucket|sum|count)$/, ""));
    if (base && base.type !== "gauge" && base.type !== "counter" && sample[1] !== base.name) continue;
    figure(sample[1]!).samples.push({ labels: sample[2] ?? "", value: Number(sample[3]) });
  }
  return [...by.values()].filter((f) => f.samples.length > 0);
}

interface Running {
  id: string;
  query: string;
  age: number; // seconds
  waiting: boolean;
  samples: number;
}

export function Status() {
  const [tick, setTick] = useState(0);
  useEffect(() => {
    const t = setInterval(() => setTick((n) => n + 1), 5000);
    return () => clearInterval(t);
  }, []);
  const build = useLoad("build", () => api.optional<{ data: Record<string, string> }>("/api/v1/status/buildinfo"));
  const own = useLoad("m" + tick, async () => parseMetrics(await api.metricsText()));
  const running = useLoad("q" + tick, () => api.optional<{ data: Running[] }>("/tidemark/api/v1/queries"));
  const figures = own.data?.filter((f) => f.name.startsWith("tidemark_")) ?? [];
  const kill = async (id: string) => {
    await api.optional(`/tidemark/api/v1/queries/${encodeURIComponent(id)}`, {}, "DELETE");
    setTick(tick + 1);
  };
  return (
    <main>
      <section class="panel" aria-label="Server">
        <h2>Server</h2>
        {build.data && (
          <p>
            version {build.data.data["version"]} · {build.data.data["goVersion"]}
          </p>
        )}
        {own.error && <Notice kind="error">{own.error.message}</Notice>}
      </section>
      <section class="panel" aria-label="Running queries">
        <h2>Running queries</h2>
        {running.error && <Notice kind="error">{running.error.message}</Notice>}
        {!running.busy && !running.data && <div class="note">this server does not list them</div>}
        {running.data?.data.length === 0 && <div class="note">none at this moment</div>}
        {running.data && running.data.data.length > 0 && (
          <table class="data">
            <tbody>
              {running.data.data.map((q) => (
                <tr key={q.id}>
                  <td class="num">{printDuration(q.age * 1000)}</td>
                  <td class="num">{q.waiting ? "waiting" : `${plain(q.samples)} samples held`}</td>
                  <td class="code">{q.query}</td>
                  <td>
                    <button type="button" onClick={() => void kill(q.id)}>
                      Stop
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </section>
      <section class="panel" aria-label="Figures">
        <h2>Figures</h2>
        <div class="scroll">
          <table class="data">
            <thead>
              <tr>
                <th scope="col">figure</th>
                <th scope="col">value</th>
                <th scope="col">meaning</th>
              </tr>
            </thead>
            <tbody>
              {figures.map((f) => (
                <tr key={f.name}>
                  <td class="code">
                    <button type="button" class="quiet code" title="Its course, where the server records itself" onClick={() => show([newPanel(f.type === "counter" ? `rate(${f.name}[5m])` : f.name)])}>
                      {f.name}
                    </button>
                  </td>
                  <td class="num">{f.samples.length === 1 ? plain(f.samples[0]!.value) : f.samples.slice(0, 12).map((s) => <div key={s.labels}>{s.labels} {plain(s.value)}</div>)}</td>
                  <td class="soft">{f.help}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
    </main>
  );
}
