package exec

import (
	"context"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

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

// histogramSet is the histograms of a vector: classic ones, of which each is
// several series, and native ones.
type histogramSet struct {
	classics []*classic
	natives  []*Column
}

// histograms gathers the histograms of a vector. Where one is there in both
// forms at a step, it counts in neither.
func (ev *evaluator) histograms(ctx context.Context, arg plan.Node, g Grid) (*histogramSet, error) {
	byKey := map[string]*classic{}
	set := &histogramSet{}
	err := ev.each(ctx, arg, g, func(c *Column) error {
		native, err := ev.splitNative(c)
		if err != nil {
			return err
		}
		if native != nil {
			set.natives = append(set.natives, native)
		}
		if c.Present.Empty() {
			ev.recycle(c)
			return nil
		}
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
			set.classics = append(set.classics, h)
		}
		h.series = append(h.series, bucketSeries{upper, c})
		return nil
	})
	for _, h := range set.classics {
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
	for _, c := range set.natives {
		if h := byKey[c.Labels.Key()]; h != nil {
			ev.separate(arg, c, h)
		}
	}
	return set, err
}

// separate drops the steps at which a histogram is there in both forms.
func (ev *evaluator) separate(arg plan.Node, native *Column, h *classic) {
	both := NewBitmap(len(native.Values))
	for _, s := range h.series {
		both.Or(s.col.Present)
	}
	both.And(native.Present)
	if both.Empty() {
		return
	}
	ev.warn(arg.Position(), "vector contains a mix of classic and native histograms%s", ofMetric(native.Labels))
	native.Present.AndNot(both)
	for _, s := range h.series {
		s.col.Present.AndNot(both)
	}
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

// lift says where counts had to be lifted to ascend.
type lift struct {
	samples               int
	firstStep, lastStep   int64 // times in milliseconds
	lowest, highest, most float64
}

// add notes a bucket that was lifted by diff.
func (l *lift) add(upper, diff float64) {
	if l.samples == 0 {
		l.samples, l.lowest, l.highest, l.most = 1, upper, upper, diff
		return
	}
	l.lowest, l.highest, l.most = min(l.lowest, upper), max(l.highest, upper), max(l.most, diff)
}

// merge adds what another sample, at a time, needed.
func (l *lift) merge(o lift, t int64) {
	if o.samples == 0 {
		return
	}
	if l.samples == 0 {
		*l = o
		l.firstStep, l.lastStep = t, t
		return
	}
	l.samples++
	l.firstStep, l.lastStep = min(l.firstStep, t), max(l.lastStep, t)
	l.lowest, l.highest, l.most = min(l.lowest, o.lowest), max(l.highest, o.highest), max(l.most, o.most)
}

// monotonic makes counts ascend: small differences are ignored either way,
// decreases are lifted, which the result says.
func monotonic(bs []bucket) (lifted lift) {
	prev := bs[0].count
	for i := 1; i < len(bs); i++ {
		cur := bs[i].count
		switch {
		case cur == prev:
		case nearly(prev, cur):
			bs[i].count = prev
		case cur < prev:
			bs[i].count = prev
			lifted.add(bs[i].upper, prev-cur)
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
func bucketQuantile(q float64, bs []bucket) (v float64, lifted lift) {
	switch {
	case math.IsNaN(q):
		return math.NaN(), lifted
	case q < 0:
		return math.Inf(-1), lifted
	case q > 1:
		return math.Inf(1), lifted
	}
	last := len(bs) - 1
	if last < 0 || !math.IsInf(bs[last].upper, 1) {
		return math.NaN(), lifted
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
	hs, err := ev.histograms(ctx, call.Args[1], g)
	if err != nil {
		return err
	}
	defer ev.recycleAll(hs)
	return ev.merged(call.Pos, func(emit func(*Column) error) error {
		return ev.quantiles(ctx, call.Args[1], hs, qs, "", "", g, emit)
	}, emit)
}

// histogramQuantiles is histogram_quantiles(v, label, q...).
func histogramQuantiles(ev *evaluator, ctx context.Context, call *plan.Call, g Grid, emit func(*Column) error) error {
	label, err := ev.textArg(call.Args[1], "")
	if err != nil {
		return err
	}
	hs, err := ev.histograms(ctx, call.Args[0], g)
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
			if err := ev.quantiles(ctx, call.Args[0], hs, qs, label, quantileText(qs[0]), g, emit); err != nil {
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

// quantiles emits one quantile of every histogram. arg is where they come from.
func (ev *evaluator) quantiles(ctx context.Context, arg plan.Node, hs *histogramSet, qs []float64, label, value string, g Grid, emit func(*Column) error) error {
	if err := ev.nativeQuantiles(ctx, arg, hs.natives, qs, label, value, emit); err != nil {
		return err
	}
	var bs []bucket
	lifts := map[string]*lift{} // by metric
	for _, h := range hs.classics {
		if err := ctx.Err(); err != nil {
			return err
		}
		out, err := ev.newColumn(labelled(h.labels, label, value), g.Len())
		if err != nil {
			return err
		}
		out.Nameless = true
		metric := ofMetric(h.labels)
		for i := range qs {
			if bs = h.at(i, bs); len(bs) > 0 {
				v, l := bucketQuantile(qs[i], bs)
				out.Set(i, v)
				if l.samples > 0 {
					if lifts[metric] == nil {
						lifts[metric] = &lift{}
					}
					lifts[metric].merge(l, g.At(i))
				}
			}
		}
		if err := emit(out); err != nil {
			return err
		}
	}
	for metric, l := range lifts {
		at := func(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }
		ev.info(arg.Position(), "input to histogram_quantile needed to be fixed for monotonicity "+
			"(see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)%s, "+
			"from buckets %g to %g, with a max diff of %.2g, over %d samples from %s to %s",
			metric, l.lowest, l.highest, l.most, l.samples, at(l.firstStep), at(l.lastStep))
	}
	return nil
}

// labelled returns the labels with another one, where it has a name.
func labelled(ls model.Labels, name, value string) model.Labels {
	if name == "" {
		return ls
	}
	return ls.With(name, value)
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
	hs, err := ev.histograms(ctx, call.Args[2], g)
	if err != nil {
		return err
	}
	defer ev.recycleAll(hs)
	return ev.merged(call.Pos, func(emit func(*Column) error) error {
		if err := ev.nativeFractions(ctx, call.Args[2], hs.natives, lower, upper, emit); err != nil {
			return err
		}
		var bs []bucket
		for _, h := range hs.classics {
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
func (ev *evaluator) recycleAll(hs *histogramSet) {
	for _, c := range hs.natives {
		ev.recycle(c)
	}
	for _, h := range hs.classics {
		for _, s := range h.series {
			ev.recycle(s.col)
		}
	}
}
