package conformance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	promstorage "github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
	"github.com/prometheus/prometheus/util/stats"

	"tidemark/query"
	"tidemark/query/ast"
	"tidemark/query/exec"
	"tidemark/storage/model"
)

// Engine is a query.Engine as an engine of Prometheus's.
type Engine struct{ Options query.Options }

var _ promql.QueryEngine = (*Engine)(nil)

// NewInstantQuery prepares a query at one time.
func (e *Engine) NewInstantQuery(_ context.Context, q promstorage.Queryable, opts promql.QueryOpts, text string, at time.Time) (promql.Query, error) {
	return e.prepare(q, opts, query.Request{Text: text, Dialect: ast.PromQL, Instant: true, End: at})
}

// NewRangeQuery prepares a query over a range.
func (e *Engine) NewRangeQuery(_ context.Context, q promstorage.Queryable, opts promql.QueryOpts, text string, start, end time.Time, step time.Duration) (promql.Query, error) {
	return e.prepare(q, opts, query.Request{Text: text, Dialect: ast.PromQL, Start: start, End: end, Step: step})
}

func (e *Engine) prepare(q promstorage.Queryable, opts promql.QueryOpts, req query.Request) (promql.Query, error) {
	src, ok := q.(*Store)
	if !ok {
		return nil, fmt.Errorf("conformance: want a *Store to read from, got %T", q)
	}
	if opts != nil {
		req.Lookback = opts.LookbackDelta()
	}
	return &pending{engine: query.NewEngine(src, e.Options), req: req}, nil
}

// pending is a query that has not run yet.
type pending struct {
	engine *query.Engine
	req    query.Request
}

// Exec runs the query.
func (p *pending) Exec(ctx context.Context) *promql.Result {
	res, err := p.engine.Query(ctx, p.req)
	if err != nil {
		return &promql.Result{Err: bare(err)}
	}
	out := &promql.Result{Warnings: notes(res)}
	at := p.req.End.UnixMilli()
	switch res.Kind {
	case query.KindString:
		out.Value = promql.String{T: at, V: res.Text}
	case query.KindScalar:
		if p.req.Instant {
			out.Value = promql.Scalar{T: at, V: res.Points[0].V}
			break
		}
		out.Value = promql.Matrix{{Metric: labels.EmptyLabels(), Floats: floats(res.Points)}}
	case query.KindVector:
		vec := make(promql.Vector, 0, len(res.Series))
		for i := range res.Series {
			s := &res.Series[i]
			if len(s.Histograms) > 0 {
				vec = append(vec, promql.Sample{Metric: labelsOf(s.Labels), T: at, H: toFloat(s.Histograms[0].H)})
			} else {
				vec = append(vec, promql.Sample{Metric: labelsOf(s.Labels), T: at, F: s.Points[0].V})
			}
		}
		out.Value = vec
	case query.KindMatrix:
		m := make(promql.Matrix, 0, len(res.Series))
		for i := range res.Series {
			s := &res.Series[i]
			m = append(m, promql.Series{Metric: labelsOf(s.Labels), Floats: floats(s.Points), Histograms: histograms(s.Histograms)})
		}
		out.Value = m
	default:
		out.Err = fmt.Errorf("conformance: an answer of kind %d is none of PromQL's", res.Kind)
	}
	return out
}

// bare returns the error without the place in the text, which Prometheus's
// messages do not begin with.
func bare(err error) error {
	var onText *ast.Error
	if errors.As(err, &onText) {
		return errors.New(onText.Message)
	}
	var onData *exec.Error
	if errors.As(err, &onData) {
		return errors.New(onData.Message)
	}
	return err
}

// note is a warning or an info. It has to name its kind, and the place of its
// text is the one that the suite expects at the end.
type note struct {
	kind error
	text string
}

func (n *note) Error() string { return n.kind.Error() + ": " + n.text }
func (n *note) Unwrap() error { return n.kind }

func notes(res *query.Result) annotations.Annotations {
	out := annotations.Annotations{}
	for _, w := range res.Warnings {
		out.Add(&note{annotations.PromQLWarning, w})
	}
	for _, i := range res.Infos {
		out.Add(&note{annotations.PromQLInfo, i})
	}
	return out
}

func floats(ps []query.Point) []promql.FPoint {
	out := make([]promql.FPoint, 0, len(ps))
	for _, p := range ps {
		out = append(out, promql.FPoint{T: p.T, F: p.V})
	}
	return out
}

func histograms(ps []query.HistogramPoint) []promql.HPoint {
	out := make([]promql.HPoint, 0, len(ps))
	for _, p := range ps {
		out = append(out, promql.HPoint{T: p.T, H: toFloat(p.H)})
	}
	return out
}

func labelsOf(ls model.Labels) labels.Labels {
	b := labels.NewScratchBuilder(len(ls))
	for _, l := range ls {
		b.Add(l.Name, l.Value)
	}
	b.Sort()
	return b.Labels()
}

// Close does nothing: an answer holds no resources.
func (*pending) Close() {}

// Statement is part of the interface; the suite does not ask for it.
func (*pending) Statement() parser.Statement { return nil }

// Stats is part of the interface; the suite does not ask for it.
func (*pending) Stats() *stats.Statistics { return nil }

// Cancel is part of the interface; the suite cancels by context.
func (*pending) Cancel() {}

// String returns the query's text.
func (p *pending) String() string { return p.req.Text }
