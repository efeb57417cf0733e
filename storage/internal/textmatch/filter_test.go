package textmatch

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"tidemark/storage/model"
	"tidemark/storage/shape"
)

// parse takes a line's shape apart.
func parse(line string) (*Template, [][]byte) {
	var p shape.Parsed
	shape.Parse([]byte(line), &p)
	t := &Template{Constants: [][]byte{nil}}
	for i := 0; i < len(p.Template); i++ {
		last := &t.Constants[len(t.Constants)-1]
		switch {
		case p.Template[i] != shape.Mark:
			*last = append(*last, p.Template[i])
		case p.Template[i+1] == shape.MarkLiteral:
			*last = append(*last, shape.Mark)
			i++
		default:
			i++
			t.Kinds = append(t.Kinds, shape.Kind(p.Template[i]))
			t.Constants = append(t.Constants, nil)
		}
	}
	var vars [][]byte
	for _, v := range p.Vars {
		vars = append(vars, v.Text)
	}
	return t, vars
}

// holds evaluates a verdict on a line's variables.
func holds(v Verdict, vars [][]byte, negate bool) (keep, known bool) {
	switch v.Outcome {
	case All:
		return true, true
	case None:
		return false, true
	}
	if v.Ways == nil {
		return false, false
	}
	for _, way := range v.Ways {
		all := true
		for _, c := range way {
			all = all && c.Holds(vars[c.Slot])
		}
		if all {
			return !negate, true
		}
	}
	return negate, true
}

func check(t *testing.T, f *model.LineFilter, line string) {
	t.Helper()
	tpl, vars := parse(line)
	v := New(f).Verdict(tpl)
	if got, known := holds(v, vars, f.Negate); known && got != f.Keep(line) {
		t.Fatalf("line %q, filter %q %q negated %v: got %v, want %v (verdict %+v)", line, f.Contains, f.Regexps, f.Negate, got, f.Keep(line), v)
	}
}

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		line, text string
		want       Outcome
	}{
		{"took 12 ms", "took", All},
		{"took 12 ms", "tock", None},
		{"took 12 ms", "12", Some},
		{"took 12 ms", "k 1", Some},
		{"took 12 ms", "took ms", None},
		{"took 12 ms", "", All},
		{"user ana from 10.0.0.1", "1", Some},
		{"user ana from 10.0.0.1", "a1", None},
	} {
		tpl, _ := parse(c.line)
		if v := New(&model.LineFilter{Contains: []string{c.text}}).Verdict(tpl); v.Outcome != c.want {
			t.Errorf("%q in the shape of %q: got %d, want %d", c.text, c.line, v.Outcome, c.want)
		}
		check(t, &model.LineFilter{Contains: []string{c.text}}, c.line)
	}
	for _, c := range []struct {
		line, re string
		want     Outcome
	}{
		{"authentication failure; rhost=10.42.0.1  user=root", `rhost=[0-9.]+ +user=root`, All},
		{"authentication failure; rhost=10.42.0.1  user=ana", `rhost=[0-9.]+ +user=root`, None},
		{"took 12 ms", `took \d+ ms$`, Some}, // -12 is a variable, too
		{"took 12 ms", `took [-\d]+ ms$`, All},
		{"took 12 ms", `^ook`, None},
		{"took 12 ms", `(?i)TOOK`, All},
		{"took 12 ms", `took \d{3}`, Some},
		{"took 12 ms", `\bms`, Some}, // looks at neighbours
	} {
		tpl, _ := parse(c.line)
		if v := New(&model.LineFilter{Regexps: []*regexp.Regexp{regexp.MustCompile(c.re)}}).Verdict(tpl); v.Outcome != c.want {
			t.Errorf("%q over the shape of %q: got %d, want %d", c.re, c.line, v.Outcome, c.want)
		}
	}
}

var parts = []string{"took", "12", " ", " ", "ms", "=", "user", "10.0.0.1", ":", "80", "deadbeef01", "/var/lib/x1", "a-1", "-7", "0.5", "é", "\x00", "node-17", "true", "http://a/b", "\xff", "2026-01-02T03:04:05Z", "Jan  2 03:04:05", "10/Oct/2000:13:55:36 +0100", "03:04:05,678"}

func randomText(r *rand.Rand, n int) string {
	var b strings.Builder
	for range r.IntN(n) {
		b.WriteString(parts[r.IntN(len(parts))])
	}
	return b.String()
}

// TestAgainstLines compares verdicts with the lines themselves.
func TestAgainstLines(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 6_000 {
		line := randomText(r, 9)
		var text string
		if r.IntN(3) == 0 || line == "" {
			text = randomText(r, 3)
		} else {
			from := r.IntN(len(line))
			text = line[from : from+r.IntN(len(line)-from+1)]
		}
		f := &model.LineFilter{Contains: []string{text}, Negate: r.IntN(2) == 0}
		if r.IntN(3) == 0 {
			f.Contains = append(f.Contains, randomText(r, 3))
		}
		check(t, f, line)
		if re, err := regexp.Compile(expressions[r.IntN(len(expressions))]); err == nil {
			check(t, &model.LineFilter{Regexps: []*regexp.Regexp{re}, Negate: r.IntN(2) == 0}, line)
		}
		if re, err := regexp.Compile(regexp.QuoteMeta(text)); err == nil { // it may be half of a character
			check(t, &model.LineFilter{Regexps: []*regexp.Regexp{re}}, line)
		}
	}
}

var expressions = []string{`\d+`, `took.*ms`, `^took`, `ms$`, `[a-f0-9]{8}`, `(user|took) ?\d`, `(?i)USER`, `a.1`, `/var/\w+/x`, `^$`, `.`, `\S+ \S+`, `é`, `[^a-z]+$`, `0\.5|-7`, `x*`, `true:80`, `(took)+ 1`, `user=(\w+) *ms`}

func FuzzContains(f *testing.F) {
	f.Add("took 12 ms", "k 12", false)
	f.Add("blk_-77 from /10.0.0.1:80", "_-7", true)
	f.Fuzz(func(t *testing.T, line, text string, negate bool) {
		if len(line) > 1000 || len(text) > 300 {
			return
		}
		check(t, &model.LineFilter{Contains: []string{text}, Negate: negate}, line)
	})
}
