package histogram

import (
	"slices"

	"tidemark/storage/model"
)

// Sum adds up histograms with compensated sums. The zero value is empty.
type Sum struct {
	h *model.Histogram
	c compensation
	// resets and continues say that a histogram with that hint was among them.
	resets, continues bool
	mismatched        bool
}

// Empty reports whether nothing was added.
func (s *Sum) Empty() bool { return s.h == nil }

// Conflict reports whether some of the histograms say that counters began anew
// and others that they did not.
func (s *Sum) Conflict() bool { return s.resets && s.continues }

// Mismatched reports whether custom bounds differed.
func (s *Sum) Mismatched() bool { return s.mismatched }

func (s *Sum) note(h *model.Histogram) {
	s.resets = s.resets || h.Hint == model.ResetYes
	s.continues = s.continues || h.Hint == model.ResetNo
}

// Add adds a histogram, which it does not change. An error is ErrIncompatible.
func (s *Sum) Add(h *model.Histogram) error {
	s.note(h)
	if s.h == nil {
		s.h, s.c = h.Clone(), newCompensation(h)
		return nil
	}
	n, err := combine(s.h, &s.c, h, 1)
	s.mismatched = s.mismatched || n.Reconciled
	return err
}

func newCompensation(h *model.Histogram) compensation {
	return compensation{positive: make([]float64, h.Positive.Len()), negative: make([]float64, h.Negative.Len())}
}

// Value returns the sum.
func (s *Sum) Value() *model.Histogram {
	if s.h == nil {
		return nil
	}
	return compensated(s.h.Clone(), &s.c)
}

// compensated adds what was lost, in place.
func compensated(h *model.Histogram, c *compensation) *model.Histogram {
	h.ZeroCount += c.zero
	h.Count += c.count
	h.Sum += c.sum
	settle := func(b *model.Buckets, bc []float64) {
		n := 0
		for i, v := range b.Count {
			if v += bc[i]; v != 0 {
				b.Index[n], b.Count[n] = b.Index[i], v
				n++
			}
		}
		b.Index, b.Count = b.Index[:n], b.Count[:n]
	}
	settle(&h.Positive, c.positive)
	settle(&h.Negative, c.negative)
	return h
}

// Mean is the mean of histograms: the sum divided by their number or, once the
// sum would overflow, an incremental mean. The zero value is empty.
type Mean struct {
	Sum
	n           float64
	incremental bool // h and c are a mean
}

// Add adds a histogram, which it does not change. An error is ErrIncompatible.
func (m *Mean) Add(h *model.Histogram) error {
	m.n++
	if m.h == nil {
		return m.Sum.Add(h)
	}
	m.note(h)
	if !m.incremental {
		sum, c := m.h.Clone(), m.c.clone()
		n, err := combine(sum, &c, h, 1)
		m.mismatched = m.mismatched || n.Reconciled
		if err != nil {
			return err
		}
		if !overflowed(sum) {
			m.h, m.c = sum, c
			return nil
		}
		m.incremental = true
		before := m.n - 1
		m.each(func(v float64) float64 { return v / before })
	}
	q := (m.n - 1) / m.n
	m.each(func(v float64) float64 { return v * q })
	n, err := combine(m.h, &m.c, Div(h.Clone(), m.n), 1)
	m.mismatched = m.mismatched || n.Reconciled
	return err
}

// Value returns the mean.
func (m *Mean) Value() *model.Histogram {
	switch {
	case m.h == nil:
		return nil
	case m.incremental:
		return compensated(m.h.Clone(), &m.c)
	}
	out := Sum{h: m.h.Clone(), c: m.c.clone()}
	out.each(func(v float64) float64 { return v / m.n })
	return compensated(out.h, &out.c)
}

// each replaces every number of the sum and of what it lost. It keeps buckets
// that become empty, for their compensation may not be.
func (s *Sum) each(f func(float64) float64) {
	s.h.Integer = false
	for _, v := range []*float64{&s.h.ZeroCount, &s.h.Count, &s.h.Sum, &s.c.zero, &s.c.count, &s.c.sum} {
		*v = f(*v)
	}
	for _, vs := range [][]float64{s.h.Positive.Count, s.h.Negative.Count, s.c.positive, s.c.negative} {
		for i := range vs {
			vs[i] = f(vs[i])
		}
	}
}

func (c *compensation) clone() compensation {
	d := *c
	d.positive, d.negative = slices.Clone(c.positive), slices.Clone(c.negative)
	return d
}
