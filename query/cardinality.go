package query

import (
	"context"
	"time"

	"tidemark/storage/model"
)

// Cardinality counts the series of the newest day by name and label, each list
// with at most limit entries; nil where the source cannot tell.
func (e *Engine) Cardinality(ctx context.Context, limit int, timeout time.Duration) (*model.Cardinality, error) {
	ctx, done, err := e.enter(ctx, timeout)
	if err != nil {
		return nil, err
	}
	defer done()
	c, err := read(ctx, e, func(view model.View) (*model.Cardinality, error) {
		if cv, ok := view.(model.CardinalityView); ok {
			return cv.Cardinality(ctx, limit)
		}
		return nil, nil
	})
	if err != nil {
		return nil, contextError(err, "counting series")
	}
	return c, nil
}
