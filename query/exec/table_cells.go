package exec

import (
	"math"
	"slices"

	"tidemark/query/ast"
	"tidemark/storage/model"
)

// statsCell is one function of stats over the rows of one group and step. It is made
// with its first row, so that it always has a result.
type statsCell interface {
	// add adds a row with its time, and its value as it is and as a number. It
	// returns by how many samples the cell has grown.
	add(at int64, v model.Value, number float64) int
	result() float64
}

// storedCell is a cell that can also be made of what a store adds up.
type storedCell interface {
	statsCell
	// merge adds interval k.
	merge(rc *model.RowCount, k int)
}

// numeric reports whether a function takes numbers.
func numeric(f *ast.StatsFunc) bool { return f.Func != "count" && f.Func != "count_distinct" }

func newCell(f *ast.StatsFunc) statsCell {
	switch f.Func {
	case "count":
		return new(countCell)
	case "count_distinct":
		return &distinctCell{seen: map[string]struct{}{}}
	case "sum":
		return new(sumCell)
	case "avg":
		return &sumCell{mean: true}
	case "min":
		return &extremeCell{sign: -1}
	case "max":
		return &extremeCell{sign: 1}
	case "median":
		return &quantileCell{q: 0.5}
	case "quantile":
		return &quantileCell{q: f.Param}
	case "stddev":
		return new(deviationCell)
	case "first":
		return &edgeCell{}
	}
	return &edgeCell{last: true}
}

// countCell counts rows.
type countCell struct{ n int64 }

func (c *countCell) add(int64, model.Value, float64) int { c.n++; return 0 }
func (c *countCell) result() float64                     { return float64(c.n) }
func (c *countCell) merge(rc *model.RowCount, k int)     { c.n += rc.Rows[k] }

// distinctCell counts different values, exactly.
type distinctCell struct{ seen map[string]struct{} }

func (c *distinctCell) add(_ int64, v model.Value, _ float64) int {
	text := v.String()
	if _, ok := c.seen[text]; ok {
		return 0
	}
	c.seen[text] = struct{}{}
	return 2 + len(text)/8
}
func (c *distinctCell) result() float64 { return float64(len(c.seen)) }

// sumCell adds values up and may divide by their number.
type sumCell struct {
	n         int64
	sum, lost float64
	mean      bool
}

func (c *sumCell) add(_ int64, _ model.Value, x float64) int {
	c.n++
	c.sum, c.lost = kahanAdd(x, c.sum, c.lost)
	return 0
}
func (c *sumCell) result() float64 {
	s := kahanValue(c.sum, c.lost)
	if c.mean {
		return s / float64(c.n)
	}
	return s
}
func (c *sumCell) merge(rc *model.RowCount, k int) {
	c.n += rc.Rows[k]
	c.sum, c.lost = kahanAdd(rc.Sums[k], c.sum, c.lost)
}

// extremeCell is the least or the greatest value; NaN counts where nothing else
// is there.
type extremeCell struct {
	sign float64
	some bool
	x    float64
}

func (c *extremeCell) add(_ int64, _ model.Value, x float64) int {
	if !c.some || c.x != c.x || c.sign*x > c.sign*c.x {
		c.x, c.some = x, true
	}
	return 0
}
func (c *extremeCell) result() float64 { return c.x }
func (c *extremeCell) merge(rc *model.RowCount, k int) {
	x := rc.Maxs[k]
	if c.sign < 0 {
		x = rc.Mins[k]
	}
	c.add(0, model.Value{}, x)
}

// quantileCell holds all values.
type quantileCell struct {
	q      float64
	values []float64
}

func (c *quantileCell) add(_ int64, _ model.Value, x float64) int {
	c.values = append(c.values, x)
	return 1
}
func (c *quantileCell) result() float64 { return selectQuantile(c.q, slices.Clone(c.values)) }
func (c *quantileCell) merge(rc *model.RowCount, k int) {
	c.values = append(c.values, rc.Numbers[k]...)
}

// deviationCell is the standard deviation of all values, by Welford's method.
type deviationCell struct {
	n        int64
	mean, m2 float64
}

func (c *deviationCell) add(_ int64, _ model.Value, x float64) int {
	c.n++
	d := x - c.mean
	c.mean += d / float64(c.n)
	c.m2 += d * (x - c.mean)
	return 0
}
func (c *deviationCell) result() float64 { return math.Sqrt(c.m2 / float64(c.n)) }

// edgeCell is the value of the earliest or the latest row; of rows of one time
// the first or the last that was read.
type edgeCell struct {
	last, some bool
	at         int64
	x          float64
}

func (c *edgeCell) add(at int64, _ model.Value, x float64) int {
	if !c.some || !c.last && at < c.at || c.last && at >= c.at {
		c.at, c.x, c.some = at, x, true
	}
	return 0
}
func (c *edgeCell) result() float64 { return c.x }
