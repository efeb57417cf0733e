package exec

import (
	"context"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"

	"tidemark/query/plan"
	"tidemark/storage/model"
)

// bucketLabel carries the upper bound of a classic histogram's bucket.
const bucketLabel = "le"

// bucket is one cumulative bucket at one step.
type bucket struct{ upper, count float64 }

// classic is the series of one classic histogram, by ascending bound.
type classic struct {
	labels   model.Labels // without le, name included
	nameless bool
	series   []bucketSeries
}

type bucketSeries struct {
	upper float64
	col   *Column
}

// classics gathers the histograms of a vector.
func (ev *evaluator) classics(ctx context.Context, arg plan.Node, g Grid) ([]*classic, error) {
	byKey := map[string]*classic{}
	var order []*classic
	err := ev.each(ctx, arg, g, func(c *Column) error {
		le := c.Labels.Get(bucketLabel)
		upper, err := strconv.ParseFloat(le, 64)
		if err != nil || math.IsNaN(upper) {
			ev.warn(arg.Position(), "bucket label %q is missing or has a malformed value of %q%s", bucketLabel, le, ofMetric(c.Labels))
			ev.recycle(c)
			return nil
		}
		ls := c.Labels.Without(bucketLabel)
		key := ls.Key()
		h := byKey[key]
		if h == nil {
			h = &classic{labels: ls, nameless: c.Nameless}
			byKey[key] = h
			order = append(order, h)
		}
		h.series = append(h.series, bucketSeries{upper, c})
		return nil
	})
	for _, h := range order {
		slices.SortStableFunc(h.series, func(a, b bucketSeries) int {
			switch {
			case a.upper < b.upper:
				return -1
			case a.upper > b.upper:
				return 1
			}
			return 0
		})
	}
	return order, err
}

// at returns the buckets of a step, those of equal bounds added up.
func (h *classic) at(i int, dst []bucket) []bucket {
	dst = dst[:0]
	for _, s := range h.series {
		if !s.col.Present.Has(i) {
			continue
		}
		if n := len(dst); n > 0 && dst[n-1].upper == s.upper {
			dst[n-1].count += s.col.Values[i]
			continue
		}
		dst = append(dst, bucket{s.upper, s.col.Values[i]})
	}
	return dst
}

// tolerance is the relative difference between neighbouring buckets that is
// taken for an error of floating point.
const tolerance = 1e-12

// monotonic makes counts ascend: small differences are ignored either way,
// decreases are lifted, and lifted says so.
func monotonic(bs []bucket) (lifted bool) {
	prev := bs[0].count
	for i := 1; i < len(bs); i++ {
		cur := bs[i].count
		switch {
		case cur == prev:
		case nearly(prev, cur):
			bs[i].count = prev
		case cur < prev:
			bs[i].count, lifted = prev, true
		default:
			prev = cur
		}
	}
	return lifted
}

func nearly(a, b float64) bool {
	const smallest = 0x1p-1022
	sum, diff := math.Abs(a)+math.Abs(b), math.Abs(a-b)
	if a == 0 || b == 0 || sum < smallest {
		return diff < tolerance*smallest
	}
	return diff/math.Min(sum, math.MaxFloat64) < tolerance
}

// bucketQuantile returns the q-quantile of a histogram, interpolated linearly
// within a bucket. There is none without observations, without a bucket of
// infinite bound or with fewer than two buckets. In the last bucket the
// answer is its lower bound; the first one begins at zero, or is a point
// where its bound is not positive.
func bucketQuantile(q float64, bs []bucket) (v float64, lifted bool) {
	switch {
	case math.IsNaN(q):
		return math.NaN(), false
	case q < 0:
		return math.Inf(-1), false
	case q > 1:
		return math.Inf(1), false
	}
	last := len(bs) - 1
	if last < 0 || !math.IsInf(bs[last].upper, 1) {
		return math.NaN(), false
	}
	lifted = monotonic(bs)
	if last < 1 || bs[last].count == 0 || math.IsNaN(bs[last].count) {
		return math.NaN(), lifted
	}
	rank := q * bs[last].count
	b := sort.Search(last, func(i int) bool { return bs[i].count >= rank })
	switch {
	case b == last:
		return bs[last-1].upper, lifted
	case b == 0 && bs[0].upper <= 0:
		return bs[0].upper, lifted
	case b == 0:
		return bs[0].upper * (rank / bs[0].count), lifted
	}
	low, high := bs[b-1], bs[b]
	return low.upper + (high.upper-low.upper)*((rank-low.count)/(high.count-low.count)), lifted
}

// bucketFraction returns the share of observations between lower and upper.
func bucketFraction(lower, upper float64, bs []bucket) float64 {
	last := len(bs) - 1
	if last < 0 || !math.IsInf(bs[last].upper, 1) || bs[last].count == 0 || math.IsNaN(lower) || math.IsNaN(upper) {
		return math.NaN()
	}
	if lower >= upper {
		return 0
	}
	total := bs[last].count
	return (rankBelow(upper, bs) - rankBelow(lower, bs)) / total
}

// rankBelow returns the number of observations below v, interpolated within
// v's bucket where both of its bounds are finite.
func rankBelow(v float64, bs []bucket) float64 {
	low, rank := 0.0, 0.0
	if bs[0].upper <= 0 {
		low = math.Inf(-1)
	}
	total := bs[len(bs)-1].count
	for _, b := range bs {
		if low >= v {
			return min(rank, total)
		}
		if b.upper > v {
			if math.IsInf(low, -1) {
				return min(b.count, total)
			}
			return min(rank+(b.count-rank)*(v-low)/(b.upper-low), total)
		}
		low, rank = b.upper, b.count
	}
	return total
}

// histogramQuantile is histogram_quantile(q, v).
func histogramQuantile(ev *evaluator, ctx context.Context, call *plan.Call, g Grid, emit func(*Column) error) error {
	qs, err := ev.scalar(ctx, call.Args[0], g)
	if err != nil {
		return err
	}
	ev.warnQuantile(call.Args[0].Position(), qs)
	hs, err := ev.classics(ctx, call.Args[1], g)
	if err != nil {
		return err
	}
	defer ev.recycleAll(hs)
	return ev.merged(call.Pos, func(emit func(*Column) error) error {
		return ev.quantiles(ctx, call, hs, qs, "", "", g, emit)
	}, emit)
}

// histogramQuantiles is histogram_quantiles(v, label, q...).
func histogramQuantiles(ev *evaluator, ctx context.Context, call *plan.Call, g Grid, emit func(*Column) error) error {
	label, err := ev.textArg(call.Args[1], "")
	if err != nil {
		return err
	}
	hs, err := ev.classics(ctx, call.Args[0], g)
	if err != nil {
		return err
	}
	defer ev.recycleAll(hs)
	return ev.merged(call.Pos, func(emit func(*Column) error) error {
		for _, a := range call.Args[2:] {
			qs, err := ev.scalar(ctx, a, g)
			if err != nil {
				return err
			}
			ev.warnQuantile(a.Position(), qs)
			if err := ev.quantiles(ctx, call, hs, qs, label, quantileText(qs[0]), g, emit); err != nil {
				return err
			}
		}
		return nil
	}, emit)
}

// quantileText prints a quantile as the label's value, always with a point.
func quantileText(q float64) string {
	s := strconv.FormatFloat(q, 'g', -1, 64)
	if !strings.ContainsAny(s, ".eNI") {
		s += ".0"
	}
	return s
}

// quantiles emits one quantile of every histogram.
func (ev *evaluator) quantiles(ctx context.Context, call *plan.Call, hs []*classic, qs []float64, label, value string, g Grid, emit func(*Column) error) error {
	var bs []bucket
	for _, h := range hs {
		if err := ctx.Err(); err != nil {
			return err
		}
		ls := h.labels
		if label != "" {
			ls = ls.With(label, value)
		}
		out, err := ev.newColumn(ls, g.Len())
		if err != nil {
			return err
		}
		out.Nameless = true
		lifted := false
		for i := range qs {
			if bs = h.at(i, bs); len(bs) > 0 {
				v, l := bucketQuantile(qs[i], bs)
				out.Set(i, v)
				lifted = lifted || l
			}
		}
		if lifted {
			ev.info(call.Pos, "input to histogram_quantile needed to be fixed for monotonicity: %s", dropName(ls))
		}
		if err := emit(out); err != nil {
			return err
		}
	}
	return nil
}

// histogramFraction is histogram_fraction(lower, upper, v).
func histogramFraction(ev *evaluator, ctx context.Context, call *plan.Call, g Grid, emit func(*Column) error) error {
	lower, err := ev.scalar(ctx, call.Args[0], g)
	if err != nil {
		return err
	}
	upper, err := ev.scalar(ctx, call.Args[1], g)
	if err != nil {
		return err
	}
	hs, err := ev.classics(ctx, call.Args[2], g)
	if err != nil {
		return err
	}
	defer ev.recycleAll(hs)
	return ev.merged(call.Pos, func(emit func(*Column) error) error {
		var bs []bucket
		for _, h := range hs {
			if err := ctx.Err(); err != nil {
				return err
			}
			out, err := ev.newColumn(h.labels, g.Len())
			if err != nil {
				return err
			}
			out.Nameless = true
			for i := range lower {
				if bs = h.at(i, bs); len(bs) > 0 {
					out.Set(i, bucketFraction(lower[i], upper[i], bs))
				}
			}
			if err := emit(out); err != nil {
				return err
			}
		}
		return nil
	}, emit)
}

// ofMetric names the metric in a message, where there is one.
func ofMetric(ls model.Labels) string {
	if name := ls.Get(model.MetricName); name != "" {
		return " for metric name " + strconv.Quote(name)
	}
	return ""
}

// recycleAll gives back the columns of histograms.
func (ev *evaluator) recycleAll(hs []*classic) {
	for _, h := range hs {
		for _, s := range h.series {
			ev.recycle(s.col)
		}
	}
}
