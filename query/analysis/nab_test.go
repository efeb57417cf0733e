package analysis

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

// shared is the folder of reference data, outside the module.
const shared = "../../../shared/data"

// openShared opens a gzipped file of the reference data or skips the test.
func openShared(t *testing.T, name string) *bufio.Reader {
	t.Helper()
	f, err := os.Open(filepath.Join(shared, name))
	if err != nil {
		t.Skipf("reference data is absent: %v", err)
	}
	t.Cleanup(func() { f.Close() })
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	return bufio.NewReader(z)
}

// readNAB reads a series of the Numenta Anomaly Benchmark, times ascending,
// the last of equal times kept.
func readNAB(t *testing.T, name string) (ts []int64, vs []float64) {
	t.Helper()
	rows, err := csv.NewReader(openShared(t, "nab/data/"+name+".gz")).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows[1:] {
		at, err := time.Parse("2006-01-02 15:04:05", r[0])
		if err != nil {
			t.Fatal(err)
		}
		v, err := strconv.ParseFloat(r[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		ms := at.UnixMilli()
		i, found := slices.BinarySearch(ts, ms)
		if found {
			vs[i] = v
			continue
		}
		ts, vs = slices.Insert(ts, i, ms), slices.Insert(vs, i, v)
	}
	return ts, vs
}

// nabWindows reads the labelled anomalies of every series.
func nabWindows(t *testing.T) map[string][]Interlude {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(shared, "nab/labels/combined_windows.json"))
	if err != nil {
		t.Skipf("reference data is absent: %v", err)
	}
	var text map[string][][2]string
	if err := json.Unmarshal(raw, &text); err != nil {
		t.Fatal(err)
	}
	out := map[string][]Interlude{}
	for name, ws := range text {
		out[name] = nil
		for _, w := range ws {
			var ms [2]int64
			for k, s := range w {
				at, err := time.Parse("2006-01-02 15:04:05.000000", s)
				if err != nil {
					t.Fatal(err)
				}
				ms[k] = at.UnixMilli()
			}
			out[name] = append(out[name], Interlude{ms[0], ms[1]})
		}
	}
	return out
}

// score scores every sample of a series that has two days of history, by a
// window of the given length.
func score(t *testing.T, ts []int64, vs []float64, window int64) map[int64]float64 {
	t.Helper()
	s := NewSchedule(window, Day)
	models := map[int64]*Baseline{}
	out := map[int64]float64{}
	for _, at := range ts {
		b := s.Boundary(at, DefaultRes)
		m, ok := models[b]
		if !ok {
			from, to := s.Training(b)
			res := Resolution(ts, from, to)
			m, _ = FitBaseline(ts, vs, from, to, res, BaselineOptions{Seasons: Seasons{Auto: true}})
			models[b] = m
		}
		if m == nil {
			continue
		}
		v, n := Mean(ts, vs, at-m.Res, at)
		if n > 0 {
			out[at] = m.At(at).Score(v)
		}
	}
	return out
}

// Labelled incidents stand out of the rest of their series. The bounds are
// those of a method that knows nothing of the files; none is tuned to one.
func TestNABIncidentsStandOut(t *testing.T) {
	windows := nabWindows(t)
	found, total := 0, 0
	var quiet []float64
	for name, ws := range windows {
		if _, err := os.Stat(filepath.Join(shared, "nab/data", name+".gz")); err != nil {
			continue
		}
		ts, vs := readNAB(t, name)
		scores := score(t, ts, vs, 2*Week)
		if len(scores) == 0 {
			continue
		}
		var outside []float64
		peaks := make([]float64, len(ws))
		for at, s := range scores {
			if math.IsNaN(s) || math.Abs(s) > MaxScore {
				t.Fatalf("%s: score %v at %d", name, s, at)
			}
			in := false
			for k, w := range ws {
				if at >= w.From && at <= w.To {
					in = true
					peaks[k] = max(peaks[k], math.Abs(s))
				}
			}
			if !in {
				outside = append(outside, math.Abs(s))
			}
		}
		slices.Sort(outside)
		over := 0
		for _, s := range outside {
			if s > 1 {
				over++
			}
		}
		quiet = append(quiet, float64(over)/float64(len(outside)))
		for k := range ws {
			total++
			if peaks[k] > 1 && peaks[k] > Quantile(outside, 0.95) {
				found++
			}
		}
		t.Logf("%s: peaks %.1f p50 %.2f p95 %.2f p99 %.2f over %.3f", name, peaks, Quantile(outside, 0.5), Quantile(outside, 0.95), Quantile(outside, 0.99), quiet[len(quiet)-1])
	}
	slices.Sort(quiet)
	if total < 20 || found*5 < total*4 {
		t.Errorf("%d of %d incidents exceed 95 %% of the other scores and the band, want four of five", found, total)
	}
	if share := Quantile(quiet, 0.5); share > 0.05 {
		t.Errorf("in the median series %.3f of the other values are outside the band of 0.99, want at most 0.05", share)
	}
}
