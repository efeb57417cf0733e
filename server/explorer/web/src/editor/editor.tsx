// The query editor: highlighting, completion, documentation on hover, errors
// underlined where the server's parser finds them, history, formatting.

import { useEffect, useRef } from "preact/hooks";
import { EditorState, Prec } from "@codemirror/state";
import { EditorView, drawSelection, hoverTooltip, keymap, placeholder, type Command } from "@codemirror/view";
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { bracketMatching } from "@codemirror/language";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { linter, lintKeymap, type Diagnostic } from "@codemirror/lint";
import * as api from "../api";
import { pastQueries } from "../state";
import { complete, describe } from "./complete";
import { language } from "./language";

/** check asks the server for the place of what is wrong with a query. */
async function check(v: EditorView): Promise<Diagnostic[]> {
  const text = v.state.doc.toString();
  if (text.trim() === "") return [];
  const c = await api.check(text).catch(() => undefined); // no server, no opinion
  if (!c || c.valid) return [];
  const from = Math.min(charOffset(text, c.offset), text.length);
  const to = Math.min(text.length, from + Math.max(1, c.token.length));
  const expected = c.expected.length > 0 ? `, expected ${c.expected.join(" or ")}` : "";
  const d: Diagnostic = { from: from === to ? Math.max(0, from - 1) : from, to, severity: "error", message: c.message + expected };
  if (c.suggest) d.actions = [{ name: `use ${c.suggest}`, apply: (view, a, b) => view.dispatch({ changes: { from: a, to: b, insert: c.suggest } }) }];
  return [d];
}

/** charOffset turns an offset in UTF-8 bytes, which the server counts, into one in the text. */
export function charOffset(text: string, bytes: number): number {
  let at = 0;
  for (const c of text) {
    if (bytes <= 0) break;
    const p = c.codePointAt(0)!;
    bytes -= p < 0x80 ? 1 : p < 0x800 ? 2 : p < 0x10000 ? 3 : 4;
    at += c.length;
  }
  return at;
}

const hover = hoverTooltip(async (v, pos) => {
  const { from, to, text } = v.state.doc.lineAt(pos);
  let a = pos;
  let b = pos;
  while (a > from && /\w/.test(text[a - from - 1]!)) a--;
  while (b < to && /\w/.test(text[b - from]!)) b++;
  const name = text.slice(a - from, b - from);
  const f = (await api.functions().catch(() => [])).find((x) => x.name === name);
  if (!f) return null;
  return { pos: a, end: b, above: false, create: () => ({ dom: describe(f) }) };
});

export interface EditorProps {
  /** value replaces the text whenever it changes; what is typed does not come back through it. */
  value: string;
  label: string;
  onRun: (query: string) => void;
  onEdit: (query: string) => void;
}

/** Editor edits one query; Enter runs it, Shift-Enter breaks the line, Alt-Up and Alt-Down walk through past queries, Shift-Alt-F formats. */
export function Editor(props: EditorProps) {
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | undefined>(undefined);
  const latest = useRef(props);
  latest.current = props;

  useEffect(() => {
    let past = -1;
    const replace = (v: EditorView, text: string) => v.dispatch({ changes: { from: 0, to: v.state.doc.length, insert: text }, selection: { anchor: text.length } });
    const run: Command = (v) => {
      past = -1;
      latest.current.onRun(v.state.doc.toString());
      return true;
    };
    const walk =
      (by: number): Command =>
      (v) => {
        const all = pastQueries();
        past = Math.max(-1, Math.min(all.length - 1, past + by));
        if (past >= 0) replace(v, all[past]!);
        return true;
      };
    const tidy: Command = (v) => {
      void api.format(v.state.doc.toString()).then(
        (text) => replace(v, text),
        () => {}, // what is wrong is underlined already
      );
      return true;
    };
    const v = new EditorView({
      parent: box.current!,
      state: EditorState.create({
        doc: latest.current.value,
        extensions: [
          Prec.highest(
            keymap.of([
              { key: "Mod-Enter", run },
              { key: "Alt-ArrowUp", run: walk(1) },
              { key: "Alt-ArrowDown", run: walk(-1) },
              { key: "Shift-Alt-f", run: tidy },
            ]),
          ),
          // An open list of completions takes Enter first.
          keymap.of([...completionKeymap, { key: "Enter", run }, ...closeBracketsKeymap, ...lintKeymap, ...historyKeymap, ...defaultKeymap]),
          history(),
          drawSelection(),
          bracketMatching(),
          closeBrackets(),
          autocompletion({ override: [complete], activateOnTyping: true, icons: false, maxRenderedOptions: 60 }),
          linter(check, { delay: 350 }),
          hover,
          language,
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": latest.current.label }),
          placeholder("A metric, a {log=\"selector\"}, or an expression. Ctrl-Space completes, Enter runs."),
          EditorView.updateListener.of((u) => {
            if (u.docChanged) latest.current.onEdit(u.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = v;
    return () => v.destroy();
  }, []);

  useEffect(() => {
    const v = view.current;
    if (v && v.state.doc.toString() !== props.value) v.dispatch({ changes: { from: 0, to: v.state.doc.length, insert: props.value } });
  }, [props.value]);

  return <div class="editor" ref={box} />;
}
