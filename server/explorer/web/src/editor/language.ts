// Highlighting: a tokenizer of the language, which is PromQL and LogQL in one.

import { StreamLanguage, type StreamParser, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { tags } from "@lezer/highlight";

export const keywords = ["by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset", "and", "or", "unless", "start", "end", "smoothed", "anchored"];
export const aggregations = ["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "topk", "bottomk", "quantile", "count_values", "limitk", "limit_ratio"];
export const stages = ["json", "logfmt", "pattern", "regexp", "unpack", "line_format", "label_format", "decolorize", "drop", "keep", "unwrap", "patterns", "shape", "stats", "uniq", "top", "sort", "limit", "stream_context"];

interface State {
  braces: number;
  afterPipe: boolean;
}

const parser: StreamParser<State> = {
  name: "tidemark",
  startState: () => ({ braces: 0, afterPipe: false }),
  token(s, st) {
    if (s.eatSpace()) return null;
    const pipe = st.afterPipe;
    st.afterPipe = false;
    const c = s.next();
    if (c === "#") {
      s.skipToEnd();
      return "comment";
    }
    if (c === '"' || c === "'" || c === "`") {
      let escaped = false;
      for (let d = s.next(); d !== undefined; d = s.next()) {
        if (d === c && !escaped) break;
        escaped = c !== "`" && d === "\\" && !escaped;
      }
      return "string";
    }
    if (typeof c === "string" && /[0-9.]/.test(c) && s.match(/^([0-9xXa-fA-F_.]*)([eE][+-]?[0-9]+)?((ms|[smhdwy])([0-9]+(ms|[smhdwy]))*)?/)) return "number";
    if (c === "{") st.braces++;
    if (c === "}") st.braces = Math.max(0, st.braces - 1);
    if (c === "|") {
      if (!s.match(/^[=~>]/)) st.afterPipe = true;
      return "operator";
    }
    if (typeof c === "string" && /[a-zA-Z_:]/.test(c)) {
      s.eatWhile(/[a-zA-Z0-9_:.]/);
      const word = s.current();
      if (pipe && stages.includes(word)) return "keyword";
      if (st.braces > 0) return "propertyName";
      if (s.match(/^\s*\(/, false) || aggregations.includes(word)) return keywords.includes(word) ? "keyword" : "function";
      if (keywords.includes(word)) return "keyword";
      if (s.match(/^\s*=[^~=]?/, false)) return "propertyName";
      return "variableName";
    }
    if (typeof c === "string" && /[=!<>~+\-*/%^@]/.test(c)) return "operator";
    return "punctuation";
  },
  tokenTable: { function: tags.function(tags.variableName) },
  languageData: { commentTokens: { line: "#" }, closeBrackets: { brackets: ["(", "[", "{", '"', "'", "`"] } },
};

const style = HighlightStyle.define([
  { tag: tags.comment, color: "var(--ink-soft)", fontStyle: "italic" },
  { tag: tags.string, color: "var(--code-string)" },
  { tag: tags.number, color: "var(--code-number)" },
  { tag: tags.keyword, color: "var(--code-keyword)", fontWeight: "600" },
  { tag: tags.function(tags.variableName), color: "var(--code-function)" },
  { tag: tags.propertyName, color: "var(--code-label)" },
  { tag: tags.operator, color: "var(--ink-soft)" },
]);

/** language is the extension that highlights queries. */
export const language = [StreamLanguage.define(parser), syntaxHighlighting(style)];
