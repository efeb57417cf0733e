package analysis

import (
	"encoding/json"
	"math"
	"testing"
)

// Forecasts of the M4 competition's hourly and weekly series beat repeating
// the last day, or the last value, and their intervals hold about what they
// say.
func TestForecastM4(t *testing.T) {
	for _, f := range []string{"hourly", "weekly"} {
		d := json.NewDecoder(openShared(t, "m4/"+f+".jsonl.gz"))
		better, n, in, pts := 0, 0, 0, 0
		var ours, naive float64
		for d.More() {
			var s struct {
				ID          string
				M           int
				Train, Test []float64
			}
			if err := d.Decode(&s); err != nil {
				t.Fatal(err)
			}
			step := Hour
			if f == "weekly" {
				step = Day // weeks are told as days: nothing in them repeats
			}
			var ts []int64
			for i := range s.Train {
				ts = append(ts, t0+int64(i+1)*step)
			}
			end := ts[len(ts)-1]
			seasons := Seasons{Auto: true}
			if f == "weekly" {
				seasons = Seasons{}
			}
			m, err := FitForecast(ts, s.Train, t0, end, step, ForecastOptions{Seasons: seasons})
			if err != nil {
				continue
			}
			n++
			var a, b float64
			for i, truth := range s.Test {
				at := end + int64(i+1)*step
				v := m.At(at, .5)
				base := s.Train[len(s.Train)-1]
				if s.M > 1 {
					base = s.Train[len(s.Train)-s.M+i%s.M]
				}
				a += 2 * math.Abs(truth-v) / (math.Abs(truth) + math.Abs(v))
				b += 2 * math.Abs(truth-base) / (math.Abs(truth) + math.Abs(base))
				pts++
				if truth >= m.At(at, .1) && truth <= m.At(at, .9) {
					in++
				}
			}
			ours += a / float64(len(s.Test))
			naive += b / float64(len(s.Test))
			if a <= b {
				better++
			}
		}
		t.Logf("%s: %d of %d no worse, sMAPE %.2f against %.2f, %.3f inside", f, better, n, 100*ours/float64(n), 100*naive/float64(n), float64(in)/float64(pts))
		if n < 100 || 2*better <= n || ours >= naive {
			t.Errorf("%s: no worse than naive on %d of %d, sMAPE %.2f against %.2f", f, better, n, 100*ours/float64(n), 100*naive/float64(n))
		}
		if share := float64(in) / float64(pts); share < 0.7 || share > 0.9 {
			t.Errorf("%s: the 80 %% interval holds %.3f", f, share)
		}
	}
}
