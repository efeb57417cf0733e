// The shell: navigation, and one page at a time.

import { lazy, Suspense } from "preact/compat";
import { useEffect } from "preact/hooks";
import { Explore } from "./pages/explore";
import { printView, refresh, settings, update, view, type Page } from "./state";

const Capacity = lazy(() => import("./pages/capacity").then((m) => m.Capacity));
const Browse = lazy(() => import("./pages/browse").then((m) => m.Browse));
const Status = lazy(() => import("./pages/status").then((m) => m.Status));
const Settings = lazy(() => import("./pages/settings").then((m) => m.Settings));

const nav: [Page, string][] = [
  ["explore", "Explore"],
  ["capacity", "Capacity"],
  ["browse", "Browse"],
  ["status", "Status"],
  ["settings", "Settings"],
];

export function App() {
  const page = view.value.page;
  const every = settings.value.refreshEvery;
  useEffect(() => {
    if (every === 0) return;
    const t = setInterval(() => {
      if (!document.hidden) refresh.value++;
    }, every * 1000);
    return () => clearInterval(t);
  }, [every]);
  useEffect(() => {
    document.title = (nav.find((n) => n[0] === page)?.[1] ?? "") + " – Tidemark";
  }, [page]);
  const Current = { explore: Explore, capacity: Capacity, browse: Browse, status: Status, settings: Settings }[page];
  return (
    <>
      <header class="top">
        <a class="brand" href="#/explore">
          <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true">
            <rect width="32" height="32" rx="7" fill="var(--brand)" />
            <path d="M4 20c4 0 4-6 8-6s4 6 8 6 4-6 8-6" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round" />
          </svg>
          Tidemark
        </a>
        <nav aria-label="Pages">
          {nav.map(([p, name]) => (
            <a
              key={p}
              href={printView({ ...view.value, page: p, arg: "" })}
              aria-current={p === page ? "page" : undefined}
              onClick={(e) => {
                if (e.metaKey || e.ctrlKey || e.shiftKey) return;
                e.preventDefault();
                update({ page: p, arg: "" });
              }}
            >
              {name}
            </a>
          ))}
        </nav>
      </header>
      <Suspense fallback={<main class="note">loading…</main>}>
        <Current />
      </Suspense>
    </>
  );
}
