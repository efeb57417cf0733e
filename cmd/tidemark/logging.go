package main

import (
	"context"
	"io"
	"log/slog"
	"sync/atomic"

	"tidemark/cmd/tidemark/internal/selfmon"
	"tidemark/storage"
)

// logs is where the server's log goes: to standard error and, once the store
// is open, into it.
type logs struct {
	plain *slog.Logger // standard error alone
	full  atomic.Pointer[slog.Logger]
}

func newLogs(w io.Writer, level slog.Level) *logs {
	l := &logs{plain: slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))}
	l.full.Store(l.plain)
	return l
}

// through records what is logged from now on in the monitor too.
func (l *logs) through(mon *selfmon.Monitor) {
	l.full.Store(slog.New(mon.Handler(l.plain.Handler())))
}

func (l *logs) logger() *slog.Logger { return l.full.Load() }

// event logs what happened inside the store.
func (l *logs) event(e storage.Event) {
	level := slog.LevelInfo
	switch e.Kind {
	case storage.EventCorruption, storage.EventWriteFailure, storage.EventEncodingFault:
		level = slog.LevelError
	case storage.EventBackgroundError, storage.EventSpace:
		level = slog.LevelWarn
	case storage.EventFlushBegin, storage.EventFlushEnd, storage.EventCompactionBegin, storage.EventCompactionEnd:
		level = slog.LevelDebug
	}
	attrs := make([]slog.Attr, 0, 4)
	if e.Total > 0 {
		attrs = append(attrs, slog.Int64("rows", e.Total))
	}
	if e.Duration > 0 {
		attrs = append(attrs, slog.Duration("took", e.Duration))
	}
	if e.Detail != "" {
		attrs = append(attrs, slog.String("detail", e.Detail))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", e.Err.Error()))
	}
	l.logger().LogAttrs(context.Background(), level, "storage: "+e.Kind.String(), attrs...)
}
