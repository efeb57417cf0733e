package exec

import (
	"context"
	"slices"
	"sync/atomic"

	"tidemark/storage/model"
)

// Read gives stored series as they are: samples in (lo, hi], staleness markers
// included, series in the order of their labels. It belongs to one goroutine.
type Read struct {
	ev     *evaluator
	set    model.SeriesSet
	reader model.SeriesReader
	labels []model.Labels // with __name__
	order  []int
	next   int
	series model.Series
	held   int
	// LabelsOnly says that nobody looks at samples: none are read, and series come
	// that may have some.
	LabelsOnly bool
}

// OpenRead selects series of a view. Of the parameters, Lookback, Enforce,
// MaxSamples and Held count. Close it before the view.
func OpenRead(ctx context.Context, view model.View, ms []*model.Matcher, lo, hi int64, p Params) (*Read, error) {
	if p.Held == nil {
		p.Held = new(atomic.Int64)
	}
	r := &Read{ev: &evaluator{Params: p, view: view, held: p.Held}}
	sel := model.SampleSelection{Matchers: r.ev.matchers(ms), Context: int64(p.Lookback)}
	sel.Mint, sel.Maxt = nanoRange(lo, hi)
	if sel.Mint > sel.Maxt {
		return r, nil
	}
	var err error
	if r.set, err = model.SelectSeries(ctx, view, sel); err != nil {
		return nil, err
	}
	if r.reader, err = r.set.Reader(); err != nil {
		return nil, firstError(err, r.set.Close())
	}
	r.labels, r.order = make([]model.Labels, r.set.Len()), make([]int, r.set.Len())
	for i := range r.order {
		name, ls := r.set.At(i)
		r.labels[i], r.order[i] = withName(name, ls), i
	}
	slices.SortFunc(r.order, func(a, b int) int { return r.labels[a].Compare(r.labels[b]) })
	return r, nil
}

// Next returns the labels of the next series, __name__ included, and its samples,
// times in milliseconds, which are valid until the next call; or nil at the end.
func (r *Read) Next(ctx context.Context) (model.Labels, *model.Series, error) {
	r.ev.release(r.held)
	r.held = 0
	for ; r.next < len(r.order); r.next++ {
		if err := r.ev.tick(ctx); err != nil {
			return nil, nil, err
		}
		i := r.order[r.next]
		s := &r.series
		if r.LabelsOnly {
			r.next++
			return r.labels[i], s, nil
		}
		if ok, err := r.reader.Read(ctx, i, s); err != nil {
			return nil, nil, err
		} else if !ok {
			continue
		}
		n := len(s.Times)
		if s.Histograms != nil || s.Starts != nil {
			n += extrasToMillis(s)
		}
		r.held = n
		if err := r.ev.hold(n); err != nil {
			return nil, nil, err
		}
		s.Times, s.Values = toMillis(s.Times, s.Values)
		r.next++
		return r.labels[i], s, nil
	}
	return nil, nil, nil
}

// Close ends reading.
func (r *Read) Close() error {
	r.ev.release(r.held)
	r.held = 0
	if r.set == nil {
		return nil
	}
	return firstError(r.reader.Close(), r.set.Close())
}
