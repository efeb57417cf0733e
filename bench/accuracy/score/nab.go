package score

import (
	"math"
	"slices"
)

// NABFile is one file of the Numenta Anomaly Benchmark (Lavin and Ahmad 2015):
// the time of every row, its score, and the labelled windows, in which times
// of rows are the first and the last.
type NABFile struct {
	Times   []int64
	Scores  []float64
	Windows [][2]int64
}

// NABProfile weighs false positives and missed windows.
type NABProfile struct {
	Name     string
	FP, Miss float64
}

// NABProfiles are the benchmark's three.
var NABProfiles = []NABProfile{{"standard", .11, 1}, {"low FP", .22, 1}, {"low FN", .11, 2}}

// nabRow is a row that counts: window is −1 outside of windows, value the
// share of a full hit inside and the factor of the cost outside.
type nabRow struct {
	score, value float64
	window       int
}

// NAB returns the normalised score of a profile (0 is what silence earns, 100
// a perfect detector), at the one threshold for all files that makes it
// highest, and that threshold. O(n log n) in all rows.
func NAB(files []NABFile, p NABProfile) (normalised, threshold float64) {
	var rows []nabRow
	best := []float64{}
	labelled := 0
	for _, f := range files {
		rows, best = f.rows(rows, best)
		labelled += len(f.Windows)
	}
	scorable := 0
	hit := map[int]float64{}
	for _, r := range rows {
		if r.window >= 0 {
			hit[r.window] = -p.Miss
		}
	}
	scorable = len(hit)
	total := -p.Miss * float64(scorable)
	top, at := total, math.Inf(1)
	slices.SortFunc(rows, func(a, b nabRow) int {
		switch {
		case a.score > b.score:
			return -1
		case a.score < b.score:
			return 1
		}
		return 0
	})
	for i := 0; i < len(rows); {
		s := rows[i].score
		for ; i < len(rows) && rows[i].score == s; i++ {
			r := rows[i]
			if r.window < 0 {
				total += p.FP * r.value
			} else if r.value > hit[r.window] {
				total += r.value - hit[r.window]
				hit[r.window] = r.value
			}
		}
		if total > top {
			top, at = total, s
		}
	}
	null := -p.Miss * float64(scorable)
	return 100 * (top - null) / (float64(labelled) - null), at
}

// rows appends the rows that count: those after the probation of 15 % of the
// file and at most 750 rows. best only numbers the windows of all files.
func (f NABFile) rows(rows []nabRow, best []float64) ([]nabRow, []float64) {
	sig := func(x float64) float64 {
		if x > 3 {
			return -1
		}
		return 2/(1+math.Exp(5*x)) - 1
	}
	first := map[int64]int{}
	for i, t := range f.Times {
		if _, ok := first[t]; !ok {
			first[t] = i
		}
	}
	skip := min(int(math.Floor(.15*float64(len(f.Times)))), 750)
	next, open := 0, -1
	var right, width, end = 0, 0.0, int64(0)
	lastRight, lastWidth := -1, 0.0
	for i, t := range f.Times {
		if next < len(f.Windows) && t == f.Windows[next][0] {
			w := f.Windows[next]
			right, end = first[w[1]], w[1]
			width = float64(right - first[w[0]] + 1)
			open = len(best)
			best = append(best, 0)
			next++
		}
		r := nabRow{score: f.Scores[i], window: open}
		switch {
		case open >= 0:
			r.value = sig(-float64(right-i+1)/width) / sig(-1)
			if t == end {
				lastRight, lastWidth, open = i, width, -1
			}
		case lastRight < 0:
			r.value = -1
		default:
			r.value = sig(math.Abs(float64(lastRight-i)) / (lastWidth - 1))
		}
		if i >= skip {
			rows = append(rows, r)
		}
	}
	return rows, best
}
