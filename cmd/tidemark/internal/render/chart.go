package render

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"tidemark/query"
	"tidemark/storage/model"
)

// A chart is drawn on cells of two by four dots (Unicode's braille patterns),
// eight times finer than characters. A cell has one colour: that of the series
// drawn last into it. Without colour a lone series is drawn in braille, and
// several are drawn with a letter each.

// line is one series of a chart.
type line struct {
	name   string
	points []query.Point
	area   *area // or nil; a line that has one has no points
}

// all are the points of the line and of its area's edges, in no order.
func (l *line) all() []query.Point {
	if l.area == nil {
		return l.points
	}
	return slices.Concat(l.area.lower, l.area.upper)
}

// drawable returns the series of an answer that has a course over time, or nil.
func drawable(r *query.Result) []line {
	var out []line
	switch r.Kind {
	case query.KindScalar:
		if len(r.Points) < 2 {
			return nil
		}
		return []line{{name: "scalar", points: r.Points}}
	case query.KindMatrix:
		for i := range r.Series {
			s := &r.Series[i]
			out = append(out, line{name: visible(s.Labels.String()), points: s.Points})
		}
		out = withAreas(r.Series, out)
	}
	return out
}

// colors of the series in turn: bright ones that differ on dark and light
// grounds.
var colors = []string{"36", "33", "35", "32", "34", "31", "96", "93", "95", "92"}

const letters = "abcdefghijklmnopqrstuvwxyz"

// brailleDots are the bits of the dots of a cell by row and column.
var brailleDots = [4][2]rune{{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}

// canvas is the drawing area.
type canvas struct {
	cols, rows int
	dots       []rune // bits of a braille pattern
	owner      []int  // the series drawn last, or -1
	shade      []int  // one more than the series whose area a cell is in, or 0
}

func newCanvas(cols, rows int) *canvas {
	c := &canvas{cols: cols, rows: rows, dots: make([]rune, cols*rows), owner: make([]int, cols*rows), shade: make([]int, cols*rows)}
	for i := range c.owner {
		c.owner[i] = -1
	}
	return c
}

// set marks the dot at x from the left and y from the top, in dots.
func (c *canvas) set(x, y, owner int) {
	if x < 0 || y < 0 || x >= 2*c.cols || y >= 4*c.rows {
		return
	}
	i := y/4*c.cols + x/2
	c.dots[i] |= brailleDots[y%4][x%2]
	c.owner[i] = owner
}

// segment draws from one dot to another.
func (c *canvas) segment(x0, y0, x1, y1, owner int) {
	n := max(abs(x1-x0), abs(y1-y0))
	for i := 0; i <= n; i++ {
		x, y := x0, y0
		if n > 0 {
			x = x0 + int(math.Round(float64((x1-x0)*i)/float64(n)))
			y = y0 + int(math.Round(float64((y1-y0)*i)/float64(n)))
		}
		c.set(x, y, owner)
	}
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// chart draws the lines with axes and a legend.
func chart(b *strings.Builder, lines []line, o Options) {
	drawn := lines
	if len(drawn) > o.MaxSeries {
		drawn = drawn[:o.MaxSeries]
	}
	t0, t1, lo, hi, ok := bounds(drawn)
	if !ok {
		b.WriteString("no data\n")
		return
	}
	lo, hi = niceRange(lo, hi)
	const axis = 8 // characters of the value axis and its line
	cols, rows := max(o.Width-axis-len(" UTC"), 10), max(o.Height, 4)
	c := newCanvas(cols, rows)
	gap := gapOf(drawn)
	for i := range drawn {
		if drawn[i].area != nil {
			c.shadeArea(drawn[i].area, i, t0, t1, lo, hi, gap)
		}
		plot(c, &drawn[i], i, t0, t1, lo, hi, gap)
	}
	for r := range rows {
		label := ""
		if r == 0 || r == rows-1 || r%4 == 0 && rows-1-r >= 4 {
			share := float64(r) / float64(rows-1)
			label = short(hi*(1-share) + lo*share)
		}
		edge := "│"
		if label != "" {
			edge = "┤"
		}
		fmt.Fprintf(b, "%*s %s", axis-2, label, edge)
		c.row(b, r, o, len(drawn) > 1)
		b.WriteByte('\n')
	}
	timeAxis(b, t0, t1, cols, axis)
	legend(b, drawn, o)
	if n := len(lines) - len(drawn); n > 0 {
		fmt.Fprintf(b, "%s… and %d more series that are not drawn; topk(%d, …) chooses\n", strings.Repeat(" ", axis), n, o.MaxSeries)
	}
}

// bounds returns the extent of everything finite.
func bounds(lines []line) (t0, t1 int64, lo, hi float64, ok bool) {
	lo, hi = math.Inf(1), math.Inf(-1)
	t0, t1 = math.MaxInt64, math.MinInt64
	for i := range lines {
		for _, p := range lines[i].all() {
			if math.IsNaN(p.V) || math.IsInf(p.V, 0) {
				continue
			}
			ok = true
			t0, t1 = min(t0, p.T), max(t1, p.T)
			lo, hi = math.Min(lo, p.V), math.Max(hi, p.V)
		}
	}
	return t0, t1, lo, hi, ok
}

// niceRange widens a range to round numbers, and a range of one value to one
// that shows it in the middle.
func niceRange(lo, hi float64) (float64, float64) {
	if lo == hi {
		d := math.Max(math.Abs(lo)*0.1, 1)
		return lo - d, hi + d
	}
	if lo > 0 && lo < (hi-lo)*0.3 {
		lo = 0 // a zero so near belongs into the picture
	}
	if math.IsInf(hi-lo, 0) {
		return lo, hi
	}
	step := math.Pow(10, math.Floor(math.Log10(hi-lo))) / 2
	if step == 0 {
		return lo, hi
	}
	return math.Floor(lo/step) * step, math.Ceil(hi/step) * step
}

// gapOf is the time beyond which two points are not joined: four times the
// usual distance of points.
func gapOf(lines []line) int64 {
	usual := int64(math.MaxInt64)
	for i := range lines {
		ps := lines[i].points
		if lines[i].area != nil {
			ps = lines[i].area.lower
		}
		for j := 1; j < len(ps); j++ {
			if d := ps[j].T - ps[j-1].T; d > 0 {
				usual = min(usual, d)
			}
		}
	}
	if usual > math.MaxInt64/4 {
		return math.MaxInt64
	}
	return 4 * usual
}

// plot draws one series.
func plot(c *canvas, l *line, owner int, t0, t1 int64, lo, hi float64, gap int64) {
	w, h := float64(2*c.cols-1), float64(4*c.rows-1)
	var px, py int
	var last int64
	joined := false
	for _, p := range l.points {
		if math.IsNaN(p.V) || math.IsInf(p.V, 0) {
			joined = false
			continue
		}
		x := 0
		if t1 > t0 {
			x = int(math.Round(w * float64(p.T-t0) / float64(t1-t0)))
		}
		// Halves keep the difference of two huge numbers finite.
		y := int(math.Round(h * (hi/2 - p.V/2) / (hi/2 - lo/2)))
		if joined && p.T-last <= gap {
			c.segment(px, py, x, y, owner)
		} else {
			c.set(x, y, owner)
		}
		px, py, last, joined = x, y, p.T, true
	}
}

// row prints one row of cells.
func (c *canvas) row(b *strings.Builder, r int, o Options, several bool) {
	color := -1
	cells, shades := c.dots[r*c.cols:(r+1)*c.cols], c.shade[r*c.cols:(r+1)*c.cols]
	end := len(cells)
	for end > 0 && cells[end-1] == 0 && shades[end-1] == 0 {
		end--
	}
	for i, dots := range cells[:end] {
		owner := c.owner[r*c.cols+i]
		switch {
		case dots == 0 && shades[i] > 0 && o.Color:
			if color >= 0 {
				b.WriteString("\x1b[0m")
			}
			fmt.Fprintf(b, "\x1b[2;%sm░\x1b[0m", colors[(shades[i]-1)%len(colors)])
			color = -1
		case dots == 0 && shades[i] > 0:
			b.WriteString("░")
		case dots == 0:
			b.WriteByte(' ')
		case o.Color:
			if owner != color {
				fmt.Fprintf(b, "\x1b[%sm", colors[owner%len(colors)])
				color = owner
			}
			b.WriteRune(0x2800 + dots)
		case several:
			b.WriteByte(letters[owner%len(letters)])
		default:
			b.WriteRune(0x2800 + dots)
		}
	}
	if color >= 0 {
		b.WriteString("\x1b[0m")
	}
}

// timeAxis prints the axis and as many times as have room.
func timeAxis(b *strings.Builder, t0, t1 int64, cols, axis int) {
	layout := "15:04"
	switch span := time.Duration(t1-t0) * time.Millisecond; {
	case span > 14*24*time.Hour:
		layout = "2006-01-02"
	case span > 20*time.Hour:
		layout = "01-02 15:04"
	case span < 10*time.Second:
		layout = "15:04:05.000"
	case span < 10*time.Minute:
		layout = "15:04:05"
	}
	room := len(layout) + 6
	ticks := max(min(cols/room, 8), 2)
	bar := []rune(strings.Repeat("─", cols))
	text := []byte(strings.Repeat(" ", cols+axis+len(layout)))
	for i := range ticks {
		x := (cols - 1) * i / (ticks - 1)
		bar[x] = '┬'
		label := time.UnixMilli(t0 + (t1-t0)/int64(ticks-1)*int64(i)).UTC().Format(layout)
		at := axis + x - len(label)/2
		if i == ticks-1 {
			at = axis + cols - len(label)
		}
		copy(text[max(at, 0):], label)
	}
	fmt.Fprintf(b, "%s└%s\n%s UTC\n", strings.Repeat(" ", axis-1), string(bar), strings.TrimRight(string(text), " "))
}

// legend names the series with their last and their extreme values.
func legend(b *strings.Builder, lines []line, o Options) {
	names, wide := seriesNames(lines)
	for i := range lines {
		mark := "⠶"
		if lines[i].area != nil {
			mark = "░"
		}
		switch {
		case o.Color:
			mark = fmt.Sprintf("\x1b[%sm%s\x1b[0m", colors[i%len(colors)], mark)
		case lines[i].area != nil:
		case len(lines) > 1:
			mark = string(letters[i%len(letters)])
		}
		pad := strings.Repeat(" ", wide-width(names[i]))
		if lines[i].area != nil {
			lo, hi, lastLo, lastHi := lines[i].area.extremes()
			fmt.Fprintf(b, "      %s %s%s  min %s  max %s  last %s to %s\n", mark, names[i], pad, short(lo), short(hi), short(lastLo), short(lastHi))
			continue
		}
		lo, hi, last := math.Inf(1), math.Inf(-1), math.NaN()
		for _, p := range lines[i].points {
			if !math.IsNaN(p.V) {
				lo, hi, last = math.Min(lo, p.V), math.Max(hi, p.V), p.V
			}
		}
		if math.IsNaN(last) {
			fmt.Fprintf(b, "      %s %s%s  no number\n", mark, names[i], pad)
			continue
		}
		fmt.Fprintf(b, "      %s %s%s  min %s  max %s  last %s\n", mark, names[i], pad, short(lo), short(hi), short(last))
	}
}

// seriesNames returns the names of the series and the width of the longest.
func seriesNames(lines []line) (names []string, wide int) {
	for i := range lines {
		name := lines[i].name
		if name == (model.Labels{}).String() {
			name = "value"
		}
		names = append(names, name)
		wide = max(wide, width(name))
	}
	return names, wide
}
