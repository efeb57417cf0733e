// Package querytest tests the query engine with scripts: series and log rows
// in shorthand, queries, and what they must answer. README.md is the manual
// of the script language. The scripts run against any engine and source; here
// they run against Source, a store in memory that is simple enough to be
// believed.
package querytest

import (
	"context"
	"math"
	"slices"
	"sort"
	"sync"

	"tidemark/storage/model"
)

// Source is a naive store: everything in maps and slices, every question a
// walk over all of it. It is the oracle that a real store can be compared
// with. Writes and views may meet; a view sees what was there when it was
// made.
type Source struct {
	mu     sync.Mutex
	series map[string]*memSeries
	rows   []memRow
}

type memSeries struct {
	name   string
	labels model.Labels
	points map[int64]model.Value
	starts map[int64]int64
}

type memRow struct {
	labels model.Labels
	time   int64
	line   string
	fields []model.RowColumn // of one value each
}

// NewSource returns an empty store.
func NewSource() *Source { return &Source{series: map[string]*memSeries{}} }

// AddSample writes one sample; a later one of the same time replaces it.
// Time is in nanoseconds.
func (s *Source) AddSample(name string, ls model.Labels, t int64, v model.Value) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := name + "\xff" + ls.Key()
	sr := s.series[key]
	if sr == nil {
		sr = &memSeries{name: name, labels: ls, points: map[int64]model.Value{}, starts: map[int64]int64{}}
		s.series[key] = sr
	}
	sr.points[t] = v
	delete(sr.starts, t)
}

// AddStart states since when a sample that was written counts.
func (s *Source) AddStart(name string, ls model.Labels, t, start int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.series[name+"\xff"+ls.Key()].starts[t] = start
}

// AddRow writes one log row. Time is in nanoseconds.
func (s *Source) AddRow(ls model.Labels, t int64, line string, fields map[string]model.Value) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := memRow{labels: ls, time: t, line: line}
	for n, v := range fields {
		r.fields = append(r.fields, model.RowColumn{Name: n, Values: []model.Value{v}})
	}
	s.rows = append(s.rows, r)
}

// Append writes a batch as a store does: numbers as samples, log rows as rows
// and, where their columns are named, as samples too.
func (s *Source) Append(_ context.Context, b *model.Batch) (model.AppendResult, error) {
	for i := range b.Rows() {
		r := &b.Rows()[i]
		line, fields, start := "", map[string]model.Value{}, int64(0)
		for k, w := range b.Words(r) {
			c := r.Schema.Columns[k]
			v := model.Value{Type: c.Type, Bits: w}
			if c.Type == model.TypeText || c.Type == model.TypeHistogram {
				v = model.Value{Type: c.Type, Text: string(b.TextOf(w))}
			}
			switch {
			case c.Type == model.TypeStart:
				start = int64(w)
			case c.Type == model.TypeHistogram:
				s.AddSample(c.Name, r.Stream.Labels, r.Time, v)
			case c.Field == model.LineField:
				line = v.Text
			case v.Type != model.TypeNone:
				fields[c.Field] = v
				if c.Name != "" && v.Type.Numeric() {
					s.AddSample(c.Name, r.Stream.Labels, r.Time, v)
				}
			}
		}
		for _, c := range r.Schema.Columns {
			if start != 0 && (c.Type.Numeric() || c.Type == model.TypeHistogram) {
				s.AddStart(c.Name, r.Stream.Labels, r.Time, start)
			}
		}
		if r.Schema.Kind == model.LogRow {
			s.AddRow(r.Stream.Labels, r.Time, line, fields)
		}
	}
	return model.AppendResult{}, nil
}

// View copies everything.
func (s *Source) View() (model.View, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := &memView{rows: slices.Clone(s.rows)}
	for _, sr := range s.series {
		ms := model.Series{Name: sr.name, Labels: sr.labels}
		for t := range sr.points {
			ms.Times = append(ms.Times, t)
		}
		slices.Sort(ms.Times)
		exact := false
		for i, t := range ms.Times {
			p := sr.points[t]
			f, ok := p.AsFloat()
			if !ok {
				f = math.NaN()
			}
			if p.Type == model.TypeHistogram {
				if ms.Histograms == nil {
					ms.Histograms = make([]*model.Histogram, len(ms.Times))
				}
				h, err := model.DecodeHistogram([]byte(p.Text))
				if err != nil {
					return nil, err
				}
				ms.Histograms[i] = h
			}
			if start := sr.starts[t]; start != 0 {
				if ms.Starts == nil {
					ms.Starts = make([]int64, len(ms.Times))
				}
				ms.Starts[i] = start
			}
			ms.Values = append(ms.Values, f)
			ms.Types = append(ms.Types, p.Type)
			ms.Exact = append(ms.Exact, p.Bits)
			exact = exact || p.Type != model.TypeFloat
		}
		if !exact {
			ms.Types, ms.Exact = nil, nil
		}
		model.ResolveResets(ms.Histograms)
		v.series = append(v.series, ms)
	}
	return v, nil
}

type memView struct {
	series []model.Series
	rows   []memRow
}

func (v *memView) Close() error { return nil }

// named returns the labels as matchers see them.
func named(s *model.Series) model.Labels { return s.Labels.With(model.MetricName, s.Name) }

func ended(err error) error {
	if err == model.ErrStop {
		return nil
	}
	return err
}

func (v *memView) Samples(ctx context.Context, sel model.SampleSelection, visit func(*model.Series) error) error {
	for i := range v.series {
		s := &v.series[i]
		if !model.MatchesAll(sel.Matchers, named(s)) {
			continue
		}
		lo := sort.Search(len(s.Times), func(k int) bool { return s.Times[k] >= sel.Mint })
		hi := sort.Search(len(s.Times), func(k int) bool { return s.Times[k] > sel.Maxt })
		if lo >= hi {
			continue
		}
		out := &model.Series{Name: s.Name, Labels: s.Labels, Times: slices.Clone(s.Times[lo:hi]), Values: slices.Clone(s.Values[lo:hi])}
		if s.Types != nil {
			out.Types, out.Exact = slices.Clone(s.Types[lo:hi]), slices.Clone(s.Exact[lo:hi])
		}
		if s.Histograms != nil {
			out.Histograms = slices.Clone(s.Histograms[lo:hi])
		}
		if s.Starts != nil {
			out.Starts = slices.Clone(s.Starts[lo:hi])
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := visit(out); err != nil {
			return ended(err)
		}
	}
	return nil
}

// partition is the width of the view's partitions, small so that tests meet
// several.
const partition = int64(3600e9)

func (v *memView) Rows(ctx context.Context, sel model.RowSelection, visit func(*model.RowBlock) error) error {
	type group struct {
		labels model.Labels
		rows   []memRow
	}
	parts := map[int64]map[string]*group{}
	var starts []int64
	for _, r := range v.rows {
		if r.time < sel.Mint || r.time > sel.Maxt || !model.MatchesAll(sel.Matchers, r.labels) {
			continue
		}
		p := r.time / partition
		if r.time%partition < 0 {
			p--
		}
		if parts[p] == nil {
			parts[p] = map[string]*group{}
			starts = append(starts, p)
		}
		key := r.labels.Key()
		if parts[p][key] == nil {
			parts[p][key] = &group{labels: r.labels}
		}
		parts[p][key].rows = append(parts[p][key].rows, r)
	}
	slices.Sort(starts)
	if sel.Direction == model.Backward {
		slices.Reverse(starts)
	}
	for _, p := range starts {
		for _, g := range parts[p] {
			slices.SortStableFunc(g.rows, func(a, b memRow) int {
				switch {
				case a.time < b.time:
					return -1
				case a.time > b.time:
					return 1
				}
				return 0
			})
			b := &model.RowBlock{Labels: g.labels, Partition: model.TimeRange{Mint: p * partition, Maxt: p*partition + partition - 1}}
			for i, r := range g.rows {
				b.Times = append(b.Times, r.time)
				if !sel.NoLine {
					b.Lines = append(b.Lines, r.line)
				}
				all := sel.AllFields || sel.Metadata && slices.ContainsFunc(r.fields, func(f model.RowColumn) bool { return f.Name == model.MetadataField })
				for _, f := range r.fields {
					if all || slices.Contains(sel.Fields, f.Name) {
						column(b, f.Name, len(g.rows)).Values[i] = f.Values[0]
					}
				}
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := visit(b); err != nil {
				return ended(err)
			}
		}
	}
	return nil
}

func column(b *model.RowBlock, name string, rows int) *model.RowColumn {
	for i := range b.Columns {
		if b.Columns[i].Name == name {
			return &b.Columns[i]
		}
	}
	b.Columns = append(b.Columns, model.RowColumn{Name: name, Values: make([]model.Value, rows)})
	return &b.Columns[len(b.Columns)-1]
}

func (v *memView) LabelSets(_ context.Context, sel model.LabelSelection) ([]model.Labels, error) {
	selected := func(ls model.Labels) bool {
		for _, ms := range sel.Selectors {
			if model.MatchesAll(ms, ls) {
				return true
			}
		}
		return len(sel.Selectors) == 0
	}
	seen := map[string]model.Labels{}
	if sel.Scope != model.ScopeLogs {
		for i := range v.series {
			s := &v.series[i]
			in := slices.ContainsFunc(s.Times, func(t int64) bool { return t >= sel.Mint && t <= sel.Maxt })
			if ls := named(s); in && selected(ls) {
				seen[ls.Key()] = ls
			}
		}
	}
	if sel.Scope != model.ScopeMetrics {
		for _, r := range v.rows {
			if r.time >= sel.Mint && r.time <= sel.Maxt && selected(r.labels) {
				seen[r.labels.Key()] = r.labels
			}
		}
	}
	var out []model.Labels
	for _, ls := range seen {
		out = append(out, ls)
	}
	slices.SortFunc(out, model.Labels.Compare)
	return limited(out, sel.Limit), nil
}

func limited[T any](s []T, n int) []T {
	if n > 0 && len(s) > n {
		return s[:n]
	}
	return s
}

func (v *memView) LabelNames(ctx context.Context, sel model.LabelSelection) ([]string, error) {
	return v.texts(ctx, sel, func(l model.Label) (string, bool) { return l.Name, true })
}

func (v *memView) LabelValues(ctx context.Context, name string, sel model.LabelSelection) ([]string, error) {
	return v.texts(ctx, sel, func(l model.Label) (string, bool) { return l.Value, l.Name == name })
}

func (v *memView) texts(ctx context.Context, sel model.LabelSelection, pick func(model.Label) (string, bool)) ([]string, error) {
	limit := sel.Limit
	sel.Limit = 0
	sets, err := v.LabelSets(ctx, sel)
	seen := map[string]bool{}
	var out []string
	for _, ls := range sets {
		for _, l := range ls {
			if t, ok := pick(l); ok && !seen[t] {
				seen[t] = true
				out = append(out, t)
			}
		}
	}
	slices.Sort(out)
	return limited(out, limit), err
}
