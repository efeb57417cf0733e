package series

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"tidemark/ingest"
	"tidemark/storage/model"
)

// TestRunKeepsEverySample joins random neighbours and compares what the rows
// say with a map, in which a later sample replaces an earlier one.
func TestRunKeepsEverySample(t *testing.T) {
	c := NewCache(ingest.Options{}.WithDefaults(), 1<<20)
	o := c.Origin("", "")
	rng := rand.New(rand.NewPCG(1, 2))
	type sample struct {
		st   *model.Stream
		name string
		t    int64
	}
	for range 200 {
		var b model.Batch
		run := Run{C: c, B: &b}
		want := map[sample]uint64{}
		st := c.Add(o, "s0", "m0", labels(0)).Stream
		at := int64(0)
		n := rng.IntN(300)
		for i := range n {
			switch rng.IntN(12) {
			case 0:
				st = c.Add(o, "s", "m0", labels(rng.IntN(3))).Stream
			case 1:
				at = rng.Int64N(3)
			}
			name := fmt.Sprint("m", (i+rng.IntN(2)*rng.IntN(100))%100)
			sc := run.Metric([]byte(name))
			if sc == nil {
				_, sc = c.AddParts(o, "p"+name, name, labels(0))
			}
			if sc.Columns[0].Name != name {
				t.Fatalf("the schema of %s is of %s", name, sc.Columns[0].Name)
			}
			run.Add(st, sc, at, 0, uint64(i))
			want[sample{st, name, at}] = uint64(i)
		}
		got, values := map[sample]uint64{}, 0
		for i := range b.Rows() {
			r := &b.Rows()[i]
			if len(r.Schema.Columns) > maxColumns {
				t.Fatalf("a row of %d columns", len(r.Schema.Columns))
			}
			for j, w := range b.Words(r) {
				got[sample{r.Stream, r.Schema.Columns[j].Name, r.Time}] = w
				values++
			}
		}
		if !b.Valid() || run.End() != b.Len() || values != n || len(got) != len(want) {
			t.Fatalf("%d rows with %d values of %d series, want %d of %d", b.Len(), values, len(got), n, len(want))
		}
		for k, v := range want {
			if got[k] != v {
				t.Fatalf("%v is %d, want %d", k, got[k], v)
			}
		}
	}
}

// TestLayoutsAreBounded shuffles metrics, which has more orders than memory.
func TestLayoutsAreBounded(t *testing.T) {
	c := NewCache(ingest.Options{}.WithDefaults(), 1<<20)
	o := c.Origin("", "")
	st := c.Add(o, "s", "m", labels(0)).Stream
	var scs []*model.Schema
	for i := range 40 {
		_, sc := c.AddParts(o, fmt.Sprint("p", i), fmt.Sprint("m", i), labels(0))
		scs = append(scs, sc)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	var b model.Batch
	schemas := map[*model.Schema]bool{}
	for i := range 3000 {
		rng.Shuffle(len(scs), func(i, j int) { scs[i], scs[j] = scs[j], scs[i] })
		b.Reset()
		run := Run{C: c, B: &b}
		for _, sc := range scs {
			run.Add(st, sc, int64(i), 0, 1)
		}
		run.End()
		for _, r := range b.Rows() {
			schemas[r.Schema] = true
		}
	}
	if len(schemas) > maxLayouts+len(scs) || c.layouts.count > maxLayouts {
		t.Errorf("%d schemas, %d layouts", len(schemas), c.layouts.count)
	}
	// Forgotten after a while, so that orderly senders get their share.
	c.layouts.used(layoutLife)
	if c.layouts.count != 0 {
		t.Errorf("%d layouts after their life", c.layouts.count)
	}
	b.Reset()
	run := Run{C: c, B: &b}
	for range 2 {
		for i, sc := range scs {
			run.Add(st, sc, 1, 0, math.Float64bits(float64(i)))
		}
	}
	if run.End() != 2 {
		t.Errorf("%d rows of one label set and time sent twice, want 2", b.Len())
	}
}
