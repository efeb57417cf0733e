package logpipe

import (
	"strings"
	"testing"
	"time"

	"tidemark/query/ast"
	"tidemark/storage/model"
)

// line prints what a pipeline makes of the line and labels of one row, which
// has the stream {app="a"}, structured metadata and the time 1700000000.5.
func line(t testing.TB, p *Pipeline, text string, meta ...model.Label) string {
	t.Helper()
	row, ok := p.Stream(model.FromStrings("app", "a")).Run(&Input{Time: 1700000000_500000000, Line: text, Meta: meta})
	if !ok {
		return "dropped"
	}
	return row.Set.Labels.String() + " " + row.Line
}

func TestTemplates(t *testing.T) {
	f := func(template, want string) {
		t.Helper()
		p := compile(t, Options{}, &ast.Parser{Name: "logfmt"}, &ast.LineFormat{Template: template})
		if got := line(t, p, `n=7 f=0.1 s="a b" e=warn d=1.5s z=2KB w=été j="[1,{\"x\":2}]"`); !strings.HasSuffix(got, " "+want) || strings.Contains(got, ErrorLabel) {
			t.Errorf("%s\n got %s\nwant %s", template, got, want)
		}
	}
	f("{{.n}}", "7")
	f("{{.none}}x{{ .none | default \"d\" }}", "xd")
	f("{{ __line__ | trunc 3 }} {{ __timestamp__ | unixEpochMillis }}", "n=7 1700000000500")
	f(`{{ .s | upper | replace " " "_" }} {{ .s | title }} {{ trimPrefix "a " .s }} {{ substr 0 1 .s }}`, "A_B A B b a")
	f(`{{ add .n 1 2 }} {{ sub .n 1 }} {{ mul .n 2 3 }} {{ div .n 2 }} {{ mod .n 4 }} {{ max .n 9 }} {{ min .n 9 }}`, "10 6 42 3 3 9 7")
	f(`{{ addf .f 0.2 }} {{ subf .n .f }} {{ mulf .f 3 }} {{ divf .n 2 }} {{ round 1.2345 2 }} {{ ceil .f }} {{ floor .f }}`, "0.3 6.9 0.3 3.5 1.23 1 0")
	f(`{{ if and (hasPrefix "a" .s) (contains "b" .s) (gt (int .n) 5) }}yes{{ else }}no{{ end }}`, "yes")
	f(`{{ regexReplaceAll "(a) (b)" .s "${2}-$1" }} {{ regexReplaceAllLiteral "a" .s "$" }} {{ count "[ab]" .s }}`, "b-a $ b 2")
	f(`{{ duration .d }} {{ duration_seconds .d }} {{ bytes .z }}`, "1.5 1.5 2000")
	f(`{{ alignLeft 4 .n }}|{{ alignRight 4 .n }}|{{ alignRight 1 .s }}|{{ alignLeft 2 .w }}`, "7   |   7|b|ét")
	f(`{{ urlencode .s }} {{ urldecode "a%20b" }} {{ b64enc .s }} {{ b64dec "YSBi" }}`, "a+b a b YSBi a b")
	f(`{{ range $i, $e := fromJson .j }}{{ $i }}{{ end }}`, "01")
	f(`{{ date "2006-01-02" (unixToTime "1700000000") }} {{ unixEpoch (toDate "2006-01-02" "2023-11-14") }}`, "2023-11-14 1699920000")
	f(`{{ date "15:04" (toDateInZone "2006-01-02 15:04" "Europe/Oslo" "2023-06-01 12:00") }}`, "10:00")
	f(`{{ indent 2 .n }}{{ nindent 1 .n }}`, "  7\n 7")
	f(`{{ printf "%s-%3s" .n .n }}`, "7-  7")
	f(`{{ TrimLeft .e "w" | ToUpper | ToLower }}`, "arn")
}

// What a template may cost a row is bounded, whatever it says.
func TestTemplateBounds(t *testing.T) {
	for template, want := range map[string]string{
		`{{ repeat 100000000 "x" }}`: "MaxFormatted",
		`{{ $x := "xx" }}{{ range 64 }}{{ $x = printf "%s%s" $x $x }}{{ end }}`:                 "MaxFormatted",
		`{{ $x := "\\" }}{{ range 64 }}{{ $x = js $x }}{{ end }}`:                               "MaxFormatted",
		`{{ printf "%99999999d" 1 }}`:                                                           "MaxFormatted",
		`{{ printf "%*d" 99999999 1 }}`:                                                         "MaxFormatted",
		`{{ range 1000000000 }}{{ end }}`:                                                       "MaxIterations",
		`{{ define "a" }}{{ template "a" }}{{ template "a" }}{{ end }}{{ template "a" }}`:       "MaxIterations",
		`{{ range 9000 }}{{ range 9000 }}{{ end }}{{ end }}`:                                    "MaxIterations",
		`{{ replace "" (repeat 1000 "y") (repeat 10000 "x") }}`:                                 "MaxFormatted",
		`{{ indent 1000000 "\n\n\n" }}`:                                                         "MaxFormatted",
		`{{ alignLeft 2000000000 "x" }}`:                                                        "MaxFormatted",
		`{{ div 1 0 }}`:                                                                         "divide by zero",
		`{{ substr 5 1 "abc" }}`:                                                                "substr",
		`{{ index .app 99 }}`:                                                                   "out of range",
		`{{ unixToTime "12" }}`:                                                                 "unable to parse time",
		`{{ range 3000 }}{{ regexReplaceAll "(a|b|ab)*c" (repeat 1000000 "ab") "x" }}{{ end }}`: "MaxFormatted",
	} {
		p := compile(t, Options{}, &ast.LineFormat{Template: template})
		begun := time.Now()
		got := line(t, p, "text")
		if !strings.Contains(got, ErrFormat) || !strings.Contains(got, want) || !strings.HasSuffix(got, " text") {
			t.Errorf("%s\n got %.300s\nwant an error with %s", template, got, want)
		}
		if d := time.Since(begun); d > 30*time.Second {
			t.Errorf("%s took %s", template, d)
		}
	}
	for _, bad := range []string{"{{", "{{ nope }}", "{{ __tick__ }}", strings.Repeat("{{ .a }}", MaxCommands+1)} {
		if _, err := Compile([]ast.Stage{&ast.LineFormat{Template: bad}}, Options{}); err == nil {
			t.Errorf("template %.20q was accepted", bad)
		}
	}
}

func TestLabelFormat(t *testing.T) {
	p := compile(t, Options{}, &ast.Parser{Name: "logfmt"},
		&ast.LabelFormat{Items: []ast.LabelAssign{{Label: "y", From: "x"}, {Label: "z", Template: "{{.y}}{{.x}}"}, {Label: "v", Template: "{{.z}}!"}, {Label: "w", From: "none"}}})
	if got, want := line(t, p, "x=1"), `{app="a", v="!", y="1", z="1"} x=1`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, items := range [][]ast.LabelAssign{{{Label: ErrorLabel, From: "x"}}, {{Label: "a", From: "x"}, {Label: "a", From: "y"}}} {
		if _, err := Compile([]ast.Stage{&ast.LabelFormat{Items: items}}, Options{}); err == nil {
			t.Errorf("%v was accepted", items)
		}
	}
}

func TestPattern(t *testing.T) {
	f := func(pattern, text, want string) {
		t.Helper()
		p := compile(t, Options{}, &ast.Parser{Name: "pattern", Text: pattern})
		if got := strings.TrimSuffix(line(t, p, text), " "+text); got != want {
			t.Errorf("%s of %s\n got %s\nwant %s", pattern, text, got, want)
		}
	}
	f(`<ip> - <_> [<_>] "<method> <path> <_>" <status> <size>`, `10.0.0.1 - bob [now] "GET /x HTTP/1.1" 200 17`,
		`{app="a", ip="10.0.0.1", method="GET", path="/x", size="17", status="200"}`)
	f(`<a> took <b>`, `no such text`, `{a="no such text", app="a"}`)
	f(`head <a>`, `no head x`, `{app="a"}`)
	f(`<a>: <b>`, `: `, `{a="", app="a", b=""}`)
	f(`<app>`, `x`, `{app="a", app_extracted="x"}`)
	f(`<<a>> <`, `<b> <`, `{a="b", app="a"}`)
	f(`⚡<a>⚡`, `⚡é⚡`, `{a="é", app="a"}`)
	for _, bad := range []string{"", "text", "<_>", "<a><b>", "<a> <a>", "<a><_>"} {
		if _, err := Compile([]ast.Stage{&ast.Parser{Name: "pattern", Text: bad}}, Options{}); err == nil {
			t.Errorf("pattern %q was accepted", bad)
		}
	}
}

func TestLinePattern(t *testing.T) {
	f := func(pattern, text string, want bool) {
		t.Helper()
		p := compile(t, Options{}, &ast.LineFilter{Op: "|>", Values: []string{pattern}})
		if got := line(t, p, text) != "dropped"; got != want {
			t.Errorf("%q of %q: got %v", pattern, text, got)
		}
	}
	f("<_>", "x", true)
	f("<_>", "", false)
	f("", "", true)
	f("", "x", false)
	f("<_> bar", "foo bar", true)
	f("<_> bar", "foo bar baz", false)
	f("foo <_>", "foo ", false)
	f("foo <_> bar", "foo x bar", true)
	f("foo <_> bar", "foo  bar", false)
	f("GET /api", "GET /api 200", false)
	f("<_>bar<_>", " bar ", true)
	if _, err := Compile([]ast.Stage{&ast.LineFilter{Op: "|>", Values: []string{"<a>"}}}, Options{}); err == nil {
		t.Error("a named capture was accepted")
	}
}

func TestIP(t *testing.T) {
	f := func(ips, text string, want bool) {
		t.Helper()
		p := compile(t, Options{}, &ast.LineFilter{Op: "|=", IPs: []string{ips}})
		if got := line(t, p, text) != "dropped"; got != want {
			t.Errorf("ip(%q) of %q: got %v", ips, text, got)
		}
	}
	f("10.0.0.0/8", "from 10.1.2.3:80", true)
	f("10.0.0.0/8", "from 11.1.2.3", false)
	f("10.0.0.1-10.0.0.9", "x10.0.0.5", true)
	f("10.0.0.1-10.0.0.9", "10.0.0.10", false)
	f("::1", "host ::1 up", true)
	f("2001:db8::/32", "[2001:db8::ff00:42:8329]", true)
	f("10.0.0.1", "1.2.3.4.5 10.0.0.1.", false)
	f("0.0.0.0/0", "::1", false)
	f("192.168.4.5", "192.168.4.5", true)
	for _, bad := range []string{"", "x", "10.0.0.0/33", "10.0.0.9-10.0.0.1", "10.0.0.1-::1"} {
		if _, err := Compile([]ast.Stage{&ast.LineFilter{Op: "|=", IPs: []string{bad}}}, Options{}); err == nil {
			t.Errorf("ip(%q) was accepted", bad)
		}
	}
}

func TestUnpackAndDecolorize(t *testing.T) {
	p := compile(t, Options{}, &ast.Parser{Name: "unpack"}, &ast.Decolorize{})
	f := func(text, want string) {
		t.Helper()
		if got := line(t, p, text); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
	f(`{"pod":"x","app":"b","n":1,"_entry":"\u001b[31mred\u001b[0m"}`, `{app="a", app_extracted="b", pod="x"} red`)
	f(`{"pod":"x"}`, `{app="a"} {"pod":"x"}`)
	f(`text`, `{__error__="JSONParserErr", __error_details__="want a JSON object", app="a"} text`)
}

// Labels of a row come first from its stream, then from its structured
// metadata, then from parsers; who loses gets a suffix, where the order is the
// other way round.
func TestConflicts(t *testing.T) {
	p := compile(t, Options{}, &ast.Parser{Name: "logfmt"})
	meta := []model.Label{{Name: "app", Value: "m"}, {Name: "pod", Value: "m"}}
	if got, want := line(t, p, "app=p pod=p x=p", meta...), `{app="a", app_extracted="p", pod="m", pod_extracted="p", x="p"} app=p pod=p x=p`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	q := compile(t, Options{}, &ast.LineFilter{Op: "|=", Values: []string{"x"}})
	if got, want := line(t, q, "x", meta...), `{app="a", app_extracted="m", pod="m"} x`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A grouped count stops parsing where it has all that it needs, and does not
// parse at all where it needs nothing: an error further on is then not seen.
func TestParsingStopsEarly(t *testing.T) {
	for _, c := range []struct {
		only   []string
		stages []ast.Stage
		want   string
	}{
		{nil, nil, `{} {"a":1,"b"`},
		{[]string{"a"}, nil, `{a="1"} {"a":1,"b"`},
		{[]string{"c"}, nil, `{__error__="JSONParserErr"`},
		{[]string{ErrorLabel}, nil, `{__error__="JSONParserErr"} `},
	} {
		p := compile(t, Options{Grouped: true, Only: c.only}, append([]ast.Stage{&ast.Parser{Name: "json"}}, c.stages...)...)
		if got := line(t, p, `{"a":1,"b"`); !strings.HasPrefix(got, c.want) {
			t.Errorf("by %v: got %s, want %s", c.only, got, c.want)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{`{{.a}}`, `{{ .a | trunc 3 | upper }}`, `{{ range $i := fromJson .a }}{{ $i }}{{ end }}`, `{{ add 1 "x" .b }}`, `{{ printf "%5.2f" (float64 .a) }}`,
		`{{ define "x" }}{{ . }}{{ end }}{{ template "x" .a }}`, `{{ date "2006" now }}`, `{{ if eq .a .b }}x{{ end }}`} {
		f.Add(s, `a=1 b="[1,2]"`)
	}
	f.Fuzz(func(t *testing.T, template, text string) {
		if strings.Contains(template, "now") || strings.Contains(template, "date") {
			return // reads the clock
		}
		p, err := Compile([]ast.Stage{&ast.Parser{Name: "logfmt"}, &ast.LineFormat{Template: template}, &ast.LabelFormat{Items: []ast.LabelAssign{{Label: "l", Template: template}}}}, Options{})
		if err != nil {
			return
		}
		row, ok := p.Stream(nil).Run(&Input{Line: text})
		if !ok || len(row.Line) > max(MaxFormatted, len(text)) {
			t.Fatalf("%d bytes, %v", len(row.Line), ok)
		}
		valid(t, row.Set)
	})
}

func FuzzPattern(f *testing.F) {
	f.Add(`<a> "<_>" <b>`, `x "y" z`)
	f.Add(`<_>`, ``)
	f.Add(`a<b`, `a<b`)
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if p, err := Compile([]ast.Stage{&ast.Parser{Name: "pattern", Text: pattern}}, Options{}); err == nil {
			row, ok := p.Stream(nil).Run(&Input{Line: text})
			if !ok {
				t.Fatal("the parser dropped a row")
			}
			valid(t, row.Set)
		}
		if p, err := Compile([]ast.Stage{&ast.LineFilter{Op: "|>", Values: []string{pattern}}}, Options{}); err == nil {
			q, err := Compile([]ast.Stage{&ast.LineFilter{Op: "!>", Values: []string{pattern}}}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			_, yes := p.Stream(nil).Run(&Input{Line: text})
			if _, no := q.Stream(nil).Run(&Input{Line: text}); yes == no {
				t.Fatalf("%q both is and is not like %q", text, pattern)
			}
		}
	})
}

func FuzzJSONPath(f *testing.F) {
	for _, s := range []string{`a.b["c d"][0]`, `a`, `[0]`, `a[`, `["\""]`, `a . b`} {
		f.Add(s, `{"a":{"b":{"c d":[1]}}}`)
	}
	f.Fuzz(func(t *testing.T, path, text string) {
		p, err := Compile([]ast.Stage{&ast.Parser{Name: "json", Extractions: []ast.Extraction{{Label: "v", Path: path}}}}, Options{})
		if err != nil {
			return
		}
		row, _ := p.Stream(nil).Run(&Input{Line: text})
		valid(t, row.Set)
	})
}
