package ast

import (
	"errors"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"5m": 5 * time.Minute, "1h30m": 90 * time.Minute, "1y": 365 * 24 * time.Hour, "2w": 14 * 24 * time.Hour,
		"1d12h": 36 * time.Hour, "100ms": 100 * time.Millisecond, "0s": 0, "1s500ms": 1500 * time.Millisecond,
		"1.5h": 90 * time.Minute, "100us": 100 * time.Microsecond, "7ns": 7, "2µs": 2000, "292y": 292 * 365 * 24 * time.Hour,
	} {
		if d, err := ParseDuration(text); err != nil || d != want {
			t.Errorf("%s: got %s, %v", text, d, err)
		}
	}
	for _, text := range []string{"", "5", "m", "5x", "5m5", "-5m", "+5m", "5 m", "1d1.5d", "1.5d", "5mm", "0", "5m1h", "5m1m", "-1.5h"} {
		if d, err := ParseDuration(text); err == nil || errors.Is(err, ErrDurationRange) {
			t.Errorf("%q: got %s, %v, want a bad duration", text, d, err)
		}
	}
	for _, text := range []string{"293y", "99999999999999999999s", "292y52w"} {
		if d, err := ParseDuration(text); !errors.Is(err, ErrDurationRange) {
			t.Errorf("%q: got %s, %v, want it out of range", text, d, err)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0s", 28 * 24 * time.Hour: "4w", 30 * 24 * time.Hour: "30d", 366 * 24 * time.Hour: "366d", 90 * time.Second: "1m30s",
		-time.Hour: "-1h", 1: "1ns", math.MinInt64: "-2562047h47m16.854775807s",
	} {
		if got := FormatDuration(d); got != want {
			t.Errorf("%d: got %s, want %s", d, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, math.MaxInt64).Draw(t, "d"))
		if rapid.Bool().Draw(t, "milliseconds") {
			d = d.Truncate(time.Millisecond)
		}
		if got, err := ParseDuration(FormatDuration(d)); err != nil || got != d {
			t.Fatalf("%s: got %s, %v", FormatDuration(d), got, err)
		}
	})
}

func TestNearest(t *testing.T) {
	names := []string{"rate", "irate", "sum", "sum_over_time", "anomaly_score", "ln", "log2", "label_replace", "offset"}
	for name, want := range map[string]string{
		"anomoly_score": "anomaly_score", "raet": "rate", "RATE": "rate", "summ": "sum", "sum_over_tiem": "sum_over_time",
		"lable_replace": "label_replace", "ofset": "offset", "xyzzy": "", "": "", "x": "", "log": "log2", "predict": "",
	} {
		if got := Nearest(name, names); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if got := Nearest(string(make([]byte, 1000)), names); got != "" {
		t.Errorf("an endless name: got %q", got)
	}
}

// The distance is a metric but for the triangle, and bounded by the lengths.
func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"kitten", "sitting", 3}, {"ab", "ba", 1}, {"ca", "abc", 3}, {"rate", "irate", 1}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("%q, %q: got %d, want %d", c.a, c.b, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.StringMatching("[abc]{0,8}")
		a, b := letters.Draw(t, "a"), letters.Draw(t, "b")
		d := distance(a, b)
		if d != distance(b, a) || (d == 0) != (a == b) || d > max(len(a), len(b)) || d < max(len(a), len(b))-min(len(a), len(b)) {
			t.Fatalf("%q, %q: %d", a, b, d)
		}
	})
}

// Trees that a program makes without parentheses get those that their shape
// needs.
func TestPrintAddsParentheses(t *testing.T) {
	a, b, c := &Selector{Name: "a"}, &Selector{Name: "b"}, &Selector{Name: "c"}
	bin := func(l Expr, op string, r Expr) Expr { return &Binary{Op: op, LHS: l, RHS: r} }
	neg := func(e Expr) Expr { return &Unary{Op: "-", Expr: e} }
	for _, x := range []struct {
		e    Expr
		want string
	}{
		{bin(bin(a, "+", b), "*", c), "(a + b) * c"},
		{bin(a, "*", bin(b, "+", c)), "a * (b + c)"},
		{bin(a, "-", bin(b, "-", c)), "a - (b - c)"},
		{bin(bin(a, "-", b), "-", c), "a - b - c"},
		{bin(bin(a, "^", b), "^", c), "(a ^ b) ^ c"},
		{bin(a, "^", bin(b, "^", c)), "a ^ b ^ c"},
		{bin(neg(a), "^", b), "(-a) ^ b"},
		{neg(bin(a, "^", b)), "-a ^ b"},
		{neg(bin(a, "*", b)), "-(a * b)"},
		{neg(neg(a)), "--a"},
		{bin(a, "^", neg(b)), "a ^ -b"},
		{&Subquery{Expr: bin(a, "+", b), Range: time.Hour}, "(a + b)[1h:]"},
		{bin(&Number{Value: -1}, "^", b), "(-1) ^ b"},
		{bin(a, "!=", &String{Value: "x"}), `a != ("x")`},
		{&Tuple{Items: []Expr{a}}, "(a,)"},
		{bin(&Selector{Matchers: []Matcher{{Name: "x", Value: "y"}}, Stages: []Stage{&Parser{Name: "json"}}}, "or", b), `logs({x="y"} | json) or b`},
	} {
		if got := Print(x.e, Native); got != x.want {
			t.Errorf("got %s, want %s", got, x.want)
		}
	}
}

func TestEqual(t *testing.T) {
	a := &Call{Pos: Pos{Offset: 1}, Func: "f", Args: []Expr{&Number{Value: math.NaN()}}}
	b := &Call{Pos: Pos{Offset: 2}, Func: "f", Args: []Expr{&Number{Value: math.NaN()}}, Named: []NamedArg{}}
	if !Equal(a, b) {
		t.Error("positions, NaN and empty lists make trees differ")
	}
	for _, c := range []Expr{
		&Call{Func: "g", Args: a.Args}, &Call{Func: "f"}, &Call{Func: "f", Args: []Expr{&String{}}},
		&Call{Func: "f", Args: a.Args, Grouping: &Grouping{}}, &Call{Func: "f", Args: []Expr{&Number{Value: 1}}}, nil,
	} {
		if Equal(a, c) {
			t.Errorf("equal to %#v", c)
		}
	}
}

func TestWalk(t *testing.T) {
	e := &Binary{
		Op: "+",
		LHS: &Aggregate{Op: "topk", Param: &Number{Value: 5}, Expr: &Call{
			Func: "f", Args: []Expr{&Subquery{Expr: &Unary{Op: "-", Expr: &Selector{Name: "a"}}}},
			Named: []NamedArg{{Name: "q", Value: &Tuple{Items: []Expr{&Number{}, &Selector{Name: "b"}}}}},
		}},
		RHS: &Paren{Expr: &Selector{Name: "c"}},
	}
	var names string
	for _, s := range Selectors(e) {
		names += s.Name
	}
	if names != "abc" {
		t.Errorf("selectors: got %s, want abc", names)
	}
	n := 0
	Walk(e, func(x Expr) bool { n++; _, call := x.(*Call); return !call })
	if n != 6 {
		t.Errorf("visited %d nodes, want 6: nothing within the call", n)
	}
}

func TestPretty(t *testing.T) {
	sel := func(name string) *Selector { return &Selector{Domain: Metrics, Name: name, Range: 5 * time.Minute} }
	rate := func(name string) Expr { return &Call{Func: "rate", Args: []Expr{sel(name)}} }
	sum := func(e Expr) Expr { return &Aggregate{Op: "sum", Expr: e, Grouping: &Grouping{Labels: []string{"job"}}} }
	e := &Binary{Op: "/", LHS: sum(rate("http_errors_total")), RHS: sum(&Paren{Expr: &Binary{Op: "+", LHS: rate("http_requests_total"), RHS: rate("http_errors_total")}}),
		Matching: &Matching{On: true, Labels: []string{"job"}, Explicit: true}}
	for _, c := range []struct {
		width int
		want  string
	}{
		{200, "sum by (job) (rate(http_errors_total[5m])) / on (job) sum by (job) ((rate(http_requests_total[5m]) + rate(http_errors_total[5m])))"},
		{80, `  sum by (job) (rate(http_errors_total[5m]))
/ on (job)
  sum by (job) ((rate(http_requests_total[5m]) + rate(http_errors_total[5m])))`},
		{40, `  sum by (job) (
    rate(http_errors_total[5m])
  )
/ on (job)
  sum by (job) (
    (
        rate(http_requests_total[5m])
      +
        rate(http_errors_total[5m])
    )
  )`},
	} {
		if got := Pretty(e, PromQL, c.width); got != c.want {
			t.Errorf("width %d:\n%s\nwant\n%s", c.width, got, c.want)
		}
	}
}
