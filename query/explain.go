package query

import (
	"context"
	"time"

	"tidemark/query/ast"
	"tidemark/query/exec"
	"tidemark/query/plan"
)

// Operator is one operator of a plan and those it works on.
type Operator struct {
	// Name is what it does, without what it works on: sum by (job), up[5m].
	Name string
	// Type is what it gives: instant vector, range …
	Type string
	Pos  ast.Pos
	// Estimated is there in an explained plan, Measured in one that has run, where
	// the operator took part.
	Estimated *exec.Estimate
	Measured  *exec.Measured
	Inputs    []*Operator
}

// Explain returns the plan of a query with estimates, without running it. It
// looks at a few series of each selection, under the limits of a query.
func (e *Engine) Explain(ctx context.Context, req Request) (*Operator, error) {
	node, err := compile(req.Text, req.Dialect, span(req))
	if err != nil {
		return nil, err
	}
	p, err := e.params(req, node)
	if err != nil {
		return nil, err
	}
	ctx, done, err := e.enter(ctx, req.Timeout)
	if err != nil {
		return nil, err
	}
	defer done()
	view, err := e.src.View()
	if err != nil {
		return nil, err
	}
	defer view.Close()
	est, err := exec.Estimates(ctx, view, node, p)
	if err != nil {
		return nil, contextError(err, "explaining")
	}
	return operators(node, func(n plan.Node, o *Operator) {
		if v, ok := est[n]; ok {
			o.Estimated = &v
		}
	}), nil
}

// operators turns a plan into its public form.
func operators(n plan.Node, fill func(plan.Node, *Operator)) *Operator {
	o := &Operator{Name: plan.Describe(n), Type: n.Type().String(), Pos: n.Position()}
	fill(n, o)
	for _, c := range plan.Children(n) {
		o.Inputs = append(o.Inputs, operators(c, fill))
	}
	return o
}

// Finished is what a query came to.
type Finished struct {
	Text    string
	Dialect ast.Dialect
	Started time.Time
	// Took includes waiting for a slot.
	Took time.Duration
	// Memory is the most that it held at once, in bytes by the engine's reckoning.
	Memory int64
	Stats  Stats
	Err    error
}
