package main

import (
	"log/slog"
	"time"

	"tidemark/query"
)

// slowQueries logs the queries that take at least so long, or nil where that is
// zero. The server's log is recorded in its own store, so that
//
//	{service="tidemark"} |= "slow query" | logfmt | seconds > 30
//
// finds them again.
func slowQueries(log *slog.Logger, from time.Duration) func(query.Finished) {
	if from <= 0 {
		return nil
	}
	return func(f query.Finished) {
		if f.Took < from {
			return
		}
		attrs := []any{"query", f.Text, "dialect", f.Dialect.String(), "seconds", f.Took.Seconds(), "memory", f.Memory,
			"series", f.Stats.Series, "samples", f.Stats.Samples, "rows", f.Stats.Rows, "chunks", f.Stats.Chunks, "bytes", f.Stats.Bytes}
		if f.Err != nil {
			attrs = append(attrs, "error", f.Err)
		}
		log.Warn("slow query", attrs...)
	}
}
