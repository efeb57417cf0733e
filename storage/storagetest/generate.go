package storagetest

import (
	"fmt"
	"math"
	"math/rand"

	"tidemark/storage/model"
)

// Generator draws batches from a small world, so that writes meet: few label
// sets, few names, times on a coarse grid over some days around the epoch,
// types that change.
type Generator struct {
	Rand *rand.Rand
	// Days is the number of days that times are drawn from, half of them
	// before Origin.
	Days   int
	Origin int64

	streams []*model.Stream
	schemas []*model.Schema
}

// NewGenerator returns a generator of a seed.
func NewGenerator(seed int64) *Generator {
	g := &Generator{Rand: rand.New(rand.NewSource(seed)), Days: 4}
	for i := range 12 {
		ls := model.FromStrings("host", fmt.Sprintf("h%d", i%5), "role", []string{"", "db", "web"}[i%3])
		g.streams = append(g.streams, model.NewStream(ls))
	}
	g.streams = append(g.streams, model.NewStream(nil), model.NewStream(model.FromStrings("odd\x00name", "v\x00\x01\xff", "ü", "∂")))
	m := func(name string, t model.Type) model.Column {
		return model.Column{Name: name, Measurement: "m", Field: name[2:], Type: t}
	}
	g.schemas = []*model.Schema{
		{Kind: model.MetricRow, Columns: []model.Column{m("m_a", model.TypeFloat)}},
		{Kind: model.MetricRow, Columns: []model.Column{m("m_a", model.TypeFloat), m("m_b", model.TypeInt)}},
		{Kind: model.MetricRow, Columns: []model.Column{m("m_a", model.TypeInt), m("m_c", model.TypeBool), m("m_state", model.TypeText)}},
		{Kind: model.MetricRow, Columns: []model.Column{m("m_state", model.TypeText), m("m_mode", model.TypeText), m("m_b", model.TypeFloat)}},
		{Kind: model.MetricRow, Columns: []model.Column{m("m_a", model.TypeHistogram)}},
		{Kind: model.MetricRow, Columns: []model.Column{m("m_b", model.TypeFloat), m("m_c", model.TypeHistogram), {Type: model.TypeStart}}},
	}
	return g
}

// logs returns a log stream and one of its schemas.
func (g *Generator) logs() (*model.Stream, *model.Schema) {
	ms := []string{"nginx", "app", ""}[g.Rand.Intn(3)]
	st := model.NewStream(model.FromStrings("host", fmt.Sprintf("h%d", g.Rand.Intn(4)), "measurement", ms))
	line := model.Column{Field: model.LineField, Type: model.TypeText}
	sc := &model.Schema{Kind: model.LogRow, Columns: []model.Column{line}}
	if ms != "" && g.Rand.Intn(2) == 0 {
		typ := []model.Type{model.TypeFloat, model.TypeInt}[g.Rand.Intn(2)]
		sc.Columns = append(sc.Columns,
			model.Column{Name: ms + "_ms", Measurement: ms, Field: "ms", Type: typ},
			model.Column{Measurement: ms, Field: "user", Type: model.TypeText})
	}
	if g.Rand.Intn(3) == 0 {
		sc.Columns = append(sc.Columns, model.Column{Measurement: ms, Field: "code", Type: model.TypeInt})
	}
	return st, sc
}

// Time draws a time.
func (g *Generator) Time() int64 {
	const day = 24 * 3600 * int64(1e9)
	d := int64(g.Rand.Intn(g.Days)-g.Days/2) * day
	return g.Origin + d + int64(g.Rand.Intn(40))*(day/40) - int64(g.Rand.Intn(2))
}

// Batch draws a batch of at most n rows.
func (g *Generator) Batch(n int) *model.Batch {
	b := &model.Batch{}
	t := g.Time()
	for range 1 + g.Rand.Intn(n) {
		if g.Rand.Intn(3) == 0 {
			t = g.Time()
		} else {
			t += int64(g.Rand.Intn(3)) * 1e9
		}
		st, sc := g.streams[g.Rand.Intn(len(g.streams))], g.schemas[g.Rand.Intn(len(g.schemas))]
		if g.Rand.Intn(3) == 0 {
			st, sc = g.logs()
		} else if g.Rand.Intn(8) == 0 {
			st = model.NewStream(st.Labels) // interned by another decoder
		}
		b.Begin(st, sc, t)
		for _, c := range sc.Columns {
			switch c.Type {
			case model.TypeFloat:
				b.Float([]float64{g.Rand.NormFloat64(), float64(g.Rand.Intn(5)), math.Inf(1), math.Float64frombits(model.StaleNaNBits)}[g.Rand.Intn(4)])
			case model.TypeInt:
				b.Int([]int64{int64(g.Rand.Intn(9)), math.MaxInt64, math.MinInt64, 1<<53 + 1}[g.Rand.Intn(4)])
			case model.TypeBool:
				b.Bool(g.Rand.Intn(2) == 0)
			case model.TypeText:
				b.TextString([]string{"", "GET /", "x=\"y\" ü\x00", fmt.Sprint("line ", g.Rand.Intn(9))}[g.Rand.Intn(4)])
			case model.TypeHistogram:
				b.Histogram(g.Histogram())
			case model.TypeStart:
				b.Start(int64(g.Rand.Intn(3)) * (t - 1e9))
			}
		}
	}
	return b
}

// Histogram draws a valid native histogram of any kind.
func (g *Generator) Histogram() *model.Histogram {
	h := &model.Histogram{Hint: model.ResetHint(g.Rand.Intn(4)), Integer: g.Rand.Intn(2) == 0, Sum: g.Rand.NormFloat64()}
	switch g.Rand.Intn(12) {
	case 0:
		return model.StaleHistogram()
	case 1:
		h.Sum = math.NaN()
	case 2:
		h.Sum = math.Inf(1)
	}
	count := func() float64 {
		c := float64(1 + g.Rand.Intn(20))
		if !h.Integer {
			c /= float64(1 + g.Rand.Intn(4))
		}
		h.Count += c
		return c
	}
	if g.Rand.Intn(3) == 0 {
		h.Schema = model.CustomSchema
		for i := range g.Rand.Intn(4) {
			h.Custom = append(h.Custom, float64(i)-1+g.Rand.Float64()/2)
		}
		for i := range len(h.Custom) + 1 {
			if g.Rand.Intn(3) > 0 {
				h.Positive.Add(int32(i), count())
			}
		}
		return h
	}
	h.Schema = model.MinSchema + int8(g.Rand.Intn(13))
	if g.Rand.Intn(2) == 0 {
		h.ZeroThreshold, h.ZeroCount = []float64{0, 1e-128, 0.5}[g.Rand.Intn(3)], count()
	}
	for _, b := range []*model.Buckets{&h.Positive, &h.Negative} {
		idx := int32(g.Rand.Intn(40) - 20)
		for range g.Rand.Intn(6) {
			b.Add(idx, count())
			idx += int32(1 + g.Rand.Intn(3))
		}
	}
	return h
}

// Matchers draws a selector.
func (g *Generator) Matchers() []*model.Matcher {
	pick := func(s ...string) string { return s[g.Rand.Intn(len(s))] }
	var ms []*model.Matcher
	for range g.Rand.Intn(3) {
		name := pick("host", "role", "measurement", model.MetricName, "nosuch", "odd\x00name")
		typ := model.MatchType(g.Rand.Intn(4))
		value := ""
		switch {
		case typ == model.MatchRegexp || typ == model.MatchNotRegexp:
			value = pick("", ".*", ".+", "h1", "h[12]", "h.*", "h0|h3", "db|", "(?i)H1", "m_.*", "m_(a|b)", "ng.*", "nginx|app|m", "nginx_ms|m_a")
		default:
			value = pick("", "h0", "h1", "db", "web", "nginx", "m", "m_a", "m_b", "nginx_ms", "v\x00\x01\xff")
		}
		ms = append(ms, model.MustMatcher(typ, name, value))
	}
	return ms
}

// Range draws a range of times, now and then an unbounded one.
func (g *Generator) Range() (mint, maxt int64) {
	if g.Rand.Intn(3) == 0 {
		return math.MinInt64, math.MaxInt64
	}
	mint, maxt = g.Time(), g.Time()
	if mint > maxt {
		mint, maxt = maxt, mint
	}
	return mint, maxt
}
