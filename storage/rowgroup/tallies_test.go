package rowgroup

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"tidemark/storage/model"
)

// tallied are rows of few label sets whose fields have tallies and totals, and
// some that have none: of many texts, of several types, with a value that is not
// finite.
func tallied(rows int) (out []testRow) {
	rng := rand.New(rand.NewPCG(3, 3))
	for i := range rows {
		r := testRow{set: uint32(i / (rows / 4)), time: int64(i), line: "x", fields: []testField{
			{"many", model.Text(fmt.Sprint(i))}, {"ms", model.Float(float64(rng.IntN(100000)) / 100)}, {"bytes", model.Int(rng.Int64N(1000) - 500)},
			{"odd", model.Float(float64(i))}}}
		if i%3 > 0 {
			r.fields = append(r.fields, testField{"level", model.Text([]string{"info", "warn", "error"}[rng.IntN(3)])})
		}
		if i%2 == 0 {
			r.fields = append(r.fields, testField{"mixed", model.Text("a")})
		} else {
			r.fields = append(r.fields, testField{"mixed", model.Int(1)})
		}
		if i%5 == 0 {
			r.fields[1].value = model.Int(rng.Int64N(1000))
		}
		if i == rows/2 {
			r.fields[3].value = model.Float(math.Inf(1))
		}
		out = append(out, r)
	}
	return out
}

func TestTalliesAndTotals(t *testing.T) {
	rows := tallied(2048)
	for _, b := range [][]byte{checkRoundTrip(t, rows), buildBest(rows)} {
		g, err := Open(b)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"many", "mixed", "ms", "none"} {
			if tally, err := g.Tally(name); tally != nil || err != nil {
				t.Errorf("%s: want no tally, got %v, %v", name, tally, err)
			}
		}
		for _, name := range []string{"odd", "mixed", "level", "none"} {
			if totals, err := g.Totals(name); totals != nil || err != nil {
				t.Errorf("%s: want no totals, got %v, %v", name, totals, err)
			}
		}
		tally, err := g.Tally("level")
		if err != nil || tally == nil || len(tally.Texts) != 3 {
			t.Fatalf("level: got tally %v, %v", tally, err)
		}
		totals := make(map[string]Totals)
		for _, name := range []string{"ms", "bytes"} {
			if totals[name], err = g.Totals(name); err != nil || len(totals[name]) != len(g.Sets()) {
				t.Fatalf("%s: got %d totals, %v", name, len(totals[name]), err)
			}
		}
		for k, run := range g.Sets() {
			counts := make(map[string]int64)
			want := map[string]*Total{"ms": {}, "bytes": {}}
			for _, r := range rows[run.First : run.First+run.Count] {
				counts[r.value("level").Text]++
				for name, w := range want {
					v := r.value(name)
					w.Add(model.BitsToFloat(v.Type, v.Bits))
				}
			}
			for i, text := range tally.Texts {
				if got := tally.Count(k, i); got != counts[text] {
					t.Errorf("run %d: got %d rows of level %s, want %d", k, got, text, counts[text])
				}
			}
			for name, w := range want {
				// Integers and others are added up apart: sums may differ in their last bit.
				got := totals[name][k]
				if got.Rows != w.Rows || got.Least != w.Least || got.Max != w.Max || math.Abs(got.Sum+got.Lost-w.Sum-w.Lost) > 1e-9 {
					t.Errorf("run %d: got total %v of %s, want %v", k, got, name, *w)
				}
			}
		}
	}
}

func buildBest(rows []testRow) []byte {
	b := NewBuilder()
	build(b, rows)
	return b.AppendBest(nil)
}
