package histogram

import (
	"math"

	"tidemark/storage/model"
)

// Trim drops the observations above v (keepBelow) or below it, in place. A
// bucket that v lies in keeps a share, as Quantile would place it; one that
// reaches to infinity is kept or dropped whole. The sum is estimated from the
// middles of buckets, unless nothing was dropped. O(buckets).
func Trim(h *model.Histogram, v float64, keepBelow bool) *model.Histogram {
	count, sum, trimmed := 0.0, 0.0, false
	hasPositive, hasNegative := h.Positive.Len() > 0, h.Negative.Len() > 0
	side := func(b *model.Buckets, bucket func(*model.Histogram, int) Bucket, sign float64) {
		kept := model.Buckets{}
		for i, idx := range b.Index {
			share, mid := trimBucket(bucket(h, i), v, keepBelow, sign, IsCustom(h))
			count += share
			sum += mid * share
			trimmed = trimmed || share != b.Count[i]
			kept.Add(idx, share)
		}
		*b = kept
	}
	positives, negatives := h.Positive, h.Negative
	side(&positives, positive, 1)
	side(&negatives, negative, -1)
	if h.ZeroCount > 0 {
		share, mid := trimZeroBucket(h, v, keepBelow, hasNegative, hasPositive)
		trimmed = trimmed || share != h.ZeroCount
		h.ZeroCount = share
		sum += mid * share
		count += share
	}
	if trimmed {
		h.Positive, h.Negative, h.Count, h.Sum, h.Integer = positives, negatives, count, sum, false
	}
	return h
}

// trimBucket returns what a bucket keeps and where its middle then is. sign says
// on which side of zero it lies.
func trimBucket(b Bucket, v float64, keepBelow bool, sign float64, custom bool) (share, mid float64) {
	all, within := b.Lower >= v, b.Upper > v
	if keepBelow {
		all, within = b.Upper <= v, b.Lower < v
	}
	switch {
	case all:
		return b.Count, middle(b.Lower, b.Upper, sign, custom)
	case !within:
		return 0, 0
	case math.IsInf(b.Lower, -1) || math.IsInf(b.Upper, 1):
		return trimEndless(b, v, keepBelow)
	}
	under := 0.0
	switch {
	case v <= b.Lower:
	case v >= b.Upper:
		under = b.Count
	default:
		under = b.Count * b.below(v, custom)
	}
	if keepBelow {
		return under, middle(b.Lower, v, sign, custom)
	}
	return b.Count - under, middle(v, b.Upper, sign, custom)
}

// trimEndless trims a bucket that v lies in and that reaches to infinity.
// Where its observations lie is unknown, save for a first custom bucket with
// a positive bound, which is taken to begin at zero.
func trimEndless(b Bucket, v float64, keepBelow bool) (share, mid float64) {
	fromZero := math.IsInf(b.Lower, -1) && b.Upper > 0 && !math.IsInf(b.Upper, 1)
	switch {
	case math.IsInf(b.Lower, -1) && keepBelow:
		switch {
		case v >= b.Upper:
			return b.Count, 0
		case fromZero && v > 0:
			return b.Count * v / b.Upper, v / 2
		case b.Upper <= 0:
			return b.Count, v
		}
	case math.IsInf(b.Lower, -1):
		switch {
		case v <= b.Lower:
			return b.Count, 0
		case fromZero && v >= 0 && b.Upper > v:
			return b.Count * (1 - v/b.Upper), (v + b.Upper) / 2
		}
	case !keepBelow && v >= b.Lower:
		return b.Count, v
	}
	return 0, 0
}

// trimZeroBucket trims the bucket around zero, which is cut at zero where the
// histogram has buckets on one side only.
func trimZeroBucket(h *model.Histogram, v float64, keepBelow, hasNegative, hasPositive bool) (share, mid float64) {
	b := zeroBucket(h)
	if hasNegative && !hasPositive {
		b.Upper = 0
	}
	if hasPositive && !hasNegative {
		b.Lower = 0
	}
	switch {
	case v <= b.Lower && keepBelow, v >= b.Upper && !keepBelow && v > b.Lower:
		return 0, 0
	case v <= b.Lower, v >= b.Upper:
		return b.Count, (b.Lower + b.Upper) / 2
	case keepBelow:
		return b.Count * ((v - b.Lower) / (b.Upper - b.Lower)), (b.Lower + v) / 2
	}
	return b.Count * ((b.Upper - v) / (b.Upper - b.Lower)), (v + b.Upper) / 2
}

// middle is the middle of an interval: the geometric one of exponential
// buckets, of an endless one its only bound.
func middle(lower, upper, sign float64, custom bool) float64 {
	switch {
	case math.IsInf(lower, 0) && math.IsInf(upper, 0):
		return 0
	case math.IsInf(lower, 0) && upper > 0:
		return upper / 2
	case math.IsInf(lower, 0):
		return upper
	case math.IsInf(upper, 0):
		return lower
	case custom:
		return (lower + upper) / 2
	}
	return sign * math.Sqrt(math.Abs(lower*upper))
}
