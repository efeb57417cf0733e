// The server's health: what it takes in, what it stores, what it is asked.

import { useEffect, useRef, useState } from "preact/hooks";
import * as api from "../api";
import { Notice, useLoad } from "../parts";
import { newPanel, show } from "../state";
import { printDuration } from "../time";
import { plain } from "../units";
import { health, parseMetrics, type Snapshot } from "./health";

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
  const before = useRef<Snapshot | undefined>(undefined);
  const own = useLoad("m" + tick, async () => {
    const now: Snapshot = { at: Date.now(), figures: parseMetrics(await api.metricsText()) };
    const cards = health(now, before.current);
    before.current = now;
    return { figures: now.figures, cards };
  });
  const running = useLoad("q" + tick, () => api.optional<{ data: Running[] }>("/tidemark/api/v1/queries"));
  const figures = own.data?.figures.filter((f) => f.name.startsWith("tidemark_")) ?? [];
  const build = /version="([^"]*)"/.exec(figures.find((f) => f.name === "tidemark_build_info")?.samples[0]?.labels ?? "")?.[1];
  const kill = async (id: string) => {
    await api.optional(`/tidemark/api/v1/queries/${encodeURIComponent(id)}`, {}, "DELETE");
    setTick(tick + 1);
  };
  return (
    <main>
      <section class="panel" aria-label="Server">
        <h2>
          Server <span class="soft">{build}</span>
        </h2>
        {own.error && <Notice kind="error">{own.error.message}</Notice>}
        <div class="cards">
          {own.data?.cards.map((c) => (
            <div key={c.title} class={"card" + (c.bad ? " bad" : "")}>
              <div class="soft">{c.title}</div>
              <strong>{c.value}</strong>
              <div class="soft">{c.more}</div>
            </div>
          ))}
        </div>
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
                    <button type="button" aria-label={"Stop query " + q.id} onClick={() => void kill(q.id)}>
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
