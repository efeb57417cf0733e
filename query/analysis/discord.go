package analysis

import "math"

// Discords returns for each bucket i how far the course of the m buckets that
// end at i is from the most similar course that ended between m and most buckets
// earlier (or, where later is set, later as well): the Euclidean distance to
// the nearest neighbour, by which discords are defined (Keogh, Lin and Fu 2005;
// the left matrix profile of Yeh et al. 2016, of values that are not
// normalised: in operations a level is part of a course). Gaps hold the last
// value for up to twelve buckets and make no difference beyond; NaN where less
// than half of a course is known or there is nothing to compare it with.
//
// Squared distances of courses a fixed lag apart are moving sums, so the cost is
// O(n · most) with a handful of operations each.
func Discords(v []float64, m, most int, later bool) []float64 {
	n := len(v)
	x := make([]float64, n)
	known := make([]int32, n+1) // values before i
	held := maxHold
	for i, f := range v {
		known[i+1] = known[i]
		switch {
		case finite(f):
			x[i], held = f, 0
			known[i+1]++
		case held < maxHold:
			x[i] = x[i-1]
			held++
			known[i+1]++
		default:
			x[i] = math.NaN()
		}
	}
	valid := make([]bool, n)
	for i := range valid {
		valid[i] = i+1 >= m && 2*int(known[i+1]-known[i+1-m]) >= m
	}
	return nearestCourses(x, m, most, later, valid, nil)
}

// FilledDiscords is Discords, of courses before, without the empty buckets: a
// course is m filled buckets, which lie with those it is compared with among the
// last span buckets, and at most most filled buckets back. For data that come when
// they like.
func FilledDiscords(v []float64, m, most, span int) []float64 {
	x := make([]float64, 0, len(v))
	at := make([]int32, 0, len(v))
	for i, f := range v {
		if finite(f) {
			x, at = append(x, f), append(at, int32(i))
		}
	}
	valid := make([]bool, len(x))
	first := make([]int32, len(x)) // the least end of a course to compare with
	lo := 0
	for i := range x {
		valid[i] = i+1 >= m
		for int(at[lo]) <= int(at[i])-span {
			lo++
		}
		first[i] = int32(lo + m - 1)
	}
	d := nearestCourses(x, m, most, false, valid, first)
	out := make([]float64, len(v))
	for i := range out {
		out[i] = math.NaN()
	}
	for i, k := range at {
		out[k] = d[i]
	}
	return out
}

// nearestCourses returns the distance of the course of x that ends at each
// index to the nearest valid one that ends m to most indexes before, or after
// where later is set, and not before first where that is given. It changes x.
func nearestCourses(x []float64, m, most int, later bool, valid []bool, first []int32) []float64 {
	n := len(x)
	top := 0.0
	for _, f := range x {
		if a := math.Abs(f); a > top { // NaN is not
			top = a
		}
	}
	unit := 1.0
	if top > extremeSize || top > 0 && top < 1/extremeSize {
		unit = top
		for i := range x {
			x[i] /= top
		}
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = math.Inf(1)
	}
	for lag := m; lag <= min(most, n-1); lag++ {
		sum := 0.0
		a, b := x[lag:], x[:n-lag]
		for j := range b {
			if d := a[j] - b[j]; d == d {
				sum += d * d
			}
			if j >= m {
				if d := a[j-m] - b[j-m]; d == d {
					sum -= d * d
				}
			}
			if sum < out[j+lag] && valid[j] && (first == nil || j >= int(first[j+lag])) {
				out[j+lag] = sum
			}
			if later && sum < out[j] && valid[j+lag] {
				out[j] = sum
			}
		}
	}
	for i, d := range out {
		if math.IsInf(d, 1) || !valid[i] {
			out[i] = math.NaN()
			continue
		}
		out[i] = math.Sqrt(max(d, 0)) * unit
	}
	return out
}

// maxHold is for how many buckets a gap holds the last value.
const maxHold = 12

// Covering returns for each bucket the mean of the distances of the courses of m
// buckets that it is part of, by their ends: those that end at it and up to m−1
// later. O(n).
func Covering(distances []float64, m int) []float64 {
	n := len(distances)
	out := make([]float64, n)
	sum, count := 0.0, 0
	for i := n - 1; i >= 0; i-- {
		if d := distances[i]; !math.IsNaN(d) {
			sum += d
			count++
		}
		if i+m < n {
			if d := distances[i+m]; !math.IsNaN(d) {
				sum -= d
				count--
			}
		}
		out[i] = math.NaN()
		if count > 0 {
			out[i] = max(sum, 0) / float64(count)
		}
	}
	return out
}

// ShortCourse is the length of a short course, in buckets.
const ShortCourse = 12

// periodLengths are the periods in buckets that courses are chosen by; few, so
// that a period that is found a little differently from day to day changes
// nothing.
var periodLengths = []int{16, 24, 32, 48, 64, 96, 128, 192, 288}

// plainPeriod is the one where nothing repeats.
const plainPeriod = 96

// CourseLengths returns the lengths in buckets over which courses are compared:
// a short one, which sees spikes, and half and twice the strongest period of the
// buckets (to the next of a few lengths from 16 to 288; 96 where there is none),
// which see a missing peak and a change of rhythm.
func CourseLengths(b *Buckets) [3]int {
	n := plainPeriod
	if ps := Periods(b, 0, 300*b.Res, 1); len(ps) > 0 {
		n = int(ps[0].Length / b.Res)
	}
	best := periodLengths[0]
	for _, l := range periodLengths {
		if math.Abs(math.Log(float64(l)/float64(n))) < math.Abs(math.Log(float64(best)/float64(n))) {
			best = l
		}
	}
	return [3]int{ShortCourse, best / 2, 2 * best}
}

// Rarity says how rare large values of a quantity are, by those of its past.
type Rarity struct {
	middle float64
	upper  survival
}

// NewRarity fits what is finite of a past; it needs 32 values, otherwise the
// error is a *ShortHistory.
func NewRarity(past []float64) (Rarity, error) {
	v := finites(past)
	if len(v) < MinPoints {
		return Rarity{}, &ShortHistory{Have: len(v), Want: MinPoints}
	}
	m := Median(v)
	for i := range v {
		v[i] = max(v[i]-m, 0)
	}
	return Rarity{middle: m, upper: fitSurvival(v)}, nil
}

// Of returns −log10 of twice the probability of a value at least as large;
// zero up to the median and for NaN.
func (r *Rarity) Of(v float64) float64 {
	if !(v > r.middle) {
		return 0
	}
	return max(-math.Log10(2*r.upper.at(v-r.middle)), 0)
}
