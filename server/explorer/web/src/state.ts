// What the page shows, kept in the URL's fragment so that a link holds the
// whole view, and what the reader prefers, kept in the browser.

import { signal, effect } from "@preact/signals";

export type Page = "explore" | "capacity" | "browse" | "status" | "settings";
export type ViewKind = "auto" | "line" | "area" | "stacked" | "bars" | "heatmap" | "table" | "logs" | "patterns" | "diff";
export type Overlay = "baseline" | "anomalies" | "forecast";

export interface Panel {
  id: number;
  query: string;
  view: ViewKind;
  overlays: Overlay[];
  /** limit is a level whose crossing the forecast calls out; empty for none. */
  limit: string;
  /** against says with which earlier window the view "diff" compares; empty is the time before. */
  against: string;
}

export interface View {
  page: Page;
  panels: Panel[];
  from: string;
  to: string;
  /** arg is what a page other than explore is about, such as a metric. */
  arg: string;
}

let lastId = 0;

/** newPanel makes a panel with an id of its own. */
export function newPanel(query = "", view: ViewKind = "auto"): Panel {
  return { id: ++lastId, query, view, overlays: [], limit: "", against: "" };
}

const pages: Page[] = ["explore", "capacity", "browse", "status", "settings"];
const kinds: ViewKind[] = ["auto", "line", "area", "stacked", "bars", "heatmap", "table", "logs", "patterns", "diff"];
const overlayNames: Overlay[] = ["baseline", "anomalies", "forecast"];

/** parseView reads a fragment such as #/explore?q=up&v=line&from=now-1h&to=now. */
export function parseView(hash: string): View {
  const [path, query] = hash.replace(/^#\/?/, "").split("?", 2);
  const p = new URLSearchParams(query ?? "");
  const views = p.getAll("v");
  const overlays = p.getAll("o");
  const limits = p.getAll("l");
  const against = p.getAll("a");
  const panels = p.getAll("q").map((q, i) => ({
    ...newPanel(q, kinds.includes(views[i] as ViewKind) ? (views[i] as ViewKind) : "auto"),
    overlays: (overlays[i] ?? "").split(",").filter((o): o is Overlay => overlayNames.includes(o as Overlay)),
    limit: limits[i] ?? "",
    against: against[i] ?? "",
  }));
  return {
    page: pages.includes(path as Page) ? (path as Page) : "explore",
    panels: panels.length > 0 ? panels : [newPanel()],
    from: p.get("from") ?? "now-6h",
    to: p.get("to") ?? "now",
    arg: p.get("arg") ?? "",
  };
}

/** printView is parseView's opposite. */
export function printView(v: View): string {
  const p = new URLSearchParams();
  for (const panel of v.panels) {
    p.append("q", panel.query);
    p.append("v", panel.view);
    p.append("o", panel.overlays.join(","));
    p.append("l", panel.limit);
    if (v.panels.some((x) => x.against)) p.append("a", panel.against);
  }
  p.set("from", v.from);
  p.set("to", v.to);
  if (v.arg) p.set("arg", v.arg);
  return `#/${v.page}?${p}`;
}

export const view = signal<View>(parseView(location.hash));

/** update changes the view; the URL follows, as a new entry of the browser's history. */
export function update(change: Partial<View>): void {
  view.value = { ...view.value, ...change };
}

/** updatePanel changes one panel. */
export function updatePanel(id: number, change: Partial<Panel>): void {
  update({ panels: view.value.panels.map((p) => (p.id === id ? { ...p, ...change } : p)) });
}

/** show opens the explorer on queries of a range. */
export function show(panels: Panel[], from = view.value.from, to = view.value.to): void {
  update({ page: "explore", panels, from, to });
}

let written = location.hash;

effect(() => {
  const hash = printView(view.value);
  if (hash !== written) {
    written = hash;
    history.pushState(null, "", hash);
  }
});

function followURL(): void {
  if (location.hash !== written) {
    written = location.hash;
    view.value = parseView(location.hash);
    written = printView(view.value);
  }
}
addEventListener("popstate", followURL);
addEventListener("hashchange", followURL);

/** refresh is counted up to run every query again. */
export const refresh = signal(0);

export interface Settings {
  zone: string; // "browser" or an IANA name
  theme: "auto" | "light" | "dark";
  units: boolean;
  refreshEvery: number; // seconds, 0 for never
}

const defaults: Settings = { zone: "browser", theme: "auto", units: true, refreshEvery: 0 };

function stored(): Settings {
  try {
    return { ...defaults, ...JSON.parse(localStorage.getItem("tidemark.settings") ?? "{}") };
  } catch {
    return defaults;
  }
}

export const settings = signal<Settings>(stored());

const nightly = matchMedia("(prefers-color-scheme: dark)");
const night = signal(nightly.matches);
nightly.addEventListener("change", (e) => (night.value = e.matches));

/** dark tells which colours the page and its charts have. */
export function dark(): boolean {
  const t = settings.value.theme;
  return t === "dark" || (t === "auto" && night.value);
}

effect(() => localStorage.setItem("tidemark.settings", JSON.stringify(settings.value)));
effect(() => void (document.documentElement.dataset["theme"] = dark() ? "dark" : "light"));

const historyKey = "tidemark.history";

/** pastQueries lists the queries asked before, newest first. */
export function pastQueries(): string[] {
  try {
    const h = JSON.parse(localStorage.getItem(historyKey) ?? "[]");
    return Array.isArray(h) ? h.filter((q) => typeof q === "string") : [];
  } catch {
    return [];
  }
}

/** remember puts a query in front of the history, which keeps a hundred. */
export function remember(query: string): void {
  const h = [query, ...pastQueries().filter((q) => q !== query)].slice(0, 100);
  localStorage.setItem(historyKey, JSON.stringify(h));
}
