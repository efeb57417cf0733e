package conformance

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	promstorage "github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/teststorage"
)

// The differential fuzzer: random queries over the same random data, by our
// engine on our store and by Prometheus's on its own. CONFORMANCE_QUERIES says
// how many, CONFORMANCE_SEED where to begin.
//
// Answers must have the same series, times and kinds of value, and numbers must
// be equal within the rounding of 2^-40, or 2^-18 where deviations of large numbers
// or remainders come in: most are bit for bit, and the count is
// printed. What may differ, and why:
//
//   - Rounding. The order in which an aggregation adds is not defined, and
//     Prometheus takes bounds of exponential buckets from a table that is off by
//     a unit in the last place here and there.
//   - The name of a comparison's series. Under delayed removal, Prometheus
//     brings a name back that an operation before has dropped; without it, and
//     here, (x / 10) > y has none.
//   - Notes of operations between vectors. Prometheus keeps the last of a step,
//     and here a side is not computed that cannot matter, nor are series found
//     to match twice in it. Notes about the parameters of what has no series. Notes of sorting in
//     what does not change with the step. start_timestamp of what is
//     computed is empty here without a computation.
//   - Counter reset hints. Prometheus has those of its chunks: not_reset is
//     unknown where a chunk begins, and a known reset is only known there.
//   - The calendar of what is no number, which is none here.
//   - Series of "or". A series whose name is still to be dropped and the same
//     that keeps it are one in Prometheus and two here.
//   - Counts and sums of sums of histograms. Prometheus does not read buckets
//     where nobody asks for them, and then some sums fail.
//   - Buckets without observations. They do not exist here, and so do not
//     become NaN.

const defaultQueries = 4000

func TestDifferential(t *testing.T) {
	queries, seed := defaultQueries, uint64(1)
	if s := os.Getenv("CONFORMANCE_QUERIES"); s != "" {
		queries, _ = strconv.Atoi(s)
	}
	if s := os.Getenv("CONFORMANCE_SEED"); s != "" {
		n, _ := strconv.Atoi(s)
		seed = uint64(n)
	}
	c := coverage{met: map[string]int{}}
	const perData = 1000
	for ; queries > 0 && c.different < 20; queries -= perData {
		compare(t, seed, min(queries, perData), &c)
		seed++
	}
	c.print(t)
}

// compare makes data from the seed and compares queries over it.
func compare(t *testing.T, seed uint64, queries int, c *coverage) {
	rng := rand.New(rand.NewPCG(seed, 0))
	theirs := teststorage.New(t, func(o *tsdb.Options) {
		o.EnableSTStorage, o.EnableHistogramSTEncoding, o.FloatChunkEncoding = true, true, chunkenc.EncXOR2
	})
	ours, err := Open(seed%2 == 0)
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	defer theirs.Close()
	fill(t, rng, ours, theirs)
	engine := promqltest.NewTestEngine(t, false, 5*time.Minute, 50_000_000)
	for range queries {
		g := generator{rng: rng, met: map[string]bool{}}
		text := g.query()
		instant := rng.IntN(3) == 0
		start := epoch.Add(time.Duration(rng.IntN(samples*15)) * time.Second)
		step := []time.Duration{15 * time.Second, 30 * time.Second, 17 * time.Second, time.Minute, 5 * time.Minute}[rng.IntN(5)]
		end := start.Add(step * time.Duration(rng.IntN(15)))
		run := func(e promql.QueryEngine, q promstorage.Queryable) *promql.Result {
			var query promql.Query
			var err error
			if instant {
				query, err = e.NewInstantQuery(context.Background(), q, nil, text, start)
			} else {
				query, err = e.NewRangeQuery(context.Background(), q, nil, text, start, end, step)
			}
			if err != nil {
				return &promql.Result{Err: err}
			}
			return query.Exec(context.Background())
		}
		want := canonical(run(engine, theirs))
		got := canonical(run(&Engine{}, ours))
		c.add(&g, want)
		if diff := differ(got, want, text, c); diff != "" {
			c.different++
			at := fmt.Sprintf("at %d", start.UnixMilli())
			if !instant {
				at = fmt.Sprintf("from %d to %d step %s", start.UnixMilli(), end.UnixMilli(), step)
			}
			t.Errorf("seed %d: %s\n    %s: %s", seed, text, at, diff)
			if c.different >= 20 {
				return
			}
		}
	}
}

// The data.

var epoch = time.Unix(1_700_000_000, 0)

const samples = 80 // of each series, 15 s apart

// fill appends the same samples to both stores.
func fill(t *testing.T, rng *rand.Rand, ours *Store, theirs promstorage.Storage) {
	a, b := ours.AppenderV2(context.Background()), theirs.(*teststorage.TestStorage).AppenderV2(context.Background())
	add := func(ls labels.Labels, st, ms int64, v float64, fh *histogram.FloatHistogram) {
		for _, app := range []promstorage.AppenderV2{a, b} {
			copied := fh
			if fh != nil {
				copied = fh.Copy()
			}
			if _, err := app.Append(0, ls, st, ms, v, nil, copied, promstorage.AppendV2Options{}); err != nil {
				t.Fatal(ls, ms, err)
			}
		}
	}
	stale := math.Float64frombits(0x7ff0000000000002)
	series := func(name string, n int, sample func(ls labels.Labels, i int, ms int64, gone bool)) {
		for k := range n {
			ls := labels.FromStrings("__name__", name, "a", string(rune('w'+k%3)), "b", strconv.Itoa(k/3), "job", "j"+strconv.Itoa(k%2))
			if strings.HasPrefix(name, "nested") {
				ls = labels.FromStrings("__name__", name, "a", string(rune('w'+k%3)), "job", "j"+strconv.Itoa(k%2))
			}
			gaps, jitter := rng.IntN(4) == 0, rng.IntN(2) == 0
			gone := false
			for i := range samples {
				if gaps && rng.IntN(8) == 0 {
					if !gone && rng.IntN(3) == 0 {
						sample(ls, -1, epoch.UnixMilli()+int64(i)*15000, true)
						gone = true
					}
					continue
				}
				gone = false
				ms := epoch.UnixMilli() + int64(i)*15000
				if jitter {
					ms += rng.Int64N(3000)
				}
				sample(ls, i, ms, false)
			}
		}
	}
	value := func(i int) float64 {
		switch rng.IntN(200) {
		case 0:
			return math.NaN()
		case 1:
			return math.Inf(1 - 2*rng.IntN(2))
		}
		return float64(rng.IntN(400)-100) / 4
	}
	series("gauge", 8, func(ls labels.Labels, i int, ms int64, gone bool) {
		v := value(i)
		if gone {
			v = stale
		}
		add(ls, 0, ms, v, nil)
	})
	series("nested", 3, func(ls labels.Labels, i int, ms int64, gone bool) {
		v := float64(rng.IntN(20))
		if gone {
			v = stale
		}
		add(ls, 0, ms, v, nil)
	})
	for _, name := range []string{"requests_total", "started_total"} {
		count, start := 0.0, int64(0)
		series(name, 6, func(ls labels.Labels, i int, ms int64, gone bool) {
			if i <= 0 || rng.IntN(25) == 0 {
				count, start = 0, ms-rng.Int64N(10_000)-1
			}
			count += float64(rng.IntN(30))
			v, st := count, int64(0)
			if name == "started_total" {
				st = start
			}
			if gone {
				v = stale
			}
			add(ls, st, ms, v, nil)
		})
	}
	for k := range 3 {
		counts := make([]float64, 5)
		for i := range samples {
			total := 0.0
			for j, le := range []string{"0.1", "0.5", "1", "5", "+Inf"} {
				counts[j] += float64(rng.IntN(5))
				total += counts[j]
				add(labels.FromStrings("__name__", "latency_bucket", "a", string(rune('w'+k)), "le", le), 0, epoch.UnixMilli()+int64(i)*15000, total, nil)
			}
		}
	}
	for _, m := range []struct {
		name   string
		custom bool
		gauge  bool
		mixed  bool
	}{{name: "native"}, {name: "native_gauge", gauge: true}, {name: "custom", custom: true}, {name: "mixed", mixed: true}} {
		var h *histogram.FloatHistogram
		var start int64
		series(m.name, 4, func(ls labels.Labels, i int, ms int64, gone bool) {
			if gone {
				add(ls, 0, ms, 0, &histogram.FloatHistogram{Sum: stale})
				return
			}
			if m.mixed && rng.IntN(3) == 0 {
				add(ls, 0, ms, float64(rng.IntN(50)), nil)
				return
			}
			if h == nil || i == 0 || rng.IntN(30) == 0 || m.gauge {
				h, start = newHistogram(rng, m.custom, m.gauge), ms-1000
			}
			for k := range h.PositiveBuckets {
				n := float64(rng.IntN(6))
				h.PositiveBuckets[k] += n
				h.Count += n
			}
			for k := range h.NegativeBuckets {
				n := float64(rng.IntN(3))
				h.NegativeBuckets[k] += n
				h.Count += n
			}
			h.Sum += float64(rng.IntN(100)) / 4
			st := int64(0)
			if m.name == "native" {
				st = start
			}
			add(ls, st, ms, 0, h)
		})
	}
	for i := range samples {
		ms := epoch.UnixMilli() + int64(i)*15000
		for j := range 2 {
			add(labels.FromStrings("__name__", "target_info", "job", "j"+strconv.Itoa(j), "version", "v"+strconv.Itoa(i/30)), 0, ms, 1, nil)
			add(labels.FromStrings("__name__", "utf8.metric", "label.name", "ü", "a", string(rune('w'+j))), 0, ms, float64(i%7), nil)
		}
	}
	for _, app := range []promstorage.AppenderV2{a, b} {
		if err := app.Commit(); err != nil {
			t.Fatal(err)
		}
	}
}

func newHistogram(rng *rand.Rand, custom, gauge bool) *histogram.FloatHistogram {
	h := &histogram.FloatHistogram{}
	if gauge {
		h.CounterResetHint = histogram.GaugeType
	}
	spans := func() ([]histogram.Span, []float64) {
		s := []histogram.Span{{Offset: int32(rng.IntN(4)) - 2, Length: uint32(1 + rng.IntN(3))}, {Offset: int32(1 + rng.IntN(3)), Length: uint32(1 + rng.IntN(2))}}
		return s, make([]float64, s[0].Length+s[1].Length)
	}
	if custom {
		h.Schema = histogram.CustomBucketsSchema
		h.CustomValues = [][]float64{{1, 2, 5, 10}, {1, 5, 10}}[rng.IntN(2)]
		h.PositiveSpans = []histogram.Span{{Length: uint32(len(h.CustomValues) + 1)}}
		h.PositiveBuckets = make([]float64, len(h.CustomValues)+1)
		return h
	}
	h.Schema = int32(rng.IntN(3))
	h.ZeroThreshold = []float64{0, 0.001, 0.1}[rng.IntN(3)]
	h.PositiveSpans, h.PositiveBuckets = spans()
	if rng.IntN(2) == 0 {
		h.NegativeSpans, h.NegativeBuckets = spans()
	}
	return h
}

// The queries.

type generator struct {
	rng *rand.Rand
	met map[string]bool
}

func pick[T any](g *generator, list ...T) T { return list[g.rng.IntN(len(list))] }

func (g *generator) use(kind, what string) string {
	g.met[kind+" "+what] = true
	return what
}

func (g *generator) chance(n int) bool { return g.rng.IntN(n) == 0 }

func (g *generator) query() string {
	switch g.rng.IntN(12) {
	case 0:
		return g.scalar(2)
	case 1, 2, 3:
		return g.hist(2)
	}
	return g.vector(3)
}

var floatMetrics = []string{"gauge", "gauge", "requests_total", "started_total", "latency_bucket", "nested", "mixed", `{"utf8.metric"}`, "target_info"}
var histMetrics = []string{"native", "native", "native_gauge", "custom", "mixed"}

func (g *generator) selector(names []string) string {
	name := pick(g, names...)
	if strings.HasPrefix(name, "{") {
		return name
	}
	if g.chance(4) {
		return name + "{" + g.use("matcher", pick(g, `a="w"`, `a!="w"`, `a=~"w|x"`, `b!~"1"`, `job="j0"`)) + "}"
	}
	return name
}

// at prints offset and @.
func (g *generator) at() string {
	s := ""
	if g.chance(8) {
		s += " " + g.use("modifier", "offset") + " " + pick(g, "30s", "1m", "-45s", "17s", "(10s*2)")
	}
	if g.chance(12) {
		s += " " + pick(g, "@ start()", "@ end()", "@ 1700000600", "@ 1700000333.5")
		g.use("modifier", "@"+strings.TrimRight(strings.Fields(s)[len(strings.Fields(s))-1], ".0123456789"))
	}
	return s
}

func (g *generator) window() string {
	w := pick(g, "1m", "2m", "5m", "90s", "47s", "10m")
	if g.chance(15) {
		w = g.use("duration", pick(g, "1m+30s", "2m*2", "max_of(1m,40s)", "step()+1m", "5m-step()", "(1m)"))
		if strings.Contains(w, "5m-") {
			w = "10m-step()"
		}
	}
	return w
}

// matrix prints a range; extend says which of anchored and smoothed may come.
func (g *generator) matrix(names []string, hist bool, depth int, extend ...string) string {
	if depth > 0 && g.chance(5) {
		g.use("modifier", "subquery")
		inner := ""
		if hist {
			inner = pick(g, g.selector(histMetrics), "sum by (a) ("+g.selector(histMetrics)+")", "rate("+g.selector(histMetrics)+"[1m])")
		} else {
			inner = g.vector(depth - 1)
		}
		return "(" + inner + ")[" + g.window() + ":" + pick(g, "", "15s", "30s", "20s") + "]" + g.at()
	}
	s := g.selector(names) + "[" + g.window() + "]"
	if len(extend) > 0 && !hist && g.chance(4) {
		return s + " " + g.use("modifier", pick(g, extend...)) + g.at()
	}
	return s + g.at()
}

var maths = []string{"abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "deg", "exp", "floor", "ln", "log10", "log2", "rad", "sgn", "sin", "sinh", "sqrt", "tan", "tanh"}
var calendar = []string{"day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute", "month", "year"}
var ranges = []string{"avg_over_time", "count_over_time", "first_over_time", "last_over_time", "mad_over_time", "max_over_time", "min_over_time", "present_over_time", "stddev_over_time", "stdvar_over_time",
	"sum_over_time", "ts_of_first_over_time", "ts_of_last_over_time", "ts_of_max_over_time", "ts_of_min_over_time", "deriv", "idelta", "irate", "absent_over_time"}
var extensible = []string{"changes", "delta", "increase", "rate", "resets"}
var histRanges = []string{"rate", "increase", "delta", "irate", "idelta", "sum_over_time", "avg_over_time", "last_over_time", "first_over_time"}
var aggregations = []string{"sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "quantile"}

// vector prints an expression whose series are mostly numbers.
func (g *generator) vector(depth int) string {
	if depth == 0 || g.chance(9) {
		return g.selector(floatMetrics) + g.at()
	}
	switch g.rng.IntN(22) {
	case 0, 1:
		return g.use("function", pick(g, maths...)) + "(" + g.vector(depth-1) + ")"
	case 2, 3:
		return g.use("function", pick(g, ranges...)) + "(" + g.matrix(floatMetrics, false, depth-1) + ")"
	case 4, 5:
		f := g.use("function", pick(g, extensible...))
		extend := []string{"anchored"}
		if f != "changes" && f != "resets" {
			extend = append(extend, "smoothed")
		}
		return f + "(" + g.matrix([]string{"requests_total", "started_total", "gauge"}, false, depth-1, extend...) + ")"
	case 6, 7, 8:
		return g.aggregate(depth)
	case 9, 10, 11, 12:
		return g.binary(depth)
	case 13:
		return g.histFunc(depth)
	case 14:
		return g.other(depth)
	case 15:
		return g.other(depth)
	case 16:
		return pick(g, "-", "+") + g.vector(depth-1)
	case 17:
		return "(" + g.vector(depth-1) + ")"
	case 18:
		if g.chance(2) {
			return g.use("function", pick(g, calendar...)) + "(" + pick(g, "", g.vector(depth-1), "timestamp(gauge)") + ")"
		}
		return g.use("function", "vector") + "(" + g.scalar(depth-1) + ")"
	case 19:
		return g.selected(depth)
	case 20:
		f := g.use("function", pick(g, histRanges...))
		return g.use("function", pick(g, "histogram_count", "histogram_sum", "histogram_avg")) + "(" + f + "(" + g.matrix(histMetrics, true, depth-1) + "))"
	}
	return g.selector(floatMetrics) + g.at()
}

func (g *generator) grouping() string {
	switch g.rng.IntN(4) {
	case 0:
		return g.use("modifier", "by") + pick(g, " (a)", " (a, job)", " (b)", " ()", " (none)")
	case 1:
		return g.use("modifier", "without") + pick(g, " (a)", " (b, job)", " ()")
	}
	return ""
}

func (g *generator) aggregate(depth int) string {
	op := g.use("aggregation", pick(g, aggregations...))
	param := ""
	if op == "quantile" {
		param = pick(g, "0.5", "0.9", "0", "1", "-1", g.scalar(depth-1)) + ", "
	}
	if g.chance(8) { // of exact numbers: values become labels here
		return g.use("aggregation", "count_values") + " " + g.grouping() + ` ("v", ` + g.selector([]string{"gauge", "nested", "requests_total"}) + g.at() + ")"
	}
	return op + " " + g.grouping() + " (" + param + g.vector(depth-1) + ")"
}

// selected prints aggregations that choose series. Which of equals they choose
// is not defined, so that only what is left of it is compared.
func (g *generator) selected(depth int) string {
	op := g.use("aggregation", pick(g, "topk", "bottomk", "limitk", "limit_ratio"))
	inner := g.vector(depth - 1)
	switch op {
	case "limit_ratio":
		return op + "(" + pick(g, "0.5", "-0.3", "1", "0.1") + ", " + inner + ")"
	case "limitk":
		return "count(" + op + "(" + pick(g, "1", "2", "3", "100") + ", " + inner + "))"
	}
	return "max(" + op + "(" + pick(g, "1", "2", "3", "0", "100") + ", " + inner + "))"
}

// binary prints a binary operation with a number on at least one side.
func (g *generator) binary(depth int) string {
	arith := []string{"+", "-", "*", "/", "%", "^", "atan2"}
	compare := []string{"==", "!=", ">", "<", ">=", "<="}
	kinds := pick(g, "vector vector", "vector vector", "vector scalar", "scalar vector", "histogram vector", "vector histogram", "histogram histogram")
	sides := strings.Fields(kinds)
	side := func(kind string) string {
		switch kind {
		case "scalar":
			return g.scalar(depth - 1)
		case "histogram":
			return g.hist(depth - 1)
		}
		return g.vector(depth - 1)
	}
	l, r := side(sides[0]), side(sides[1])
	op := pick(g, arith...)
	isBool := ""
	switch {
	case g.chance(3):
		op = pick(g, compare...)
		if g.chance(2) {
			isBool = " " + g.use("modifier", "bool")
		}
	case g.chance(5) && !strings.Contains(kinds, "scalar"):
		op = pick(g, "and", "or", "unless")
	}
	g.use("operator", op)
	g.use("pair", kinds)
	matching := ""
	if !strings.Contains(kinds, "scalar") && g.chance(3) {
		on := g.use("modifier", pick(g, "on", "ignoring")) + pick(g, " (a)", " (a, b)", " (job)", " (b)", " ()", " (a, b, job)")
		matching = " " + on
		if op != "and" && op != "or" && op != "unless" {
			if g.chance(3) {
				matching += " " + g.use("modifier", pick(g, "group_left", "group_right")) + pick(g, "", "(job)", "()")
			}
			if g.chance(4) {
				matching += " " + g.use("modifier", pick(g, "fill", "fill_left", "fill_right")) + "(" + pick(g, "0", "-1.5", "NaN") + ")"
			}
		}
	}
	return "(" + l + ") " + op + isBool + matching + " (" + r + ")"
}

func (g *generator) histFunc(depth int) string {
	f := g.use("function", pick(g, "histogram_count", "histogram_sum", "histogram_avg", "histogram_stddev", "histogram_stdvar", "histogram_fraction", "histogram_quantile", "histogram_quantiles"))
	switch f {
	case "histogram_fraction":
		return f + "(" + pick(g, "0, 1", "-Inf, 0.5", "0.2, +Inf", "2, 1") + ", " + pick(g, g.hist(depth-1), "latency_bucket") + ")"
	case "histogram_quantile":
		return f + "(" + pick(g, "0.5", "0.99", "0", "1", "-1", "2", "NaN") + ", " + pick(g, g.hist(depth-1), "rate(latency_bucket[2m])", "sum by (le) (latency_bucket)") + ")"
	case "histogram_quantiles":
		return f + "(" + pick(g, g.hist(depth-1), "latency_bucket") + `, "q", 0.5, 0.9)`
	}
	return f + "(" + g.hist(depth-1) + ")"
}

func (g *generator) other(depth int) string {
	v := g.vector(depth - 1)
	f := g.use("function", pick(g, "absent", "clamp", "clamp_max", "clamp_min", "double_exponential_smoothing", "info", "label_join", "label_replace", "predict_linear", "quantile_over_time", "round", "sort", "sort_by_label",
		"sort_by_label_desc", "sort_desc", "start_timestamp", "timestamp"))
	switch f {
	case "clamp":
		return f + "(" + v + ", " + pick(g, "0, 10", "-5, 5", "10, 0", g.scalar(depth-1)+", 20") + ")"
	case "clamp_max", "clamp_min":
		return f + "(" + v + ", " + g.scalar(depth-1) + ")"
	case "double_exponential_smoothing":
		return f + "(" + g.matrix(floatMetrics, false, depth-1) + ", 0.5, 0.3)"
	case "info":
		return f + "(" + g.selector([]string{"gauge", "requests_total", "native"}) + pick(g, "", `, {version=~".+"}`, `, {__name__="target_info"}`) + ")"
	case "label_join":
		return f + "(" + v + `, "dst", "-", "a", "b")`
	case "label_replace":
		return f + "(" + v + `, "dst", "$1-x", "` + pick(g, "a", "b", "job", "dst") + `", "(.*)")`
	case "predict_linear":
		return f + "(" + g.matrix(floatMetrics, false, depth-1) + ", " + pick(g, "60", g.scalar(depth-1)) + ")"
	case "quantile_over_time":
		return f + "(" + pick(g, "0.5", "0.9", "0", "1", "2", g.scalar(depth-1)) + ", " + g.matrix(floatMetrics, false, depth-1) + ")"
	case "round":
		return f + "(" + v + pick(g, "", ", 5", ", 0.1") + ")"
	case "sort_by_label", "sort_by_label_desc":
		return f + "(" + v + `, "a", "b")`
	case "start_timestamp":
		return f + "(" + pick(g, "started_total", "requests_total", "native", v) + ")"
	case "timestamp":
		return f + "(" + pick(g, g.selector(floatMetrics), v) + ")"
	}
	return f + "(" + v + ")"
}

// hist prints an expression whose series are mostly histograms.
func (g *generator) hist(depth int) string {
	if depth <= 0 || g.chance(6) {
		return g.selector(histMetrics) + g.at()
	}
	switch g.rng.IntN(8) {
	case 0, 1, 2:
		return g.use("function", pick(g, histRanges...)) + "(" + g.matrix(histMetrics, true, depth-1) + ")"
	case 3, 4:
		return g.use("aggregation", pick(g, "sum", "avg")) + " " + g.grouping() + " (" + g.hist(depth-1) + ")"
	case 5:
		g.use("pair", "histogram scalar")
		return "(" + g.hist(depth-1) + ") " + g.use("operator", pick(g, "*", "/", "</", ">/", "</", ">/")) + " " + pick(g, "2", "0.5", "3", "0.1")
	case 6:
		g.use("pair", "histogram histogram")
		return "(" + g.hist(depth-1) + ") " + g.use("operator", pick(g, "+", "-", "==", "!=", "and", "or", "unless")) + " (" + g.hist(depth-1) + ")"
	case 7:
		g.use("pair", "scalar histogram")
		return pick(g, "2", "0.5", "scalar(sum(nested))", "0") + " " + g.use("operator", pick(g, "*", "*", "/", "</")) + " (" + g.hist(depth-1) + ")"
	}
	return "native"
}

func (g *generator) scalar(depth int) string {
	if depth <= 0 || g.chance(3) {
		return pick(g, "2", "0.5", "-1", "10", "1e3", "NaN", "+Inf", "3")
	}
	switch g.rng.IntN(6) {
	case 0:
		return g.use("function", pick(g, "time", "pi", "start", "end", "step", "range")) + "()"
	case 1:
		return g.use("function", "scalar") + "(" + pick(g, "sum("+g.vector(depth-1)+")", g.vector(depth-1)) + ")"
	case 2:
		return g.use("function", pick(g, "max_of", "min_of")) + "(" + g.scalar(depth-1) + ", " + g.scalar(depth-1) + ")"
	case 3:
		g.use("pair", "scalar scalar")
		return "(" + g.scalar(depth-1) + " " + g.use("operator", pick(g, "+", "-", "*", "/", "%", "^", "atan2")) + " " + g.scalar(depth-1) + ")"
	case 4:
		g.use("pair", "scalar scalar")
		return "(" + g.scalar(depth-1) + " " + g.use("operator", pick(g, "==", "!=", ">", "<", ">=", "<=")) + " bool " + g.scalar(depth-1) + ")"
	}
	return pick(g, "1", "4", "-0.25")
}

// The answers.

// answer is a result in an order of its own.
type answer struct {
	err      error
	series   []promql.Series
	warnings []string
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
	sort.Slice(a.series, func(i, j int) bool { return labels.Compare(a.series[i].Metric, a.series[j].Metric) < 0 })
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
	comparing      = regexp.MustCompile(`(==|!=|<=|>=|<|>)`)
	countsOnly     = regexp.MustCompile(`histogram_(count|sum|avg)\(.* [-+] `)
	deviations     = regexp.MustCompile(`std(dev|var)|\) % `)
	ofCalendar     = regexp.MustCompile(strings.Join(calendar, "|"))
	betweenVectors = regexp.MustCompile(`</|>/|\) (==|!=|<=|>=|<|>|</|>/|[-+*/%^]|atan2|and|or|unless) `)
)

func sameLabels(a, b labels.Labels, text string) bool {
	if comparing.MatchString(text) {
		a, b = a.DropReserved(isName), b.DropReserved(isName)
	}
	return labels.Equal(a, b)
}

func isName(n string) bool { return n == labels.MetricName }

// differ says how two answers differ, or nothing.
func differ(got, want *answer, text string, c *coverage) string {
	c.rounding = -40
	if deviations.MatchString(text) {
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
		if strings.Contains(text, ") or ") {
			return ""
		}
		return fmt.Sprintf("%d series, want %d: %s", len(got.series), len(want.series), show(got, want))
	}
	for i := range got.series {
		x, y := &got.series[i], &want.series[i]
		if !sameLabels(x.Metric, y.Metric, text) || len(x.Floats) != len(y.Floats) || len(x.Histograms) != len(y.Histograms) {
			if countsOnly.MatchString(text) && len(x.Floats) > len(y.Floats) {
				return ""
			}
			return fmt.Sprintf("series %s of %d numbers and %d histograms, want %s of %d and %d: %s", x.Metric, len(x.Floats), len(x.Histograms), y.Metric, len(y.Floats), len(y.Histograms), show(got, want))
		}
		for k := range x.Floats {
			if p, q := x.Floats[k], y.Floats[k]; p.T != q.T || !c.same(p.F, q.F) && !(p.F != p.F && ofCalendar.MatchString(text)) {
				return fmt.Sprintf("%s: %v @%d, want %v @%d", x.Metric, p.F, p.T, q.F, q.T)
			}
		}
		for k := range x.Histograms {
			if p, q := x.Histograms[k], y.Histograms[k]; p.T != q.T || !c.sameHistogram(p.H, q.H) {
				return fmt.Sprintf("%s: %s @%d, want %s @%d", x.Metric, p.H.TestExpression(), p.T, q.H.TestExpression(), q.T)
			}
		}
	}
	if !betweenVectors.MatchString(text) && !strings.Contains(text, "start_timestamp(") && !slices.Equal(got.warnings, want.warnings) {
		return fmt.Sprintf("notes %q, want %q", got.warnings, want.warnings)
	}
	return ""
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
	queries, errors, empty, histAns int
	rounding                        int
	different, numbers, exact       int
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
