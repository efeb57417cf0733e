package exec

import (
	"context"

	"tidemark/storage/model"
)

// Source is what a query reads from. A store's handle satisfies it.
type Source interface {
	// View pins one consistent cut, which the caller closes.
	View() (model.View, error)
}

// Mender is a Source that can cut out damage of what it stores.
type Mender interface {
	// Mend is told of an error that a view answered with, and returns when what
	// it tells of was cut out. It reports whether asking again may go better.
	Mend(ctx context.Context, err error) bool
}
