package exec

import "tidemark/storage/model"

// Source is what a query reads from. A store's handle satisfies it.
type Source interface {
	// View pins one consistent cut, which the caller closes.
	View() (model.View, error)
}
