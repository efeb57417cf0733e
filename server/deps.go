package server

import (
	"context"

	"tidemark/query"
	"tidemark/storage/model"
)

// Engine answers queries under limits and a deadline of its own;
// *query.Engine satisfies it.
type Engine interface {
	Query(ctx context.Context, req query.Request) (*query.Result, error)
	LabelNames(ctx context.Context, req query.MetaRequest) ([]string, error)
	LabelValues(ctx context.Context, name string, req query.MetaRequest) ([]string, error)
	LabelSets(ctx context.Context, req query.MetaRequest) ([]model.Labels, error)
}
