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
	view, err := e.src.View()
	if err != nil {
		return nil, err
	}
	defer view.Close()
	cv, ok := view.(model.CardinalityView)
	if !ok {
		return nil, nil
	}
	c, err := cv.Cardinality(ctx, limit)
	if err != nil {
		return nil, contextError(err, "counting series")
	}
	return c, nil
}
