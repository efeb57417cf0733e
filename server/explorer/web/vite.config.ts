import { defineConfig } from "vite";

// The bundle is committed in ../dist, so that building the server needs no
// Node; names carry content hashes, which the server lets browsers keep.
export default defineConfig({
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    license: { fileName: "licenses.md" },
  },
});
