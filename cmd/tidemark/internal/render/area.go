package render

import (
	"math"
	"sort"
	"strconv"
	"strings"

	"tidemark/query"
	"tidemark/storage/model"
)

// area is what lies between two series: a baseline's bounds or the outer
// quantiles of a forecast.
type area struct{ lower, upper []query.Point }

// edge is a series that bounds an area.
type edge struct {
	line int // its place among the lines
	q    float64
}

// withAreas replaces pairs of lines that bound an area by one line that has it:
// those that differ in band="lower|upper" alone, and the least and the greatest
// quantile of those that differ in q alone.
func withAreas(series []query.Series, lines []line) []line {
	groups := map[string][]edge{}
	var order []string
	for i := range series {
		ls := series[i].Labels
		var name string
		e := edge{line: i}
		switch band := ls.Get("band"); {
		case band == "lower" || band == "upper":
			name = "band"
			if band == "upper" {
				e.q = 1
			}
		case ls.Get("q") != "":
			var err error
			if e.q, err = strconv.ParseFloat(ls.Get("q"), 64); err != nil {
				continue
			}
			name = "q"
		default:
			continue
		}
		key := name + "\x00" + ls.Without(name).Key()
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], e)
	}
	gone := map[int]bool{}
	for _, key := range order {
		edges := groups[key]
		if len(edges) < 2 {
			continue
		}
		sort.SliceStable(edges, func(a, b int) bool { return edges[a].q < edges[b].q })
		lo, hi := edges[0], edges[len(edges)-1]
		name, _, _ := strings.Cut(key, "\x00")
		what := "band"
		if name == "q" {
			what = "from q " + strconv.FormatFloat(lo.q, 'g', -1, 64) + " to " + strconv.FormatFloat(hi.q, 'g', -1, 64)
		}
		first := min(lo.line, hi.line)
		lines[first] = line{
			name: strings.TrimPrefix(visible(series[first].Labels.Without(name).String())+" "+what, (model.Labels{}).String()+" "),
			area: &area{series[lo.line].Points, series[hi.line].Points},
		}
		gone[max(lo.line, hi.line)] = true
	}
	out := lines[:0]
	for i := range lines {
		if !gone[i] {
			out = append(out, lines[i])
		}
	}
	return out
}

// at returns the value of a course at a time, between two points that are not
// farther apart than gap; ok is false where there is none.
func at(ps []query.Point, t float64, gap int64) (v float64, ok bool) {
	i := sort.Search(len(ps), func(i int) bool { return float64(ps[i].T) >= t })
	switch {
	case i == len(ps):
		return 0, false
	case float64(ps[i].T) == t:
		v = ps[i].V
	case i == 0 || ps[i].T-ps[i-1].T > gap:
		return 0, false
	default:
		share := (t - float64(ps[i-1].T)) / float64(ps[i].T-ps[i-1].T)
		v = ps[i-1].V*(1-share) + ps[i].V*share
	}
	return v, !math.IsNaN(v) && !math.IsInf(v, 0)
}

// shadeArea marks the cells of an area.
func (c *canvas) shadeArea(a *area, owner int, t0, t1 int64, lo, hi float64, gap int64) {
	for x := range c.cols {
		t := float64(t0)
		if c.cols > 1 {
			t += float64(t1-t0) * float64(x) / float64(c.cols-1)
		}
		from, ok := at(a.lower, t, gap)
		to, ok2 := at(a.upper, t, gap)
		if !ok || !ok2 {
			continue
		}
		row := func(v float64) int {
			// Halves keep the difference of two huge numbers finite.
			return min(max(int(float64(c.rows)*(hi/2-v/2)/(hi/2-lo/2)), 0), c.rows-1)
		}
		for y := row(to); y <= row(from); y++ {
			c.shade[y*c.cols+x] = owner + 1
		}
	}
}

// extremes are the least and the greatest value of the area and the last of
// each edge.
func (a *area) extremes() (lo, hi, lastLo, lastHi float64) {
	lo, hi, lastLo, lastHi = math.Inf(1), math.Inf(-1), math.NaN(), math.NaN()
	for _, p := range a.lower {
		if !math.IsNaN(p.V) {
			lo, lastLo = math.Min(lo, p.V), p.V
		}
	}
	for _, p := range a.upper {
		if !math.IsNaN(p.V) {
			hi, lastHi = math.Max(hi, p.V), p.V
		}
	}
	return lo, hi, lastLo, lastHi
}
