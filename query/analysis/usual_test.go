package analysis

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestUnusualAsTheObvious(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, loc := range []*time.Location{time.UTC, berlin} {
		// Five weeks with the change to summer time, every twenty minutes.
		b := Buckets{End: time.Date(2024, 3, 10, 0, 20, 0, 0, time.UTC).UnixMilli(), Res: 20 * Minute, V: make([]float64, 5*7*72)}
		for i := range b.V {
			b.V[i] = 100 + rng.NormFloat64()
			if rng.IntN(10) == 0 {
				b.V[i] = math.NaN()
			}
		}
		const most = 3 * 7 * 72
		hour := func(i int) int {
			at := time.UnixMilli(b.Time(i) - b.Res/2).In(loc)
			return int(at.Weekday())*24 + at.Hour()
		}
		got := Unusual(&b, most, loc)
		for i := range b.V {
			var same []float64
			for k := max(i-most, 0); k < i; k++ {
				if hour(k) == hour(i) && !math.IsNaN(b.V[k]) {
					same = append(same, b.V[k])
				}
			}
			want := math.NaN()
			if mean, n := meanOf(same); n > 0 {
				want = math.Abs(b.V[i] - mean)
			}
			if math.IsNaN(got[i]) != math.IsNaN(want) || math.Abs(got[i]-want) > 1e-9 {
				t.Fatalf("%s: [%d] is %g, want %g", loc, i, got[i], want)
			}
		}
	}
}
