package main

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"sort"

	"tidemark/bench/accuracy/score"
	"tidemark/storage/model"
)

// writeSeries stores a series under its name and returns its times in order
// and the place of every row among them.
func (s *session) writeSeries(ctx context.Context, sr series) (times []int64, place []int, err error) {
	place = make([]int, len(sr.times))
	order := make([]int, len(sr.times))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return sr.times[order[a]] < sr.times[order[b]] })
	values := make([]float64, len(order))
	times = make([]int64, len(order))
	for k, i := range order {
		times[k], values[k], place[i] = sr.times[i], sr.values[i], k
	}
	return times, place, s.write(ctx, "value", model.FromStrings("series", sr.name), times, values)
}

// scores asks for one number per row; rows without an answer get 0.
func (s *session) scores(ctx context.Context, sr series, times []int64, place []int, query string) ([]float64, error) {
	got, err := s.askEach(ctx, times, query, sr.name)
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(place))
	for i, k := range place {
		if v := math.Abs(got[k]); !math.IsNaN(v) {
			out[i] = v
		}
	}
	return out, nil
}

func runNAB(ctx context.Context, s *session) ([]line, error) {
	const others = "ARTime 77.1/68.7/82.1, HTM 71.2/65.8/75.0, CAD OSE 68.2/64.9/71.4, random cut forest 48.6"
	var windows map[string][][2]string
	if err := readJSON(filepath.Join(s.folder, "labels/combined_windows.json"), &windows); err != nil {
		return nil, err
	}
	var files []score.NABFile
	pred := map[string][]float64{}
	for _, name := range sorted(windows) {
		sr, err := readSeries(filepath.Join(s.folder, "data", name))
		if err != nil {
			return nil, err
		}
		sr.name = name
		f := score.NABFile{Times: sr.times}
		for _, w := range windows[name] {
			var b [2]int64
			for k := range b {
				if b[k], err = parseTime(w[k]); err != nil {
					return nil, fmt.Errorf("%s: %w", name, err)
				}
			}
			f.Windows = append(f.Windows, b)
		}
		times, place, err := s.writeSeries(ctx, sr)
		if err != nil {
			return nil, err
		}
		if f.Scores, err = s.scores(ctx, sr, times, place, onsetQuery); err != nil {
			return nil, err
		}
		for i, v := range f.Scores {
			f.Scores[i] = v / (1 + v) // the benchmark wants 0 to 1
		}
		pred[name] = f.Scores
		files = append(files, f)
	}
	ours := ""
	for i, p := range score.NABProfiles {
		v, _ := score.NAB(files, p)
		if i > 0 {
			ours += "/"
		}
		ours += fmt.Sprintf("%.1f", v)
	}
	return []line{{"standard/low FP/low FN", ours, others, "76/68/81"}}, s.save("pred.json", pred)
}

// runTSBAD scores TSB-AD-U, of which files.json lists the series.
func runTSBAD(ctx context.Context, s *session) ([]line, error) {
	var files map[string]string
	if err := readJSON(filepath.Join(s.folder, "files.json"), &files); err != nil {
		return nil, err
	}
	for name, path := range files {
		files[name] = filepath.Join(s.folder, path)
	}
	const others = "POLY .503, Series2Graph .390, KShapeAD .345, Sub-PCA .332, IForest .213"
	return s.labelled(ctx, files, others, ".45", ".55")
}

func runWSD(ctx context.Context, s *session) ([]line, error)   { return s.walk(ctx) }
func runCloud(ctx context.Context, s *session) ([]line, error) { return s.walk(ctx) }

// walk scores every labelled CSV below the folder.
func (s *session) walk(ctx context.Context) ([]line, error) {
	files, err := csvFiles(s.folder)
	if err != nil {
		return nil, err
	}
	return s.labelled(ctx, files, "", "report", "report")
}

// labelled scores labelled series by VUS-PR, with and without hindsight, and
// counts alerts.
func (s *session) labelled(ctx context.Context, files map[string]string, others, goal, goalHindsight string) ([]line, error) {
	var causal, hindsight, alerts []float64
	pred, predHindsight, list := map[string][]float64{}, map[string][]float64{}, map[string]string{}
	noAlerts := false
	for _, name := range sorted(files) {
		sr, err := readSeries(files[name])
		if err != nil {
			return nil, err
		}
		sr.name = name
		if len(sr.label) != len(sr.values) {
			return nil, fmt.Errorf("%s: no column label", files[name])
		}
		times, place, err := s.writeSeries(ctx, sr)
		if err != nil {
			return nil, err
		}
		for _, way := range []struct {
			query string
			pred  map[string][]float64
			vus   *[]float64
		}{{scoreQuery, pred, &causal}, {hindsightQuery, predHindsight, &hindsight}} {
			got, err := s.scores(ctx, sr, times, place, way.query)
			if err != nil {
				return nil, err
			}
			way.pred[name] = got
			if v := score.VUSPR(sr.values, sr.label, got); !math.IsNaN(v) {
				*way.vus = append(*way.vus, v)
			}
		}
		on, err := s.scores(ctx, sr, times, place, alertQuery)
		switch {
		case unavailable(err):
			noAlerts = true
		case err != nil:
			return nil, err
		default:
			n := 0
			for i := range on {
				if on[i] > 0 && (i == 0 || on[i-1] == 0) {
					n++
				}
			}
			weeks := float64(times[len(times)-1]-times[0]) / (7 * 24 * 3600e3)
			alerts = append(alerts, float64(n)/max(weeks, 1./7))
		}
		if list[name], err = filepath.Abs(files[name]); err != nil {
			return nil, err
		}
	}
	lines := []line{
		figure("VUS-PR causal", mean(causal), others, goal),
		figure("VUS-PR hindsight", mean(hindsight), others, goalHindsight),
	}
	if noAlerts {
		lines = append(lines, notAvailable("alerts a series a week", "", "no storms"))
	} else {
		sort.Float64s(alerts)
		lines = append(lines, line{"alerts a series a week", fmt.Sprintf("mean %.2f, median %.2f, most %.1f", mean(alerts), alerts[len(alerts)/2], alerts[len(alerts)-1]), "", "no storms"})
	}
	for name, v := range map[string]any{"FILES.json": list, "pred.json": pred, "pred_hindsight.json": predHindsight} {
		if err := s.save(name, v); err != nil {
			return nil, err
		}
	}
	return lines, nil
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, f := range v {
		sum += f
	}
	return sum / float64(len(v))
}
