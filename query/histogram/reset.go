package histogram

import (
	"math"
	"slices"

	"tidemark/storage/model"
)

// IsReset reports whether counters began anew between two samples of a series.
// A hint that says so or denies it decides. Otherwise it is a reset where
// anything counts less than before, where a populated bucket is gone, or where
// the resolution became finer or the zero bucket narrower. Earlier samples of
// coarser resolution or with a narrower zero bucket are brought to what the
// later one has, and it is a reset where that is impossible.
func IsReset(h, prev *model.Histogram) bool {
	switch h.Hint {
	case model.ResetYes:
		return true
	case model.ResetNo:
		return false
	}
	if h.Count < prev.Count {
		return true
	}
	if IsCustom(h) {
		if !IsCustom(prev) {
			return true
		}
		if !slices.Equal(h.Custom, prev.Custom) {
			return customReset(h, prev)
		}
		return fewer(h.Positive, prev.Positive)
	}
	if h.Schema > prev.Schema || h.ZeroThreshold < prev.ZeroThreshold {
		return true
	}
	zero, _, threshold := widenedZero(prev, nil, h.ZeroThreshold)
	if threshold != h.ZeroThreshold || h.ZeroCount < zero {
		return true
	}
	side := func(b model.Buckets, schema int8) model.Buckets {
		b, _ = coarsen(b, nil, schema, h.Schema, false)
		b, _ = above(b, nil, h)
		return b
	}
	return fewer(side(h.Positive, h.Schema), side(prev.Positive, prev.Schema)) ||
		fewer(side(h.Negative, h.Schema), side(prev.Negative, prev.Schema))
}

// fewer reports whether a bucket of prev is missing or counts less.
func fewer(b, prev model.Buckets) bool {
	k := 0
	for i, idx := range prev.Index {
		for k < b.Len() && b.Index[k] < idx {
			k++
		}
		if k == b.Len() || b.Index[k] != idx || b.Count[k] < prev.Count[i] {
			return true
		}
	}
	return false
}

// customReset compares histograms of different custom bounds at those they
// share.
func customReset(h, prev *model.Histogram) bool {
	bounds := intersection(h.Custom, prev.Custom)
	a, _ := remap(h.Positive, nil, h.Custom, bounds)
	b, _ := remap(prev.Positive, nil, prev.Custom, bounds)
	return fewer(a, b)
}

// Interpolate returns the histogram between two samples, at a fraction of the
// time from a to b. Of a counter that began anew between them it is that
// fraction of b. reconciled lists sums and differences that met unlike custom
// bounds.
func Interpolate(a, b *model.Histogram, fraction float64, counter bool) (_ *model.Histogram, sub, add Notes, err error) {
	switch {
	case fraction == 0:
		return a.Clone(), sub, add, nil
	case fraction == 1:
		return b.Clone(), sub, add, nil
	}
	out := b.Clone()
	if counter && IsReset(b, a) {
		return Mul(out, fraction), sub, add, nil
	}
	if sub, err = Sub(out, a); err != nil {
		return nil, sub, add, err
	}
	Mul(out, fraction)
	add, err = Add(out, a)
	return out, sub, add, err
}

// Variance returns the variance of the observations, each taken to be at the
// middle of its bucket: the arithmetic one of custom buckets, the geometric one
// of exponential ones, zero of the bucket around it.
func Variance(h *model.Histogram) float64 {
	mean := h.Sum / h.Count
	var v, c float64
	for _, b := range Buckets(nil, h) {
		mid := 0.0
		switch {
		case IsCustom(h):
			mid = (b.Upper + b.Lower) / 2
		case b.Lower <= 0 && b.Upper >= 0:
		default:
			if mid = math.Sqrt(b.Upper * b.Lower); b.Upper < 0 {
				mid = -mid
			}
		}
		d := mid - mean
		v, c = kahanAdd(b.Count*d*d, v, c)
	}
	return (v + c) / h.Count
}
