package ingest

import (
	"context"

	"tidemark/storage/model"
)

// Sink receives batches. A store's handle satisfies it.
type Sink interface {
	// Append writes a batch atomically. It returns once the batch is on disk
	// and visible to queries.
	Append(ctx context.Context, b *model.Batch) (model.AppendResult, error)
	// MinTime is the oldest time that retention accepts now.
	MinTime() int64
}
