package analysis

import (
	"math"
	"math/rand"
	"slices"
	"strings"
	"testing"
)

func TestRoundToCustomaryDurations(t *testing.T) {
	up := func(d, want int64) {
		t.Helper()
		if got := RoundUp(d); got != want {
			t.Errorf("RoundUp(%s) = %s, want %s", Span(d), Span(got), Span(want))
		}
	}
	up(1, 1)
	up(Minute, Minute)
	up(Minute+500, Minute) // a clock's jitter
	up(Minute+700, 2*Minute)
	up(7*Minute, 10*Minute)
	up(43*Minute, Hour)
	up(13*Hour, Day)
	up(Day+1, Day)
	up(25*Hour, 2*Day)
	up(10*Day, 10*Day)
	down := func(d, want int64) {
		t.Helper()
		if got := RoundDown(d); got != want {
			t.Errorf("RoundDown(%s) = %s, want %s", Span(d), Span(got), Span(want))
		}
	}
	down(0, 1)
	down(4*Week/28, Day)
	down(Week/28, 6*Hour)
	down(Hour/28, 2*Minute)
	down(5*Day/2, 2*Day)
	for _, l := range ladder {
		if Day%l != 0 {
			t.Errorf("%s does not divide a day", Span(l))
		}
	}
}

func TestSpan(t *testing.T) {
	for ms, want := range map[int64]string{0: "0s", 4 * Week: "4w", Day: "1d", 8 * Day: "8d", 90 * Minute: "1h30m", 250: "250ms", -5 * Minute: "-5m"} {
		if got := Span(ms); got != want {
			t.Errorf("Span(%d) = %s, want %s", ms, got, want)
		}
	}
}

// Buckets equal those found by looking at every sample for every bucket.
func TestBucketizeAgainstTwin(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for range 200 {
		var ts []int64
		var vs []float64
		at := r.Int63n(2000) - 1000
		for range r.Intn(60) {
			at += 1 + r.Int63n(40)
			ts = append(ts, at)
			vs = append(vs, []float64{float64(r.Intn(9)), r.NormFloat64(), math.NaN(), math.Inf(1)}[r.Intn(4)])
		}
		from := r.Int63n(2000) - 1200
		to := from + r.Int63n(1500)
		res := 1 + r.Int63n(90)
		b, err := Bucketize(ts, vs, from, to, res)
		if err != nil {
			t.Fatal(err)
		}
		var want []float64
		filled, samples, whole := 0, 0, true
		for end := int64(-5000) / res * res; end <= to; end += res {
			if end-res < from {
				continue
			}
			sum, n := 0.0, 0
			for i, x := range ts {
				if x > end-res && x <= end && finite(vs[i]) {
					sum += vs[i]
					n++
					whole = whole && vs[i] >= 0 && vs[i] == math.Trunc(vs[i])
				}
			}
			want = append(want, sum/float64(n))
			if n > 0 {
				filled++
				samples += n
			}
			if i := len(want) - 1; b.Time(i) != end {
				t.Fatalf("bucket %d ends at %d, want %d", i, b.Time(i), end)
			}
		}
		if len(want) != len(b.V) || filled != b.Filled || whole != b.Whole {
			t.Fatalf("got %d buckets, %d filled, whole %v; want %d, %d, %v", len(b.V), b.Filled, b.Whole, len(want), filled, whole)
		}
		if filled > 0 && math.Abs(b.PerBucket-float64(samples)/float64(filled)) > 1e-12 {
			t.Fatalf("per bucket %g, want %d/%d", b.PerBucket, samples, filled)
		}
		for i := range want {
			if math.IsNaN(want[i]) != math.IsNaN(b.V[i]) || math.Abs(want[i]-b.V[i]) > 1e-9 {
				t.Fatalf("bucket %d: got %g, want %g", i, b.V[i], want[i])
			}
		}
		lo, hi := from+r.Int63n(200), to-r.Int63n(200)
		var in []float64
		for i := range b.V {
			if b.Time(i)-res >= lo && b.Time(i) <= hi {
				in = append(in, b.V[i])
			}
		}
		got := b.Within(lo, hi)
		if len(got) != len(in) {
			t.Fatalf("within (%d, %d]: got %d buckets, want %d", lo, hi, len(got), len(in))
		}
		for i := range in {
			if math.Float64bits(got[i]) != math.Float64bits(in[i]) {
				t.Fatalf("within (%d, %d]: bucket %d is %g, want %g", lo, hi, i, got[i], in[i])
			}
		}
	}
}

func TestMeanOfHugeValuesIsFinite(t *testing.T) {
	m, n := Mean([]int64{1, 2}, []float64{math.MaxFloat64, math.MaxFloat64}, 0, 2)
	if n != 2 || m != math.MaxFloat64 {
		t.Errorf("got %g of %d", m, n)
	}
}

func TestBucketizeRefusesTooMany(t *testing.T) {
	_, err := Bucketize(nil, nil, 0, MaxBuckets+1, 1)
	if err == nil || !strings.Contains(err.Error(), "coarser res") {
		t.Errorf("got %v", err)
	}
	if _, err := Bucketize(nil, nil, 0, 10, 0); err == nil {
		t.Error("want an error for resolution zero")
	}
}

func TestInterval(t *testing.T) {
	ts := []int64{0, 10, 20, 29, 41, 51, 500, 510}
	if got := Interval(ts, -1, 510); got != 10 {
		t.Errorf("got %d, want 10", got)
	}
	if got := Interval(ts, 50, 60); got != 0 {
		t.Errorf("one sample: got %d, want 0", got)
	}
}

func TestInterludesJoin(t *testing.T) {
	got := Interludes([]int64{30, 10, 20, 50}, 10)
	if !slices.Equal(got, []Interlude{{0, 30}, {40, 50}}) {
		t.Errorf("got %v", got)
	}
	b := Buckets{End: 10, Res: 10, V: []float64{1, 2, 3, 4, 5, 6}, Filled: 6}
	b.drop(got)
	want := []bool{true, true, true, false, true, false}
	for i, gone := range want {
		if math.IsNaN(b.V[i]) != gone {
			t.Errorf("bucket %d: dropped %v, want %v", i, !gone, gone)
		}
	}
	if b.Filled != 2 {
		t.Errorf("filled %d, want 2", b.Filled)
	}
}

// The boundary of a judged value lies before its bucket, depends on its time
// alone, and its training ends there.
func TestScheduleNeverTrainsOnTheJudged(t *testing.T) {
	s := NewSchedule(4*Week, 0)
	if s.Refit != Day {
		t.Fatalf("refit %s, want 1d", Span(s.Refit))
	}
	for at := t0; at < t0+3*Day; at += 7 * Minute {
		b := s.Boundary(at, 5*Minute)
		if b > at-5*Minute || b <= at-5*Minute-Day || b%Day != 0 {
			t.Fatalf("boundary %d of %d", b, at)
		}
		from, to := s.Training(b)
		if to != b || from != b-4*Week {
			t.Fatalf("training (%d, %d] of %d", from, to, b)
		}
		if lo, _ := s.Needs(at, at+Hour, 5*Minute); lo > from {
			t.Fatalf("needs from %d, trains from %d", lo, from)
		}
	}
	s.Hindsight = true
	from, to := s.Training(t0)
	if from != t0-2*Week || to != t0+2*Week {
		t.Errorf("hindsight trains on (%d, %d]", from, to)
	}
	if _, hi := s.Needs(t0, t0, Hour); hi < to {
		t.Errorf("hindsight needs up to %d, trains up to %d", hi, to)
	}
}

func TestZone(t *testing.T) {
	if _, err := Zone("Europe/Berlin"); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"Europe/Berlim", "Local", "../etc/passwd"} {
		if _, err := Zone(bad); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("%s: got %v, want an error that names it", bad, err)
		}
	}
}
