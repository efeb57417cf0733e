package exec

import (
	"context"
	"math"

	"tidemark/query/histogram"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

// splitNative moves the steps of a column that have a native histogram into
// one of their own; nil where there are none.
func (ev *evaluator) splitNative(c *Column) (*Column, error) {
	if c.Hists == nil {
		return nil, nil
	}
	out, err := ev.newColumn(c.Labels, len(c.Values))
	if err != nil {
		return nil, err
	}
	out.Nameless = c.Nameless
	for i, h := range c.Hists {
		if h != nil && c.Present.Has(i) {
			out.setHist(i, h)
		}
	}
	c.dropHists()
	if out.Present.Empty() {
		ev.recycle(out)
		return nil, nil
	}
	return out, nil
}

// nativeQuantiles emits one quantile of every native histogram.
func (ev *evaluator) nativeQuantiles(ctx context.Context, arg plan.Node, natives []*Column, qs []float64, label, value string, emit func(*Column) error) error {
	return ev.ofNatives(ctx, natives, label, value, func(i int, h *model.Histogram, metric string) float64 {
		v, nans := histogram.Quantile(qs[i], h)
		switch nans {
		case histogram.SkewNaNs:
			ev.info(arg.Position(), "input to histogram_quantile has NaN observations, result is skewed higher%s", metric)
		case histogram.OnlyNaNs:
			ev.info(arg.Position(), "input to histogram_quantile has NaN observations, result is NaN%s", metric)
		}
		return v
	}, emit)
}

// nativeFractions emits the shares between bounds of every native histogram.
func (ev *evaluator) nativeFractions(ctx context.Context, arg plan.Node, natives []*Column, lower, upper []float64, emit func(*Column) error) error {
	return ev.ofNatives(ctx, natives, "", "", func(i int, h *model.Histogram, metric string) float64 {
		v, nans := histogram.Fraction(lower[i], upper[i], h)
		if nans {
			ev.info(arg.Position(), "input to histogram_fraction has NaN observations, which are excluded from all fractions%s", metric)
		}
		return v
	}, emit)
}

// ofNatives emits a number of every native histogram.
func (ev *evaluator) ofNatives(ctx context.Context, natives []*Column, label, value string, f func(i int, h *model.Histogram, metric string) float64, emit func(*Column) error) error {
	for _, c := range natives {
		if err := ctx.Err(); err != nil {
			return err
		}
		out, err := ev.newColumn(labelled(c.Labels, label, value), len(c.Values))
		if err != nil {
			return err
		}
		out.Nameless = true
		metric := ofMetric(c.Labels)
		c.Present.forEach(func(i int) { out.Set(i, f(i, c.Hists[i], metric)) })
		if out.Present.Empty() {
			ev.recycle(out)
			continue
		}
		if err := emit(out); err != nil {
			return err
		}
	}
	return nil
}

// nativeFuncs are functions of a native histogram; numbers are left out.
var nativeFuncs = map[string]func(*model.Histogram) float64{
	"histogram_count":  func(h *model.Histogram) float64 { return h.Count },
	"histogram_sum":    func(h *model.Histogram) float64 { return h.Sum },
	"histogram_avg":    func(h *model.Histogram) float64 { return h.Sum / h.Count },
	"histogram_stdvar": histogram.Variance,
	"histogram_stddev": func(h *model.Histogram) float64 { return math.Sqrt(histogram.Variance(h)) },
}

func applyNative(f func(*model.Histogram) float64) vectorFunc {
	return func(ev *evaluator, ctx context.Context, call *plan.Call, g Grid, emit func(*Column) error) error {
		return ev.each(ctx, call.Args[0], g, func(c *Column) error {
			hists := c.Hists
			c.Hists, c.Nameless = nil, true
			c.Present.forEach(func(i int) {
				if hists == nil || hists[i] == nil {
					c.Present.Unset(i)
					return
				}
				c.Values[i] = f(hists[i])
			})
			if c.Present.Empty() {
				ev.recycle(c)
				return nil
			}
			return emit(c)
		})
	}
}
