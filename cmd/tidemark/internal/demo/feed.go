package demo

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"tidemark/ingest"
	"tidemark/storage/model"
)

// Store is what the demo needs of a store: it writes, and it asks how far an
// earlier run came.
type Store interface {
	ingest.Sink
	View() (model.View, error)
}

// Options say which estate to write. The zero value of a field means its
// default.
type Options struct {
	// Seed chooses the estate's noise; default 1. A store that holds an estate
	// already keeps the seed that it was begun with.
	Seed uint64
	// Weeks is the length of the metrics' history, default 9; LogWeeks that of
	// the logs', default 2. Logs never begin before the metrics.
	Weeks, LogWeeks int
	// length, where set, replaces Weeks by minutes; tests are short.
	length int64
	// Tick is how often live data is written; default 10 s.
	Tick time.Duration
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Busy, where set, says of an error of the store that it is a matter of
	// waiting: the batch is written again after Pause, until the context ends.
	Busy func(error) bool
	// Pause is the wait before that; default 1 s.
	Pause time.Duration
	// Progress, where set, is told how many of how many minutes of the
	// estate's parts are written. It may be called by several goroutines, one
	// at a time.
	Progress func(done, total int64)
}

func (o Options) withDefaults() Options {
	if o.Seed == 0 {
		o.Seed = 1
	}
	if o.Weeks <= 0 {
		o.Weeks = 9
	}
	if o.LogWeeks <= 0 {
		o.LogWeeks = 2
	}
	if o.length == 0 {
		o.length = int64(o.Weeks) * minutesPerWeek
	}
	if o.Tick <= 0 {
		o.Tick = 10 * time.Second
	}
	if o.Pause <= 0 {
		o.Pause = time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

const (
	// maxRows is where a batch is closed, at the end of a minute.
	maxRows = 10_000
	// maxGap bounds what is written after a long pause: older minutes of it
	// stay empty.
	maxGap = 9 * minutesPerWeek * nanosPerMinute
)

// Feed is an estate on its way into a store. It is used by one goroutine.
type Feed struct {
	store Store
	opts  Options
	table *timetable
	parts []*cursor

	mu          sync.Mutex // guards the two below
	done, total int64
}

// cursor is one part and how far it was generated and written.
type cursor struct {
	part
	feed    *Feed
	next    int64 // the minute to generate next
	until   int64 // end of what is written, exclusive, nanoseconds
	pending model.Batch
	out     model.Batch
	mark    *model.Stream
}

// Open looks for an estate in the store and returns a feed that continues it,
// or one that begins it. It writes nothing.
func Open(ctx context.Context, store Store, opts Options) (*Feed, error) {
	opts = opts.withDefaults()
	now := opts.Now().UnixNano()
	v, err := store.View()
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	s, err := readState(ctx, v, now)
	if cerr := v.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	if s.found {
		opts.Seed, opts.length = s.seed, s.length
	} else {
		s.origin = now / nanosPerMinute
	}
	f := &Feed{store: store, opts: opts, table: newTimetable(s.origin, opts.length)}
	for _, p := range newParts(opts.Seed, f.table, opts.LogWeeks) {
		c := &cursor{part: p, feed: f, next: f.table.start, until: f.table.start * nanosPerMinute,
			mark: model.NewStream(model.FromStrings(partLabel, p.name()))}
		if u, ok := s.until[p.name()]; ok {
			c.until = u
		}
		c.until = max(c.until, now-maxGap)
		f.parts = append(f.parts, c)
	}
	return f, nil
}

// Origin is the end of the history that the estate began with.
func (f *Feed) Origin() time.Time { return time.Unix(f.table.origin*60, 0).UTC() }

// Missing is how much time is to be written until the data reaches now.
func (f *Feed) Missing() time.Duration {
	now := f.opts.Now().UnixNano()
	gap := int64(0)
	for _, c := range f.parts {
		gap = max(gap, now-c.until)
	}
	return time.Duration(gap)
}

// Fill writes everything up to now, a day at a time, the parts of a day in
// parallel. When it returns an error, also that of a cancelled context, the
// store holds a consistent beginning, which the next Open continues.
func (f *Feed) Fill(ctx context.Context) error {
	to := f.clock()
	first := to
	defer func() { // what Run writes later is no progress of a fill
		f.mu.Lock()
		f.total = 0
		f.mu.Unlock()
	}()
	f.mu.Lock()
	for _, c := range f.parts {
		first = min(first, c.until)
		f.total += (to - c.until) / nanosPerMinute
	}
	f.mu.Unlock()
	const day = minutesPerDay * nanosPerMinute
	for at := first; at < to; {
		at = min(at-at%day+day, to)
		errs := make([]error, len(f.parts))
		var wg sync.WaitGroup
		for i, c := range f.parts {
			wg.Go(func() { errs[i] = c.advance(ctx, at) })
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
	}
	return nil
}

// clock returns now, floored to the tick.
func (f *Feed) clock() int64 {
	now, tick := f.opts.Now().UnixNano(), int64(f.opts.Tick)
	return now - now%tick
}

// Run keeps writing what happens, every tick, until ctx ends. A refused write
// is reported to onError and tried again with the next tick: nothing is lost or
// written twice by it.
func (f *Feed) Run(ctx context.Context, onError func(error)) {
	t := time.NewTicker(f.opts.Tick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		to := f.clock()
		for _, c := range f.parts {
			if err := c.advance(ctx, to); err != nil && ctx.Err() == nil {
				onError(err)
			}
		}
	}
}

// advance generates and writes the part's rows up to a time, exclusive.
func (c *cursor) advance(ctx context.Context, to int64) error {
	// What an earlier call could not write is written first.
	if c.out.Len() > 0 {
		if err := c.flush(ctx); err != nil {
			return err
		}
	}
	reached := c.until
	// An hour's distance from the edge of retention, which moves meanwhile.
	oldest := max(c.feed.store.MinTime(), math.MinInt64+1) + int64(time.Hour)
	for reached < to {
		minute := reached / nanosPerMinute
		for ; c.next < minute; c.next++ { // already written, or too long ago
			if c.next%minutesPerDay == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			c.step(c.next, nil)
		}
		end := min((minute+1)*nanosPerMinute, to)
		switch whole := reached == minute*nanosPerMinute && end == (minute+1)*nanosPerMinute && reached >= oldest; {
		case c.next == minute && whole:
			c.step(minute, &c.out)
			c.next++
		default:
			if c.next == minute {
				c.pending.Reset()
				c.step(minute, &c.pending)
				c.next++
			}
			appendRows(&c.out, &c.pending, max(reached, oldest), end)
		}
		reached = end
		if c.out.Len() >= maxRows || reached == to {
			c.finish(reached)
			if err := c.flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// finish adds the progress row, which ends the batch.
func (c *cursor) finish(until int64) {
	c.out.Begin(c.mark, progressSchema, until)
	c.out.Int(c.feed.table.origin)
	c.out.Int(int64(c.feed.opts.Seed))
	c.out.Int(c.feed.opts.length)
	c.out.RequestKey = fmt.Sprintf("demo/%s/%d", c.name(), until)
}

// flush writes the finished batch. On an error it stays, under its key, so
// that writing it again is harmless even if the store had taken it.
func (c *cursor) flush(ctx context.Context) error {
	rows := c.out.Rows()
	until := rows[len(rows)-1].Time
	if until >= c.feed.store.MinTime() { // otherwise retention would refuse it
		if err := c.feed.append(ctx, &c.out); err != nil {
			return fmt.Errorf("demo: write %s up to %s: %w", c.name(), time.Unix(0, until).UTC().Format(time.RFC3339), err)
		}
	}
	c.feed.report((until - c.until) / nanosPerMinute)
	c.until = until
	c.out.Reset()
	return nil
}

// append writes a batch, again and again while the store is busy.
func (f *Feed) append(ctx context.Context, b *model.Batch) error {
	for {
		_, err := f.store.Append(ctx, b)
		if err == nil || f.opts.Busy == nil || !f.opts.Busy(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(f.opts.Pause):
		}
	}
}

func (f *Feed) report(minutes int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done += minutes
	if f.opts.Progress != nil && f.total > 0 {
		f.opts.Progress(min(f.done, f.total), f.total)
	}
}
