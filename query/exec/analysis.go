package exec

import (
	"context"

	"tidemark/query/plan"
)

// evalAnalysis answers a call of a function of the family "analysis". The
// range arguments come from rangeSamples, the others from numberArg, textArg,
// durationArg …; warnings go to ev.warn.
func (ev *evaluator) evalAnalysis(ctx context.Context, call *plan.Call, grid Grid) (*Analysis, error) {
	return nil, errorAt(call.Pos, "function %s is not available in this build", call.Func.Name)
}
