package shape

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// count parses lines and counts their shapes in the order of first sight.
func count(lines []string) []Count {
	var p Parsed
	var out []Count
	at := map[string]int{}
	for _, l := range lines {
		Parse([]byte(l), &p)
		i, ok := at[string(p.Template)]
		if !ok {
			i = len(out)
			at[string(p.Template)] = i
			out = append(out, Count{Template: bytes.Clone(p.Template)})
		}
		out[i].N++
	}
	return out
}

func merge(counts []Count) []Pattern {
	out, err := Merge(context.Background(), counts)
	if err != nil {
		panic(err) // a context that nobody ends
	}
	return out
}

func patternsOf(lines ...string) []string {
	var out []string
	for _, p := range merge(count(lines)) {
		out = append(out, fmt.Sprintf("%d %s", p.N, p.Text()))
	}
	return out
}

func each(format string, values ...string) []string {
	var out []string
	for _, v := range values {
		out = append(out, fmt.Sprintf(format, v))
	}
	return out
}

func TestPatterns(t *testing.T) {
	cases := []struct {
		name  string
		lines []string
		want  []string
	}{
		{"spaces collapse and values swallow their word",
			[]string{" wait  (command 17)", "wait (command 18) ", "took 15ms for attempt_17_x3 on blk_-17 at /10.0.0.1:80"},
			[]string{"2 wait (command <*>)", "1 took <*> for <*> on <*> at <*>:<*>"}},
		{"names before a value stay", []string{"dump core.17", "dump core.18"}, []string{"2 dump core.<*>"}},
		{"devices of one stem", each("link %s is up now", "eth0", "eth1"), []string{"2 link <*> is up now"}},
		{"few words are constant", each("the disk is %s again", "full", "busy", "slow"),
			[]string{"1 the disk is busy again", "1 the disk is full again", "1 the disk is slow again"}},
		{"many words are values", each("the disk is %s again", "full", "busy", "slow", "late", "gone", "back"),
			[]string{"6 the disk is <*> again"}},
		{"what a word announces is a value", each("session opened for user %s by x", "ann", "bob"),
			[]string{"2 session opened for user <*> by x"}},
		{"words beside prevailing values are values",
			[]string{"sync to 10.0.0.1 done", "sync to 10.0.0.2 done", "sync to 10.0.0.3 done", "sync to 10.0.0.4 done", "sync to LOCAL(0) done"},
			[]string{"5 sync to <*> done"}},
		{"punctuation is no value", []string{"fans ( 1 2 3 )", "fans ( 1 **** 3 )"},
			[]string{"1 fans ( <*> <*> <*> )", "1 fans ( <*> **** <*> )"}},
		{"units and repeats in parentheses", []string{"sent 5 bytes in 2 s", "sent 1133 bytes (1.1 KB) in 3 ms"},
			[]string{"2 sent <*> bytes in <*>"}},
		{"lists of any length", []string{"hosts an14 an15 an16 lost", "hosts bn11 bn12 bn13 bn14 lost", "ids 1 2 3", "ids 1 2"},
			[]string{"2 hosts <*> lost", "2 ids <*>"}},
		{"no word, no merge", []string{"1 2 3", "1 2", "(17)"}, []string{"1 <*> <*>", "1 <*> <*> <*>", "1 (<*>)"}},
		{"quoted values of keys",
			[]string{`lock tag="View Lock", ws=null`, `lock tag="RIL", ws=null`, `{"level":"info","user": "Ann \"B\" C"}`, `{"level":"info","user": "Bob"}`, `level=warn msg="not so"`},
			[]string{`2 lock tag="<*>", ws=<*>`, `2 {"level":"info","user": "<*>"}`, `1 level=warn msg="not so"`}},
		{"a mark of the line", []string{"a\x00b 17"}, []string{"1 a\x00b <*>"}},
	}
	for _, c := range cases {
		if got := patternsOf(c.lines...); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}

func TestPlacesThatVaryTogether(t *testing.T) {
	var lines, few []string
	for i := range 20 {
		lines = append(lines, fmt.Sprintf("moved job of %c%cx to %c%cy now", 'a'+i, 'b'+i, 'c'+i, 'k'+i%7))
	}
	if got := patternsOf(lines...); !slices.Equal(got, []string{"20 moved job of <*> to <*> now"}) {
		t.Errorf("got %q", got)
	}
	states := []string{"new", "ready", "running", "failed"}
	for _, a := range states {
		for _, b := range states {
			few = append(few, "task went from "+a+" to "+b)
		}
	}
	if got := patternsOf(few...); len(got) != len(few) {
		t.Errorf("states: got %q, want each by itself", got)
	}
}

// TestEventsStayApart has events that differ in several words, each with values of
// letters only that differ in every line.
func TestEventsStayApart(t *testing.T) {
	r := rand.New(rand.NewSource(7))
	word := func() string {
		b := make([]byte, 8)
		for i := range b {
			b[i] = byte('a' + r.Intn(26))
		}
		return string(b)
	}
	var lines []string
	events := map[string]bool{}
	for range 20 {
		event := word() + " " + word() + " " + word()
		events["40 "+event+" for <*> from <*> again"] = true
		for range 40 {
			lines = append(lines, event+" for "+word()+" from "+word()+" again")
		}
	}
	got := patternsOf(lines...)
	for _, p := range got {
		if !events[p] {
			t.Errorf("pattern %q is no event", p)
		}
	}
	if len(got) != len(events) {
		t.Errorf("%d patterns, want %d", len(got), len(events))
	}
}

func TestMergeCanBeCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if p, err := Merge(ctx, count([]string{"a 1", "b 2"})); p != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v; want context.Canceled", p, err)
	}
}

// sameByContent makes the answers of differently ordered inputs comparable.
func sameByContent(counts []Count, patterns []Pattern) map[string][]string {
	out := map[string][]string{}
	for _, p := range patterns {
		var members []string
		for _, s := range p.Shapes {
			members = append(members, fmt.Sprintf("%d %q", counts[s].N, counts[s].Template))
		}
		slices.Sort(members)
		out[fmt.Sprintf("%x %d %q", p.ID, p.N, p.Template)] = members
	}
	return out
}

func checkMerge(t interface{ Fatalf(string, ...any) }, counts []Count, seed int64) {
	var total, sum uint64
	for _, c := range counts {
		total += c.N
	}
	patterns := merge(counts)
	seen := make([]bool, len(counts))
	for i, p := range patterns {
		sum += p.N
		var n uint64
		for _, s := range p.Shapes {
			if seen[s] {
				t.Fatalf("shape %d is in two patterns", s)
			}
			seen[s] = true
			n += counts[s].N
		}
		if n != p.N || p.ID != ID(p.Template) {
			t.Fatalf("pattern %q: n %d, members have %d", p.Template, p.N, n)
		}
		if i > 0 && p.N == patterns[i-1].N && bytes.Equal(p.Template, patterns[i-1].Template) {
			t.Fatalf("template %q twice", p.Template)
		}
	}
	if sum != total || slices.Contains(seen, false) {
		t.Fatalf("patterns hold %d lines, want %d; members %v", sum, total, seen)
	}
	shuffled := slices.Clone(counts)
	rand.New(rand.NewSource(seed)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	if a, b := sameByContent(counts, patterns), sameByContent(shuffled, merge(shuffled)); !reflect.DeepEqual(a, b) {
		t.Fatalf("another order, other patterns:\n%q\n%q", a, b)
	}
	// Batches report a shape each for itself: the same shape several times.
	var split []Count
	for _, c := range shuffled {
		a := c.N / 3
		split = append(split, Count{c.Template, a}, Count{c.Template, c.N - a})
	}
	bySplit, byWhole := map[string]uint64{}, map[string]uint64{}
	for _, p := range merge(split) {
		bySplit[string(p.Template)] += p.N
	}
	for _, p := range patterns {
		byWhole[string(p.Template)] += p.N
	}
	if !reflect.DeepEqual(bySplit, byWhole) {
		t.Fatalf("split in batches, other patterns:\n%v\n%v", bySplit, byWhole)
	}
}

func TestMergeNeedsNoOrder(t *testing.T) {
	word := rapid.SampledFrom([]string{"user", "root", "ann", "bob", "eve", "eth0", "eth1", "sda1", "17", "5 ms", "(3)", "core.5", "(", ")", "=", "x", "**", "10.0.0.1", "full", "busy"})
	line := rapid.Custom(func(t *rapid.T) string {
		return "the disk " + strings.Join(rapid.SliceOfN(word, 1, 4).Draw(t, "words"), " ")
	})
	rapid.Check(t, func(t *rapid.T) {
		checkMerge(t, count(rapid.SliceOfN(line, 0, 60).Draw(t, "lines")), rapid.Int64().Draw(t, "seed"))
	})
}

func TestMergeOfRealLogsNeedsNoOrder(t *testing.T) {
	for name, data := range rawFiles(t) {
		counts := count(strings.Split(string(data), "\n"))
		checkMerge(t, counts, int64(len(name)))
	}
}

func FuzzMerge(f *testing.F) {
	f.Add([]byte("a \x00i\nb \x00s-\x00i (\x00\n<\x000>"), int64(1))
	f.Fuzz(func(t *testing.T, text []byte, seed int64) {
		var counts []Count
		for i, template := range bytes.Split(text, []byte("\n")) {
			counts = append(counts, Count{template, uint64(i%5 + 1)})
		}
		checkMerge(t, counts, seed)
	})
}

func BenchmarkMerge(b *testing.B) {
	for name, data := range rawFiles(b) {
		counts := count(strings.Split(string(data), "\n"))
		b.Run(fmt.Sprintf("%s/shapes=%d", strings.TrimSuffix(name, ".log.gz"), len(counts)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				merge(counts)
			}
		})
	}
}
