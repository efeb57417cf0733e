package analysis

import "math"

// MinPeers is the least number of members of a group of peers.
const MinPeers = 3

// PeerMethods names the values of the option method of peer outliers.
var PeerMethods = []string{"mad", "dbscan"}

// PeersByMAD scores each member's value against those of its peers: the
// distance from the median, in units of tol scales (median absolute deviations
// as of a normal distribution), signed, so that ±1 is the edge. NaN values get
// NaN. Peers that agree exactly have a scale of a thousandth of their level. O(n).
func PeersByMAD(v []float64, tol float64) ([]float64, error) {
	all := finites(v)
	if len(all) < MinPeers {
		return nil, &ShortHistory{Have: len(all), Want: MinPeers, Unit: "peers"}
	}
	m := Median(all)
	for i := range all {
		all[i] = math.Abs(all[i] - m)
	}
	scale := max(madToSigma*Median(all), flatShare*math.Abs(m))
	if scale == 0 {
		scale = flatShare
	}
	out := make([]float64, len(v))
	for i, f := range v {
		out[i] = math.NaN()
		if finite(f) {
			out[i] = min(max((f-m)/(tol*scale), -MaxScore), MaxScore)
		}
	}
	return out, nil
}

// PeersByDBSCAN scores each member's course over a window against those of its
// peers: courses are points, near where their distance (root mean square over the
// moments that both have) is at most tol times the median distance of all from the
// median course; members near to each other form clusters (Ester et al. 1996, with half
// of the members as the least number of neighbours of a core). The score is the distance to
// the nearest core in units of that radius: within 1 belongs to the crowd. Without
// a core all scores are measured from the median course. O(n² · moments).
func PeersByDBSCAN(courses [][]float64, tol float64) ([]float64, error) {
	n := len(courses)
	if n < MinPeers {
		return nil, &ShortHistory{Have: n, Want: MinPeers, Unit: "peers"}
	}
	middle := make([]float64, len(courses[0]))
	level := 0.0
	for k := range middle {
		var at []float64
		for _, c := range courses {
			if finite(c[k]) {
				at = append(at, c[k])
			}
		}
		middle[k] = Median(at)
		if finite(middle[k]) {
			level = max(level, math.Abs(middle[k]))
		}
	}
	apart := func(a, b []float64) float64 {
		sum, k := 0.0, 0
		for i := range a {
			if d := a[i] - b[i]; finite(d) {
				sum += d * d
				k++
			}
		}
		return math.Sqrt(sum / float64(k)) // NaN without a common moment
	}
	own := make([]float64, n)
	for i, c := range courses {
		own[i] = apart(c, middle)
	}
	radius := tol * max(Median(finites(own)), flatShare*level)
	if !(radius > 0) {
		radius = flatShare
	}
	near := make([][]float64, n)
	core := make([]bool, n)
	any := false
	for i := range courses {
		near[i] = make([]float64, n)
		close := 0
		for j := range courses {
			if i != j {
				near[i][j] = apart(courses[i], courses[j])
			}
			if near[i][j] <= radius {
				close++
			}
		}
		core[i] = 2*close > n
		any = any || core[i]
	}
	out := make([]float64, n)
	for i := range courses {
		d := own[i]
		if any {
			d = math.Inf(1)
			for j := range courses {
				if core[j] && near[i][j] < d {
					d = near[i][j]
				}
			}
		}
		out[i] = math.NaN()
		if !math.IsNaN(d) && !math.IsNaN(own[i]) {
			out[i] = min(d/radius, MaxScore)
		}
	}
	return out, nil
}
