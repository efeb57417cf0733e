package histogram

import (
	"math"
	"slices"

	"tidemark/query/internal/kahan"
	"tidemark/storage/model"
)

func kahanAdd(x, sum, c float64) (float64, float64) { return kahan.Add(x, sum, c) }

// NaNs says what observations of NaN, which are in the count and in no bucket,
// do to an answer.
type NaNs uint8

// What observations of NaN do.
const (
	NoNaNs   NaNs = iota
	SkewNaNs      // they count as above all others, so the answer is higher
	OnlyNaNs      // the answer is among them
)

// Quantile returns the q-quantile of the observations: within a bucket it
// interpolates linearly with custom buckets and in the bucket around zero, and
// otherwise on a logarithmic scale. Quantiles below 0 and above 1 are
// infinite; without observations there is none. O(buckets).
func Quantile(q float64, h *model.Histogram) (float64, NaNs) {
	switch {
	case q < 0:
		return math.Inf(-1), NoNaNs
	case q > 1:
		return math.Inf(1), NoNaNs
	case h.Count == 0 || math.IsNaN(q):
		return math.NaN(), NoNaNs
	}
	nan := math.IsNaN(h.Sum)
	forward := nan || q < 0.5
	bs := Buckets(nil, h)
	rank := q * h.Count
	if !forward { // from the top: ranks near the end are exact
		slices.Reverse(bs)
		rank = (1 - q) * h.Count
	}
	var b Bucket
	count, next := 0.0, 0
	for next < len(bs) {
		b = bs[next]
		next++
		if count += b.Count; count >= rank {
			break
		}
	}
	if IsCustom(h) {
		switch {
		case math.IsInf(b.Lower, -1):
			if b.Upper <= 0 {
				return b.Upper, NoNaNs
			}
			b.Lower = 0
		case math.IsInf(b.Upper, 1):
			return b.Lower, NoNaNs
		}
	} else {
		oneSided(&b, h)
	}
	count = math.Min(count, h.Count)
	if count < rank {
		if nan {
			return math.NaN(), OnlyNaNs
		}
		return b.Upper, NoNaNs
	}
	if forward {
		rank -= count - b.Count
	} else {
		rank = count - rank
	}
	skew := NoNaNs
	if nan {
		for _, o := range bs[next:] {
			count += o.Count
		}
		if count < h.Count {
			skew = SkewNaNs
		}
	}
	fraction := rank / b.Count
	if IsCustom(h) || b.Lower <= 0 && b.Upper >= 0 {
		return b.Lower + (b.Upper-b.Lower)*fraction, skew
	}
	lower, upper := math.Log2(math.Abs(b.Lower)), math.Log2(math.Abs(b.Upper))
	if b.Lower > 0 {
		return math.Exp2(lower + (upper-lower)*fraction), skew
	}
	return -math.Exp2(upper + (lower-upper)*(1-fraction)), skew
}

// oneSided cuts the bucket around zero at zero where the histogram has buckets
// on one side only.
func oneSided(b *Bucket, h *model.Histogram) {
	if !(b.Lower < 0 && b.Upper > 0) {
		return
	}
	switch {
	case h.Negative.Len() == 0 && h.Positive.Len() > 0:
		b.Lower = 0
	case h.Positive.Len() == 0 && h.Negative.Len() > 0:
		b.Upper = 0
	}
}

// below returns the share of a bucket's width below v, which lies within it.
func (b Bucket) below(v float64, linear bool) float64 {
	if linear {
		return (v - b.Lower) / (b.Upper - b.Lower)
	}
	lower, upper, at := math.Log2(math.Abs(b.Lower)), math.Log2(math.Abs(b.Upper)), math.Log2(math.Abs(v))
	if v > 0 {
		return (at - lower) / (upper - lower)
	}
	return 1 - (at-upper)/(lower-upper)
}

// Fraction returns the share of observations between lower and upper,
// interpolated as Quantile does. Observations of NaN are in the count and
// within no bounds; nans says whether there are any. O(buckets).
func Fraction(lower, upper float64, h *model.Histogram) (share float64, nans bool) {
	if h.Count == 0 || math.IsNaN(lower) || math.IsNaN(upper) {
		return math.NaN(), false
	}
	if lower >= upper {
		return 0, false
	}
	count, rank := 0.0, 0.0
	lowerRank, upperRank := math.NaN(), math.NaN() // until they are known
	for _, b := range Buckets(nil, h) {
		count += b.Count
		zero := b.Lower <= 0 && b.Upper >= 0
		if zero {
			switch {
			case h.Negative.Len() == 0 && h.Positive.Len() > 0:
				b.Lower = 0
			case h.Positive.Len() == 0 && h.Negative.Len() > 0:
				b.Upper = 0
			}
		}
		for _, side := range []struct {
			bound float64
			rank  *float64
		}{{lower, &lowerRank}, {upper, &upperRank}} {
			switch {
			case !math.IsNaN(*side.rank):
			case b.Lower >= side.bound:
				*side.rank = rank
			case b.Upper <= side.bound:
			case (IsCustom(h) || zero) && math.IsInf(b.Lower, -1):
				*side.rank = b.Count
			default:
				*side.rank = rank + b.Count*b.below(side.bound, IsCustom(h) || zero)
			}
		}
		rank += b.Count
	}
	if math.IsNaN(h.Sum) {
		nans = count < h.Count
	} else {
		count = h.Count
	}
	if !(lowerRank <= count) {
		lowerRank = count
	}
	if !(upperRank <= count) {
		upperRank = count
	}
	return (upperRank - lowerRank) / h.Count, nans
}
