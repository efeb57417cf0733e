// Every feature of the page, clicked through against the demo's data.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { link, open, paints, startBrowser, startServer } from "./harness.mjs";

let server, browser;

before(async () => {
  [server, browser] = await Promise.all([startServer(), startBrowser()]);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** scene opens the page, runs steps, and wants no fault of it. */
function scene(name, hash, steps, options) {
  test(name, async () => {
    const page = await open(browser, server.url, hash, options);
    try {
      await steps(page);
      assert.deepEqual(page.faults, []);
    } catch (err) {
      if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${name.replace(/\W+/g, "-")}.png`, fullPage: true });
      throw err;
    } finally {
      await page.context().close();
    }
  });
}

const cpu = 'cpu_usage_user{host="web-eu-1"}';
// The outage that the demo has five days ago.
const incident = ["T10:15:00Z", "T11:00:00Z"].map((t) => new Date(Date.now() - 5 * 86_400_000).toISOString().slice(0, 10) + t);
const legend = (page) => page.locator(".legend tbody tr");

scene("a newcomer's first click draws a chart, and the address holds the view", "", async (page) => {
  await page.getByRole("button", { name: /How busy are the hosts/ }).click();
  await legend(page).first().waitFor();
  await paints(page, 5_000);
  assert.match(decodeURIComponent(page.url()), /topk\(5,\+cpu_usage_user\)/);
  const again = await page.context().newPage();
  await again.goto(page.url());
  await again.locator(".legend tbody tr").first().waitFor();
  assert.equal(await again.locator(".cm-line").textContent(), "topk(5, cpu_usage_user)");
  await page.goBack();
  await page.getByText("Ask anything of metrics and logs").waitFor();
});

scene("the editor completes metrics, labels, values, functions and named arguments", "", async (page) => {
  const editor = page.getByRole("textbox", { name: "Query 1" });
  const options = page.locator(".cm-tooltip-autocomplete li");
  const first = (text) => options.filter({ hasText: text }).first().waitFor();
  // The list narrows down while one types, and takes Enter a moment after.
  const accept = async (text) => {
    await page.locator('.cm-tooltip-autocomplete li[aria-selected="true"]').filter({ hasText: text }).waitFor();
    await page.waitForTimeout(300);
    await page.keyboard.press("Enter");
  };
  await editor.click();
  await page.keyboard.type("cpu_us");
  await first("cpu_usage_user");
  await page.keyboard.press("Escape");
  await page.keyboard.type("age_user{ho");
  await accept("host");
  await page.locator(".cm-line").filter({ hasText: 'cpu_usage_user{host="' }).waitFor();
  await page.keyboard.type("web-e");
  await accept("web-eu-1");
  await page.locator(".cm-line").filter({ hasText: 'cpu_usage_user{host="web-eu-1"}' }).waitFor();
  await page.keyboard.press("Control+A");
  await page.keyboard.type("forec");
  await accept("forecast");
  await page.locator(".cm-line").filter({ hasText: "forecast(" }).waitFor();
  await page.keyboard.type("cpu_usage_user[4w], mod");
  await first("model");
  await page.keyboard.press("Control+A");
  await page.keyboard.type('{service="checkout"} | log');
  await first("logfmt");
});

scene("an error is underlined where it is, with a suggestion; hovering explains a function", "", async (page) => {
  const editor = page.getByRole("textbox", { name: "Query 1" });
  await editor.click();
  await page.keyboard.type("anomoly_score(cpu_usage_user[4w])");
  await page.locator(".cm-lintRange-error").waitFor();
  assert.equal(await page.locator(".cm-lintRange-error").textContent(), "anomoly_score");
  await page.locator(".cm-lintRange-error").hover();
  await page.locator(".cm-diagnostic").filter({ hasText: "anomaly_score" }).waitFor();
  await page.getByRole("button", { name: "use anomaly_score" }).click();
  await page.locator(".cm-lintRange-error").waitFor({ state: "detached" });
  await page.locator(".cm-line").getByText("anomaly_score").hover();
  await page.locator(".fn-doc").filter({ hasText: "anomaly_score(" }).waitFor();
});

scene("the server's error is shown, and history and formatting work", link([["sum(cpu_usage_user"]]), async (page) => {
  await page.getByRole("alert").filter({ hasText: "expected" }).waitFor();
  const editor = page.getByRole("textbox", { name: "Query 1" });
  await editor.click();
  await page.keyboard.press("Control+A");
  await page.keyboard.type("sum   by(role)(cpu_usage_user)");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+Enter");
  await legend(page).first().waitFor();
  await editor.click();
  await page.keyboard.press("Shift+Alt+F");
  await page.locator(".cm-line").filter({ hasText: "sum by (role) (cpu_usage_user)" }).waitFor();
  await page.getByRole("button", { name: "History" }).click();
  await page.locator(".menu-body").getByText("sum by(role)(cpu_usage_user)", { exact: false }).or(page.locator(".menu-body button").first()).first().waitFor();
  // A query asked by a broken request leaves an error in the browser's own console.
  page.faults = page.faults.filter((f) => !/status of 4\d\d/.test(f));
});

scene("lines, areas, stacks, bars, a table; the legend hides and shows", link([["sum by (role) (cpu_usage_user)", "line"]]), async (page) => {
  await legend(page).first().waitFor();
  const lines = await paints(page, 5_000);
  for (const view of ["area", "stacked", "bars"]) {
    await page.getByLabel("View").selectOption(view);
    await paints(page, 1.2 * lines);
    await page.getByLabel("View").selectOption("line");
    await page.waitForFunction(() => !document.querySelector(".panel[aria-busy=true]"));
  }
  await page.getByLabel("View").selectOption("line");
  await page.locator(".legend .swatch").first().click();
  await page.locator(".legend tr.off").waitFor();
  await page.getByLabel("View").selectOption("table");
  await page.locator("table.data tbody tr").first().waitFor();
  assert.equal(await page.locator("table.data tbody tr").count(), await page.locator("table.data tbody tr td:first-child").count());
  const value = page.getByRole("button", { name: "value" });
  await value.click();
  await page.locator('th[aria-sort="descending"]').filter({ hasText: "value" }).waitFor();
  const cells = (await page.locator("table.data td.num").allTextContents()).map(parseFloat);
  assert.deepEqual(cells, [...cells].sort((a, b) => b - a));
});

scene("a histogram is a heatmap", link([['sum by (le) (rate(http_request_duration_seconds_bucket{service="checkout"}[5m]))']]), async (page) => {
  await page.getByRole("img", { name: /^Heatmap of/ }).waitFor();
  await paints(page, 50_000);
});

scene("a native histogram is a heatmap, and a table of counts", "", async (page) => {
  const at = (minutes) => String(BigInt(Date.now() - minutes * 60_000) * 1_000_000n);
  const point = (i) => ({ startTimeUnixNano: at(60), timeUnixNano: at(20 - i), count: String(100 * i), sum: 12 * i, scale: 2, zeroCount: "0", positive: { offset: -8, bucketCounts: ["10", "20", "40", "20", "10"].map((n) => String(Number(n) * i)) } });
  const body = { resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: "explorer.latency", unit: "s", exponentialHistogram: { aggregationTemporality: 2, dataPoints: Array.from({ length: 20 }, (_, i) => point(i + 1)) } }] }] }] };
  const sent = await fetch(server.url + "/v1/metrics", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  assert.equal(sent.status, 200, await sent.text());
  await page.goto(server.url + "/" + link([["rate(explorer_latency_seconds[5m])"]], "now-30m"));
  await page.getByRole("img", { name: /^Heatmap of/ }).waitFor();
  await paints(page, 20_000);
  const over = await page.locator(".u-over").boundingBox();
  await page.mouse.move(over.x + over.width * 0.7, over.y + over.height * 0.5);
  await page.locator(".tip b").waitFor();
  await page.getByLabel("View").selectOption("table");
  await page.locator("table.data td").filter({ hasText: "count" }).first().waitFor();
});

scene("a baseline is a band, anomalies are spans", link([[cpu, "line", "baseline,anomalies"]], "now-7d"), async (page) => {
  await legend(page).filter({ hasText: 'band="upper"' }).waitFor();
  assert.equal(await legend(page).filter({ hasText: "band=" }).count(), 3);
  await page.getByText(/spans? lies? outside of the band|spans lie/).waitFor();
  await page.getByRole("button", { name: "Baseline" }).click();
  await legend(page).filter({ hasText: "band=" }).first().waitFor({ state: "detached" });
});

scene("a forecast reaches beyond now and the crossing has its date", link([['disk_used_percent{host="db-ap-1", path="/data"}', "line", "forecast", "100"]], "now-30d"), async (page) => {
  await legend(page).filter({ hasText: 'q="0.9"' }).waitFor();
  const mark = await page.locator(".marks li").first().textContent();
  const date = /limit reached (\d{4}-\d\d-\d\d)/.exec(mark);
  assert.ok(date, mark);
  assert.ok(Date.parse(date[1]) > Date.now());
});

scene("logs: volume by level, fields, filters by click, details, context", link([['{service="checkout"}']]), async (page) => {
  await page.locator(".logrow").first().waitFor();
  await page.getByRole("img", { name: "Log volume by level" }).waitFor();
  assert.ok((await page.locator(".logrow").count()) < 100, "only what is in sight has elements");
  await page.getByRole("button", { name: /^level/ }).first().click();
  await page.getByRole("button", { name: /^error/ }).click();
  await page.waitForFunction(() => decodeURIComponent(location.hash).includes('level="error"'));
  await page.locator(".levels").filter({ hasText: "error" }).waitFor();
  await page.locator(".logrow").first().click();
  const detail = page.getByRole("region", { name: "Details of the row" });
  await detail.getByRole("button", { name: "Context" }).click();
  await detail.locator(".context .self").waitFor();
  assert.ok((await detail.locator(".context div").count()) > 3);
  await detail.getByRole("button", { name: /^Only rows with msg=/ }).click();
  await page.waitForFunction(() => decodeURIComponent(location.hash.replaceAll("+", " ")).includes('| logfmt | msg="'));
  await page.locator(".logrow").first().waitFor();
});

scene("logs: patterns with counts, and a filter by one", link([['{service="checkout"}', "patterns"]]), async (page) => {
  const row = page.locator("table.patterns tbody tr").filter({ hasText: "order placed" }).first();
  await row.waitFor();
  await row.getByRole("button").click();
  await page.waitForFunction(() => decodeURIComponent(location.hash.replaceAll("+", " ")).includes('|= "'));
});

scene("logs: two windows compared, their lines side by side, the address holds the other window", link([['{service="checkout"}', "diff"]], incident[0], incident[1]), async (page) => {
  const patterns = page.getByRole("region", { name: "Patterns compared" });
  const row = patterns.locator("tbody tr").filter({ hasText: "query failed: timeout connecting" }).first();
  await row.locator(".badge.up").waitFor();
  const counts = await row.locator(".num").allTextContents();
  assert.ok(Number(counts[0]) > 3 * Number(counts[1]), counts.join());
  await patterns.locator("tbody tr").filter({ hasText: "order placed" }).locator(".badge.down").waitFor();
  await row.getByRole("button", { name: /^Lines of/ }).click();
  await patterns.getByLabel("Lines of this window").getByText("query failed: timeout").first().waitFor();
  await page.getByRole("region", { name: "Streams compared" }).locator("tbody tr").first().waitFor();
  await page.getByLabel("Against").selectOption("1d");
  await page.waitForFunction(() => /[&?]a=1d/.test(location.hash));
  await page.getByRole("button", { name: "down", exact: true }).click();
  await page.waitForFunction(() => [...document.querySelectorAll("[aria-label='Patterns compared'] .badge")].every((b) => b.textContent === "down"));
  await page.getByLabel("Against").selectOption("other");
  await page.getByLabel("How much earlier").fill("1m");
  await page.keyboard.press("Tab");
  await page.getByRole("alert").filter({ hasText: "overlap" }).waitFor();
});

scene("logs: keys walk through the rows", link([['{service="checkout"}']]), async (page) => {
  const list = page.getByRole("listbox");
  await page.locator(".logrow").first().waitFor();
  await list.focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.getByRole("region", { name: "Details of the row" }).waitFor();
  assert.equal(await page.locator('.logrow[aria-selected="true"]').count(), 1);
  await page.keyboard.press("Escape");
  await page.getByRole("region", { name: "Details of the row" }).waitFor({ state: "detached" });
});

scene("logs: what arrives is shown live", link([['{measurement="explorer"}']], "now-5m"), async (page) => {
  const write = (text) => fetch(server.url + "/write", { method: "POST", body: `explorer,host=a msg="${text}"` });
  await write("the first row");
  await page.getByRole("button", { name: "Refresh" }).click();
  await page.locator(".logrow").filter({ hasText: "the first row" }).waitFor();
  await page.getByRole("button", { name: "Live" }).click();
  await write("the second row");
  await page.locator(".logrow").filter({ hasText: "the second row" }).waitFor();
  assert.match(await page.locator(".logrow").first().textContent(), /the second row/);
});

scene("dragging selects a span, to zoom or to be explained", link([["sum(rate(http_errors_total[5m]))", "line"], [cpu, "line"]], "now-6d"), async (page) => {
  await legend(page).nth(1).waitFor();
  const drag = async () => {
    const over = await page.locator(".u-over").first().boundingBox();
    await page.mouse.move(over.x + over.width * 0.3, over.y + 60);
    await page.mouse.down();
    await page.mouse.move(over.x + over.width * 0.5, over.y + 80, { steps: 5 });
    await page.mouse.up();
  };
  await drag();
  const explain = page.getByRole("region", { name: "What changed" });
  for (const section of ["Metrics that moved", "Where the change of the query lies", "Log streams that moved", "Log patterns that came, went or changed"]) {
    await explain.getByRole("heading", { name: section }).waitFor();
  }
  await explain.locator("tbody tr").first().waitFor();
  await page.getByRole("button", { name: "Zoom" }).click();
  await page.waitForFunction(() => /from=20\d\d-/.test(decodeURIComponent(location.hash)));
  await page.getByRole("dialog").waitFor({ state: "detached" });
});

scene("answers are saved as CSV and JSON", link([["sum by (role) (cpu_usage_user)", "line"]], "now-1h"), async (page) => {
  await legend(page).first().waitFor();
  const save = async (kind) => {
    await page.getByRole("button", { name: "Save" }).click();
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: kind, exact: true }).click()]);
    return readFile(await file.path(), "utf8");
  };
  const csv = (await save("CSV")).split("\r\n");
  assert.equal(csv[0], "role,time,value");
  assert.match(csv[1], /^\w+,20\d\d-.*Z,[\d.]+$/);
  const json = JSON.parse(await save("JSON"));
  assert.equal(json.query, "sum by (role) (cpu_usage_user)");
  assert.ok(json.result.length > 3);
});

scene("several queries share the axis; panels are added, copied and removed", link([[cpu, "line"]]), async (page) => {
  await legend(page).first().waitFor();
  await page.getByRole("button", { name: "Duplicate" }).click();
  await page.waitForFunction(() => document.querySelectorAll(".chart canvas").length === 2);
  await page.waitForFunction(() => {
    const lefts = [...document.querySelectorAll(".u-over")].map((e) => e.getBoundingClientRect().left);
    return lefts.length === 2 && lefts[0] > 50 && lefts[0] === lefts[1];
  });
  await page.getByRole("button", { name: "Remove Query 2" }).click();
  await page.waitForFunction(() => document.querySelectorAll(".chart canvas").length === 1);
});

scene("capacity: what fills up, soonest first, with dates, and as CSV", "#/capacity", async (page) => {
  const rows = page.getByRole("region", { name: "Capacity" }).locator("tbody tr");
  await rows.filter({ hasText: "db-ap-1" }).first().waitFor();
  const days = (await rows.locator("td:nth-child(4)").allTextContents()).filter((t) => /^\d{4}/.test(t));
  assert.deepEqual(days, [...days].sort());
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "CSV" }).click()]);
  assert.match(await readFile(await file.path(), "utf8"), /^resource,.*full_early,full,full_late\r\n/);
  await rows.first().getByRole("button").click();
  await page.locator(".marks li").first().waitFor();
});

scene("browse: metrics, their labels, and a way into the explorer", "#/browse", async (page) => {
  await page.getByRole("searchbox").fill("errors_total");
  await page.getByRole("button", { name: "http_errors_total" }).first().click();
  const metric = page.getByRole("region", { name: "Metric http_errors_total" });
  await metric.getByRole("button", { name: "checkout" }).click();
  await legend(page).first().waitFor();
  assert.match(decodeURIComponent(page.url()), /rate\(http_errors_total\{service="checkout"\}\[5m\]\)/);
});

scene("status shows whether the server is well, and its figures", "#/status", async (page) => {
  await page.getByRole("region", { name: "Figures" }).locator("tbody tr").nth(5).waitFor();
  await page.locator(".card").filter({ hasText: "Writes" }).filter({ hasText: "taken" }).waitFor();
  assert.equal(await page.locator(".card.bad").count(), 0);
  await page.locator(".card").filter({ hasText: "Writes" }).filter({ hasText: "/s rows" }).waitFor();
});

scene("a running query is listed and can be stopped", "#/status", async (page) => {
  // Weeks at a high resolution, over everything, take longer than any test.
  const slow = 'count(anomaly_score({__name__=~".+"}[8w], res="5m"))';
  const now = Date.now() / 1000;
  const asked = fetch(server.url + "/tidemark/api/v1/query_range", { method: "POST", body: new URLSearchParams({ query: slow, start: String(now - 60 * 86400), end: String(now), step: "600", timeout: "4m" }) });
  const row = page.getByRole("region", { name: "Running queries" }).locator("tbody tr").filter({ hasText: "anomaly_score" });
  await row.getByRole("button", { name: /^Stop query \d+/ }).click();
  const answer = await asked;
  assert.equal(answer.status, 503);
  assert.match((await answer.json()).error, /cancel/);
  await row.waitFor({ state: "detached" });
});

scene("settings: theme, time zone, units", "#/settings", async (page) => {
  await page.getByLabel("Theme").selectOption("dark");
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(18, 22, 26)");
  await page.getByLabel("Time zone").fill("Nowhere/Nothing");
  await page.getByText("is no time zone").waitFor();
  await page.getByLabel("Time zone").fill("Asia/Tokyo");
  await page.reload();
  assert.equal(await page.getByLabel("Time zone").inputValue(), "Asia/Tokyo");
});

scene(
  "a phone shows every page without scrolling sideways",
  link([["sum by (role) (cpu_usage_user)"], ['{service="checkout"}']]),
  async (page) => {
    await page.locator(".logrow").first().waitFor();
    for (const name of ["Explore", "Capacity", "Browse", "Status", "Settings"]) {
      await page.getByRole("link", { name, exact: true }).click();
      await page.locator("main").waitFor();
      await page.waitForTimeout(300);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wide <= 0, `${name} is ${wide} pixels too wide`);
    }
  },
  { viewport: { width: 390, height: 800 }, hasTouch: true },
);

scene("what can be operated has a name", link([["sum by (role) (cpu_usage_user)"], ['{service="checkout"}']]), async (page) => {
  await page.locator(".logrow").first().waitFor();
  const nameless = await page.locator("button, a, input, select, [role=textbox], [role=listbox]").evaluateAll((all) =>
    all.filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim() || e.closest("label")?.textContent.trim() || e.title)).map((e) => e.outerHTML.slice(0, 120)),
  );
  assert.deepEqual(nameless, []);
});
