package rowgroup

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tidemark/storage/model"
)

// testRow is a row as the naive twin of a group keeps it.
type testRow struct {
	set    uint32
	time   int64
	line   string
	fields []testField
}

type testField struct {
	name  string
	value model.Value
}

// value returns the last value the row was given for a field.
func (r *testRow) value(name string) (v model.Value) {
	for _, f := range r.fields {
		if f.name == name && f.value.Type != model.TypeNone {
			v = f.value
		}
	}
	return v
}

func build(b *Builder, rows []testRow) []byte {
	var line []byte
	for i := range rows {
		r := &rows[i]
		b.StartSet(r.set)
		var fs []Field
		for _, f := range r.fields {
			fs = append(fs, FieldOf(f.name, f.value))
		}
		line = append(line[:0], r.line...)
		b.Row(r.time, line, fs)
		for k := range line { // the builder must have copied
			line[k] = '!'
		}
		for _, f := range fs {
			for k := range f.Text {
				f.Text[k] = '!'
			}
		}
	}
	out := b.Append(nil)
	for what, enc := range map[string][]byte{"smallest": out, "plain": b.AppendPlain(nil)} {
		if err := b.Verify(enc); err != nil {
			panic(what + ": " + err.Error())
		}
	}
	return out
}

type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// checkRoundTrip builds the rows and compares what a reader finds with them:
// whole, and run by run.
func checkRoundTrip(t fataler, rows []testRow) []byte {
	t.Helper()
	b := NewBuilder()
	enc := build(b, rows)
	if again := b.Append([]byte("x")); !bytes.Equal(again[1:], enc) {
		t.Fatal("a second Append gave other bytes")
	}
	b.Reset()
	if b.Rows() != 0 || b.Size() != 0 {
		t.Fatalf("after Reset: got %d rows of size %d", b.Rows(), b.Size())
	}
	if again := build(b, rows); !bytes.Equal(again, enc) {
		t.Fatal("the same rows after Reset gave other bytes")
	}
	g, err := Open(enc)
	if err != nil {
		t.Fatal(err)
	}
	checkGroup(t, g, rows)
	return enc
}

// checkGroup compares all a group says with the rows.
func checkGroup(t fataler, g *Group, rows []testRow) {
	t.Helper()
	if g.Rows() != len(rows) {
		t.Fatalf("rows: got %d, want %d", g.Rows(), len(rows))
	}
	var runs []Run
	mint, maxt := int64(math.MaxInt64), int64(math.MinInt64)
	names := map[string]bool{"no such field": true}
	for i, r := range rows {
		if k := len(runs) - 1; k >= 0 && runs[k].ID == r.set {
			runs[k].Count++
			runs[k].Maxt = r.time
		} else {
			runs = append(runs, Run{ID: r.set, First: i, Count: 1, Mint: r.time, Maxt: r.time})
		}
		mint, maxt = min(mint, r.time), max(maxt, r.time)
		for _, f := range r.fields {
			names[f.name] = true
		}
	}
	if !slices.Equal(g.Sets(), runs) {
		t.Fatalf("sets: got %+v, want %+v", g.Sets(), runs)
	}
	if g.Mint() != mint || g.Maxt() != maxt {
		t.Fatalf("mint, maxt: got %d, %d, want %d, %d", g.Mint(), g.Maxt(), mint, maxt)
	}
	for _, r := range runs {
		if got, ok := g.Run(r.ID); !ok || got != r {
			t.Fatalf("Run(%d): got %+v, %v, want %+v", r.ID, got, ok, r)
		}
		if !slices.ContainsFunc(runs, func(o Run) bool { return o.ID == r.ID+1 }) {
			if got, ok := g.Run(r.ID + 1); ok {
				t.Fatalf("Run(%d): got %+v, want none", r.ID+1, got)
			}
		}
	}
	checkColumns(t, g, rows)
	checkRows(t, g, rows, 0, len(rows), names)
	for _, r := range runs {
		checkRows(t, g, rows, r.First, r.Count, names)
	}
	checkRows(t, g, rows, len(rows)/2, 0, names)
}

func checkColumns(t fataler, g *Group, rows []testRow) {
	t.Helper()
	type key struct {
		name string
		typ  model.Type
	}
	want := map[key]ColumnInfo{}
	for i := range rows {
		for _, f := range rows[i].fields {
			v := rows[i].value(f.name)
			if v.Type == model.TypeNone {
				continue
			}
			k := key{f.name, v.Type}
			c, ok := want[k]
			if !ok {
				c = ColumnInfo{Name: f.name, Type: v.Type, First: i, Last: -1}
			}
			if c.Last != i {
				c.Present++
			}
			c.Last = i
			want[k] = c
		}
	}
	if len(g.Columns()) != len(want) {
		t.Fatalf("columns: got %+v, want %+v", g.Columns(), want)
	}
	for _, c := range g.Columns() {
		c.Size = 0
		if want[key{c.Name, c.Type}] != c {
			t.Fatalf("column: got %+v, want %+v", c, want[key{c.Name, c.Type}])
		}
	}
}

// checkRows compares the rows [first, first+count) of a group.
func checkRows(t fataler, g *Group, rows []testRow, first, count int, names map[string]bool) {
	t.Helper()
	times, err := g.Times(first, count, []int64{-7})
	if err != nil {
		t.Fatal(err)
	}
	lines, err := g.Lines(first, count, []string{"kept"})
	if err != nil {
		t.Fatal(err)
	}
	if len(times) != count+1 || len(lines) != count+1 || times[0] != -7 || lines[0] != "kept" {
		t.Fatalf("got %d times and %d lines, want %d behind what was there", len(times), len(lines), count)
	}
	want := rows[first : first+count]
	for i, r := range want {
		if times[i+1] != r.time || lines[i+1] != r.line {
			t.Fatalf("row %d: got %d %q, want %d %q", first+i, times[i+1], lines[i+1], r.time, r.line)
		}
	}
	for name := range names {
		vals, err := g.Column(name, first, count, []model.Value{model.Int(5)})
		if err != nil {
			t.Fatal(err)
		}
		if len(vals) != count+1 || vals[0] != model.Int(5) {
			t.Fatalf("column %q: got %d values, want %d behind what was there", name, len(vals), count)
		}
		some := false
		for i := range want {
			v := want[i].value(name)
			some = some || v.Type != model.TypeNone
			if vals[i+1] != v {
				t.Fatalf("column %q of row %d: got %#v, want %#v", name, first+i, vals[i+1], v)
			}
		}
		if some && !g.Has(name, first, count) {
			t.Fatalf("column %q: Has says that rows %d to %d lack it", name, first, first+count)
		}
	}
}

// groups are groups as they occur, and as they should not but may.
func groups() map[string][]testRow {
	r := rand.New(rand.NewPCG(3, 4))
	many := func(n int, f func(i int) testRow) (rows []testRow) {
		for i := range n {
			rows = append(rows, f(i))
		}
		return rows
	}
	words := []string{"connection", "from", "refused", "timeout", "user", "session", "closed", "opened", "upstream", "GET", "POST"}
	sentence := func() string {
		s := ""
		for range 3 + r.IntN(8) {
			s += words[r.IntN(len(words))] + " "
		}
		return s + fmt.Sprint(r.IntN(100000))
	}
	mixed := []model.Value{model.Float(1.5), model.Int(-3), model.Bool(true), model.Text("x"), {}, model.Float(math.NaN()), model.Float(math.Copysign(0, -1)), model.Int(math.MinInt64)}
	return map[string][]testRow{
		"one row":    {{set: 7, time: -5, line: "hello"}},
		"empty line": {{set: 0, time: 0, line: ""}},
		"extremes":   {{set: 0, time: math.MinInt64, line: "a"}, {set: 0, time: math.MaxInt64, line: "b"}, {set: math.MaxUint32, time: 0, line: "c"}},
		"equal rows": many(100, func(int) testRow { return testRow{set: 3, time: 1000, line: "again"} }),
		"hostile text": many(3, func(i int) testRow {
			return testRow{set: 1, time: 5, line: []string{"\x00\x00", "\xff\xfe\xc3", "é\n\r\t\u2028"}[i], fields: []testField{{"\xff", model.Text("\x00")}, {"", model.Text("")}}}
		}),
		"quiet streams": many(2000, func(i int) testRow {
			return testRow{set: uint32(i/3) * 11, time: int64(i%3) * 1e9, line: sentence(), fields: []testField{{"status", model.Int(int64(200 + i%5))}}}
		}),
		"long text": many(3000, func(i int) testRow {
			return testRow{set: uint32(i / 500), time: int64(i / 2), line: sentence() + sentence()}
		}),
		"sparse": many(1000, func(i int) testRow {
			row := testRow{set: uint32(i / 100), time: int64(i)}
			if i%7 == 3 {
				row.fields = append(row.fields, testField{"seventh", model.Float(float64(i) / 10)})
			}
			if i == 500 {
				row.fields = append(row.fields, testField{"once", model.Text("only")})
			}
			if i/100 == 4 {
				row.fields = append(row.fields, testField{"fifth set", model.Int(int64(i))})
			}
			if i > 300 && i < 303 || i > 900 {
				row.fields = append(row.fields, testField{"text", model.Text(sentence())})
			}
			return row
		}),
		"several types": many(200, func(i int) testRow {
			return testRow{set: 1, time: int64(i), line: "x", fields: []testField{{"a", mixed[i%len(mixed)]}, {"b", mixed[(i/3)%len(mixed)]}}}
		}),
		"twice named": many(20, func(i int) testRow {
			return testRow{set: 1, time: int64(i), line: "x", fields: []testField{{"a", model.Int(1)}, {"b", model.Int(9)}, {"a", mixed[i%len(mixed)]}}}
		}),
		"only replaced": {{set: 1, time: 1, fields: []testField{{"a", model.Text("gone")}, {"a", model.Int(4)}}}},
		"random bytes": many(50, func(int) testRow {
			b := make([]byte, r.IntN(9000))
			for i := range b {
				b[i] = byte(r.Uint32())
			}
			return testRow{set: 2, time: 1, line: string(b)}
		}),
		"huge line": {{set: 1, time: 1, line: "small"}, {set: 1, time: 2, line: string(bytes.Repeat([]byte("0123456789abcdef"), 20_000))}, {set: 1, time: 3, line: "tail"}},
	}
}

func TestRoundTrip(t *testing.T) {
	for name, rows := range groups() {
		t.Run(name, func(t *testing.T) {
			enc := checkRoundTrip(t, rows)
			size := 0
			for _, r := range rows {
				size += len(r.line)
			}
			t.Logf("%d rows with %d bytes of lines in %d bytes", len(rows), size, len(enc))
		})
	}
}

func drawRows(t *rapid.T) []testRow {
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	sets := rapid.IntRange(1, 20).Draw(t, "sets")
	perSet := rapid.IntRange(1, 40).Draw(t, "rows of a set")
	names := rapid.SliceOfN(rapid.StringN(0, 3, -1), 0, 6).Draw(t, "names")
	vocabulary := rapid.IntRange(1, 5).Draw(t, "vocabulary")
	var rows []testRow
	id := rapid.Uint32().Draw(t, "id")
	for range sets {
		at := rapid.Int64().Draw(t, "time")
		for range 1 + r.IntN(perSet) {
			row := testRow{set: id, time: at, line: fmt.Sprint("line ", r.IntN(vocabulary*vocabulary*10))}
			for _, n := range names {
				if r.IntN(4) == 0 {
					continue
				}
				v := model.Value{Type: model.Type(r.IntN(5)), Bits: r.Uint64() >> r.IntN(64)}
				switch v.Type {
				case model.TypeNone:
					v.Bits = 0
				case model.TypeBool:
					v.Bits &= 1
				case model.TypeText:
					v = model.Text(fmt.Sprint(r.IntN(vocabulary)))
				}
				row.fields = append(row.fields, testField{n, v})
			}
			rows = append(rows, row)
			if d := int64(r.Uint64()>>1) >> r.IntN(64); at <= math.MaxInt64-d {
				at += d
			}
		}
		d := uint32(1 + r.IntN(1000))
		if id > math.MaxUint32-d {
			break
		}
		id += d
	}
	return rows
}

func TestRoundTripDrawn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkRoundTrip(t, drawRows(t)) })
}

func TestFull(t *testing.T) {
	line := make([]byte, 1000)
	wide := make([]Field, TargetColumns)
	for i := range wide {
		wide[i] = Field{Name: fmt.Sprint(i), Type: model.TypeInt}
	}
	for _, c := range []struct {
		what   string
		line   []byte
		fields []Field
		want   int // rows after which the builder is full
	}{
		{"rows", nil, nil, TargetRows},
		{"bytes of lines", line, nil, (TargetBytes + 1007) / 1008},
		{"bytes of fields", nil, []Field{{Name: "abcd", Type: model.TypeText, Text: line}}, (TargetBytes - 4 + 1011) / 1012},
		{"columns", nil, wide, 1},
	} {
		b := NewBuilder()
		b.StartSet(1)
		for !b.Full() && b.Rows() <= TargetRows {
			b.Row(0, c.line, c.fields)
		}
		if b.Rows() != c.want {
			t.Errorf("%s: full after %d rows, want %d", c.what, b.Rows(), c.want)
		}
	}
}

func TestMisusePanics(t *testing.T) {
	for what, f := range map[string]func(b *Builder){
		"row without a set": func(b *Builder) { b.Row(1, nil, nil) },
		"set id descends":   func(b *Builder) { b.StartSet(2); b.StartSet(1) },
		"time descends":     func(b *Builder) { b.StartSet(1); b.Row(2, nil, nil); b.Row(1, nil, nil) },
		"histogram":         func(b *Builder) { b.StartSet(1); b.Row(2, nil, []Field{{Name: "h", Type: model.TypeHistogram}}) },
		"nothing to append": func(b *Builder) { b.StartSet(1); b.Append(nil) },
		"rows beyond the last": func(b *Builder) {
			b.StartSet(1)
			b.Row(1, nil, nil)
			g, _ := Open(b.Append(nil))
			_, _ = g.Times(1, 1, nil)
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: want a panic", what)
				}
			}()
			f(NewBuilder())
		}()
	}
}
