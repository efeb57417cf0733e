package rowgroup

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"tidemark/storage/model"
)

// accessLog is a full group of access-log rows of one stream: a line of some 90
// bytes, an integer, a decimal, a word of few, a text of many.
func accessLog() []testRow {
	r := rand.New(rand.NewPCG(7, 8))
	rows := make([]testRow, 0, TargetRows)
	at := int64(1_700_000_000e9)
	for range TargetRows {
		at += r.Int64N(50e6)
		status := []int64{200, 200, 200, 304, 404, 500}[r.IntN(6)]
		ms := float64(r.IntN(20000)) / 10
		rows = append(rows, testRow{
			set:  12,
			time: at,
			line: fmt.Sprintf("10.0.%d.%d - GET /api/v1/items/%d?page=%d HTTP/1.1 %d %.1fms", r.IntN(4), r.IntN(256), r.IntN(1e6), r.IntN(9), status, ms),
			fields: []testField{
				{"status", model.Int(status)}, {"ms", model.Float(ms)},
				{"method", model.Text([]string{"GET", "POST"}[r.IntN(2)])},
				{"trace", model.Text(fmt.Sprintf("%016x", r.Uint64()))},
			},
		})
	}
	return rows
}

func BenchmarkBuild(b *testing.B) {
	rows := accessLog()
	bl := NewBuilder()
	lines := make([][]byte, len(rows))
	fields := make([][]Field, len(rows))
	for i, r := range rows {
		lines[i] = []byte(r.line)
		for _, f := range r.fields {
			fields[i] = append(fields[i], FieldOf(f.name, f.value))
		}
	}
	var enc []byte
	b.ReportAllocs()
	for b.Loop() {
		bl.Reset()
		bl.StartSet(1)
		for i := range rows {
			bl.Row(rows[i].time, lines[i], fields[i])
		}
		enc = bl.Append(enc[:0])
	}
	b.ReportMetric(float64(len(rows))*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
	b.ReportMetric(float64(len(enc))/float64(len(rows)), "B/row")
}

// BenchmarkRead opens the group anew each time and reads one thing of it.
func BenchmarkRead(b *testing.B) {
	rows := accessLog()
	enc := build(NewBuilder(), rows)
	n := len(rows)
	g, err := Open(enc)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range g.Columns() {
		b.Logf("column %s of %s: %.2f bytes a row", c.Name, c.Type, float64(c.Size)/float64(n))
	}
	b.Logf("times %.2f, lines %.2f bytes a row", float64(g.times.Size)/float64(n), float64(g.lines.Size)/float64(n))
	var times []int64
	var lines []string
	var vals []model.Value
	for _, k := range []struct {
		name string
		read func(g *Group) error
	}{
		{"open", func(g *Group) error { return nil }},
		{"times", func(g *Group) (err error) { times, err = g.Times(0, n, times[:0]); return err }},
		{"lines", func(g *Group) (err error) { lines, err = g.Lines(0, n, lines[:0]); return err }},
		{"tenLines", func(g *Group) (err error) { lines, err = g.Lines(n/2, 10, lines[:0]); return err }},
		{"ms", func(g *Group) (err error) { vals, err = g.Column("ms", 0, n, vals[:0]); return err }},
		{"method", func(g *Group) (err error) { vals, err = g.Column("method", 0, n, vals[:0]); return err }},
	} {
		b.Run(k.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				g, err := Open(enc)
				if err != nil {
					b.Fatal(err)
				}
				if err := k.read(g); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}
