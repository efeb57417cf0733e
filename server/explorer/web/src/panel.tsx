// A panel: a query with its editor, its picture and its data.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Chart, type Shape } from "./chart/chart";
import { frame, heatmap } from "./chart/frame";
import { Legend } from "./chart/legend";
import { levelColour } from "./chart/palette";
import { Editor } from "./editor/editor";
import { download, logsCSV, seriesCSV } from "./export";
import { Fields } from "./logs/fields";
import { LogList } from "./logs/list";
import { Diff } from "./logs/diff";
import { Patterns } from "./logs/patterns";
import { merge, withFilter, withLine, type Origin, type Row } from "./logs/rows";
import { follow } from "./logs/tail";
import { Menu, Notice, SeriesTable } from "./parts";
import { runPanel, span, type Outcome } from "./run";
import { dark, newPanel, pastQueries, refresh, remember, update, updatePanel, view, type Overlay, type Panel as State, type ViewKind } from "./state";
import { printValue } from "./units";

const kinds: [ViewKind, string][] = [
  ["auto", "Auto"],
  ["line", "Lines"],
  ["area", "Areas"],
  ["stacked", "Stacked"],
  ["bars", "Bars"],
  ["heatmap", "Heatmap"],
  ["table", "Table"],
  ["logs", "Logs"],
  ["patterns", "Patterns"],
  ["diff", "Compare"],
];

export interface PanelProps {
  panel: State;
  alone: boolean;
  onSelect: (from: number, to: number) => void;
}

export function Panel({ panel, alone, onSelect }: PanelProps) {
  // What stands in the editor; the panel's query is what was run last.
  const text = useRef(panel.query);
  const [outcome, setOutcome] = useState<Outcome | undefined>();
  const [error, setError] = useState<Error | undefined>();
  const [busy, setBusy] = useState(false);
  const [live, setLive] = useState(false);
  const box = useRef<HTMLElement>(null);
  const { from, to } = view.value;

  useEffect(() => {
    if (panel.query.trim() === "") {
      setOutcome(undefined);
      setError(undefined);
      return;
    }
    const stop = new AbortController();
    setBusy(true);
    (async () => {
      try {
        const o = await runPanel(panel, span(from, to, box.current?.clientWidth ?? 1000), stop.signal);
        setOutcome(o);
        setError(undefined);
      } catch (err) {
        if (stop.signal.aborted) return;
        setError(err as Error);
      }
      setBusy(false);
    })();
    return () => stop.abort();
  }, [panel.query, panel.view === "table", panel.overlays.join(), panel.limit, from, to, refresh.value]);

  const run = (q: string) => {
    if (q.trim()) remember(q.trim());
    if (q === panel.query) refresh.value++;
    else updatePanel(panel.id, { query: q });
  };
  const filter = (name: string, origin: Origin, op: "=" | "!=", value: string) => run(withFilter(panel.query, name, origin, op, value));
  const name = "Query " + (view.value.panels.indexOf(panel) + 1);

  return (
    <section class="panel" ref={box} aria-label={name} aria-busy={busy}>
      <div class="panel-top">
        <Editor value={panel.query} label={name} onRun={run} onEdit={(t) => (text.current = t)} />
        <button type="button" class="primary" onClick={() => run(text.current)}>
          {busy ? "Running…" : "Run"}
        </button>
      </div>
      <div class="panel-tools" role="toolbar" aria-label={"Tools of " + name}>
        <label>
          View{" "}
          <select value={panel.view} onChange={(e) => updatePanel(panel.id, { view: e.currentTarget.value as ViewKind })}>
            {kinds.map(([k, t]) => (
              <option key={k} value={k}>
                {t}
              </option>
            ))}
          </select>
        </label>
        {outcome?.kind === "numbers" && !outcome.instant && (
          <>
            {(["baseline", "anomalies", "forecast"] as Overlay[]).map((o) => (
              <button key={o} type="button" aria-pressed={panel.overlays.includes(o)} onClick={() => updatePanel(panel.id, { overlays: panel.overlays.includes(o) ? panel.overlays.filter((x) => x !== o) : [...panel.overlays, o] })}>
                {o[0]!.toUpperCase() + o.slice(1)}
              </button>
            ))}
            <label title="A level whose crossing is called out">
              Limit <input size={6} inputMode="decimal" value={panel.limit} onChange={(e) => updatePanel(panel.id, { limit: e.currentTarget.value })} />
            </label>
          </>
        )}
        {outcome?.kind === "logs" && (
          <button type="button" aria-pressed={live} onClick={() => setLive(!live)}>
            Live
          </button>
        )}
        <Menu label="History" title="Past queries (Alt-Up in the editor)">
          {(close) =>
            pastQueries().length === 0 ? (
              <div class="note">no queries yet</div>
            ) : (
              pastQueries()
                .slice(0, 20)
                .map((q) => (
                  <button key={q} type="button" class="quiet code" onClick={() => (close(), run(q))}>
                    {q}
                  </button>
                ))
            )
          }
        </Menu>
        <Menu label="Save">
          {(close) => (
            <>
              <button type="button" class="quiet" disabled={!outcome} onClick={() => (close(), saveCSV(outcome!))}>
                CSV
              </button>
              <button type="button" class="quiet" disabled={!outcome} onClick={() => (close(), saveJSON(outcome!))}>
                JSON
              </button>
              <button type="button" class="quiet" onClick={() => (close(), void navigator.clipboard?.writeText(location.href))}>
                Copy link
              </button>
            </>
          )}
        </Menu>
        <span class="grow" />
        {outcome?.stats && (
          <span class="soft stats">
            {outcome.stats.series} series · {printValue(outcome.stats.samples, "none")} samples{outcome.stats.rows > 0 ? ` · ${printValue(outcome.stats.rows, "none")} rows` : ""} · {printValue(outcome.stats.seconds, "seconds")}
          </span>
        )}
        <button type="button" title="Add a copy below" onClick={() => update({ panels: view.value.panels.flatMap((p) => (p.id === panel.id ? [p, { ...newPanel(p.query, p.view), overlays: p.overlays, limit: p.limit, against: p.against }] : [p])) })}>
          Duplicate
        </button>
        {!alone && (
          <button type="button" aria-label={"Remove " + name} onClick={() => update({ panels: view.value.panels.filter((p) => p.id !== panel.id) })}>
            ×
          </button>
        )}
      </div>
      {error && <Notice kind="error">{error.message}</Notice>}
      {!error && outcome?.warnings.map((w) => <Notice key={w} kind="warning">{w}</Notice>)}
      {!error && outcome && <Body panel={panel} outcome={outcome} live={live} onSelect={onSelect} onFilter={filter} onLine={(t) => run(withLine(panel.query, t))} />}
    </section>
  );
}

function saveCSV(o: Outcome): void {
  download("tidemark.csv", "text/csv", o.kind === "logs" ? logsCSV(o.streams) : seriesCSV(o.series));
}

function saveJSON(o: Outcome): void {
  download("tidemark.json", "application/json", JSON.stringify({ query: o.query, from: o.span.from, to: o.span.to, result: o.kind === "logs" ? o.streams : o.kind === "value" ? o.value : o.series }, null, 1));
}

interface BodyProps {
  panel: State;
  outcome: Outcome;
  live: boolean;
  onSelect: (from: number, to: number) => void;
  onFilter: (name: string, origin: Origin, op: "=" | "!=", value: string) => void;
  onLine: (text: string) => void;
}

function Body(p: BodyProps) {
  const { outcome, panel } = p;
  if (outcome.kind === "value") return <output class="big">{outcome.value}</output>;
  if (outcome.kind === "logs") return <Logs {...p} />;
  if (outcome.series.length === 0) return <Notice kind="info">No data: nothing matches in this range.</Notice>;
  if (outcome.instant || panel.view === "table") return <SeriesTable series={outcome.series} unit={outcome.unit} />;
  return <Numbers {...p} />;
}

/** maxAutoBuckets is how many le series "auto" takes for a histogram at the least. */
const leastBuckets = 4;

function Numbers({ outcome, panel, onSelect }: BodyProps) {
  const f = useMemo(() => frame(outcome.series), [outcome]);
  const heat = useMemo(() => {
    const native = outcome.series.some((s) => s.histograms);
    const buckets = new Set(outcome.series.map((s) => s.metric["le"]).filter((le) => le !== undefined)).size;
    if (panel.view === "heatmap" || native || (panel.view === "auto" && buckets >= leastBuckets)) return heatmap(outcome.series);
    return undefined;
  }, [outcome, panel.view]);
  const [hidden, setHidden] = useState<Set<number>>(new Set());
  useEffect(() => setHidden(new Set()), [outcome.query]);
  const shape: Shape = panel.view === "area" || panel.view === "stacked" || panel.view === "bars" ? panel.view : "line";
  return (
    <>
      {panel.view === "heatmap" && !heat && <Notice kind="info">A heatmap needs a histogram: series with the label le, such as sum by (le) (rate(x_bucket[5m])), or native histograms.</Notice>}
      <Chart
        frame={f}
        heat={heat}
        shape={shape}
        unit={outcome.unit}
        from={outcome.span.from / 1000}
        to={outcome.end / 1000}
        height={280}
        hidden={hidden}
        marks={outcome.marks}
        episodes={outcome.episodes}
        level={outcome.level}
        label={`${heat ? "Heatmap" : "Chart"} of ${outcome.query}, ${outcome.series.length} series`}
        onSelect={onSelect}
        onReset={() => history.back()}
      />
      {outcome.marks.length > 0 && (
        <ul class="marks">
          {outcome.marks.map((m) => (
            <li key={m.text}>{m.text}</li>
          ))}
        </ul>
      )}
      {outcome.episodes.length > 0 && <div class="note">{outcome.episodes.length} {outcome.episodes.length === 1 ? "span lies" : "spans lie"} outside of the band</div>}
      {!heat && <Legend frame={f} unit={outcome.unit} hidden={hidden} onHide={setHidden} />}
    </>
  );
}

function Logs({ outcome, panel, live, onSelect, onFilter, onLine }: BodyProps) {
  const base = useMemo(() => merge(outcome.streams), [outcome]);
  const [fresh, setFresh] = useState<Row[]>([]);
  useEffect(() => {
    setFresh([]);
    if (!live) return;
    return follow(outcome.query, base[0]?.time, (rows) => setFresh((old) => [...rows, ...old].slice(0, 2000)));
  }, [live, outcome]);
  const rows = useMemo(() => [...fresh, ...base], [fresh, base]);
  const volume = useMemo(() => frame(outcome.volume ?? []), [outcome]);
  const colours = useMemo(() => volume.lines.map((l) => levelColour(l.labels["level"] ?? "", dark())), [volume, dark()]);
  return (
    <>
      {volume.lines.length > 0 && (
        <>
          <Chart frame={volume} shape="stacked" unit="none" colours={colours} from={outcome.span.from / 1000} to={outcome.end / 1000} height={110} label="Log volume by level" onSelect={onSelect} onReset={() => history.back()} />
          <div class="levels">
            {volume.lines.map((l, i) => (
              <span key={l.name}>
                <i style={{ background: colours[i] }} /> {l.labels["level"] || "no level"} {printValue(l.values.reduce<number>((a, v) => a + (v ?? 0), 0), "none")}
              </span>
            ))}
          </div>
        </>
      )}
      {panel.view === "patterns" ? (
        <Patterns query={outcome.query} span={outcome.span} onLine={onLine} />
      ) : panel.view === "diff" ? (
        <Diff query={outcome.query} span={outcome.span} against={panel.against} onAgainst={(a) => updatePanel(panel.id, { against: a })} onLine={onLine} />
      ) : rows.length === 0 ? (
        <Notice kind="info">No rows: nothing matches in this range.</Notice>
      ) : (
        <div class="logs">
          <Fields rows={rows} onFilter={onFilter} />
          <LogList rows={rows} follow={live} onFilter={onFilter} />
        </div>
      )}
    </>
  );
}
