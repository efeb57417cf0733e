package selfmon

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"tidemark/storage/model"
)

// record is a log record on its way into the store.
type record struct {
	time  int64
	level slog.Level
	line  string
}

// handler hands log records to the monitor and to the handler it stands
// before.
type handler struct {
	mon  *Monitor
	next slog.Handler
	// with repeats on the line's own text handler what was added by WithAttrs
	// and WithGroup.
	with []func(slog.Handler) slog.Handler
}

// Handler returns a handler that records what it is given, if next would log
// it, and passes it on.
func (m *Monitor) Handler(next slog.Handler) slog.Handler { return &handler{mon: m, next: next} }

func (h *handler) Enabled(ctx context.Context, l slog.Level) bool { return h.next.Enabled(ctx, l) }

func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	var b strings.Builder
	var text slog.Handler = slog.NewTextHandler(&b, &slog.HandlerOptions{
		Level: slog.Level(-128),
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			if len(groups) == 0 && a.Key == slog.LevelKey {
				return slog.String(slog.LevelKey, strings.ToLower(a.Value.String()))
			}
			return a
		},
	})
	for _, w := range h.with {
		text = w(text)
	}
	if text.Handle(ctx, r) == nil { // a text handler over a builder has no other outcome
		at := r.Time
		if at.IsZero() {
			at = time.Now()
		}
		h.mon.record(record{at.UnixNano(), r.Level, strings.TrimSuffix(b.String(), "\n")})
	}
	return h.next.Handle(ctx, r)
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.add(func(t slog.Handler) slog.Handler { return t.WithAttrs(attrs) })
}

func (h *handler) WithGroup(name string) slog.Handler {
	return h.add(func(t slog.Handler) slog.Handler { return t.WithGroup(name) })
}

func (h *handler) add(f func(slog.Handler) slog.Handler) slog.Handler {
	return &handler{mon: h.mon, next: f(h.next), with: append(h.with[:len(h.with):len(h.with)], f)}
}

// logSchema is that of a log row without fields.
var logSchema = &model.Schema{Kind: model.LogRow, Columns: []model.Column{{Field: model.LineField, Type: model.TypeText}}}

func levelName(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "error"
	case l >= slog.LevelWarn:
		return "warn"
	case l >= slog.LevelInfo:
		return "info"
	}
	return "debug"
}
