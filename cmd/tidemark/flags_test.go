package main

import (
	"strings"
	"testing"
	"time"

	"tidemark/query"
	"tidemark/query/ast"
)

func TestParseSpan(t *testing.T) {
	day := 24 * time.Hour
	for s, want := range map[string]time.Duration{
		"30d": 30 * day, "8w": 56 * day, "1y": 365 * day, "1d12h": 36 * time.Hour, "1.5h": 90 * time.Minute, "250ms": 250 * time.Millisecond, "90s": 90 * time.Second, "0s": 0,
	} {
		if got, err := parseSpan(s); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", s, got, err, want)
		}
	}
	for _, s := range []string{"", "30", "d", "-1d", "1x", "1d 2h", "1e3s", "99999y", "..s"} {
		if got, err := parseSpan(s); err == nil {
			t.Errorf("%q: got %s, want an error", s, got)
		}
	}
}

func TestSize(t *testing.T) {
	for s, want := range map[string]size{"1": 1, "64MiB": 64 << 20, "1GB": 1e9, "1.5KiB": 1536, "10 kB": 10000, "7B": 7} {
		var got size
		if err := got.UnmarshalText([]byte(s)); err != nil || got != want {
			t.Errorf("%s: got %d, %v, want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "-1", "1TB", "NaN", "1e99"} {
		var got size
		if err := got.UnmarshalText([]byte(s)); err == nil {
			t.Errorf("%q: got %d, want an error", s, got)
		}
	}
}

func TestParseTime(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for s, want := range map[string]time.Time{
		"now": now, "-6h": now.Add(-6 * time.Hour), "now-1d": now.Add(-24 * time.Hour), "+30d": now.Add(720 * time.Hour), "now+1h": now.Add(time.Hour),
		"2026-11-20T12:00:00Z": now, "2026-11-20T13:00:00+01:00": now, "2026-11-20 12:00": now, "2026-11-20": now.Add(-12 * time.Hour),
		"1795176000": now, "1795176000.5": now.Add(500 * time.Millisecond), "-5": time.Unix(-5, 0),
	} {
		got, err := parseTime(s, now)
		if err != nil || !got.Equal(want) {
			t.Errorf("%s: got %s, %v, want %s", s, got, err, want)
		}
	}
	for _, s := range []string{"", "soon", "now-", "2026-13-01", "1e30"} {
		if got, err := parseTime(s, now); err == nil {
			t.Errorf("%q: got %s, want an error", s, got)
		}
	}
}

func TestCheckListen(t *testing.T) {
	for _, c := range []struct {
		addr            string
		token, insecure bool
		ok              bool
	}{
		{"127.0.0.1:8433", false, false, true}, {"localhost:0", false, false, true}, {"[::1]:8433", false, false, true}, {"127.1.2.3:1", false, false, true},
		{":8433", false, false, false}, {"0.0.0.0:8433", false, false, false}, {"[::]:8433", false, false, false}, {"10.0.0.1:8433", false, false, false}, {"example.org:8433", false, false, false},
		{":8433", true, false, true}, {":8433", false, true, true}, {"8433", true, true, false},
	} {
		if err := checkListen(c.addr, c.token, c.insecure); (err == nil) != c.ok {
			t.Errorf("%s (token %v, insecure %v): got %v, want ok=%v", c.addr, c.token, c.insecure, err, c.ok)
		}
	}
}

func TestStepFor(t *testing.T) {
	for _, d := range []time.Duration{time.Second, time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 63 * 24 * time.Hour, 5 * 365 * 24 * time.Hour} {
		step := stepFor(d)
		if n := d / step; step < time.Second || n > 240 || d > 10*time.Minute && n < 60 {
			t.Errorf("%s: step %s makes %d steps, want about 240", d, step, n)
		}
	}
}

func TestDecodeAnswer(t *testing.T) {
	for body, check := range map[string]func(r *query.Result) bool{
		`{"data":{"resultType":"scalar","result":[1.5,"+Inf"]}}`: func(r *query.Result) bool {
			return r.Kind == query.KindScalar && r.Points[0].T == 1500 && r.Points[0].V > 1e308
		},
		`{"data":{"resultType":"string","result":[1,"a"]}}`: func(r *query.Result) bool { return r.Text == "a" },
		`{"data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[-0.001,"2"]}]},"warnings":["w"]}`: func(r *query.Result) bool {
			return r.Kind == query.KindVector && r.Series[0].Labels.Get("a") == "b" && r.Series[0].Points[0].T == -1 && r.Warnings[0] == "w"
		},
		`{"data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"2"],[2,"NaN"]]}]}}`: func(r *query.Result) bool {
			return r.Kind == query.KindMatrix && len(r.Series[0].Points) == 2
		},
		`{"data":{"resultType":"streams","result":[{"stream":{"a":"b"},"values":[["12","line"]]}]}}`: func(r *query.Result) bool {
			return r.Streams[0].Entries[0].T == 12 && r.Streams[0].Entries[0].Line == "line"
		},
		`{"data":{"resultType":"streams","result":[{"stream":{},"entries":[{"time":"-1","line":"l","fields":[{"name":"n","type":"int","value":"9223372036854775807"}]}]}]}}`: func(r *query.Result) bool {
			return int64(r.Streams[0].Entries[0].Fields[0].Value.Bits) == 1<<63-1
		},
	} {
		r, err := decodeAnswer([]byte(body))
		if err != nil || !check(r) {
			t.Errorf("%s: got %+v, %v", body, r, err)
		}
	}
	for _, body := range []string{``, `{}`, `[]`, `{"data":{"resultType":"vector","result":[{"value":[1]}]}}`, `{"data":{"resultType":"vector","result":[{"value":["x","1"]}]}}`,
		`{"data":{"resultType":"streams","result":[{"values":[[1]]}]}}`, `{"data":{"resultType":"streams","result":[{"entries":[{"time":"x"}]}]}}`} {
		if r, err := decodeAnswer([]byte(body)); err == nil {
			t.Errorf("%s: got %+v, want an error", body, r)
		}
	}
}

func TestShowQueryError(t *testing.T) {
	long := strings.Repeat("a", 300)
	for _, c := range []struct {
		text string
		err  *ast.Error
		want string
	}{
		{"é + )", &ast.Error{Pos: ast.Pos{Line: 1, Column: 5}, Token: ")", Message: "no"}, "tidemark: 1:5: no\n  é + )\n      ^\n"},
		{"a\n\tb !", &ast.Error{Pos: ast.Pos{Line: 2, Column: 4}, Token: "!", Message: "no"}, "tidemark: 2:4: no\n  \tb !\n  \t  ^\n"},
		{"a", &ast.Error{Pos: ast.Pos{Line: 1, Column: 99}, Token: "", Message: "no"}, "tidemark: 1:99: no\n  a\n   ^\n"},
		{"a", &ast.Error{Pos: ast.Pos{Line: 7, Column: 1}, Message: "no"}, "tidemark: 7:1: no\n"},
		{long, &ast.Error{Pos: ast.Pos{Line: 1, Column: 201}, Token: "aa", Message: "no"}, "tidemark: 1:201: no\n  " + long[:110] + "\n  " + strings.Repeat(" ", 60) + "^^\n"},
	} {
		var b strings.Builder
		if err := showQueryError(&b, c.text, c.err); err == nil {
			t.Error("got no error")
		}
		if got := b.String(); got != c.want && len(c.text) < 200 || len(got) > 300 {
			t.Errorf("%q: got\n%s\nwant\n%s", c.text, got, c.want)
		}
	}
}
