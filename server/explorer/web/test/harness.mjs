// A server with the demo's data and a browser to look at it, for the tests.
// Set TIDEMARK to a built binary, else it is built; CHROMIUM to a browser.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, existsSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const root = new URL("../../../..", import.meta.url).pathname;

function freePort() {
  return new Promise((resolve, reject) => {
    const s = createServer();
    s.on("error", reject);
    s.listen(0, "127.0.0.1", () => {
      const { port } = s.address();
      s.close(() => resolve(port));
    });
  });
}

/** startServer serves the demo from a folder of its own until stop is called. */
export async function startServer() {
  const dir = mkdtempSync(join(tmpdir(), "explorer-"));
  let binary = process.env.TIDEMARK;
  if (!binary) {
    binary = join(dir, "tidemark");
    execFileSync("go", ["build", "-o", binary, "./cmd/tidemark"], { cwd: root, stdio: "inherit" });
  }
  const port = await freePort();
  const child = spawn(binary, ["serve", "--demo", "--data", join(dir, "data"), "--listen", `127.0.0.1:${port}`], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const filled = new Promise((resolve, reject) => {
    const hear = (b) => {
      output += b;
      if (output.includes("Try, in another terminal")) resolve();
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.on("exit", (code) => reject(new Error(`the server ended with ${code}:\n${output}`)));
  });
  await filled;
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      const gone = new Promise((r) => child.on("exit", r));
      child.kill("SIGTERM");
      await gone;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** startBrowser starts Debian's Chromium, or the browser that CHROMIUM names. */
export function startBrowser() {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  assert.ok(existsSync(executablePath), `${executablePath} is missing: install Debian's package chromium or set CHROMIUM`);
  const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  return chromium.launch({ executablePath, args });
}

/**
 * open shows the page at a fragment in a context of its own. Whatever the
 * page's console says in error, and every request that fails or leaves the
 * server, is kept in page.faults, which the tests expect to stay empty.
 */
export async function open(browser, url, hash = "", options = {}) {
  const context = await browser.newContext({ viewport: { width: 1300, height: 900 }, acceptDownloads: true, ...options });
  const page = await context.newPage();
  page.faults = [];
  page.on("console", (m) => m.type() === "error" && page.faults.push("console: " + m.text()));
  page.on("pageerror", (e) => page.faults.push("exception: " + e.message));
  page.on("request", (r) => !r.url().startsWith(url) && !/^(data|blob):/.test(r.url()) && page.faults.push("request to elsewhere: " + r.url()));
  page.setDefaultTimeout(30_000);
  await page.goto(url + "/" + hash);
  return page;
}

/** link writes the fragment that shows queries: [query, view, overlays, limit]. */
export function link(panels, from = "now-24h", to = "now") {
  const p = new URLSearchParams();
  for (const [q, v = "auto", o = "", l = ""] of panels) {
    p.append("q", q);
    p.append("v", v);
    p.append("o", o);
    p.append("l", l);
  }
  p.set("from", from);
  p.set("to", to);
  return "#/explore?" + p;
}

/** paints waits until more than a number of pixels of a chart's canvas are drawn on, and returns how many are. */
export async function paints(page, least) {
  const drawn = await page.waitForFunction((least) => {
    const c = document.querySelector(".chart canvas");
    if (!c || c.width === 0) return 0;
    const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
    let n = 0;
    for (let i = 3; i < d.length; i += 4) if (d[i] > 0) n++;
    return n > least && n;
  }, least);
  return drawn.jsonValue();
}
