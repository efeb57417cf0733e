package model

import "context"

// SeriesView is a View that takes selection and reading of series apart, so
// that several goroutines can read. SelectSeries gives any view this form.
type SeriesView interface {
	View
	// Series selects the series that match and may have samples in range. Close
	// the set before the view.
	Series(ctx context.Context, sel SampleSelection) (SeriesSet, error)
}

// SeriesSet is the series of one selection, each once: partitions, head and
// disk are merged. It is safe for concurrent use.
type SeriesSet interface {
	// Len returns the number of series. Some of them may turn out to have no
	// sample in range.
	Len() int
	// At returns the name and labels of series i, which are not to be changed.
	// Neighbours lie beside each other on disk, so that reading in this order is the
	// fastest.
	At(i int) (name string, labels Labels)
	// Reader returns a reader for one goroutine; several may be used at once.
	Reader() (SeriesReader, error)
	// Close releases the set, after its readers.
	Close() error
}

// SeriesReader reads the series of a set.
type SeriesReader interface {
	// Read reads series i into the given one, whose slices it reuses; what was in
	// them is gone. Types and Exact are left empty. Parts is set where the
	// selection has windows and the reader makes use of them. It reports whether
	// there is a sample in range.
	Read(ctx context.Context, i int, into *Series) (bool, error)
	// Stats returns what was read so far.
	Stats() ReadStats
	Close() error
}

// ReadStats counts what was read from disk.
type ReadStats struct {
	Chunks    int64 // decoded, wholly or in part; spans of one chunk count each
	Summaries int64 // of windows, that were taken in the place of samples
	Skipped   int64 // chunks looked at and found not to be needed
	Bytes     int64 // of the chunks decoded
}

// Add adds the counts of o.
func (s *ReadStats) Add(o ReadStats) {
	s.Chunks += o.Chunks
	s.Summaries += o.Summaries
	s.Skipped += o.Skipped
	s.Bytes += o.Bytes
}

// SelectSeries selects series from any view. One that is no SeriesView has its
// series read whole and held.
func SelectSeries(ctx context.Context, v View, sel SampleSelection) (SeriesSet, error) {
	if s, ok := v.(SeriesView); ok {
		return s.Series(ctx, sel)
	}
	set := &heldSeries{}
	err := v.Samples(ctx, sel, func(s *Series) error {
		set.list = append(set.list, s)
		return nil
	})
	return set, err
}

// heldSeries is a set in memory.
type heldSeries struct{ list []*Series }

func (h *heldSeries) Len() int                      { return len(h.list) }
func (h *heldSeries) At(i int) (string, Labels)     { return h.list[i].Name, h.list[i].Labels }
func (h *heldSeries) Reader() (SeriesReader, error) { return heldReader{h}, nil }
func (h *heldSeries) Close() error                  { return nil }

type heldReader struct{ *heldSeries }

func (h heldReader) Stats() ReadStats { return ReadStats{} }

func (h heldReader) Read(_ context.Context, i int, into *Series) (bool, error) {
	s := h.list[i]
	into.Name, into.Labels = s.Name, s.Labels
	into.Histograms = append([]*Histogram(nil), s.Histograms...)
	into.Starts = append([]int64(nil), s.Starts...)
	into.Parts = nil
	into.Times = append(into.Times[:0], s.Times...)
	into.Values = append(into.Values[:0], s.Values...)
	return len(s.Times) > 0, nil
}
