package exec

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"

	"tidemark/storage/model"
)

// seriesWork turns one series into a column, or into nil where it has nothing
// to say. It belongs to one goroutine; the series's slices are reused for the
// next one.
type seriesWork func(ctx context.Context, s *model.Series) (*Column, error)

// Series are handed to workers in batches, of which some are on the way at a
// time. A selection of fewer than parallelFrom series is not worth a
// goroutine.
const (
	parallelFrom   = 32
	batchSeries    = 32
	batchesAhead   = 4 // for each worker
	maxReadWorkers = 16
)

// eachSeries streams the columns that work makes of the series of a metric
// selector with their samples in (lo, hi], in milliseconds, staleness markers
// included. Reading and work run on all cores; emit runs in the calling
// goroutine and gets the columns in the order of the selection, so that an
// answer does not depend on scheduling. newWork is called once for each
// goroutine. With windows the series may come as parts, whose times are not
// floored yet.
func (ev *evaluator) eachSeries(ctx context.Context, ms []*model.Matcher, lo, hi int64, windows *model.Windows, newWork func() seriesWork, emit func(*Column) error) (err error) {
	sel := model.SampleSelection{Matchers: ev.matchers(ms), Windows: windows, Context: int64(ev.Lookback)}
	sel.Mint, sel.Maxt = nanoRange(lo, hi)
	if sel.Mint > sel.Maxt {
		return nil
	}
	set, err := model.SelectSeries(ctx, ev.view, sel)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, set.Close()) }()
	f := &fan{ev: ev, set: set, newWork: newWork}
	if set.Len() < parallelFrom || runtime.GOMAXPROCS(0) == 1 {
		return f.alone(ctx, emit)
	}
	return f.spread(ctx, emit)
}

// fan is one selection on its way through the workers.
type fan struct {
	ev      *evaluator
	set     model.SeriesSet
	newWork func() seriesWork
}

// seriesBatch is series [from, to) and what became of them.
type seriesBatch struct {
	from, to int
	columns  []*Column
	stats    Stats
	err      error
	panicked any // what the work panicked with
	done     chan struct{}
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// worker is what one goroutine needs.
type worker struct {
	f      *fan
	reader model.SeriesReader
	work   seriesWork
	series *model.Series
}

// seriesMemory is slices for a worker's series.
var seriesMemory = sync.Pool{New: func() any { return new(model.Series) }}

// maxSeriesKept bounds the samples of a series whose memory is kept.
const maxSeriesKept = 1 << 16

func (f *fan) worker() (*worker, error) {
	r, err := f.set.Reader()
	if err != nil {
		return nil, err
	}
	return &worker{f: f, reader: r, work: f.newWork(), series: seriesMemory.Get().(*model.Series)}, nil
}

func (w *worker) close(into *Stats) error {
	into.Read.Add(w.reader.Stats())
	if cap(w.series.Times) <= maxSeriesKept {
		*w.series = model.Series{Times: w.series.Times[:0], Values: w.series.Values[:0]}
		seriesMemory.Put(w.series)
	}
	return w.reader.Close()
}

// one reads series i and works on it.
func (w *worker) one(ctx context.Context, i int, stats *Stats) (*Column, error) {
	s := w.series
	ok, err := w.reader.Read(ctx, i, s)
	if err != nil || !ok {
		return nil, err
	}
	n := len(s.Times)
	stats.Series++
	stats.Samples += int64(n)
	if s.Histograms != nil || s.Starts != nil {
		n += extrasToMillis(s)
	}
	if err := w.f.ev.hold(n); err != nil {
		return nil, err
	}
	defer w.f.ev.release(n)
	if s.Parts == nil {
		s.Times, s.Values = toMillis(s.Times, s.Values)
	}
	return w.work(ctx, s)
}

// alone does everything in the calling goroutine.
func (f *fan) alone(ctx context.Context, emit func(*Column) error) (err error) {
	w, err := f.worker()
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, w.close(&f.ev.stats)) }()
	for i := range f.set.Len() {
		c, err := w.one(ctx, i, &f.ev.stats)
		if err != nil {
			return err
		}
		if c != nil {
			if err := emit(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// spread shares the series out and emits batch by batch.
func (f *fan) spread(ctx context.Context, emit func(*Column) error) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	n := f.set.Len()
	size := min(batchSeries, max(1, n/(4*runtime.GOMAXPROCS(0))))
	batches := (n + size - 1) / size
	workers := min(runtime.GOMAXPROCS(0), batches, maxReadWorkers)
	ahead := min(batches, batchesAhead*workers)

	todo := make(chan *seriesBatch, ahead)
	var wg sync.WaitGroup
	ended := make([]Stats, workers)
	failed := make([]error, workers)
	for i := range workers {
		wg.Go(func() { failed[i] = f.run(ctx, todo, &ended[i]) })
	}
	defer func() {
		cancel()
		close(todo)
		wg.Wait()
		for i := range workers {
			f.ev.stats.Read.Add(ended[i].Read)
			err = firstError(err, failed[i])
		}
	}()

	queue := make([]*seriesBatch, 0, ahead)
	next := 0
	push := func() {
		if next < batches {
			b := &seriesBatch{from: next * size, to: min((next+1)*size, n), done: make(chan struct{})}
			queue = append(queue, b)
			todo <- b
			next++
		}
	}
	for range ahead {
		push()
	}
	for len(queue) > 0 {
		b := queue[0]
		queue = append(queue[:0], queue[1:]...)
		<-b.done
		push()
		if b.panicked != nil {
			// Here it meets whoever recovers for the query; in its own goroutine
			// it would end the process.
			panic(b.panicked)
		}
		if b.err != nil {
			return b.err
		}
		f.ev.stats.Series += b.stats.Series
		f.ev.stats.Samples += b.stats.Samples
		for _, c := range b.columns {
			if err := emit(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// run works on batches until there are no more.
func (f *fan) run(ctx context.Context, todo <-chan *seriesBatch, stats *Stats) (err error) {
	w, err := f.worker()
	if err != nil {
		for b := range todo {
			b.err = err
			close(b.done)
		}
		return nil // whoever waits for the batch has it
	}
	for b := range todo {
		w.batch(ctx, b)
		close(b.done)
	}
	return w.close(stats)
}

func (w *worker) batch(ctx context.Context, b *seriesBatch) {
	defer func() {
		if p := recover(); p != nil {
			b.panicked = fmt.Sprintf("%v\n%s", p, debug.Stack())
		}
	}()
	b.columns = make([]*Column, 0, b.to-b.from)
	for i := b.from; i < b.to; i++ {
		var c *Column
		if c, b.err = w.one(ctx, i, &b.stats); b.err != nil {
			return
		}
		if c != nil {
			b.columns = append(b.columns, c)
		}
	}
}
