package storage

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"tidemark/storage/model"
)

var allWants = []model.Aggregate{model.WantCounts, model.WantSums, model.WantMinima, model.WantMaxima, model.WantFirsts, model.WantLasts, model.WantEnds}

// TestPutSpans compares what parts say of windows with what the samples say,
// as model.Windows promises it.
func TestPutSpans(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	odd := []float64{math.NaN(), math.Float64frombits(model.StaleNaNBits), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), 0, math.MaxFloat64}
	for round := range 2000 {
		w := model.Windows{Floor: 10, Step: 10 * (1 + rnd.Int64N(50)), Range: 10 * (1 + rnd.Int64N(100)), Count: 1 + rnd.IntN(8)}
		w.End = 10 * (rnd.Int64N(400) - 200)
		var times []int64
		var values []float64
		at, value, oddities := -3000+rnd.Int64N(1000), 0.0, rnd.IntN(3) == 0
		for range rnd.IntN(300) {
			if at += 10 + rnd.Int64N(40); round%4 == 0 {
				at -= 9 // neighbours may share a unit of time
			}
			if value += float64(rnd.IntN(10)); rnd.IntN(50) == 0 {
				value = 0
			}
			v := value
			if oddities && rnd.IntN(10) == 0 {
				v = odd[rnd.IntN(len(odd))]
			}
			times, values = append(times, at), append(values, v)
		}
		for _, w.Want = range allWants {
			s := model.Series{Parts: &model.Parts{}}
			putSpans(&s, &w, times, values)
			checkParts(t, &w, &s, times, values)
			if t.Failed() {
				t.Fatalf("round %d: %+v", round, w)
			}
		}
	}
}

// checkParts takes the samples of every part in turn.
func checkParts(t *testing.T, w *model.Windows, s *model.Series, times []int64, values []float64) {
	t.Helper()
	counted := w.Want == model.WantCounts || w.Want == model.WantSums || w.Want == model.WantEnds
	i := 0
	for k, end := range s.Times {
		for i < len(times) && times[i] < end && !w.Cover(floorTo(times[i], w.Floor)) {
			i++
		}
		j := i + 1
		switch {
		case counted:
			j = i + int(s.Parts.Counts[k])
		case w.Want == model.WantFirsts: // whose times are where parts begin
			next := int64(math.MaxInt64)
			if k+1 < len(s.Times) {
				next = s.Times[k+1]
			}
			for j < len(times) && times[j] < next && floorTo(times[j], w.Floor) <= w.Until(floorTo(times[i], w.Floor)) {
				j++
			}
		default:
			for j < len(times) && times[j-1] < end {
				j++
			}
		}
		if i >= j || j > len(times) {
			t.Fatalf("%d: part %d: samples [%d, %d) of %d", w.Want, k, i, j, len(times))
		}
		part := values[i:j]
		lo, hi := floorTo(times[i], w.Floor), floorTo(times[j-1], w.Floor)
		if w.Until(lo) < hi {
			t.Errorf("%d: part %d: a bound of a window lies in (%d, %d)", w.Want, k, lo, hi)
		}
		want, magnitude := part[len(part)-1], 0.0
		switch w.Want {
		case model.WantMinima:
			want = slices.Min(part)
		case model.WantMaxima:
			want = slices.Max(part)
		case model.WantFirsts:
			want = part[0]
		case model.WantSums:
			want = 0
			for _, v := range part {
				want += v
				magnitude += math.Abs(v)
			}
		case model.WantEnds:
			if s.Parts.FirstTimes[k] != times[i] || math.Float64bits(s.Parts.FirstValues[k]) != math.Float64bits(part[0]) {
				t.Errorf("part %d: first %v at %d, want %v at %d", k, s.Parts.FirstValues[k], s.Parts.FirstTimes[k], part[0], times[i])
			}
			if !slices.IsSorted(part) {
				t.Errorf("part %d descends: %v", k, part)
			}
		}
		if len(part) > 1 && !numbers(part) {
			t.Errorf("%d: part %d is of several samples that are not all numbers: %v", w.Want, k, part)
		}
		got := s.Values[k]
		if w.Want != model.WantCounts && got != want && !(math.IsNaN(got) && math.IsNaN(want)) && !(math.Abs(got-want) <= magnitude*1e-12) {
			t.Errorf("%d: part %d: got %v, want %v of %v", w.Want, k, got, want, part)
		}
		i = j
	}
	for ; i < len(times); i++ {
		if w.Cover(floorTo(times[i], w.Floor)) {
			t.Errorf("%d: sample %d at %d is in no part", w.Want, i, times[i])
		}
	}
}

// TestPutSpansFew makes sure that there are as few parts as there may be.
func TestPutSpansFew(t *testing.T) {
	w := model.Windows{End: 100, Step: 100, Range: 100, Floor: 1, Count: 3}
	var times []int64
	var values []float64
	for at := int64(1); at <= 400; at++ {
		times, values = append(times, at), append(values, float64(at))
	}
	for _, w.Want = range allWants {
		s := model.Series{Parts: &model.Parts{}}
		putSpans(&s, &w, times, values)
		if len(s.Times) != 3 {
			t.Errorf("%d: %d parts of 3 windows", w.Want, len(s.Times))
		}
	}
}

// TestPutSpansZeros: of zeros of two signs the last counts, as it does where
// samples are compared.
func TestPutSpansZeros(t *testing.T) {
	w := model.Windows{End: 100, Step: 100, Range: 100, Floor: 1, Count: 1}
	for _, w.Want = range []model.Aggregate{model.WantMinima, model.WantMaxima} {
		for _, negative := range []bool{false, true} {
			last := 0.0
			if negative {
				last = math.Copysign(0, -1)
			}
			s := model.Series{Parts: &model.Parts{}}
			putSpans(&s, &w, []int64{1, 2}, []float64{-last, last})
			if len(s.Values) != 1 || math.Signbit(s.Values[0]) != negative {
				t.Errorf("%d: got %v, want one zero, negative: %v", w.Want, s.Values, negative)
			}
		}
	}
}
