package histogram

import (
	"errors"
	"math"
	"slices"

	"tidemark/query/internal/kahan"
	"tidemark/storage/model"
)

// ErrIncompatible marks two histograms of which one has exponential and the
// other custom buckets.
var ErrIncompatible = errors.New("histograms of exponential and of custom buckets do not meet")

// Notes are what a sum or a difference of histograms found.
type Notes struct {
	// Collision: one histogram says that counters began anew, the other that
	// they did not.
	Collision bool
	// Reconciled: custom bounds differ, and the result has those of both.
	Reconciled bool
}

// IsCustom reports whether a histogram has custom buckets.
func IsCustom(h *model.Histogram) bool { return h.Schema == model.CustomSchema }

// Add adds o to h, which it changes.
func Add(h, o *model.Histogram) (Notes, error) { return combine(h, nil, o, 1) }

// Sub subtracts o from h, which it changes. The hint is that of a sum: callers
// whose result is no counter any more set it.
func Sub(h, o *model.Histogram) (Notes, error) { return combine(h, nil, o, -1) }

// Mul multiplies all counts and the sum of h by a factor, in place. A negative
// one makes it a gauge.
func Mul(h *model.Histogram, f float64) *model.Histogram {
	return scale(h, f < 0, func(v float64) float64 { return v * f })
}

// Div divides all counts and the sum of h, in place. Division by zero leaves no
// buckets.
func Div(h *model.Histogram, d float64) *model.Histogram {
	if d == 0 {
		h.Positive, h.Negative = model.Buckets{}, model.Buckets{}
	}
	return scale(h, d < 0, func(v float64) float64 { return v / d })
}

func scale(h *model.Histogram, flips bool, f func(float64) float64) *model.Histogram {
	h.Integer = false
	h.ZeroCount, h.Count, h.Sum = f(h.ZeroCount), f(h.Count), f(h.Sum)
	for _, b := range []*model.Buckets{&h.Positive, &h.Negative} {
		n := 0
		for i, c := range b.Count {
			if c = f(c); c != 0 {
				b.Index[n], b.Count[n] = b.Index[i], c
				n++
			}
		}
		b.Index, b.Count = b.Index[:n], b.Count[:n]
	}
	if flips {
		h.Hint = model.Gauge
	}
	return h
}

// compensation is what Kahan's summation lost from each number of a histogram;
// the slices run along its buckets.
type compensation struct {
	zero, count, sum   float64
	positive, negative []float64
}

// combine adds sign times o to h, compensated where c is not nil.
func combine(h *model.Histogram, c *compensation, o *model.Histogram, sign float64) (n Notes, err error) {
	if IsCustom(h) != IsCustom(o) {
		return n, ErrIncompatible
	}
	n.Collision = adjustHint(h, o)
	h.Integer = false
	add := func(sum, comp *float64, x float64) {
		if c == nil {
			*sum += sign * x
			return
		}
		*sum, *comp = kahan.Add(sign*x, *sum, *comp)
	}
	none := 0.0
	zero, count, sum := &none, &none, &none
	var cpos, cneg []float64
	if c != nil {
		zero, count, sum, cpos, cneg = &c.zero, &c.count, &c.sum, c.positive, c.negative
	}
	if IsCustom(h) {
		add(&h.Count, count, o.Count)
		add(&h.Sum, sum, o.Sum)
		b := o.Positive
		if !slices.Equal(h.Custom, o.Custom) {
			n.Reconciled = true
			bounds := intersection(h.Custom, o.Custom)
			h.Positive, cpos = remap(h.Positive, cpos, h.Custom, bounds)
			b, _ = remap(b, nil, o.Custom, bounds)
			h.Custom = bounds
		}
		h.Positive, cpos = merge(h.Positive, cpos, b, nil, sign, c != nil)
		if c != nil {
			c.positive = cpos
		}
		return n, nil
	}
	oz, ozc := reconcileZero(h, c, o)
	if c != nil {
		cpos, cneg = c.positive, c.negative
	}
	add(&h.ZeroCount, zero, oz)
	if c != nil {
		add(&h.ZeroCount, zero, ozc)
	}
	add(&h.Count, count, o.Count)
	add(&h.Sum, sum, o.Sum)
	op, on := o.Positive, o.Negative
	var opc, onc []float64
	switch {
	case o.Schema < h.Schema:
		h.Positive, cpos = coarsen(h.Positive, cpos, h.Schema, o.Schema, c != nil)
		h.Negative, cneg = coarsen(h.Negative, cneg, h.Schema, o.Schema, c != nil)
		h.Schema = o.Schema
	case o.Schema > h.Schema:
		op, opc = coarsen(op, nil, o.Schema, h.Schema, c != nil)
		on, onc = coarsen(on, nil, o.Schema, h.Schema, c != nil)
	}
	op, opc = above(op, opc, h)
	on, onc = above(on, onc, h)
	h.Positive, cpos = merge(h.Positive, cpos, op, opc, sign, c != nil)
	h.Negative, cneg = merge(h.Negative, cneg, on, onc, sign, c != nil)
	if c != nil {
		c.positive, c.negative = cpos, cneg
	}
	return n, nil
}

// adjustHint gives h the hint of its sum with o and reports a collision: one
// of them a reset and the other none.
func adjustHint(h, o *model.Histogram) (collision bool) {
	switch {
	case o.Hint == h.Hint || h.Hint == model.Gauge:
	case o.Hint == model.Gauge:
		h.Hint = model.Gauge
	case h.Hint == model.ResetUnknown:
	case o.Hint == model.ResetUnknown:
		h.Hint = model.ResetUnknown
	default:
		h.Hint = model.ResetUnknown
		return true
	}
	return false
}

// at returns s[i], or 0 where there is no s.
func at(s []float64, i int) float64 {
	if s == nil {
		return 0
	}
	return s[i]
}

// merge returns a plus sign times b, and with compensated sums what they lost.
func merge(a model.Buckets, ac []float64, b model.Buckets, bc []float64, sign float64, compensated bool) (out model.Buckets, oc []float64) {
	if b.Len() == 0 {
		return a, ac
	}
	out.Index, out.Count = make([]int32, 0, a.Len()+b.Len()), make([]float64, 0, a.Len()+b.Len())
	if compensated {
		oc = make([]float64, 0, a.Len()+b.Len())
	}
	put := func(idx int32, v, c float64) {
		if v == 0 && c == 0 {
			return
		}
		out.Index, out.Count = append(out.Index, idx), append(out.Count, v)
		if compensated {
			oc = append(oc, c)
		}
	}
	i, j := 0, 0
	for i < a.Len() || j < b.Len() {
		switch {
		case j == b.Len() || i < a.Len() && a.Index[i] < b.Index[j]:
			put(a.Index[i], a.Count[i], at(ac, i))
			i++
		case i == a.Len() || b.Index[j] < a.Index[i]:
			put(b.Index[j], sign*b.Count[j], sign*at(bc, j))
			j++
		default:
			v, c := a.Count[i]+sign*b.Count[j], 0.0
			if compensated {
				v, c = kahan.Add(sign*b.Count[j], a.Count[i], at(ac, i))
				if bc != nil {
					v, c = kahan.Add(sign*bc[j], v, c)
				}
			}
			put(a.Index[i], v, c)
			i, j = i+1, j+1
		}
	}
	return out, oc
}

// coarsen merges buckets into those of a coarser schema.
func coarsen(b model.Buckets, bc []float64, from, to int8, compensated bool) (out model.Buckets, oc []float64) {
	if from == to || b.Len() == 0 {
		return b, bc
	}
	out.Index, out.Count = make([]int32, 0, b.Len()), make([]float64, 0, b.Len())
	for i, idx := range b.Index {
		idx = (idx-1)>>(from-to) + 1
		n := len(out.Index) - 1
		if n < 0 || out.Index[n] != idx {
			out.Index, out.Count = append(out.Index, idx), append(out.Count, b.Count[i])
			if compensated {
				oc = append(oc, at(bc, i))
			}
			continue
		}
		if !compensated {
			out.Count[n] += b.Count[i]
			continue
		}
		out.Count[n], oc[n] = kahan.Add(b.Count[i], out.Count[n], oc[n])
		out.Count[n], oc[n] = kahan.Add(at(bc, i), out.Count[n], oc[n])
	}
	return out, oc
}

// Coarsen returns a copy of an exponential histogram in a schema that is at
// most as fine.
func Coarsen(h *model.Histogram, schema int8) *model.Histogram {
	c := h.Clone()
	if schema == h.Schema || IsCustom(h) {
		return c
	}
	c.Schema, c.Hint, c.Integer = schema, model.ResetUnknown, false
	c.Positive, _ = coarsen(c.Positive, nil, h.Schema, schema, false)
	c.Negative, _ = coarsen(c.Negative, nil, h.Schema, schema, false)
	return c
}

// above leaves out buckets that lie within the zero bucket of h, whose schema
// they have.
func above(b model.Buckets, bc []float64, h *model.Histogram) (model.Buckets, []float64) {
	n := 0
	for n < b.Len() && Bound(h.Schema, b.Index[n]) <= h.ZeroThreshold {
		n++
	}
	if bc != nil {
		bc = bc[n:]
	}
	return model.Buckets{Index: b.Index[n:], Count: b.Count[n:]}, bc
}

// intersection returns the bounds that both lists have.
func intersection(a, b []float64) []float64 {
	var out []float64
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			out = append(out, a[i])
			i, j = i+1, j+1
		case a[i] < b[j]:
			i++
		default:
			j++
		}
	}
	return out
}

// remap moves buckets of custom bounds to a subset of the bounds.
func remap(b model.Buckets, bc []float64, from, to []float64) (out model.Buckets, oc []float64) {
	target := 0
	for i, idx := range b.Index {
		upper := customBound(from, idx)
		for target < len(to) && to[target] < upper {
			target++
		}
		n := len(out.Index) - 1
		if n < 0 || out.Index[n] != int32(target) {
			out.Index, out.Count = append(out.Index, int32(target)), append(out.Count, 0)
			oc = append(oc, 0)
			n++
		}
		out.Count[n], oc[n] = kahan.Add(b.Count[i], out.Count[n], oc[n])
		out.Count[n], oc[n] = kahan.Add(at(bc, i), out.Count[n], oc[n])
	}
	if bc == nil {
		oc = nil
	}
	return out, oc
}

// reconcileZero gives h a zero bucket that includes those of both and cuts
// through no populated bucket of either, and returns the count that o has
// within it, with its compensation.
func reconcileZero(h *model.Histogram, c *compensation, o *model.Histogram) (count, comp float64) {
	count, threshold := o.ZeroCount, o.ZeroThreshold
	for threshold != h.ZeroThreshold {
		if h.ZeroThreshold > threshold {
			count, comp, threshold = widenedZero(o, nil, h.ZeroThreshold)
		}
		if threshold > h.ZeroThreshold {
			n, nc, t := widenedZero(h, c, threshold)
			h.ZeroCount, h.ZeroThreshold = n, t
			if c != nil {
				c.zero = nc
			}
			trimZero(h, c)
		}
	}
	return count, comp
}

// widenedZero returns the count of a zero bucket that is widened to a threshold,
// or as far beyond as it takes not to cut through a populated bucket.
func widenedZero(h *model.Histogram, c *compensation, threshold float64) (count, comp, _ float64) {
	if threshold == h.ZeroThreshold {
		if c != nil {
			comp = c.zero
		}
		return h.ZeroCount, comp, threshold
	}
	for again := true; again; {
		again = false
		count, comp = h.ZeroCount, 0
		var cpos, cneg []float64
		if c != nil {
			comp, cpos, cneg = c.zero, c.positive, c.negative
		}
		for side, b := range []model.Buckets{h.Positive, h.Negative} {
			bc := cpos
			if side == 1 {
				bc = cneg
			}
			for i, idx := range b.Index {
				if Bound(h.Schema, idx-1) >= threshold {
					break
				}
				count, comp = kahan.Add(b.Count[i], count, comp)
				count, comp = kahan.Add(at(bc, i), count, comp)
				if upper := Bound(h.Schema, idx); upper > threshold {
					threshold = upper
					again = side == 1 // what was counted above may be too little
					break
				}
			}
			if again {
				break
			}
		}
	}
	return count, comp, threshold
}

// trimZero drops the buckets that are within the zero bucket.
func trimZero(h *model.Histogram, c *compensation) {
	cut := func(b *model.Buckets, bc *[]float64) {
		n := 0
		for n < b.Len() && Bound(h.Schema, b.Index[n]-1) < h.ZeroThreshold {
			n++
		}
		b.Index, b.Count = b.Index[n:], b.Count[n:]
		if bc != nil && *bc != nil {
			*bc = (*bc)[n:]
		}
	}
	if c == nil {
		cut(&h.Positive, nil)
		cut(&h.Negative, nil)
		return
	}
	cut(&h.Positive, &c.positive)
	cut(&h.Negative, &c.negative)
}

// overflowed reports whether a number of the histogram is infinite.
func overflowed(h *model.Histogram) bool {
	inf := func(v float64) bool { return math.IsInf(v, 0) }
	return inf(h.ZeroCount) || inf(h.Count) || inf(h.Sum) || slices.ContainsFunc(h.Positive.Count, inf) ||
		slices.ContainsFunc(h.Negative.Count, inf)
}
