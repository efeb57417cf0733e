package exec

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"strconv"

	"tidemark/query/analysis"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

// cell is what a series of a dimensional comparison has in the baseline and in
// the window: the value and, for ratios, the whole it is a part of.
type cell struct {
	labels       model.Labels
	base, baseOf *Samples
	now, nowOf   float64 // sums over time
}

// evalContrib answers contrib(v[w], of=u[w], …): the combinations of label
// values that explain by how much the sum over all series changed, or, with of,
// the ratio of the sums. Moments of the baseline at which this sum or ratio was
// itself unusual are left out of it.
func (ev *evaluator) evalContrib(ctx context.Context, a *analysisCall) (*Analysis, error) {
	v, of := a.arg("v"), a.arg("of")
	c := a.comparing(v, "4x")
	maxDims := int(a.number("max_dims", 3, 1, 5))
	k := int(a.number("k", 5, 1, 1000))
	if a.err != nil {
		return nil, a.err
	}
	cells := map[string]*cell{}
	var order []*cell
	held := 0
	defer func() { ev.release(held) }()
	read := func(n plan.Node, put func(*cell, *Samples, *Samples)) error {
		return eachCompared(ctx, a, n, c, func(base, _, window *Samples) ([2]*Samples, error) {
			return [2]*Samples{base, window}, nil
		}, func(s *Samples, r [2]*Samples) error {
			ls := dropName(s.Labels)
			key := ls.Key()
			cl := cells[key]
			if cl == nil {
				cl = &cell{labels: ls, base: &Samples{}, baseOf: &Samples{}}
				cells[key] = cl
				order = append(order, cl)
			}
			put(cl, r[0], r[1])
			held += len(r[0].Times)
			return ev.hold(len(r[0].Times))
		})
	}
	err := read(v, func(cl *cell, base, window *Samples) { cl.base, cl.now = base, sumOf(window, nil) })
	if err == nil && of != nil {
		err = read(of, func(cl *cell, base, window *Samples) { cl.baseOf, cl.nowOf = base, sumOf(window, nil) })
	}
	if err != nil {
		return nil, err
	}
	slices.SortFunc(order, func(x, y *cell) int { return x.labels.Compare(y.labels) })
	dims, err := a.dimensions(order)
	if err != nil || len(dims) == 0 {
		return &Analysis{}, err
	}
	unusual, usual := unusualMoments(order, of != nil)
	table, values := tabulate(order, dims)
	var part, whole float64
	for _, cl := range order {
		part += sumOf(cl.base, unusual)
		whole += sumOf(cl.baseOf, unusual)
	}
	// Sums of a baseline of another length are scaled to the window's.
	scale := float64(c.window.To-c.window.From) / (float64(c.base.To-c.base.From) * usual)
	for i, cl := range order {
		t := &table[i]
		t.Observed = cl.now
		if of == nil {
			t.Expected = sumOf(cl.base, unusual) * scale
			t.Size = max(t.Observed, t.Expected)
			continue
		}
		overall := 0.0
		if whole > 0 {
			overall = part / whole
		}
		t.Size = cl.nowOf
		t.Expected = analysis.ExpectRatio(sumOf(cl.base, unusual), sumOf(cl.baseOf, unusual), overall, cl.nowOf)
	}
	parts := analysis.Attribute(table, analysis.AttributionOptions{MaxDims: maxDims, MaxParts: k})
	ans := &Analysis{}
	ev.sorted = true
	for i, p := range parts {
		ls := model.Labels{}
		for d, x := range p.Values {
			if x >= 0 {
				ls = ls.With(dims[d], values[d][x])
			}
		}
		if err := a.row(ans, ls.With("rank", strconv.Itoa(i+1)), p.Share); err != nil {
			return nil, err
		}
	}
	return ans, nil
}

// sumOf adds up the finite samples but for those of certain times.
func sumOf(s *Samples, without map[int64]bool) float64 {
	sum := 0.0
	for i, v := range s.Values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) && !without[s.Times[i]] {
			sum += v
		}
	}
	return sum
}

// unusualMoments returns the times of the baseline at which the sum over all
// cells, or its ratio, lies more than three scales (median absolute deviations)
// from its median, where there are at least four; and the share of the others.
func unusualMoments(cells []*cell, ratio bool) (out map[int64]bool, usual float64) {
	sums := map[int64]*[2]float64{}
	add := func(s *Samples, k int) {
		for i, t := range s.Times {
			if v := s.Values[i]; !math.IsNaN(v) && !math.IsInf(v, 0) {
				if sums[t] == nil {
					sums[t] = &[2]float64{}
				}
				sums[t][k] += v
			}
		}
	}
	for _, cl := range cells {
		add(cl.base, 0)
		add(cl.baseOf, 1)
	}
	times := slices.Sorted(maps.Keys(sums))
	var level []float64
	for _, t := range times {
		v := sums[t][0]
		if ratio {
			v /= max(sums[t][1], 1e-12)
		}
		level = append(level, v)
	}
	out = map[int64]bool{}
	if len(times) < 4 {
		return out, 1
	}
	m := analysis.Median(slices.Clone(level))
	dev := make([]float64, len(level))
	for i, v := range level {
		dev[i] = math.Abs(v - m)
	}
	s := 1.4826 * analysis.Median(slices.Clone(dev))
	for i, d := range dev {
		if d > 3*max(s, 0.05*math.Abs(m)) {
			out[times[i]] = true
		}
	}
	return out, 1 - float64(len(out))/float64(len(times))
}

// maxDimensions bounds the labels that a dimensional search combines.
const maxDimensions = 16

// dimensions returns the labels to be combined: those of the option dims, or all
// that differ among the series.
func (a *analysisCall) dimensions(cells []*cell) ([]string, error) {
	var dims []string
	if text := a.text("dims", ""); text != "" {
		dims = splitList(text)
	} else {
		seen := map[string]map[string]int{}
		for _, c := range cells {
			for _, l := range c.labels {
				if seen[l.Name] == nil {
					seen[l.Name] = map[string]int{}
				}
				seen[l.Name][l.Value]++
			}
		}
		for name, vs := range seen {
			n := 0
			for _, k := range vs {
				n += k
			}
			if len(vs) > 1 || n < len(cells) {
				dims = append(dims, name)
			}
		}
		slices.Sort(dims)
	}
	if len(dims) > maxDimensions {
		return nil, errorAt(a.call.Pos, "%s: %d labels differ: want at most %d, so name some by the option dims", a.call.Func.Name, len(dims), maxDimensions)
	}
	return dims, nil
}

// splitList splits a list of labels at commas.
func splitList(s string) []string {
	var out []string
	field := ""
	for _, r := range s + "," {
		switch r {
		case ',':
			if field != "" && !slices.Contains(out, field) {
				out = append(out, field)
			}
			field = ""
		case ' ':
		default:
			field += string(r)
		}
	}
	return out
}

// tabulate numbers the values of every dimension, the most frequent first.
func tabulate(cells []*cell, dims []string) (table []analysis.Cell, values [][]string) {
	values = make([][]string, len(dims))
	index := make([]map[string]int32, len(dims))
	for d, name := range dims {
		count := map[string]int{}
		for _, c := range cells {
			if v := c.labels.Get(name); v != "" {
				count[v]++
			}
		}
		for v := range count {
			values[d] = append(values[d], v)
		}
		slices.SortFunc(values[d], func(a, b string) int { return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b)) })
		index[d] = map[string]int32{}
		for i, v := range values[d] {
			index[d][v] = int32(i)
		}
	}
	for _, c := range cells {
		row := analysis.Cell{Values: make([]int32, len(dims))}
		for d, name := range dims {
			row.Values[d] = -1
			if i, ok := index[d][c.labels.Get(name)]; ok {
				row.Values[d] = i
			}
		}
		table = append(table, row)
	}
	return table, values
}
