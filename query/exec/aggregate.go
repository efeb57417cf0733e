package exec

import (
	"context"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"tidemark/query/ast"
	"tidemark/query/histogram"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

// accumulator sums up the series of one group.
type accumulator interface {
	add(c *Column)
	// result writes the group's answer into a column whose Present is to be
	// set too.
	result(out *Column)
	// width is the numbers held per step.
	width() int
}

// accumulators make an empty accumulator over n steps.
var accumulators = map[string]func(n int, param []float64) accumulator{
	"sum": func(n int, _ []float64) accumulator { return &sumAcc{newPairs(n)} },
	"avg": func(n int, _ []float64) accumulator { return &avgAcc{pairs: newPairs(n), n: make([]float64, n)} },
	"min": func(n int, _ []float64) accumulator {
		return newExtremeAcc(n, func(a, b float64) bool { return a < b })
	},
	"max": func(n int, _ []float64) accumulator {
		return newExtremeAcc(n, func(a, b float64) bool { return a > b })
	},
	"count":  func(n int, _ []float64) accumulator { return &countAcc{make([]float64, n)} },
	"group":  func(n int, _ []float64) accumulator { return &groupAcc{NewBitmap(n)} },
	"stddev": func(n int, _ []float64) accumulator { return newVarAcc(n, true) },
	"stdvar": func(n int, _ []float64) accumulator { return newVarAcc(n, false) },
	"quantile": func(n int, param []float64) accumulator {
		return &quantileAcc{q: param, values: make([][]float64, n)}
	},
}

// groupLabels returns the labels of a series's group.
func groupLabels(gr ast.Grouping, ls model.Labels) model.Labels {
	if gr.Without {
		return nameless(ls.Without(gr.Labels...))
	}
	if len(gr.Labels) == 0 {
		return nil
	}
	return ls.Keep(gr.Labels...)
}

// withoutEmpty returns labels but for those of an empty value.
func withoutEmpty(ls model.Labels) model.Labels {
	empty := func(l model.Label) bool { return l.Value == "" }
	if !slices.ContainsFunc(ls, empty) {
		return ls
	}
	return slices.DeleteFunc(slices.Clone(ls), empty)
}

// appendGroup appends the canonical key of groupLabels without making them.
func appendGroup(dst []byte, gr *ast.Grouping, ls model.Labels) []byte {
	for i := range ls {
		if name := ls[i].Name; slices.Contains(gr.Labels, name) == gr.Without || gr.Without && name == model.MetricName {
			continue
		}
		dst = ls[i : i+1].AppendKey(dst)
	}
	return dst
}

// eachAggregate evaluates an aggregation.
func (ev *evaluator) eachAggregate(ctx context.Context, n *plan.Aggregate, g Grid, emit func(*Column) error) error {
	switch n.Op {
	case "topk", "bottomk", "limitk", "limit_ratio", "approx_topk":
		return ev.eachPick(ctx, n, g, emit)
	case "count_values":
		return ev.eachCountValues(ctx, n, g, emit)
	}
	fresh := accumulators[n.Op]
	if fresh == nil {
		return errorAt(n.Pos, "unknown aggregation %q", n.Op)
	}
	steps := g.Len()
	var param []float64
	if n.Param != nil {
		var err error
		if param, err = ev.scalar(ctx, n.Param, g); err != nil {
			return err
		}
		ev.warnQuantile(n.Param.Position(), param)
	}
	type group struct {
		labels   model.Labels
		acc      accumulator
		nameless bool // some of the series are
		hists    *histGroup
	}
	if ok, err := ev.countDistinct(ctx, n, g, emit); ok || err != nil {
		return err
	}
	groups := map[string]*group{}
	var order []*group
	var key []byte
	held := 0
	err := ev.each(ctx, n.Expr, g, func(c *Column) error {
		if n.Grouping.Without { // labels that parsers left empty are none
			c.Labels = withoutEmpty(c.Labels)
		}
		key = appendGroup(key[:0], &n.Grouping, c.Labels)
		gr := groups[string(key)]
		if gr == nil {
			gr = &group{labels: groupLabels(n.Grouping, c.Labels), acc: fresh(steps, param)}
			groups[string(key)] = gr
			order = append(order, gr)
			held += steps * gr.acc.width()
			if err := ev.hold(steps * gr.acc.width()); err != nil {
				return err
			}
		}
		gr.nameless = gr.nameless || c.Nameless
		if c.Hists != nil {
			var numbers Bitmap
			if sums, ok := gr.acc.(interface{ steps() Bitmap }); ok {
				numbers = sums.steps()
			}
			gr.hists = ev.addHists(n, gr.hists, numbers, c)
		}
		gr.acc.add(c)
		if n.Op == "quantile" { // keeps every value
			held += c.Present.Count()
			if err := ev.hold(c.Present.Count()); err != nil {
				return err
			}
		}
		ev.recycle(c)
		return nil
	})
	if err != nil {
		return err
	}
	for _, gr := range order {
		out, err := ev.newColumn(gr.labels, steps)
		if err != nil {
			return err
		}
		out.Nameless = gr.nameless
		gr.acc.result(out)
		if gr.hists != nil {
			ev.histResult(n, gr.hists, out)
		}
		if out.Present.Empty() {
			ev.recycle(out)
			continue
		}
		if err := emit(out); err != nil {
			return err
		}
	}
	ev.release(held)
	return nil
}

// pairs are compensated sums, one per step.
type pairs struct {
	sum, c []float64
	seen   Bitmap
}

func newPairs(n int) pairs { return pairs{make([]float64, n), make([]float64, n), NewBitmap(n)} }

// steps are those that have a sum.
func (p *pairs) steps() Bitmap { return p.seen }

type sumAcc struct{ pairs }

func (a *sumAcc) width() int { return 2 }

func (a *sumAcc) add(c *Column) {
	if c.Present.full(len(c.Values)) {
		for i, v := range c.Values {
			a.sum[i], a.c[i] = kahanAdd(v, a.sum[i], a.c[i])
		}
	} else {
		c.Present.forEach(func(i int) { a.sum[i], a.c[i] = kahanAdd(c.Values[i], a.sum[i], a.c[i]) })
	}
	a.seen.Or(c.Present)
}

func (a *sumAcc) result(out *Column) {
	for i, s := range a.sum {
		out.Values[i] = kahanValue(s, a.c[i])
	}
	copy(out.Present, a.seen)
}

// avgAcc divides the sum; at steps at which the sum would overflow it goes on
// with an incremental mean.
type avgAcc struct {
	pairs
	n     []float64
	means Bitmap // steps whose sum and c are a mean
}

func (a *avgAcc) width() int { return 3 }

func (a *avgAcc) add(c *Column) {
	c.Present.forEach(func(i int) {
		v := c.Values[i]
		a.n[i]++
		n := a.n[i]
		if a.means == nil || !a.means.Has(i) {
			s, k := kahanAdd(v, a.sum[i], a.c[i])
			if n == 1 || !math.IsInf(s, 0) {
				a.sum[i], a.c[i] = s, k
				return
			}
			if a.means == nil {
				a.means = NewBitmap(len(a.n))
			}
			a.means.Set(i)
			a.sum[i] /= n - 1
			a.c[i] /= n - 1
		}
		q := (n - 1) / n
		a.sum[i], a.c[i] = kahanAdd(v/n, q*a.sum[i], q*a.c[i])
	})
	a.seen.Or(c.Present)
}

func (a *avgAcc) result(out *Column) {
	a.seen.forEach(func(i int) {
		if a.means != nil && a.means.Has(i) {
			out.Values[i] = a.sum[i] + a.c[i]
			return
		}
		out.Values[i] = a.sum[i]/a.n[i] + a.c[i]/a.n[i]
	})
	copy(out.Present, a.seen)
}

// extremeAcc keeps the minimum or the maximum; NaN counts only where there is
// nothing else.
type extremeAcc struct {
	best   []float64
	better func(a, b float64) bool
	seen   Bitmap
}

func newExtremeAcc(n int, better func(a, b float64) bool) accumulator {
	return &extremeAcc{best: constant(math.NaN(), n), better: better, seen: NewBitmap(n)}
}

func (a *extremeAcc) width() int { return 1 }

func (a *extremeAcc) add(c *Column) {
	c.Present.forEach(func(i int) {
		if v := c.Values[i]; a.better(v, a.best[i]) || a.best[i] != a.best[i] {
			a.best[i] = v
		}
	})
	a.seen.Or(c.Present)
}

func (a *extremeAcc) result(out *Column) {
	copy(out.Values, a.best)
	copy(out.Present, a.seen)
}

type countAcc struct{ n []float64 }

func (a *countAcc) width() int { return 1 }

func (a *countAcc) add(c *Column) { c.Present.forEach(func(i int) { a.n[i]++ }) }

func (a *countAcc) result(out *Column) {
	for i, n := range a.n {
		if n > 0 {
			out.Set(i, n)
		}
	}
}

type groupAcc struct{ seen Bitmap }

func (a *groupAcc) width() int { return 0 }

func (a *groupAcc) add(c *Column) { a.seen.Or(c.Present) }

func (a *groupAcc) result(out *Column) {
	out.fill(1)
	copy(out.Present, a.seen)
}

// varAcc is Welford's algorithm over the series of a step.
type varAcc struct {
	n, mean, aux []float64
	root         bool
}

func newVarAcc(n int, root bool) accumulator {
	return &varAcc{n: make([]float64, n), mean: make([]float64, n), aux: make([]float64, n), root: root}
}

func (a *varAcc) width() int { return 3 }

func (a *varAcc) add(c *Column) {
	c.Present.forEach(func(i int) {
		v := c.Values[i]
		a.n[i]++
		delta := v - a.mean[i]
		a.mean[i] += delta / a.n[i]
		a.aux[i] += delta * (v - a.mean[i])
	})
}

func (a *varAcc) result(out *Column) {
	for i, n := range a.n {
		if n == 0 {
			continue
		}
		v := a.aux[i] / n
		if a.root {
			v = math.Sqrt(v)
		}
		out.Set(i, v)
	}
}

type quantileAcc struct {
	q      []float64
	values [][]float64
}

func (a *quantileAcc) width() int { return 1 }

func (a *quantileAcc) add(c *Column) {
	c.Present.forEach(func(i int) { a.values[i] = append(a.values[i], c.Values[i]) })
}

func (a *quantileAcc) result(out *Column) {
	for i, vs := range a.values {
		if len(vs) > 0 {
			out.Set(i, quantile(a.q[i], vs))
		}
	}
}

// eachCountValues counts, per group, the series of each value, which becomes
// a label.
func (ev *evaluator) eachCountValues(ctx context.Context, n *plan.Aggregate, g Grid, emit func(*Column) error) error {
	label, err := ev.textArg(n.Param, "")
	if err != nil {
		return err
	}
	if label == "" || !utf8.ValidString(label) {
		return errorAt(n.Param.Position(), "invalid label name %q", label)
	}
	// The value is a label of the series before they are grouped.
	drops := n.Grouping.Without && slices.Contains(n.Grouping.Labels, label)
	steps := g.Len()
	columns := map[string]*Column{}
	var order []*Column
	var key []byte
	err = ev.each(ctx, n.Expr, g, func(c *Column) error {
		ls := groupLabels(n.Grouping, c.Labels)
		var failed error
		byBits := map[uint64]*Column{}
		c.Present.forEach(func(i int) {
			if failed != nil {
				return
			}
			bits := math.Float64bits(c.Values[i])
			out := byBits[bits]
			h := c.hist(i)
			if out == nil || h != nil {
				value := strconv.FormatFloat(c.Values[i], 'f', -1, 64)
				if h != nil {
					value = histogram.String(h)
				}
				full := ls
				if !drops {
					full = ls.With(label, value)
				}
				key = full.AppendKey(key[:0])
				if out = columns[string(key)]; out == nil {
					if out, failed = ev.newColumn(full, steps); failed != nil {
						return
					}
					columns[string(key)] = out
					order = append(order, out)
				}
				if h == nil {
					byBits[bits] = out
				}
			}
			if !out.Present.Has(i) {
				out.Set(i, 0)
			}
			out.Values[i]++
		})
		ev.recycle(c)
		return failed
	})
	if err != nil {
		return err
	}
	slices.SortFunc(order, func(a, b *Column) int { return a.Labels.Compare(b.Labels) })
	for _, c := range order {
		if err := emit(c); err != nil {
			return err
		}
	}
	return nil
}
