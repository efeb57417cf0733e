package storage

import (
	"context"

	"tidemark/storage/model"
)

// withContext reads a series that has histograms once more, from earlier on,
// and tells their counter resets by the samples before them. It puts the
// samples that were asked for.
func (r *seriesReader) withContext(ctx context.Context, sources []source, into *model.Series) error {
	if r.set.context > 0 {
		r.mint = max(satSub(r.set.mint, r.set.context), r.set.v.minTime)
		if err := r.gather(ctx, sources, into.Name); err != nil {
			return err
		}
	}
	if err := r.decodeHeld(); err != nil {
		return err
	}
	r.put(into)
	model.ResolveResets(into.Histograms)
	first, end := within(into.Times, r.set.mint, r.set.maxt)
	cut(into, first, end)
	return nil
}

// cut leaves samples [i, j) of a series.
func cut(s *model.Series, i, j int) {
	s.Times, s.Values = s.Times[i:j], s.Values[i:j]
	if s.Types != nil {
		s.Types, s.Exact = s.Types[i:j], s.Exact[i:j]
	}
	if s.Histograms != nil {
		s.Histograms = s.Histograms[i:j]
	}
	if s.Starts != nil {
		s.Starts = s.Starts[i:j]
	}
}

// satSub returns a less b, not negative, kept within range.
func satSub(a, b int64) int64 {
	if a < minInt64+b {
		return minInt64
	}
	return a - b
}
