package storage

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/storage/model"
)

// logSource makes log rows whose lines and fields have something to search for.
type logSource struct {
	*rand.Rand
	now int64
}

var levels = []string{"info", "warn", "error", ""}

func (s *logSource) line() string {
	switch s.IntN(7) {
	case 0:
		return fmt.Sprintf("GET /api/v1/items/%d took %d ms", s.IntN(50), s.IntN(1000))
	case 1:
		return fmt.Sprintf("user=%s rhost=10.0.%d.%d failed", []string{"root", "ana", "x1"}[s.IntN(3)], s.IntN(3), s.IntN(256))
	case 2:
		return fmt.Sprintf("block blk_%d of %08x stored", s.IntN(1000)-500, s.Uint32())
	case 3:
		return strings.Repeat("word ", s.IntN(4)) + "end"
	case 4:
		return fmt.Sprintf("load %.2f\x00 on node-%d", s.Float64()*10, s.IntN(20))
	case 5:
		return fmt.Sprintf("wörter \xff id=%x-%d", s.Uint32()%16, s.IntN(5))
	}
	return ""
}

func (s *logSource) batch(rows int) *model.Batch {
	b := new(model.Batch)
	for range rows {
		s.now += s.Int64N(2e9)
		at := s.now
		if s.IntN(10) == 0 {
			at -= s.Int64N(3600e9)
		}
		nv := []string{"app", fmt.Sprintf("app%d", s.IntN(4)), "host", fmt.Sprintf("h%d", s.IntN(3))}
		if s.IntN(5) == 0 {
			nv = append(nv, "level", "label")
		}
		cols := []model.Column{{Field: model.LineField, Type: model.TypeText}}
		vals := []model.Value{model.Text(s.line())}
		add := func(name string, v model.Value) {
			cols, vals = append(cols, model.Column{Field: name, Type: v.Type}), append(vals, v)
		}
		if s.IntN(4) > 0 {
			add("level", model.Text(levels[s.IntN(len(levels))]))
		}
		if s.IntN(3) > 0 {
			add("trace", model.Text(fmt.Sprintf("%032x", s.IntN(300))))
		}
		switch s.IntN(4) {
		case 0:
			add("ms", model.Int(s.Int64N(100)))
		case 1:
			add("ms", model.Float(float64(s.IntN(1000))/8))
		}
		if s.IntN(3) > 0 {
			add("size", model.Float(float64(s.IntN(1000))/8))
		}
		if s.IntN(40) == 0 {
			add("odd", model.Text("no number"))
		}
		b.Add(model.NewStream(model.FromStrings(nv...)), &model.Schema{Kind: model.LogRow, Columns: cols}, at, vals...)
	}
	return b
}

func (s *logSource) filter() (f model.RowFilter) {
	texts := []string{"took", "blk_-", "root", "10.0.1.", "d 7", "items/1", "", "word", "end", "nowhere", "\x00", "ö", "\xff", "1 took 9", "node-1", "=3-"}
	res := []string{`rhost=[0-9.]+`, `took \d{3} ms`, `^GET`, `end$`, `(?i)USER=ROOT`, `blk_-?\d+ of [a-f]`, `^$`, `node-1\d?$`}
	for range s.IntN(3) {
		l := model.LineFilter{Negate: s.IntN(3) == 0}
		if s.IntN(3) > 0 {
			l.Contains = append(l.Contains, texts[s.IntN(len(texts))])
		}
		if s.IntN(3) == 0 {
			l.Contains = append(l.Contains, texts[s.IntN(len(texts))])
		}
		if s.IntN(3) == 0 || len(l.Contains) == 0 {
			l.Regexps = append(l.Regexps, regexp.MustCompile(res[s.IntN(len(res))]))
		}
		f.Lines = append(f.Lines, l)
	}
	for range s.IntN(3) {
		name := []string{"level", "trace", "app", "nosuch"}[s.IntN(4)]
		want := []string{"info", "label", fmt.Sprintf("%032x", s.IntN(300)), "app1", ""}[s.IntN(5)]
		not := s.IntN(3) == 0
		ff := model.FieldFilter{Name: name, Test: func(v model.Value) model.Decision {
			if (v.String() == want) != not {
				return model.Keep
			}
			return model.Drop
		}}
		if !not {
			ff.Equal = want
		}
		f.Fields = append(f.Fields, ff)
	}
	if s.IntN(3) == 0 {
		min := float64(s.IntN(100))
		f.Fields = append(f.Fields, model.FieldFilter{Name: []string{"ms", "odd"}[min1(s.IntN(8))], Test: func(v model.Value) model.Decision {
			switch v.Type {
			case model.TypeNone:
				return model.Drop
			case model.TypeText:
				return model.Undecided
			}
			if model.BitsToFloat(v.Type, v.Bits) > min {
				return model.Keep
			}
			return model.Drop
		}})
	}
	return f
}

func min1(i int) int { return max(0, i-6) }

// plainRow is a row as the naive twin sees it.
type plainRow struct {
	labels model.Labels
	time   int64
	line   string
	fields map[string]model.Value
}

func allRows(t *testing.T, v model.View, sel model.RowSelection) (out []plainRow) {
	t.Helper()
	err := v.Rows(context.Background(), sel, func(b *model.RowBlock) error {
		for i := range b.Times {
			r := plainRow{b.Labels, b.Times[i], "", make(map[string]model.Value)}
			if b.Lines != nil {
				r.line = b.Lines[i]
			}
			for _, c := range b.Columns {
				if c.Values[i].Type != model.TypeNone {
					r.fields[c.Name] = c.Values[i]
				}
			}
			out = append(out, r)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (r *plainRow) value(name string) model.Value {
	if v := r.labels.Get(name); v != "" {
		return model.Text(v)
	}
	return r.fields[name]
}

// keep filters naively.
func (r *plainRow) keep(f *model.RowFilter) bool {
	for i := range f.Lines {
		if !f.Lines[i].Keep(r.line) {
			return false
		}
	}
	for i := range f.Fields {
		if f.Fields[i].Decide(r.value(f.Fields[i].Name)) == model.Drop {
			return false
		}
	}
	return true
}

func printRows(rows []plainRow) string {
	lines := make([]string, len(rows))
	for i, r := range rows {
		lines[i] = fmt.Sprintf("%s %d %q %v", r.labels, r.time, r.line, r.fields)
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

// TestFiltersAndCounts asks for filtered rows and for counts, and compares the
// answers with what a reader of all rows would make of them.
func TestFiltersAndCounts(t *testing.T) {
	seeds := 6
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		s := &logSource{Rand: rand.New(rand.NewPCG(uint64(seed), 5)), now: 1_700_000_000e9}
		start := s.now
		db := mustOpen(t, "db", Options{FS: vfs.NewMem(), FlushAge: time.Hour})
		batches, most, questions := 6, 400, 150
		if seed == 0 { // groups that are large enough for tallies and totals
			batches, most, questions = 2, 8000, 40
		}
		for range batches {
			mustAppend(t, db, s.batch(most/2+s.IntN(most/2)))
			if seed == 0 || s.IntN(3) > 0 {
				if err := db.Flush(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
		}
		v := mustView(t, db)
		for range questions {
			checkFilter(t, s, v.(model.RowSelector), start)
		}
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
		mustClose(t, db)
	}
}

func checkFilter(t *testing.T, s *logSource, v model.RowSelector, start int64) {
	t.Helper()
	ctx := context.Background()
	sel := model.RowSelection{Mint: start - 3600e9, Maxt: s.now, AllFields: true, Direction: model.Direction(s.IntN(2))}
	if s.IntN(2) == 0 {
		sel.Mint = start + s.Int64N(s.now-start)
		sel.Maxt = sel.Mint + s.Int64N(s.now-sel.Mint+1)
	}
	if s.IntN(2) == 0 {
		m, err := model.NewMatcher(model.MatchEqual, "app", "app1")
		if err != nil {
			t.Fatal(err)
		}
		sel.Matchers = append(sel.Matchers, m)
	}
	all := allRows(t, v, sel)
	sel.Filter = s.filter()
	var want []plainRow
	undecided := false
	for _, r := range all {
		for i := range sel.Filter.Fields { // a store may give up on a row that another filter drops
			undecided = undecided || sel.Filter.Fields[i].Decide(r.value(sel.Filter.Fields[i].Name)) == model.Undecided
		}
		if r.keep(&sel.Filter) {
			want = append(want, r)
		}
	}
	got := allRows(t, v, sel)
	if a, b := printRows(got), printRows(want); a != b {
		t.Fatalf("filter %+v: got\n%s\nwant\n%s", sel.Filter, a, b)
	}

	// With a limit, the first rows must be there.
	sel.Limit = 1 + s.IntN(20)
	some := allRows(t, v, sel)
	order := func(a, b plainRow) int {
		if sel.Direction == model.Backward {
			return int(b.time - a.time)
		}
		return int(a.time - b.time)
	}
	slices.SortFunc(some, order)
	slices.SortFunc(want, order)
	n := min(sel.Limit, len(want))
	if len(some) < n {
		t.Fatalf("limit %d: got %d rows, want at least %d", sel.Limit, len(some), n)
	}
	for i := range n {
		if some[i].time != want[i].time {
			t.Fatalf("limit %d, row %d: got time %d, want %d", sel.Limit, i, some[i].time, want[i].time)
		}
	}

	c := model.RowCounting{Edges: []int64{sel.Mint - 1, sel.Maxt}, Shapes: s.IntN(3) == 0, ByStream: s.IntN(4) == 0}
	for range s.IntN(6) {
		c.Edges = append(c.Edges, sel.Mint-1+s.Int64N(sel.Maxt-sel.Mint+2))
	}
	slices.Sort(c.Edges)
	if !c.ByStream || s.IntN(2) == 0 {
		c.By = [][]string{nil, {"level"}, {"app"}, {"level", "trace"}, {"nosuch", "host"}, {"ms"}}[s.IntN(6)]
	}
	if s.IntN(2) == 0 {
		c.Number, c.Numbers = []string{"ms", "size"}[s.IntN(2)], s.IntN(2) == 0
	}
	if c.Number == "" {
		c.Bytes = s.IntN(2) == 0
	}
	checkDistinct(t, s, v, sel, c.Edges, want, undecided)
	wantCounts := make(map[string]*model.RowCount)
	for _, r := range want {
		if r.time <= c.Edges[0] || r.time > c.Edges[len(c.Edges)-1] {
			continue
		}
		num := r.fields[c.Number]
		if c.Number != "" && num.Type == model.TypeNone {
			continue
		}
		var pairs []model.Label
		if c.ByStream {
			pairs = append(pairs, r.labels...)
		}
		for _, n := range c.By {
			pairs = append(pairs, model.Label{Name: n, Value: r.value(n).String()})
		}
		ls := model.NewLabels(pairs...)
		key := ls.String()
		if c.Shapes {
			key += string(templateOf(r.line))
		}
		w := wantCounts[key]
		if w == nil {
			w = &model.RowCount{Rows: make([]int64, len(c.Edges)-1), Bytes: make([]int64, len(c.Edges)-1), Sums: make([]float64, len(c.Edges)-1), Numbers: make([][]float64, len(c.Edges)-1)}
			wantCounts[key] = w
		}
		k := sort.Search(len(c.Edges), func(i int) bool { return c.Edges[i] >= r.time }) - 1
		w.Rows[k]++
		w.Bytes[k] += int64(len(r.line))
		if c.Number != "" {
			f := model.BitsToFloat(num.Type, num.Bits)
			w.Sums[k] += f // eighths: exact
			w.Numbers[k] = append(w.Numbers[k], f)
		}
	}
	gotCounts := make(map[string]*model.RowCount)
	err := v.CountRows(ctx, sel, c, func(r *model.RowCount) error {
		key := r.Labels.String() + string(r.Shape)
		if gotCounts[key] != nil {
			return fmt.Errorf("%s twice", key)
		}
		gotCounts[key] = r
		return nil
	})
	if undecided && errors.Is(err, model.ErrUndecided) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(gotCounts) != len(wantCounts) {
		t.Fatalf("counting %+v: got %d groups, want %d", c, len(gotCounts), len(wantCounts))
	}
	for key, w := range wantCounts {
		g := gotCounts[key]
		if g == nil || !slices.Equal(g.Rows, w.Rows) {
			t.Fatalf("counting %+v: %s: got %v, want %v", c, key, g, w)
		}
		if c.Bytes && !slices.Equal(g.Bytes, w.Bytes) {
			t.Fatalf("counting %+v: %s: got bytes %v, want %v", c, key, g.Bytes, w.Bytes)
		}
		if c.Number == "" {
			continue
		}
		for k := range w.Rows {
			if w.Rows[k] == 0 {
				continue
			}
			slices.Sort(w.Numbers[k])
			if g.Sums[k] != w.Sums[k] || g.Mins[k] != w.Numbers[k][0] || g.Maxs[k] != w.Numbers[k][len(w.Numbers[k])-1] {
				t.Fatalf("counting %+v: %s: got sums %v, mins %v, maxs %v, want %v", c, key, g.Sums, g.Mins, g.Maxs, w.Numbers)
			}
			if c.Numbers {
				slices.Sort(g.Numbers[k])
				if !slices.Equal(g.Numbers[k], w.Numbers[k]) {
					t.Fatalf("counting %+v: %s: got numbers %v, want %v", c, key, g.Numbers[k], w.Numbers[k])
				}
			}
		}
	}
}

// checkDistinct compares the numbers of distinct values.
func checkDistinct(t *testing.T, s *logSource, v model.RowSelector, sel model.RowSelection, edges []int64, rows []plainRow, undecided bool) {
	t.Helper()
	name := []string{"trace", "level", "ms", "app", "nosuch"}[s.IntN(5)]
	want := make([]map[string]bool, len(edges)-1)
	for _, r := range rows {
		if r.time <= edges[0] || r.time > edges[len(edges)-1] {
			continue
		}
		k := sort.Search(len(edges), func(i int) bool { return edges[i] >= r.time }) - 1
		if want[k] == nil {
			want[k] = make(map[string]bool)
		}
		want[k][r.value(name).String()] = true
	}
	answers := 0
	err := v.CountRows(context.Background(), sel, model.RowCounting{Edges: edges, By: []string{name}, Distinct: true}, func(rc *model.RowCount) error {
		answers++
		for k, n := range rc.Rows {
			if int(n) != len(want[k]) {
				t.Fatalf("distinct %s in interval %d: got %d, want %d", name, k, n, len(want[k]))
			}
		}
		return nil
	})
	if undecided && errors.Is(err, model.ErrUndecided) {
		return
	}
	if err != nil || answers != 1 {
		t.Fatal(answers, err)
	}
}
