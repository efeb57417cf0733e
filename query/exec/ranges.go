package exec

import (
	"context"

	"tidemark/query/plan"
)

// rangeSamples returns every series of a range argument (type funcs.Range: a
// metric selection with a range, a subquery, or unwrapped log rows) with the
// samples of all windows of the grid, and the windows, in which offset and @
// are already applied. The samples count as held; whoever is done with them
// calls ev.release(total number of samples).
func (ev *evaluator) rangeSamples(ctx context.Context, n plan.Node, grid Grid) ([]Samples, Windows, error) {
	return nil, Windows{}, errorAt(n.Position(), "want a range")
}
