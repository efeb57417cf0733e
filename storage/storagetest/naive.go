package storagetest

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"

	"tidemark/storage/model"
)

// Naive is a store in maps that does what the record model says and nothing
// fast. It is a model.View of itself.
type Naive struct {
	// MinTime hides what is older.
	MinTime int64
	series  map[string]*naiveSeries
	streams map[string]*naiveStream
	states  map[string]*naiveState
}

type naiveSeries struct {
	name    string
	labels  model.Labels
	samples map[int64]model.Value
	starts  map[int64]int64
	// ofMetrics says which samples are of metric rows.
	ofMetrics map[int64]bool
}

type naiveStream struct {
	labels model.Labels
	rows   []naiveRow // in order of arrival
}

type naiveRow struct {
	time   int64
	line   string
	fields map[string]model.Value
}

type naiveState struct {
	labels model.Labels // with measurement
	texts  map[int64]map[string]string
}

var _ model.View = (*Naive)(nil)

// NewNaive returns an empty store.
func NewNaive() *Naive {
	return &Naive{MinTime: -1 << 63, series: map[string]*naiveSeries{}, streams: map[string]*naiveStream{}, states: map[string]*naiveState{}}
}

// Append adds a batch.
func (n *Naive) Append(b *model.Batch) {
	rows := b.Rows()
	for i := range rows {
		r := &rows[i]
		words := b.Words(r)
		var row *naiveRow
		if r.Schema.Kind == model.LogRow {
			row = &naiveRow{time: r.Time, line: string(b.TextOf(words[0])), fields: map[string]model.Value{}}
		}
		start := int64(0)
		for c, col := range r.Schema.Columns {
			if col.Type == model.TypeStart {
				start = int64(words[c])
			}
		}
		for c, col := range r.Schema.Columns {
			v := model.Value{Type: col.Type, Bits: words[c]}
			if col.Type == model.TypeText || col.Type == model.TypeHistogram {
				v = model.Value{Type: col.Type, Text: string(b.TextOf(words[c]))}
			}
			switch {
			case col.Type == model.TypeStart:
			case row != nil && c == 0:
			case row != nil:
				row.fields[col.Field] = v
				if col.Name != "" && col.Type.Numeric() {
					n.sample(col.Name, r.Stream.Labels.Without(model.MeasurementLabel), r.Time, v, 0, true)
				}
			case col.Type == model.TypeText:
				ls := r.Stream.Labels.With(model.MeasurementLabel, col.Measurement)
				st := n.states[ls.Key()]
				if st == nil {
					st = &naiveState{ls, map[int64]map[string]string{}}
					n.states[ls.Key()] = st
				}
				if st.texts[r.Time] == nil {
					st.texts[r.Time] = map[string]string{}
				}
				st.texts[r.Time][col.Field] = v.Text
			default:
				n.sample(col.Name, r.Stream.Labels, r.Time, v, start, false)
			}
		}
		if row != nil {
			st := n.streams[r.Stream.Key()]
			if st == nil {
				st = &naiveStream{labels: r.Stream.Labels}
				n.streams[r.Stream.Key()] = st
			}
			st.rows = append(st.rows, *row)
		}
	}
}

// sample sets a sample. One of a log row does not replace one of a metric row.
func (n *Naive) sample(name string, ls model.Labels, t int64, v model.Value, start int64, log bool) {
	key := name + "\x00" + ls.Key()
	s := n.series[key]
	if s == nil {
		s = &naiveSeries{name, ls, map[int64]model.Value{}, map[int64]int64{}, map[int64]bool{}}
		n.series[key] = s
	}
	if log && s.ofMetrics[t] {
		return
	}
	s.samples[t], s.starts[t] = v, start
	s.ofMetrics[t] = !log
}

func (s *naiveSeries) matches(ms []*model.Matcher) bool {
	return model.MatchesAll(ms, s.labels.With(model.MetricName, s.name))
}

// Samples implements model.View.
func (n *Naive) Samples(_ context.Context, sel model.SampleSelection, visit func(*model.Series) error) error {
	for _, s := range n.series {
		if !s.matches(sel.Matchers) {
			continue
		}
		out := &model.Series{Name: s.name, Labels: s.labels}
		for t := range s.samples {
			if t >= n.MinTime && t <= sel.Maxt {
				out.Times = append(out.Times, t)
			}
		}
		slices.Sort(out.Times)
		for _, t := range out.Times {
			v := s.samples[t]
			f, ok := v.AsFloat()
			if !ok {
				f = math.NaN()
			}
			var h *model.Histogram
			if v.Type == model.TypeHistogram {
				var err error
				if h, err = model.DecodeHistogram([]byte(v.Text)); err != nil {
					return err
				}
			}
			out.Histograms, out.Starts = append(out.Histograms, h), append(out.Starts, s.starts[t])
			out.Values = append(out.Values, f)
			out.Types, out.Exact = append(out.Types, v.Type), append(out.Exact, v.Bits)
		}
		// A context that reaches to the first sample, or none.
		first, _ := slices.BinarySearch(out.Times, sel.Mint)
		from := first
		if sel.Context > 0 {
			from = 0
		}
		model.ResolveResets(out.Histograms[from:])
		out.Times, out.Values, out.Types, out.Exact = out.Times[first:], out.Values[first:], out.Types[first:], out.Exact[first:]
		out.Histograms, out.Starts = out.Histograms[first:], out.Starts[first:]
		if !slices.ContainsFunc(out.Types, func(t model.Type) bool { return t != model.TypeFloat }) {
			out.Types, out.Exact = nil, nil
		}
		if !slices.ContainsFunc(out.Histograms, func(h *model.Histogram) bool { return h != nil }) {
			out.Histograms = nil
		}
		if !slices.ContainsFunc(out.Starts, func(t int64) bool { return t != 0 }) {
			out.Starts = nil
		}
		if len(out.Times) > 0 {
			if err := visit(out); err != nil {
				return err
			}
		}
	}
	return nil
}

// asksForState reports whether a selector shows state columns.
func asksForState(ms []*model.Matcher) bool {
	for _, m := range ms {
		if m.Name == model.MeasurementLabel && !m.MatchesEmpty() {
			return true
		}
	}
	return false
}

// Rows implements model.View. It gives a stream as one block, whatever the
// partitions and the direction.
func (n *Naive) Rows(_ context.Context, sel model.RowSelection, visit func(*model.RowBlock) error) error {
	all := map[string]*naiveStream{}
	for key, st := range n.streams {
		if model.MatchesAll(sel.Matchers, st.labels) {
			all[key] = &naiveStream{st.labels, slices.Clone(st.rows)}
		}
	}
	if asksForState(sel.Matchers) {
		for key, st := range n.states {
			if !model.MatchesAll(sel.Matchers, st.labels) {
				continue
			}
			if all[key] == nil {
				all[key] = &naiveStream{labels: st.labels}
			}
			for t, texts := range st.texts {
				row := naiveRow{time: t, fields: map[string]model.Value{}}
				var parts []string
				for f, text := range texts {
					row.fields[f] = model.Text(text)
					parts = append(parts, f+"="+strconv.Quote(text))
				}
				sort.Strings(parts)
				row.line = strings.Join(parts, " ")
				all[key].rows = append(all[key].rows, row)
			}
		}
	}
	for _, st := range all {
		sort.SliceStable(st.rows, func(i, j int) bool { return st.rows[i].time < st.rows[j].time })
		b := &model.RowBlock{Labels: st.labels}
		cols := map[string][]model.Value{}
		for _, r := range st.rows {
			if r.time < max(sel.Mint, n.MinTime) || r.time > sel.Maxt {
				continue
			}
			b.Times = append(b.Times, r.time)
			b.Lines = append(b.Lines, r.line)
			_, marked := r.fields[model.MetadataField]
			for f, v := range r.fields {
				if sel.AllFields || sel.Metadata && marked || slices.Contains(sel.Fields, f) {
					for len(cols[f]) < len(b.Times)-1 {
						cols[f] = append(cols[f], model.Value{})
					}
					cols[f] = append(cols[f], v)
				}
			}
		}
		if len(b.Times) == 0 {
			continue
		}
		for f, vals := range cols {
			for len(vals) < len(b.Times) {
				vals = append(vals, model.Value{})
			}
			b.Columns = append(b.Columns, model.RowColumn{Name: f, Values: vals})
		}
		if sel.NoLine {
			b.Lines = nil
		}
		if err := visit(b); err != nil {
			return err
		}
	}
	return nil
}

// LabelSets implements model.View, exactly rather than by partition.
func (n *Naive) LabelSets(_ context.Context, sel model.LabelSelection) ([]model.Labels, error) {
	found := map[string]model.Labels{}
	selectors := sel.Selectors
	if len(selectors) == 0 {
		selectors = [][]*model.Matcher{nil}
	}
	in := func(t int64) bool { return t >= max(sel.Mint, n.MinTime) && t <= sel.Maxt }
	for _, ms := range selectors {
		if sel.Scope != model.ScopeLogs {
			for _, s := range n.series {
				ls := s.labels.With(model.MetricName, s.name)
				if !model.MatchesAll(ms, ls) {
					continue
				}
				for t := range s.samples {
					if in(t) {
						found[ls.Key()] = ls
						break
					}
				}
			}
		}
		if sel.Scope == model.ScopeMetrics {
			continue
		}
		for _, st := range n.streams {
			for _, r := range st.rows {
				if in(r.time) && model.MatchesAll(ms, st.labels) {
					found[st.labels.Key()] = st.labels
					break
				}
			}
		}
		if asksForState(ms) {
			for _, st := range n.states {
				for t := range st.texts {
					if in(t) && model.MatchesAll(ms, st.labels) {
						found[st.labels.Key()] = st.labels
						break
					}
				}
			}
		}
	}
	var out []model.Labels
	for _, ls := range found {
		out = append(out, ls)
	}
	slices.SortFunc(out, model.Labels.Compare)
	if sel.Limit > 0 && len(out) > sel.Limit {
		out = out[:sel.Limit]
	}
	return out, nil
}

// LabelNames implements model.View.
func (n *Naive) LabelNames(ctx context.Context, sel model.LabelSelection) ([]string, error) {
	limit := sel.Limit
	sel.Limit = 0
	sets, err := n.LabelSets(ctx, sel)
	found := map[string]bool{}
	for _, ls := range sets {
		for _, l := range ls {
			found[l.Name] = true
		}
	}
	return sorted(found, limit), err
}

// LabelValues implements model.View.
func (n *Naive) LabelValues(ctx context.Context, name string, sel model.LabelSelection) ([]string, error) {
	limit := sel.Limit
	sel.Limit = 0
	sets, err := n.LabelSets(ctx, sel)
	found := map[string]bool{}
	for _, ls := range sets {
		if v := ls.Get(name); v != "" {
			found[v] = true
		}
	}
	return sorted(found, limit), err
}

func sorted(m map[string]bool, limit int) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	if limit > 0 && len(out) > limit {
		out = out[:limit]
	}
	return out
}

// Close implements model.View.
func (n *Naive) Close() error { return nil }

// Count returns the number of samples and log rows held, for tests that want to know that
// they test something.
func (n *Naive) Count() (samples, rows int) {
	for _, s := range n.series {
		samples += len(s.samples)
	}
	for _, s := range n.streams {
		rows += len(s.rows)
	}
	return samples, rows
}

// Clone returns a deep copy.
func (n *Naive) Clone() *Naive {
	c := NewNaive()
	c.MinTime = n.MinTime
	for k, s := range n.series {
		c.series[k] = &naiveSeries{s.name, s.labels, maps.Clone(s.samples), maps.Clone(s.starts), maps.Clone(s.ofMetrics)}
	}
	for k, s := range n.streams {
		c.streams[k] = &naiveStream{s.labels, slices.Clone(s.rows)}
	}
	for k, s := range n.states {
		d := &naiveState{s.labels, map[int64]map[string]string{}}
		for t, m := range s.texts {
			d.texts[t] = map[string]string{}
			for f, v := range m {
				d.texts[t][f] = v
			}
		}
		c.states[k] = d
	}
	return c
}

// PrintSamples prints what a view answers to a selection of samples, sorted: one
// line per series, values with their exact type.
func PrintSamples(ctx context.Context, v model.View, sel model.SampleSelection) (string, error) {
	var lines []string
	err := v.Samples(ctx, sel, func(s *model.Series) error {
		var b strings.Builder
		fmt.Fprintf(&b, "%s%s", s.Name, s.Labels)
		for i, t := range s.Times {
			val := model.Float(s.Values[i])
			if s.Types != nil {
				val = model.Value{Type: s.Types[i], Bits: s.Exact[i]}
			}
			fmt.Fprintf(&b, " %d=%s", t, val)
			if s.Starts != nil && s.Starts[i] != 0 {
				fmt.Fprintf(&b, " since %d", s.Starts[i])
			}
			switch val.Type {
			case model.TypeHistogram:
				fmt.Fprintf(&b, "%+v", *s.Histograms[i])
			case model.TypeInt:
				b.WriteByte('i')
			case model.TypeFloat:
				if val.String() == "NaN" {
					fmt.Fprintf(&b, "(%x)", val.Bits)
				}
			}
		}
		lines = append(lines, b.String())
		return nil
	})
	sort.Strings(lines)
	return strings.Join(lines, "\n"), err
}

// PrintRows prints what a view answers to a selection of rows: one line per
// row, streams sorted, rows of a stream from the oldest to the newest. It
// returns an error where blocks break the contract of their order.
func PrintRows(ctx context.Context, v model.View, sel model.RowSelection) (string, error) {
	streams := map[string][]*model.RowBlock{}
	part := model.TimeRange{Mint: 1, Maxt: 0}
	err := v.Rows(ctx, sel, func(b *model.RowBlock) error {
		if b.Partition != (model.TimeRange{}) && b.Partition != part {
			before := sel.Direction == model.Forward && b.Partition.Mint <= part.Maxt ||
				sel.Direction == model.Backward && b.Partition.Maxt >= part.Mint
			if part.Mint <= part.Maxt && before {
				return fmt.Errorf("partition %v follows %v", b.Partition, part)
			}
			part = b.Partition
		}
		for i, t := range b.Times {
			if i > 0 && b.Times[i-1] > t {
				return fmt.Errorf("block of %s: %d follows %d", b.Labels, t, b.Times[i-1])
			}
			if b.Partition != (model.TimeRange{}) && (t < part.Mint || t > part.Maxt) {
				return fmt.Errorf("block of %s: %d is outside %v", b.Labels, t, part)
			}
		}
		key := b.Labels.String()
		streams[key] = append(streams[key], b)
		return nil
	})
	if err != nil {
		return "", err
	}
	keys := make([]string, 0, len(streams))
	for k := range streams {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var out strings.Builder
	for _, k := range keys {
		blocks := streams[k]
		if sel.Direction == model.Backward {
			slices.Reverse(blocks)
		}
		for _, b := range blocks {
			sort.Slice(b.Columns, func(i, j int) bool { return b.Columns[i].Name < b.Columns[j].Name })
			for i, t := range b.Times {
				fmt.Fprintf(&out, "%s %d", k, t)
				if b.Lines != nil {
					fmt.Fprintf(&out, " %q", b.Lines[i])
				}
				for _, c := range b.Columns {
					if val := c.Values[i]; val.Type != model.TypeNone {
						fmt.Fprintf(&out, " %s=%s:%s", c.Name, val.Type, val)
					}
				}
				out.WriteByte('\n')
			}
		}
	}
	return out.String(), nil
}
