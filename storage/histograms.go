package storage

import (
	"slices"

	"tidemark/storage/head"
	"tidemark/storage/model"
)

// withContext reads a series that has histograms once more, from earlier on,
// and tells their counter resets by the samples before them. It leaves the
// samples that were asked for, merged.
func (s *sampleScan) withContext(name string, p *seriesPlan) error {
	mint := s.mint
	if s.context > 0 {
		s.mint = max(satSub(mint, s.context), s.v.minTime)
		err := s.read(name, p)
		s.mint = mint
		if err != nil {
			return err
		}
	}
	s.samples = head.LastWritten(s.samples)
	hs := make([]*model.Histogram, len(s.samples))
	for i := range s.samples {
		if s.samples[i].Type == model.TypeHistogram {
			hs[i] = s.histograms[s.samples[i].Bits]
		}
	}
	model.ResolveResets(hs)
	first, _ := slices.BinarySearchFunc(s.samples, mint, func(sm head.Sample, t int64) int {
		if sm.Time < t {
			return -1
		}
		return 1
	})
	s.samples = s.samples[first:]
	return nil
}

// satSub returns a less b, not negative, kept within range.
func satSub(a, b int64) int64 {
	if a < minInt64+b {
		return minInt64
	}
	return a - b
}
