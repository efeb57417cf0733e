// Package exec executes plans: operators over column batches, a series at a
// time, under a budget of samples and a deadline.
package exec

import "tidemark/storage/model"

// Source is what a query reads from. A store's handle satisfies it.
type Source interface {
	// View pins one consistent cut, which the caller closes.
	View() (model.View, error)
}
