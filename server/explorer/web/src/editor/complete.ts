// Completion from the server's own lists: metrics, labels, values, functions
// with their named arguments, pipe stages and keywords.

import { insertCompletionText, pickedCompletion, type Completion, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import * as api from "../api";
import { aggregations, keywords, stages } from "./language";

/** enclosing finds the innermost bracket that is open at the end of text, outside of strings. */
export function enclosing(text: string): { bracket: string; at: number } | undefined {
  const open: { bracket: string; at: number }[] = [];
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (quote) {
      if (c === "\\" && quote !== "`") i++;
      else if (c === quote) quote = "";
    } else if (c === '"' || c === "'" || c === "`") quote = c;
    else if ("([{".includes(c)) open.push({ bracket: c, at: i });
    else if (")]}".includes(c)) open.pop();
  }
  return open[open.length - 1];
}

/** callee is the name of the function whose parenthesis opens at a place. */
export function callee(text: string, at: number): string {
  return /([a-zA-Z_][a-zA-Z0-9_]*)\s*$/.exec(text.slice(0, at))?.[1] ?? "";
}

const by = /(?:\b(?:by|without|on|ignoring|group_left|group_right|keep|drop))\s*$/;

/** complete is the completion source of the editor. */
export async function complete(ctx: CompletionContext): Promise<CompletionResult | null> {
  const text = ctx.state.sliceDoc(0, ctx.pos);
  const inside = enclosing(text);
  try {
    if (inside?.bracket === "{") return await inSelector(ctx, text, inside.at);
    const word = ctx.matchBefore(/[a-zA-Z_:][a-zA-Z0-9_:]*/);
    if (!word && !ctx.explicit) return null;
    const from = word?.from ?? ctx.pos;
    if (inside?.bracket === "(" && by.test(text.slice(0, inside.at))) return { from, options: (await labels()).map(label), validFor: /^\w*$/ };
    if (/\|\s*\w*$/.test(text) && !/\|\|\s*\w*$/.test(text)) {
      const rowLabels = await api.logLabels();
      return { from, options: [...stages.map((s): Completion => ({ label: s, type: "keyword", boost: 2 })), ...rowLabels.map(label)], validFor: /^\w*$/ };
    }
    if (inside?.bracket === "[") return null;
    const [names, functions] = await Promise.all([api.metricNames(), api.functions()]);
    const options: Completion[] = [];
    const fn = inside && functions.find((f) => f.name === callee(text, inside.at));
    for (const p of fn?.params ?? []) {
      if (p.named_only) options.push({ label: p.name, apply: p.name + "=", type: "property", detail: p.default ? "= " + p.default : p.types.join(" or "), info: p.doc, boost: 10 });
    }
    for (const f of functions) options.push({ label: f.name, type: "function", detail: f.returns, info: () => describe(f), apply: f.name + "(" });
    for (const a of aggregations) options.push({ label: a, type: "function", detail: "aggregation" });
    for (const n of names) options.push({ label: n, type: "variable", detail: "metric", boost: 1 });
    for (const k of keywords) options.push({ label: k, type: "keyword", boost: -1 });
    return { from, options, validFor: /^[\w:]*$/ };
  } catch {
    return null; // no names are to be had now; typing goes on without
  }
}

async function labels(): Promise<string[]> {
  const [m, l] = await Promise.all([api.labelNames(), api.logLabels()]);
  return [...new Set([...m, ...l])].filter((n) => n !== "__name__").sort();
}

const label = (name: string): Completion => ({ label: name, type: "property" });

async function inSelector(ctx: CompletionContext, text: string, at: number): Promise<CompletionResult | null> {
  const inner = text.slice(at + 1);
  const metric = /([a-zA-Z_:][a-zA-Z0-9_:]*)\s*$/.exec(text.slice(0, at))?.[1];
  const value = /([a-zA-Z_][a-zA-Z0-9_]*)\s*(?:=~|!~|!=|=)\s*(["'`])([^"'`]*)$/.exec(inner);
  if (value) {
    const name = value[1]!;
    const values = metric ? await api.labelValues(name, metric) : [...new Set([...(await api.logLabelValues(name)), ...(await api.labelValues(name))])];
    const from = ctx.pos - value[3]!.length;
    return { from, options: values.slice(0, 2000).map((v): Completion => ({ label: v, type: "text", apply: closing(escape(v), value[2]!) })), validFor: /^[^"'`]*$/ };
  }
  const word = ctx.matchBefore(/[a-zA-Z_][a-zA-Z0-9_]*/);
  if (!word && !ctx.explicit && !/[{,]\s*$/.test(text)) return null;
  const names = metric ? await api.labelNames(metric) : await labels();
  return {
    from: word?.from ?? ctx.pos,
    options: names.filter((n) => n !== "__name__").map((n): Completion => ({ label: n, type: "property", apply: n + '="' })),
    validFor: /^\w*$/,
  };
}

/** closing inserts text and the quote behind it, unless that is there. */
function closing(text: string, quote: string): Completion["apply"] {
  return (view, completion, from, to) => {
    const end = view.state.sliceDoc(to, to + 1) === quote ? to + 1 : to;
    view.dispatch({ ...insertCompletionText(view.state, text + quote, from, end), annotations: pickedCompletion.of(completion) });
  };
}

/** escape writes a value inside of double quotes. */
export function escape(v: string): string {
  return JSON.stringify(v).slice(1, -1);
}

/** describe is a function's signature and document, for completion and hovering. */
export function describe(f: api.FunctionDoc): HTMLElement {
  const el = document.createElement("div");
  el.className = "fn-doc";
  const sig = document.createElement("code");
  sig.textContent = f.signature;
  const doc = document.createElement("p");
  doc.textContent = f.doc;
  el.append(sig, doc);
  if (f.params.length > 0) {
    const list = document.createElement("dl");
    for (const p of f.params) {
      const dt = document.createElement("dt");
      dt.textContent = p.name + (p.default ? ` = ${p.default}` : "");
      const dd = document.createElement("dd");
      dd.textContent = p.doc;
      list.append(dt, dd);
    }
    el.append(list);
  }
  if (f.example) {
    const ex = document.createElement("code");
    ex.textContent = f.example;
    el.append(ex);
  }
  return el;
}
