package conformance

import (
	"math/rand/v2"
	"regexp"
	"strings"
)

// The queries.

type generator struct {
	rng *rand.Rand
	met map[string]bool
	// inParam says that a parameter of an aggregation is printed. There
	// Prometheus does not see @ start() and @ end(), and takes another time
	// after @ for that of the first step only.
	inParam bool
}

func pick[T any](g *generator, list ...T) T { return list[g.rng.IntN(len(list))] }

func (g *generator) use(kind, what string) string {
	g.met[kind+" "+what] = true
	return what
}

func (g *generator) chance(n int) bool { return g.rng.IntN(n) == 0 }

// offsetOfTimestamp is a selection of timestamp with both an offset and @, of which
// Prometheus forgets the offset there.
var offsetOfTimestamp = regexp.MustCompile(`(timestamp\((?:[a-z_]+|\{"utf8.metric"\})(?:\{[^}]*\})?) offset (?:\([^)]*\)|\S+) @`)

func (g *generator) query() string {
	return offsetOfTimestamp.ReplaceAllString(g.expression(), "$1 @")
}

func (g *generator) expression() string {
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
	if g.chance(12) && !g.inParam {
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
		at := g.at()
		if strings.Contains(inner, "@") {
			// Prometheus takes another time where such a subquery begins, with an offset
			// into the future, at the very time at which the query does.
			at = strings.Replace(at, " offset -45s", "", 1)
		}
		return "(" + inner + ")[" + g.window() + ":" + pick(g, "", "15s", "30s", "20s") + "]" + at
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
			return g.use("function", pick(g, calendar...)) + "(" + pick(g, "", "clamp("+g.vector(depth-1)+", -1e10, 1e10) > -Inf", "timestamp(gauge)") + ")"
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
		outer := g.inParam
		g.inParam = true
		param = pick(g, "0.5", "0.9", "0", "1", "-1", g.scalar(depth-1)) + ", "
		g.inParam = outer
		if strings.Contains(param, "(") {
			// Over what does not change with the step, Prometheus takes the parameter of
			// the first step for all.
			return op + " " + g.grouping() + " (" + param + g.selector(floatMetrics) + ")"
		}
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
