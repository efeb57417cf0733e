package logpipe

import (
	"fmt"
	"strings"
	"testing"

	"tidemark/query/ast"
	"tidemark/storage/model"
)

func compile(t testing.TB, opts Options, stages ...ast.Stage) *Pipeline {
	t.Helper()
	p, err := Compile(stages, opts)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// run prints what a pipeline makes of one row of the stream {app="a"}.
func run(t testing.TB, p *Pipeline, line string, fields ...model.Value) string {
	t.Helper()
	row, ok := p.Stream(model.FromStrings("app", "a")).Run(&Input{Line: line, Fields: fields})
	if !ok {
		return "dropped"
	}
	ls := row.Set.Labels.Without(ErrorDetailsLabel).String()
	if p.Unwraps() {
		return fmt.Sprint(ls, " ", row.Value)
	}
	return ls
}

func TestJSON(t *testing.T) {
	p := compile(t, Options{}, &ast.Parser{Name: "json"})
	f := func(line, want string) {
		t.Helper()
		if got := run(t, p, line); got != want {
			t.Errorf("%s\n got %s\nwant %s", line, got, want)
		}
	}
	f(`{}`, `{app="a"}`)
	f(`{"x":"1","y":2.50,"z":true,"n":null,"l":[1,{"q":2}]}`, `{app="a", x="1", y="2.50", z="true"}`)
	f(` { "a" : { "b" : { "c" : "d" } , "e" : -1e3 } } `, `{a_b_c="d", a_e="-1e3", app="a"}`)
	f(`{"app":"b","app":"c"}`, `{app="a", app_extracted="b"}`) // the first counts
	f(`{"x":1,"x":2,"a":{"b":3},"a_b":4}`, `{a_b="3", app="a", x="1"}`)
	f(`{"a-b.c":"1","9":"2"," x ":"3","é":"4"}`, `{_="4", _9="2", a_b_c="1", app="a", x="3"}`)
	f(`{"u":"é\n\"\\\/ 😀"}`, `{app="a", u="é\n\"\\/ 😀"}`)
	f(`{"u":"\ud83d"}`, `{app="a", u=" "}`) // half a pair is no character
	f(`{"empty":""}`, `{app="a", empty=""}`)
	f(`{"a":{"b":1},"a_c":2}`, `{a_b="1", a_c="2", app="a"}`)
	for _, bad := range []string{``, `x`, `[1]`, `"text"`, `{`, `{"a"`, `{"a":`, `{"a":}`, `{"a":1`, `{"a":1,}`, `{"a":"x}`, `{a:1}`, `{"a":tru}`,
		`{"\x":1}`, strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100), `{"a":` + strings.Repeat("[", 100000)} {
		if got := run(t, p, bad); !strings.Contains(got, `__error__="JSONParserErr"`) {
			t.Errorf("%.40s: got %s, want an error", bad, got)
		}
	}
	f(`{"a":1,"b"`, `{__error__="JSONParserErr", a="1", app="a"}`) // what was found stays
}

func TestJSONPaths(t *testing.T) {
	f := func(path, line, want string) {
		t.Helper()
		p := compile(t, Options{}, &ast.Parser{Name: "json", Extractions: []ast.Extraction{{Label: "v", Path: path}}})
		if got := run(t, p, line); got != want {
			t.Errorf("%s of %s\n got %s\nwant %s", path, line, got, want)
		}
	}
	const line = `{"a":{"b":[10,{"c d":"x"}],"e":null},"v":"w"}`
	f(`a.b[0]`, line, `{app="a", v="10"}`)
	f(`a.b[1]["c d"]`, line, `{app="a", v="x"}`)
	f(`["a"].b`, line, `{app="a", v="[10,{\"c d\":\"x\"}]"}`)
	f(`a.e`, line, `{app="a", v=""}`) // there, and empty
	f(`a.x.y`, line, `{app="a", v=""}`)
	f(`v[0]`, line, `{app="a", v=""}`)
	f(`a`, `no json`, `{__error__="JSONParserErr", app="a"}`)
	f(`a`, ``, `{app="a"}`)
	f(`a`, `{"a":1,"a":2}`, `{app="a", v="1"}`)
	for _, bad := range []string{``, `.a`, `a..b`, `a.`, `a[`, `a[x]`, `a["b]`, `a[0]b`, `a[""]`} {
		if _, err := Compile([]ast.Stage{&ast.Parser{Name: "json", Extractions: []ast.Extraction{{Label: "v", Path: bad}}}}, Options{}); err == nil {
			t.Errorf("path %q was accepted", bad)
		}
	}
}

func TestLogfmt(t *testing.T) {
	f := func(flags, line, want string) {
		t.Helper()
		p := compile(t, Options{}, &ast.Parser{Name: "logfmt", Flags: strings.Fields(flags)})
		if got := run(t, p, line); got != want {
			t.Errorf("%s %s\n got %s\nwant %s", flags, line, got, want)
		}
	}
	f("", `a=1 b="x y" c="q\"uo\n" d=`, `{a="1", app="a", b="x y", c="q\"uo\n"}`)
	f("", `alone app=b app=c x.y=1 x.y=2`, `{app="a", app_extracted="b", x_y="1"}`) // the first counts
	f("", `=1 a=b=c "q" ok=1 e="never ends`, `{app="a", ok="1"}`)
	f("", "a=\xff b=1", `{app="a", b="1"}`)
	f("--strict", `ok=1 e="never ends`, `{__error__="LogfmtParserErr", app="a", ok="1"}`)
	f("--strict", `ok=1 =2`, `{__error__="LogfmtParserErr", app="a", ok="1"}`)
	f("", ``, `{app="a"}`)
}

// A later parser's error takes the place of an earlier one's; a filter's does
// not.
func TestErrorsInARow(t *testing.T) {
	number := &ast.LabelFilter{Cond: &ast.CondNumber{Name: "app", Op: ">", Value: 1}}
	strict := &ast.Parser{Name: "logfmt", Flags: []string{"--strict"}}
	for _, c := range []struct {
		stages []ast.Stage
		want   string
	}{
		{[]ast.Stage{&ast.Parser{Name: "json"}, strict}, `{__error__="LogfmtParserErr", app="a"}`},
		{[]ast.Stage{strict, &ast.Parser{Name: "json"}}, `{__error__="JSONParserErr", app="a"}`},
		{[]ast.Stage{strict, number}, `{__error__="LogfmtParserErr", app="a"}`},
		{[]ast.Stage{number, strict}, `{__error__="LogfmtParserErr", app="a"}`},
	} {
		if got := run(t, compile(t, Options{}, c.stages...), `=1`); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestConditions(t *testing.T) {
	f := func(c ast.Cond, want string) {
		t.Helper()
		p := compile(t, Options{}, &ast.Parser{Name: "logfmt"}, &ast.LabelFilter{Cond: c}, &ast.DropKeep{Keep: true, Labels: []ast.LabelPick{{Name: "n"}}})
		if got := run(t, p, `n=5 d=1500ms b=2KiB t=text`); got != want {
			t.Errorf("%+v: got %s, want %s", c, got, want)
		}
	}
	num := func(name, op string, kind ast.CondKind, v float64) ast.Cond {
		return &ast.CondNumber{Name: name, Op: op, Kind: kind, Value: v}
	}
	kept, dropped := `{n="5"}`, "dropped"
	f(num("n", "==", ast.CondPlain, 5), kept)
	f(num("n", "!=", ast.CondPlain, 5), dropped)
	f(num("n", ">=", ast.CondPlain, 5), kept)
	f(num("n", "<", ast.CondPlain, 5), dropped)
	f(num("d", ">", ast.CondDuration, 1.4), kept)
	f(num("d", "<=", ast.CondDuration, 1.4), dropped)
	f(num("b", "==", ast.CondBytes, 2048), kept)
	f(num("missing", "!=", ast.CondPlain, 5), dropped)
	f(num("t", ">", ast.CondPlain, 5), `{__error__="LabelFilterErr", n="5"}`)
	f(&ast.CondMatch{Type: model.MatchRegexp, Name: "t", Value: "te.t"}, kept)
	f(&ast.CondMatch{Type: model.MatchRegexp, Name: "t", Value: "ex"}, dropped)
	f(&ast.CondMatch{Type: model.MatchEqual, Name: "missing", Value: ""}, kept)
	f(&ast.CondBinary{Op: "or", LHS: num("n", ">", ast.CondPlain, 5), RHS: num("d", ">", ast.CondDuration, 1)}, kept)
	f(&ast.CondBinary{Op: "and", LHS: num("n", ">", ast.CondPlain, 5), RHS: num("d", ">", ast.CondDuration, 1)}, dropped)
}

func TestFieldsJoinOnlyWhereNamed(t *testing.T) {
	status := &ast.LabelFilter{Cond: &ast.CondNumber{Name: "status", Op: ">", Value: 400}}
	p := compile(t, Options{}, status)
	if got := fmt.Sprint(p.Fields()); got != "[status]" {
		t.Errorf("fields: got %s", got)
	}
	if got := run(t, p, "x", model.Int(500)); got != `{app="a", status="500"}` {
		t.Errorf("got %s", got)
	}
	if got := run(t, p, "x", model.Value{}); got != "dropped" {
		t.Errorf("row without the field: got %s", got)
	}
	// A parser that finds the same name does not hide the field.
	p = compile(t, Options{Named: []string{"status"}}, &ast.Parser{Name: "logfmt"})
	if got := run(t, p, "status=7", model.Int(500)); got != `{app="a", status="500", status_extracted="7"}` {
		t.Errorf("got %s", got)
	}
	// Unwrap reads a field without parting the series.
	p = compile(t, Options{}, &ast.Unwrap{Label: "ms"})
	if got := run(t, p, "x", model.Float(1.5)); got != `{app="a"} 1.5` {
		t.Errorf("got %s", got)
	}
}

func TestGroupedRowsHaveOnlyTheLabelsAskedFor(t *testing.T) {
	p := compile(t, Options{Grouped: true, Only: []string{"level"}}, &ast.Parser{Name: "logfmt"}, &ast.LabelFilter{Cond: &ast.CondNumber{Name: "ms", Op: ">", Value: 1}})
	if got := run(t, p, "level=info ms=2 other=3"); got != `{level="info"}` {
		t.Errorf("got %s", got)
	}
	st := p.Stream(model.FromStrings("app", "a"))
	a, _ := st.Run(&Input{Line: "level=info ms=2 other=3"})
	b, _ := st.Run(&Input{Line: "level=info ms=9 other=4"})
	if a.Set != b.Set {
		t.Error("rows with equal labels have different sets")
	}
}

func TestUnwrapConversions(t *testing.T) {
	f := func(conv, value, want string) {
		t.Helper()
		p := compile(t, Options{}, &ast.Parser{Name: "logfmt"}, &ast.Unwrap{Label: "v", Conv: conv})
		if got := run(t, p, "v="+value); got != want {
			t.Errorf("%s %s: got %s, want %s", conv, value, got, want)
		}
	}
	f("", "1e3", `{app="a"} 1000`)
	f("duration", "1m30s", `{app="a"} 90`)
	f("bytes", "1.5KB", `{app="a"} 1500`)
	f("", "x", `{__error__="SampleExtractionErr", app="a"} 0`)
	f("duration", "12", `{__error__="SampleExtractionErr", app="a"} 0`)
	f("", "", `dropped`)
}

func TestDropKeep(t *testing.T) {
	f := func(st *ast.DropKeep, want string) {
		t.Helper()
		p := compile(t, Options{}, &ast.Parser{Name: "logfmt"}, st)
		if got := run(t, p, "x=1 y=2"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	is := func(name, value string) ast.LabelPick {
		return ast.LabelPick{Name: name, Matcher: &ast.Matcher{Type: model.MatchEqual, Name: name, Value: value}}
	}
	f(&ast.DropKeep{Labels: []ast.LabelPick{{Name: "app"}, {Name: "x"}}}, `{y="2"}`)
	f(&ast.DropKeep{Labels: []ast.LabelPick{is("x", "1"), is("y", "1")}}, `{app="a", y="2"}`)
	f(&ast.DropKeep{Keep: true, Labels: []ast.LabelPick{{Name: "y"}, is("x", "9")}}, `{y="2"}`)
}

func TestCompileErrors(t *testing.T) {
	for _, st := range []ast.Stage{
		&ast.Parser{Name: "xml"},
		&ast.Parser{Name: "json", Flags: []string{"--strict"}},
		&ast.LineFilter{Op: "|~", Values: []string{"("}},
		&ast.LineFilter{Op: "|?"},
		&ast.LabelFilter{Cond: &ast.CondMatch{Type: model.MatchRegexp, Name: "a", Value: "["}},
		&ast.Unwrap{Label: "a", Conv: "weight"},
	} {
		if _, err := Compile([]ast.Stage{st}, Options{}); err == nil {
			t.Errorf("%+v was accepted", st)
		}
	}
	if _, err := Compile([]ast.Stage{&ast.Unwrap{Label: "a"}, &ast.Unwrap{Label: "b"}}, Options{}); err == nil {
		t.Error("two unwrap stages were accepted")
	}
}

// BenchmarkJSON extracts the labels of a request line of twelve members, one
// of them nested.
func BenchmarkJSON(b *testing.B) {
	const line = `{"ts":"2024-01-01T00:00:00Z","level":"info","msg":"request done","method":"GET","path":"/api/items","status":200,"ms":12.5,"user":{"id":"u42","plan":"free"},"ok":true,"tags":["a","b"],"trace":"abcdef0123456789"}`
	st := compile(b, Options{}, &ast.Parser{Name: "json"}).Stream(model.FromStrings("app", "a"))
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		st.Run(&Input{Line: line})
	}
}
