package conformance

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// The answers.

// answer is a result in an order of its own.
type answer struct {
	err      error
	series   []promql.Series
	warnings []string
}

var metricNamed = regexp.MustCompile(` for metric name ".*"|: ".*"`)

// anonymous returns the answer with notes that name no metric.
func (a *answer) anonymous() *answer {
	b := *a
	b.warnings = nil
	for _, w := range a.warnings {
		if w = metricNamed.ReplaceAllString(w, ""); !slices.Contains(b.warnings, w) {
			b.warnings = append(b.warnings, w)
		}
	}
	return &b
}

// nameless returns the answer without the names of its series.
func (a *answer) nameless() *answer {
	b := &answer{err: a.err, warnings: a.warnings}
	for _, s := range a.series {
		s.Metric = s.Metric.DropReserved(func(n string) bool { return n == labels.MetricName })
		b.series = append(b.series, s)
	}
	b.sort()
	return b
}

func (a *answer) sort() {
	slices.SortStableFunc(a.series, func(x, y promql.Series) int { return labels.Compare(x.Metric, y.Metric) })
}

func canonical(r *promql.Result) *answer {
	a := &answer{err: r.Err}
	if r.Err != nil {
		return a
	}
	switch v := r.Value.(type) {
	case promql.Scalar:
		a.series = []promql.Series{{Floats: []promql.FPoint{{T: v.T, F: v.V}}}}
	case promql.Vector:
		for _, s := range v {
			one := promql.Series{Metric: s.Metric}
			if s.H != nil {
				one.Histograms = []promql.HPoint{{T: s.T, H: s.H}}
			} else {
				one.Floats = []promql.FPoint{{T: s.T, F: s.F}}
			}
			a.series = append(a.series, one)
		}
	case promql.Matrix:
		a.series = v
	}
	a.series = slices.Clone(a.series)
	a.sort()
	seen := map[string]bool{}
	for _, w := range r.Warnings {
		text := w.Error()
		if i := strings.LastIndex(text, " ("); i > 0 && strings.HasSuffix(text, ")") && strings.ContainsRune(text[i:], ':') {
			text = text[:i]
		}
		if strings.Contains(text, "sort is ineffective") || strings.Contains(text, "conflicting counter resets") ||
			strings.Contains(text, "ignored histogram in") || strings.Contains(text, "quantile value should be") {
			continue
		}
		if !seen[text] {
			seen[text] = true
			a.warnings = append(a.warnings, text)
		}
	}
	slices.Sort(a.warnings)
	return a
}

var (
	deviations     = regexp.MustCompile(`std(dev|var)`)
	remainders     = regexp.MustCompile(`\) % `)
	betweenVectors = regexp.MustCompile(`</|>/|\) (==|!=|<=|>=|<|>|</|>/|[-+*/%^]|atan2|and|or|unless) `)
)

// differ says how two answers differ, or nothing.
func differ(got, want *answer, text string, c *coverage) string {
	c.rounding = -40
	switch {
	case remainders.MatchString(text):
		c.rounding = -10
	case deviations.MatchString(text):
		c.rounding = -18
	}
	if got.err != nil || want.err != nil {
		if got.err == nil && betweenVectors.MatchString(text) && strings.Contains(want.err.Error(), "match") {
			return "" // in a side that cannot matter
		}
		if got.err == nil || want.err == nil {
			return fmt.Sprintf("error %v, want %v", got.err, want.err)
		}
		return ""
	}
	if len(got.series) != len(want.series) {
		return fmt.Sprintf("%d series, want %d: %s", len(got.series), len(want.series), show(got, want))
	}
	for i := range got.series {
		x, y := &got.series[i], &want.series[i]
		if !labels.Equal(x.Metric, y.Metric) || len(x.Floats) != len(y.Floats) || len(x.Histograms) != len(y.Histograms) {
			return fmt.Sprintf("series %s of %d numbers and %d histograms, want %s of %d and %d: %s", x.Metric, len(x.Floats), len(x.Histograms), y.Metric, len(y.Floats), len(y.Histograms), show(got, want))
		}
		for k := range x.Floats {
			if p, q := x.Floats[k], y.Floats[k]; p.T != q.T || !c.same(p.F, q.F) {
				return fmt.Sprintf("%s: %v @%d, want %v @%d", x.Metric, p.F, p.T, q.F, q.T)
			}
		}
		for k := range x.Histograms {
			if p, q := x.Histograms[k], y.Histograms[k]; p.T != q.T || !c.sameHistogram(p.H, q.H) {
				return fmt.Sprintf("%s: %s @%d, want %s @%d", x.Metric, p.H.TestExpression(), p.T, q.H.TestExpression(), q.T)
			}
		}
	}
	switch missing, more := without(want.warnings, got.warnings), without(got.warnings, want.warnings); {
	case len(missing)+len(more) == 0:
	case !betweenVectors.MatchString(text) && !strings.Contains(text, "start_timestamp("), slices.ContainsFunc(more, notOfOperator):
		return fmt.Sprintf("notes %q, want %q", got.warnings, want.warnings)
	case len(more) > 0:
		c.moreNotes++
	default:
		c.fewerNotes++
	}
	return ""
}

// notOfOperator reports whether a note is about something else than what an
// operator made of two values, or what an aggregation met first among series that
// an operator gave: their order is random in Prometheus.
func notOfOperator(note string) bool {
	return !strings.Contains(note, "binary operator") && !strings.Contains(note, "mismatched custom buckets") && !strings.Contains(note, "mix of histograms with")
}

// without returns the texts of a that b has not.
func without(a, b []string) (out []string) {
	for _, s := range a {
		if !slices.Contains(b, s) {
			out = append(out, s)
		}
	}
	return out
}

func show(got, want *answer) string {
	text := fmt.Sprint(promql.Matrix(got.series), " WANT ", promql.Matrix(want.series))
	return text[:min(len(text), 1500)]
}

// same compares numbers; all that are not numbers are one.
func (c *coverage) same(a, b float64) bool {
	c.numbers++
	switch {
	case math.Float64bits(a) == math.Float64bits(b), a != a && b != b:
		c.exact++
		return true
	case a == b, math.Abs(a-b) <= math.Ldexp(max(math.Abs(a), math.Abs(b)), c.rounding), math.Abs(a-b) < 1e-12:
		return true
	}
	return false
}

func (c *coverage) sameHistogram(a, b *histogram.FloatHistogram) bool {
	a, b = a.Copy().Compact(0), b.Copy().Compact(0)
	if a.Schema != b.Schema || hint(a) != hint(b) || !slices.Equal(a.CustomValues, b.CustomValues) ||
		!c.same(a.Count, b.Count) || !c.same(a.Sum, b.Sum) || !c.same(a.ZeroCount, b.ZeroCount) || a.ZeroThreshold != b.ZeroThreshold {
		return false
	}
	side := func(a, b histogram.BucketIterator[float64]) bool {
		for {
			more, also := nextFull(a), nextFull(b)
			if !more || !also {
				return more == also
			}
			if x, y := a.At(), b.At(); x.Index != y.Index || !c.same(x.Count, y.Count) && x.Count == x.Count && y.Count == y.Count {
				return false
			}
		}
	}
	return side(a.PositiveBucketIterator(), b.PositiveBucketIterator()) && side(a.NegativeBucketIterator(), b.NegativeBucketIterator())
}

func hint(h *histogram.FloatHistogram) histogram.CounterResetHint {
	if h.CounterResetHint == histogram.GaugeType {
		return histogram.GaugeType
	}
	return histogram.UnknownCounterReset
}

// nextFull steps to the next bucket with observations: one without any does
// not exist for us.
func nextFull(it histogram.BucketIterator[float64]) bool {
	for it.Next() {
		if n := it.At().Count; n != 0 && n == n {
			return true
		}
	}
	return false
}

// coverage is what was met.
type coverage struct {
	met                             map[string]int
	other                           map[string]int // answers of another of Prometheus's readings
	queries, errors, empty, histAns int
	rounding                        int
	different, numbers, exact       int
	moreNotes, fewerNotes           int // answers that only differ in them, where they may
}

func newCoverage() *coverage { return &coverage{met: map[string]int{}, other: map[string]int{}} }

// merge adds what another has met.
func (c *coverage) merge(o *coverage) {
	for k, n := range o.met {
		c.met[k] += n
	}
	for k, n := range o.other {
		c.other[k] += n
	}
	for _, sum := range [][2]*int{{&c.queries, &o.queries}, {&c.errors, &o.errors}, {&c.empty, &o.empty}, {&c.histAns, &o.histAns}, {&c.different, &o.different},
		{&c.numbers, &o.numbers}, {&c.exact, &o.exact}, {&c.moreNotes, &o.moreNotes}, {&c.fewerNotes, &o.fewerNotes}} {
		*sum[0] += *sum[1]
	}
}

func (c *coverage) add(g *generator, a *answer) {
	c.queries++
	switch {
	case a.err != nil:
		c.errors++
		return
	case len(a.series) == 0:
		c.empty++
		return
	}
	for i := range a.series {
		if len(a.series[i].Histograms) > 0 {
			c.histAns++
			break
		}
	}
	for k := range g.met {
		c.met[k]++
	}
}

// print says what was compared and fails where it was too little.
func (c *coverage) print(t *testing.T) {
	full := c.queries - c.errors - c.empty
	t.Logf("%d queries, %d different; %d with an answer (%.1f %%, %d of them histograms), %d empty, %d errors on both sides; %d of %d numbers equal bit for bit, the others within rounding",
		c.queries, c.different, full, 100*float64(full)/float64(max(c.queries, 1)), c.histAns, c.empty, c.errors, c.exact, c.numbers)
	t.Logf("equal answers with more notes here: %d, with fewer: %d", c.moreNotes, c.fewerNotes)
	for _, name := range slices.Sorted(maps.Keys(c.other)) {
		t.Logf("answers of Prometheus's under another reading, %s: %d", name, c.other[name])
	}
	all := map[string][]string{
		"function": slices.Concat(maths, calendar, ranges, extensible, []string{"absent", "clamp", "clamp_max", "clamp_min", "double_exponential_smoothing", "info", "label_join", "label_replace", "predict_linear", "quantile_over_time",
			"round", "sort", "sort_by_label", "sort_by_label_desc", "sort_desc", "start_timestamp", "timestamp", "histogram_count", "histogram_sum", "histogram_avg", "histogram_stddev", "histogram_stdvar", "histogram_fraction",
			"histogram_quantile", "histogram_quantiles", "time", "pi", "start", "end", "step", "range", "scalar", "max_of", "min_of", "vector"}),
		"aggregation": append(slices.Clone(aggregations), "topk", "bottomk", "limitk", "limit_ratio", "count_values"),
		"operator":    {"+", "-", "*", "/", "%", "^", "atan2", "==", "!=", ">", "<", ">=", "<=", "and", "or", "unless", "</", ">/"},
		"modifier":    {"by", "without", "on", "ignoring", "group_left", "group_right", "bool", "fill", "fill_left", "fill_right", "offset", "@start()", "@end()", "subquery", "anchored", "smoothed"},
		"pair":        {"scalar scalar", "scalar vector", "vector scalar", "vector vector", "histogram histogram", "histogram vector", "vector histogram", "histogram scalar", "scalar histogram"},
	}
	for _, kind := range []string{"function", "aggregation", "operator", "modifier", "pair"} {
		var missing []string
		for _, what := range all[kind] {
			if c.met[kind+" "+what] == 0 {
				missing = append(missing, what)
			}
		}
		t.Logf("%ss met with an answer: %d of %d", kind, len(all[kind])-len(missing), len(all[kind]))
		if len(missing) > 0 && c.queries >= defaultQueries {
			t.Errorf("%ss never met with an answer: %q", kind, missing)
		}
	}
	for _, f := range slices.Sorted(maps.Keys(parser.Functions)) {
		if !slices.Contains(all["function"], f) {
			t.Errorf("function %s of Prometheus's is not generated", f)
		}
	}
	if c.queries >= defaultQueries && 10*full < 7*c.queries {
		t.Errorf("%d of %d queries have an answer: want at least 70 %%", full, c.queries)
	}
}
