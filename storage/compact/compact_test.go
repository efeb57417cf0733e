package compact

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"tidemark/storage/chunk"
	"tidemark/storage/model"
)

// stored is a chunk of a simulated series.
type stored struct {
	Piece
	value []byte
}

func store(t *testing.T, c *chunk.Column, pos uint64) stored {
	t.Helper()
	v := chunk.Append(nil, c)
	h, err := chunk.ReadHeader(v)
	if err != nil {
		t.Fatal(err)
	}
	return stored{Piece{h.Type, h.Mint, h.Maxt, pos, h.Count, len(v)}, v}
}

// value is what a reader gets at a time.
type value struct {
	typ  model.Type
	bits uint64
	text string
}

// read resolves the chunks as a reader does.
func read(t *testing.T, series []stored) map[int64]value {
	t.Helper()
	out := map[int64]value{}
	at := map[int64]uint64{}
	for _, s := range series {
		var c chunk.Column
		if err := chunk.Decode(s.value, &c); err != nil {
			t.Fatal(err)
		}
		for i, tm := range c.Times {
			if p, ok := at[tm]; ok && p >= s.Position {
				if p == s.Position {
					t.Fatalf("two samples at %d have position %d", tm, p)
				}
				continue
			}
			v := value{typ: c.Type}
			if c.Type == model.TypeText {
				v.text = c.Texts[i]
			} else {
				v.bits = c.Bits[i]
			}
			out[tm], at[tm] = v, s.Position
		}
	}
	return out
}

func piecesOf(series []stored) []Piece {
	var ps []Piece
	for _, s := range series {
		ps = append(ps, s.Piece)
	}
	return ps
}

// apply runs one pass and returns the series after it, with the samples that
// were written.
func apply(t *testing.T, series []stored, settle bool) (after []stored, merges, written int) {
	t.Helper()
	plan := Plan(piecesOf(series), settle)
	taken := make([]bool, len(series))
	var m Merger
	var out []stored
	for _, mg := range plan {
		if len(mg.Pieces) < 2 && !mg.Partial() {
			t.Fatalf("a merge of %d chunks", len(mg.Pieces))
		}
		var src []Source
		input := 0
		for _, i := range mg.Pieces {
			if taken[i] {
				t.Fatalf("chunk %d is in two merges", i)
			}
			taken[i] = true
			input += series[i].Count
			src = append(src, Source{series[i].Position, series[i].value})
		}
		if input > MaxInputSamples+chunk.MaxSamples && len(mg.Pieces) > 2 {
			t.Fatalf("a merge of %d samples", input)
		}
		_, err := m.Merge(src, mg.Until, func(r Result) error {
			written += r.Column.Len()
			out = append(out, store(t, r.Column, r.Position))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range series {
		if !taken[i] {
			after = append(after, series[i])
		}
	}
	after = append(after, out...)
	type key struct {
		typ   model.Type
		start int64
		pos   uint64
	}
	seen := map[key]bool{}
	for _, s := range after {
		k := key{s.Type, s.Mint, s.Position}
		if seen[k] {
			t.Fatalf("two chunks have the key %+v", k)
		}
		seen[k] = true
	}
	return after, len(plan), written
}

// flushOf makes the chunks of one flush, cut as a flush cuts them.
func flushOf(t *testing.T, samples map[int64]value, pos uint64) []stored {
	t.Helper()
	var out []stored
	times := slices.Sorted(maps.Keys(samples))
	for _, typ := range []model.Type{model.TypeFloat, model.TypeInt, model.TypeBool, model.TypeText} {
		c := chunk.Column{Type: typ}
		for _, tm := range times {
			if v := samples[tm]; v.typ == typ {
				c.Times = append(c.Times, tm)
				if typ == model.TypeText {
					c.Texts = append(c.Texts, v.text)
				} else {
					c.Bits = append(c.Bits, v.bits)
				}
			}
		}
		for n := c.Len(); n > 0; n = c.Len() {
			cut := c.Cut()
			part := c.Slice(0, cut)
			out = append(out, store(t, &part, pos))
			c = c.Slice(cut, n)
		}
	}
	return out
}

// TestPassesKeepWhatIsRead writes random flushes, late, overlapping and of
// changing types, with passes between them, and reads after each.
func TestPassesKeepWhatIsRead(t *testing.T) {
	for seed := range uint64(24) {
		rng := rand.New(rand.NewPCG(seed, 2))
		texts := seed%4 == 3
		var series []stored
		want := map[int64]value{}
		now := int64(0)
		for pos := uint64(1); pos < 30; pos++ {
			flush := map[int64]value{}
			n := []int{1, 3, 40, 400, 2000, 9000}[rng.IntN(4+int(seed%3))]
			start, step := now, int64(1+rng.IntN(3))
			if rng.IntN(3) == 0 {
				start = rng.Int64N(now+1) - 5 // late
			} else {
				now += int64(n) * step
			}
			if rng.IntN(10) == 0 && len(series) > 0 {
				start = series[rng.IntN(len(series))].Mint
			}
			typ := []model.Type{model.TypeFloat, model.TypeInt, model.TypeBool}[rng.IntN(3)*rng.IntN(2)]
			for i := range n {
				v := value{typ: typ, bits: uint64(rng.IntN(2))}
				if rng.IntN(50) == 0 {
					v.typ = model.TypeInt
				}
				if texts {
					v = value{typ: model.TypeText, text: fmt.Sprint("state ", rng.IntN(5))}
				}
				flush[start+int64(i)*step] = v
			}
			maps.Copy(want, flush)
			series = append(series, flushOf(t, flush, pos)...)
			rng.Shuffle(len(series), func(i, j int) { series[i], series[j] = series[j], series[i] })
			if rng.IntN(4) == 0 {
				series, _, _ = apply(t, series, rng.IntN(3) == 0)
				if got := read(t, series); !maps.Equal(got, want) {
					t.Fatalf("seed %d, position %d: %d samples, want %d, or others", seed, pos, len(got), len(want))
				}
			}
		}
		for round := 0; ; round++ {
			var merges int
			if series, merges, _ = apply(t, series, true); merges == 0 {
				break
			}
			if round == 20 {
				t.Fatalf("seed %d: a settled series is still being rewritten", seed)
			}
		}
		if got := read(t, series); !maps.Equal(got, want) {
			t.Fatalf("seed %d: settled: %d samples, want %d, or others", seed, len(got), len(want))
		}
		if _, merges, _ := apply(t, series, false); merges > 0 {
			t.Errorf("seed %d: a tiered pass finds %d merges in a settled series", seed, merges)
		}
		if !texts && len(series) > 3*(1+2*len(want)/chunk.MaxSamples) {
			t.Errorf("seed %d: %d chunks hold %d samples", seed, len(series), len(want))
		}
	}
}

// TestWriteAmplification flushes a day's series in order, with a pass after
// every 16 flushes and one at the end, and counts what is written again.
func TestWriteAmplification(t *testing.T) {
	for _, perFlush := range []int{1, 7, 30, 180, 325, 1000, 1800, 5000} {
		var series []stored
		now, rewritten, most := int64(0), 0, 0
		for f := range 240 {
			flush := map[int64]value{}
			for range perFlush {
				flush[now] = value{typ: model.TypeFloat, bits: uint64(now)}
				now++
			}
			series = append(series, flushOf(t, flush, uint64(f+1))...)
			if f%16 == 15 {
				var w int
				series, _, w = apply(t, series, false)
				rewritten += w
				most = max(most, len(series)-int(now)/(chunk.MaxSamples/2))
			}
		}
		hot := float64(rewritten) / float64(now)
		for merges := 1; merges > 0; {
			var w int
			series, merges, w = apply(t, series, true)
			rewritten += w
		}
		all := float64(rewritten) / float64(now)
		t.Logf("%5d samples a flush: rewritten %.2f times while hot, %.2f in all; at most %d chunks above the full ones, %d at last", perFlush, hot, all, most, len(series))
		if hot > 3 || all > 4 {
			t.Errorf("%d samples a flush: written %.2f and %.2f times more, want at most 3 and 4", perFlush, hot, all)
		}
		if best := 1 + int(now)/chunk.MaxSamples; len(series) > 2*best {
			t.Errorf("%d samples a flush: %d chunks at last, want at most %d", perFlush, len(series), 2*best)
		}
	}
}

// TestLateSamples adds one late sample a flush to a full chunk: it must not be
// rewritten for each.
func TestLateSamples(t *testing.T) {
	full := map[int64]value{}
	for i := range int64(chunk.MaxSamples) {
		full[i*10] = value{typ: model.TypeFloat, bits: uint64(i)}
	}
	series := flushOf(t, full, 1)
	written := 0
	for f := range 64 {
		series = append(series, flushOf(t, map[int64]value{int64(f)*7 + 1: {typ: model.TypeFloat}}, uint64(f+2))...)
		var w int
		series, _, w = apply(t, series, false)
		written += w
	}
	if most := 64/(manyPieces-1) + 1; written > most*(chunk.MaxSamples+64) {
		t.Errorf("64 late samples had %d samples written, want at most %d rewrites of the chunk", written, most)
	}
}

// TestManyBackfills merges far more overlapping samples than one merge holds.
func TestManyBackfills(t *testing.T) {
	var series []stored
	want := map[int64]value{}
	for pos := range uint64(40) {
		c := chunk.Column{Type: model.TypeFloat}
		for i := range int64(chunk.MaxSamples) {
			tm := i
			if pos%3 == 0 {
				tm = i * 3
			}
			c.Times, c.Bits = append(c.Times, tm), append(c.Bits, pos<<32|uint64(i))
		}
		series = append(series, store(t, &c, pos+1))
		for i, tm := range c.Times {
			want[tm] = value{typ: model.TypeFloat, bits: c.Bits[i]}
		}
	}
	rounds := 0
	for merges := 1; merges > 0; rounds++ {
		if rounds == 50 {
			t.Fatal("no end")
		}
		series, merges, _ = apply(t, series, true)
		if !maps.Equal(read(t, series), want) {
			t.Fatalf("round %d: other samples", rounds)
		}
	}
	if len(series) > 6 {
		t.Errorf("%d chunks, want 3 to 6", len(series))
	}
}

// TestHidden leaves out what was deleted.
func TestHidden(t *testing.T) {
	series := flushOf(t, map[int64]value{1: {typ: 1}, 2: {typ: 1}, 3: {typ: 1}}, 5)
	series = append(series, flushOf(t, map[int64]value{2: {typ: 1, bits: 9}, 4: {typ: 1}}, 7)...)
	m := Merger{Hidden: func(tm int64, pos uint64) bool { return tm <= 3 && pos <= 6 }}
	var times []int64
	st, err := m.Merge([]Source{{5, series[0].value}, {7, series[1].value}}, math.MaxInt64, func(r Result) error {
		times = append(times, r.Column.Times...)
		return nil
	})
	if err != nil || !slices.Equal(times, []int64{2, 4}) || st != (Stats{5, 2, 1}) {
		t.Fatalf("got %v, %+v, %v", times, st, err)
	}
	times = nil
	m.Hidden = func(int64, uint64) bool { return true }
	st, err = m.Merge([]Source{{5, series[0].value}}, 2, func(Result) error { return errors.New("nothing is left") })
	if err != nil || st.ChunksOut != 0 {
		t.Fatalf("got %+v, %v", st, err)
	}
}

// TestStartTimes keeps start times through a merge with samples that have none.
func TestStartTimes(t *testing.T) {
	a := store(t, &chunk.Column{Type: model.TypeFloat, Times: []int64{1, 2}, Bits: []uint64{1, 2}, Starts: []int64{-5, -4}}, 1)
	b := store(t, &chunk.Column{Type: model.TypeFloat, Times: []int64{3, 4}, Bits: []uint64{3, 4}}, 2)
	c := store(t, &chunk.Column{Type: model.TypeFloat, Times: []int64{5}, Bits: []uint64{5}, Starts: []int64{-3}}, 3)
	var m Merger
	_, err := m.Merge([]Source{{1, a.value}, {2, b.value}, {3, c.value}}, math.MaxInt64, func(r Result) error {
		if want := []int64{-5, -4, chunk.NoStart, chunk.NoStart, -3}; !slices.Equal(r.Column.Starts, want) {
			t.Errorf("start times are %v, want %v", r.Column.Starts, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestDamagedSource names the chunk that cannot be decoded.
func TestDamagedSource(t *testing.T) {
	series := flushOf(t, map[int64]value{1: {typ: 1}}, 5)
	bad := slices.Clone(series[0].value)
	bad[len(bad)-1] ^= 1
	var m Merger
	_, err := m.Merge([]Source{{5, series[0].value}, {6, bad}}, math.MaxInt64, func(Result) error { return nil })
	var se *SourceError
	if !errors.As(err, &se) || se.Source != 1 || !errors.Is(err, chunk.ErrCorrupt) {
		t.Fatalf("got %v", err)
	}
}

// FuzzPlan plans over arbitrary pieces: no chunk twice, and no chunk left out
// between the positions of those that overlap it.
func FuzzPlan(f *testing.F) {
	f.Add([]byte{1, 10, 1, 1, 5, 10, 2, 1, 0, 30, 3, 2}, true)
	f.Fuzz(func(t *testing.T, b []byte, settle bool) {
		var ps []Piece
		for ; len(b) >= 4 && len(ps) < 200; b = b[4:] {
			mint := int64(b[0])
			ps = append(ps, Piece{Type: model.Type(1 + b[3]%3), Mint: mint, Maxt: mint + int64(b[1]), Position: uint64(b[2]), Count: min(1+int(b[1])*int(b[3]), chunk.MaxSamples), Bytes: 100 * int(b[3])})
		}
		used := make([]bool, len(ps))
		for _, m := range Plan(ps, settle) {
			lo, hi, low, top := int64(math.MaxInt64), int64(math.MinInt64), uint64(math.MaxUint64), uint64(0)
			in := map[int]bool{}
			for _, i := range m.Pieces {
				if used[i] {
					t.Fatalf("chunk %d twice", i)
				}
				used[i], in[i] = true, true
				lo, hi = min(lo, ps[i].Mint), max(hi, min(ps[i].Maxt, m.Until))
				low, top = min(low, ps[i].Position), max(top, ps[i].Position)
			}
			if !slices.IsSortedFunc(m.Pieces, func(a, b int) int { return cmp.Compare(ps[a].Mint, ps[b].Mint) }) {
				t.Fatal("not in order of time")
			}
			for i := range ps {
				if !in[i] && ps[i].Mint <= hi && ps[i].Maxt >= lo && ps[i].Position < top && ps[i].Position > low {
					t.Fatalf("%+v is left out of %+v", ps[i], m)
				}
			}
		}
	})
}
