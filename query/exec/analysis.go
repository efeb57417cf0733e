package exec

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tidemark/query/analysis"
	"tidemark/query/funcs"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

// evalAnalysis answers a call of a function of the family "analysis". The
// algorithms are in query/analysis; here are their arguments, the samples that
// their models need (the window before the first step and one refit distance
// more), and the labels of what they answer.
func (ev *evaluator) evalAnalysis(ctx context.Context, call *plan.Call, grid Grid) (*Analysis, error) {
	run := map[string]func(context.Context, *analysisCall) (*Analysis, error){
		"baseline":         ev.evalBaseline,
		"anomaly_score":    ev.evalBaseline,
		"anomaly_pvalue":   ev.evalPValue,
		"anomaly_shape":    ev.evalShape,
		"anomaly_onset":    ev.evalOnset,
		"anomalous":        ev.evalAnomalous,
		"decompose":        ev.evalDecompose,
		"periods":          ev.evalPeriods,
		"excess_over_time": ev.evalExcess,
		"peer_outliers":    ev.evalPeers,
		"fdr":              ev.evalFDR,
		"backtest":         ev.evalBacktest,
		"threshold_for":    ev.evalThresholdFor,
		"forecast":         ev.evalForecast,
		"forecast_at":      ev.evalForecastAt,
		"time_to":          ev.evalTimeTo,
		"p_breach":         ev.evalBreach,
		"headroom":         ev.evalHeadroom,
		"rightsize":        ev.evalRightsize,
		"knee":             ev.evalKnee,
		"corr_over_time":   ev.evalCorrelation,
		"lead_lag":         ev.evalLeadLag,
		"change_points":    ev.evalChangePoints,
		"rank_changes":     ev.evalRankChanges,
		"root_cause":       ev.evalRootCause,
		"contrib":          ev.evalContrib,
		"diff_attrs":       ev.evalDiffAttrs,
	}[call.Func.Name]
	if run == nil {
		return nil, errorAt(call.Pos, "function %s is not available in this build", call.Func.Name)
	}
	if call.Func.Table && !(ev.Instant && ev.outermost(call)) {
		return nil, errorAt(call.Pos, "function %s answers with a table and must be the outermost of an instant query", call.Func.Name)
	}
	if grid.Len() == 0 {
		return &Analysis{}, nil
	}
	a := &analysisCall{ev: ev, call: call, grid: grid}
	ans, err := run(ctx, a)
	if err == nil {
		err = a.err
	}
	if err != nil {
		return nil, err
	}
	a.missing.report(ev, call)
	ans.Columns, err = ev.joined(call, ans.Columns)
	return ans, err
}

// joined makes one of columns with equal labels, which the loss of the metric
// name can produce; two values at one step are an error.
func (ev *evaluator) joined(call *plan.Call, cols []*Column) ([]*Column, error) {
	var out []*Column
	err := ev.merged(call.Pos, func(emit func(*Column) error) error {
		for _, c := range cols {
			if err := emit(c); err != nil {
				return err
			}
		}
		return nil
	}, func(c *Column) error {
		out = append(out, c)
		return nil
	})
	return out, err
}

// analysisCall is one call under evaluation. Its argument readers keep the
// first error in err and give fallbacks after it.
type analysisCall struct {
	ev      *evaluator
	call    *plan.Call
	grid    Grid
	err     error
	missing shortages
}

// arg returns the argument of a parameter, nil where none was given.
func (a *analysisCall) arg(name string) plan.Node {
	i := slices.IndexFunc(a.call.Func.Params, func(p funcs.Param) bool { return p.Name == name })
	if i < 0 || i >= len(a.call.Args) {
		return nil
	}
	return a.call.Args[i]
}

func (a *analysisCall) keep(err error) {
	if a.err == nil {
		a.err = err
	}
}

func (a *analysisCall) number(name string, fallback, lo, hi float64) float64 {
	n := a.arg(name)
	v, err := a.ev.numberArg(n, fallback)
	if err == nil && !(v >= lo && v <= hi) {
		err = errorAt(n.Position(), "%s: %s: want %g to %g, got %g", a.call.Func.Name, name, lo, hi, v)
	}
	a.keep(err)
	return v
}

// quantiles reads a tuple of quantiles: ascending, each once.
func (a *analysisCall) quantiles(name string, fallback ...float64) []float64 {
	n := a.arg(name)
	vs, err := a.ev.numbersArg(n, fallback...)
	for _, v := range vs {
		if err == nil && !(v > 0 && v < 1) {
			err = errorAt(n.Position(), "%s: %s: want quantiles between 0 and 1, got %g", a.call.Func.Name, name, v)
		}
	}
	a.keep(err)
	vs = slices.Clone(vs)
	slices.Sort(vs)
	return slices.Compact(vs)
}

func (a *analysisCall) text(name, fallback string, oneOf ...string) string {
	n := a.arg(name)
	v, err := a.ev.textArg(n, fallback)
	if err == nil && len(oneOf) > 0 && !slices.Contains(oneOf, v) {
		err = errorAt(n.Position(), "%s: %s: want one of %s, got %q", a.call.Func.Name, name, strings.Join(oneOf, ", "), v)
	}
	a.keep(err)
	return v
}

func (a *analysisCall) flag(name string) bool {
	v, err := a.ev.boolArg(a.arg(name), false)
	a.keep(err)
	return v
}

// span reads a duration in milliseconds; least is the smallest allowed of one
// that was given.
func (a *analysisCall) span(name string, fallback, least time.Duration) int64 {
	n := a.arg(name)
	v, err := a.ev.durationArg(n, fallback)
	if err == nil && n != nil && v < least {
		err = errorAt(n.Position(), "%s: %s: want at least %s, got %s", a.call.Func.Name, name, least, v)
	}
	a.keep(err)
	return v.Milliseconds()
}

// learning is the options that the functions share which learn from a window.
type learning struct {
	seasons analysis.Seasons
	zone    *time.Location
	res     int64 // 0: from the data
	refit   int64 // 0: from the window
	exclude plan.Node
}

func (a *analysisCall) learning() learning {
	l := learning{res: a.span("res", 0, time.Millisecond), refit: a.span("refit", 0, time.Millisecond), exclude: a.arg("exclude")}
	l.seasons = a.seasons()
	var err error
	if l.zone, err = analysis.Zone(a.text("tz", "UTC")); err != nil {
		a.keep(errorAt(a.arg("tz").Position(), "%s: tz: %v", a.call.Func.Name, err))
	}
	return l
}

// seasons reads the option season.
func (a *analysisCall) seasons() analysis.Seasons {
	s, err := analysis.ParseSeasons(a.text("season", "auto"))
	if err != nil {
		a.keep(errorAt(a.arg("season").Position(), "%s: %v", a.call.Func.Name, err))
	}
	return s
}

// shortages gathers why series have no value, so that ten thousand of them
// make one warning.
type shortages struct {
	series, of int
	examples   []string
}

// maxExamples is how many series a warning names.
const maxExamples = 3

// add notes a series, and why it has no value, or nil.
func (s *shortages) add(ls model.Labels, why error) {
	s.of++
	if why == nil {
		return
	}
	s.series++
	// The first by label set, because series come in no order.
	e := fmt.Sprintf("%s: %v", ls, why)
	i, _ := slices.BinarySearch(s.examples, e)
	if i < maxExamples {
		s.examples = slices.Insert(s.examples, i, e)
		s.examples = s.examples[:min(len(s.examples), maxExamples)]
	}
}

func (s *shortages) report(ev *evaluator, call *plan.Call) {
	if s.series == 0 {
		return
	}
	more := ""
	if n := s.series - len(s.examples); n > 0 {
		more = fmt.Sprintf("; and %d more", n)
	}
	ev.warn(call.Pos, "%s: too little history for some or all times of %d of %d series: %s%s",
		call.Func.Name, s.series, s.of, strings.Join(s.examples, "; "), more)
}

// short sorts an error of a fit into too little history, which is not an
// error of the query, and others, which are, at the call.
func (a *analysisCall) short(err error) (why, fatal error) {
	var s *analysis.ShortHistory
	if errors.As(err, &s) {
		return err, nil
	}
	return nil, errorAt(a.call.Pos, "%s: %v", a.call.Func.Name, err)
}
