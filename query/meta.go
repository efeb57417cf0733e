package query

import (
	"context"
	"math"
	"slices"
	"time"

	"tidemark/query/ast"
	"tidemark/query/parse"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

// LabelNames returns, sorted, the label names of what the request selects.
func (e *Engine) LabelNames(ctx context.Context, req MetaRequest) ([]string, error) {
	return meta(ctx, e, req, func(ctx context.Context, v model.View, sel model.LabelSelection) ([]string, error) {
		return v.LabelNames(ctx, sel)
	})
}

// LabelValues returns, sorted, the values of one label of what the request
// selects; those of __name__ are the metric names.
func (e *Engine) LabelValues(ctx context.Context, name string, req MetaRequest) ([]string, error) {
	return meta(ctx, e, req, func(ctx context.Context, v model.View, sel model.LabelSelection) ([]string, error) {
		return v.LabelValues(ctx, name, sel)
	})
}

// LabelSets returns, sorted, the label sets that the request selects; those
// of metrics carry __name__.
func (e *Engine) LabelSets(ctx context.Context, req MetaRequest) ([]model.Labels, error) {
	return meta(ctx, e, req, func(ctx context.Context, v model.View, sel model.LabelSelection) ([]model.Labels, error) {
		return v.LabelSets(ctx, sel)
	})
}

// meta runs one question about labels under the engine's limits.
func meta[T any](ctx context.Context, e *Engine, req MetaRequest, ask func(context.Context, model.View, model.LabelSelection) (T, error)) (T, error) {
	var none T
	sel, err := labelSelection(req)
	if err != nil {
		return none, err
	}
	ctx, done, err := e.enter(ctx, req.Timeout)
	if err != nil {
		return none, err
	}
	defer done()
	out, err := read(ctx, e, func(view model.View) (T, error) {
		out, err := ask(ctx, view, sel)
		if w, ok := view.(model.Warner); ok && req.Warnings != nil {
			*req.Warnings = w.Warnings()
		}
		return out, err
	})
	if err != nil {
		return none, contextError(err, "label lookup")
	}
	return out, nil
}

func labelSelection(req MetaRequest) (model.LabelSelection, error) {
	sel := model.LabelSelection{Mint: math.MinInt64, Maxt: math.MaxInt64, Scope: req.Scope, Limit: req.Limit}
	if !req.Start.IsZero() {
		sel.Mint = nanos(req.Start)
	}
	if !req.End.IsZero() {
		sel.Maxt = nanos(req.End)
	}
	if req.Limit < 0 {
		return sel, badRequest("limit: want 0 or more, got %d", req.Limit)
	}
	if sel.Mint > sel.Maxt {
		return sel, badRequest("end: want a time not before start %s, got %s", req.Start.UTC().Format(time.RFC3339Nano), req.End.UTC().Format(time.RFC3339Nano))
	}
	for _, m := range req.Match {
		ms, err := selector(m, req.Dialect)
		if err != nil {
			return sel, err
		}
		sel.Selectors = append(sel.Selectors, append(ms, req.Enforce...))
	}
	if len(sel.Selectors) == 0 && len(req.Enforce) > 0 {
		sel.Selectors = [][]*model.Matcher{req.Enforce}
	}
	return sel, nil
}

// selector reads one selector; log rows may be selected by any but PromQL.
func selector(text string, d ast.Dialect) ([]*model.Matcher, error) {
	if d == ast.PromQL {
		return parse.ParseSelector(text)
	}
	node, err := compile(text, d, ast.Span{})
	if err != nil {
		return nil, err
	}
	switch n := node.(type) {
	case *plan.Select:
		if n.Range == 0 {
			return slices.Clone(n.Matchers), nil
		}
	case *plan.SelectLogs:
		if n.Range == 0 && len(n.Stages) == 0 {
			return slices.Clone(n.Matchers), nil
		}
	}
	return nil, &ast.Error{Pos: node.Position(), Message: "not a plain selector", Expected: []string{"matchers in braces, such as `{app=\"api\"}`"}}
}
