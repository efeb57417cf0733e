package score

import (
	"math"
	"slices"
	"sort"
)

// VUSPR returns the volume under the range-PR surface (Paparrizos et al., VLDB
// 2022) of scores against labels, as TSB-AD defines it: labels are extended
// around each event by up to a buffer, the area is taken for each buffer from
// none to the series's period, and averaged. data gives that period. NaN where
// nothing is labelled. O(n · period).
func VUSPR(data []float64, label []bool, score []float64) float64 {
	return vusPR(label, score, Period(data))
}

// Period returns the lag from 4 to 303 with the highest local maximum of the
// autocorrelation of the first 20,000 values, else 125.
func Period(x []float64) int {
	x = x[:min(len(x), 20000)]
	mean := 0.0
	for _, v := range x {
		mean += v / float64(len(x))
	}
	d := make([]float64, len(x))
	c0 := 0.0
	for i, v := range x {
		d[i] = v - mean
		c0 += d[i] * d[i]
	}
	if c0 <= 0 {
		return 125
	}
	top := min(400, len(x)-1)
	var ac []float64
	for k := 3; k <= top; k++ {
		sum := 0.0
		for i := k; i < len(d); i++ {
			sum += d[i] * d[i-k]
		}
		ac = append(ac, sum/c0)
	}
	best := -1
	for i := 1; i+1 < len(ac); i++ {
		if ac[i] > ac[i-1] && ac[i] > ac[i+1] && (best < 0 || ac[i] > ac[best]) {
			best = i
		}
	}
	if best < 3 || best > 300 {
		return 125
	}
	return best + 3
}

// events returns the runs of true labels, both ends inclusive.
func events(label []bool) [][2]int {
	var out [][2]int
	for i := 0; i < len(label); i++ {
		if !label[i] {
			continue
		}
		s := i
		for i+1 < len(label) && label[i+1] {
			i++
		}
		out = append(out, [2]int{s, i})
	}
	return out
}

func vusPR(label []bool, score []float64, width int) float64 {
	const grid = 250
	n := len(label)
	ev := events(label)
	if len(ev) == 0 {
		return math.NaN()
	}
	order := slices.Clone(score)
	slices.Sort(order)
	slices.Reverse(order)
	var cut [grid]float64
	for i := range cut {
		k := n - 1
		if i < grid-1 {
			k = int(float64(i) * float64(n-1) / (grid - 1))
		}
		cut[i] = order[k]
	}
	// A point is flagged from the threshold hit on.
	hit := make([]int, n)
	var flagged, inside [grid]float64
	pos := 0.0
	for i, s := range score {
		hit[i] = min(sort.Search(grid, func(k int) bool { return s >= cut[k] }), grid-1)
		flagged[hit[i]]++
		if label[i] {
			inside[hit[i]]++
			pos++
		}
	}
	for k := 1; k < grid; k++ {
		flagged[k] += flagged[k-1]
		inside[k] += inside[k-1]
	}
	sum := 0.0
	ext := make([]float64, n)
	var touched []int
	for w := 0; w <= width; w++ {
		half := w / 2
		touched = touched[:0]
		add := func(j, d int) {
			if label[j] {
				return
			}
			if ext[j] == 0 {
				touched = append(touched, j)
			}
			ext[j] += math.Sqrt(1 - float64(d)/float64(w))
		}
		for _, e := range ev {
			for j := e[1] + 1; j < min(e[1]+half+1, n); j++ {
				add(j, j-e[1])
			}
			for j := max(e[0]-half, 0); j < e[0]; j++ {
				add(j, e[0]-j)
			}
		}
		var soft, seen [grid]float64
		for _, j := range touched {
			soft[hit[j]] += min(1, ext[j])
			ext[j] = 0
		}
		groups := 0
		group := func(a, b int) {
			groups++
			m := grid
			for _, h := range hit[a : b+1] {
				m = min(m, h)
			}
			seen[m]++
		}
		a := max(ev[0][0]-half, 0)
		for i := 1; i < len(ev); i++ {
			if ev[i-1][1]+half < ev[i][0]-half {
				group(a, ev[i-1][1]+half)
				a = ev[i][0] - half
			}
		}
		group(a, min(ev[len(ev)-1][1]+half, n-1))
		run, exist, before := 0.0, 0.0, 0.0
		for k := range grid {
			run += soft[k]
			exist += seen[k]
			tp := inside[k] + run
			recall := min(tp/(pos+run/2), 1) * exist / float64(groups)
			sum += (recall - before) * tp / flagged[k]
			before = recall
		}
	}
	return sum / float64(width+1)
}
