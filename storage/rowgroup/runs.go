package rowgroup

import (
	"math"
	"sort"

	"tidemark/storage/internal/colenc"
)

// Run is the consecutive rows of one label set in a group.
type Run struct {
	ID         uint32 // label set
	First      int    // index of the first row
	Count      int    // number of rows, at least 1
	Mint, Maxt int64  // times of the first and the last row
}

// appendRuns appends the runs as four columns: what each id adds to the one
// before, rows less one, mint from the group's mint on, and maxt less mint.
func appendRuns(dst []byte, runs []Run, mint int64, mode colenc.Mode) []byte {
	n := len(runs)
	col := make([]int64, n)
	last := int64(-1)
	for i, r := range runs {
		col[i] = int64(r.ID) - last
		last = int64(r.ID)
	}
	dst = mode.Ints(dst, col)
	for i, r := range runs {
		col[i] = int64(r.Count - 1)
	}
	dst = mode.Ints(dst, col)
	for i, r := range runs {
		col[i] = r.Mint
	}
	dst = mode.IntsFrom(dst, mint, col)
	for i, r := range runs {
		col[i] = r.Maxt - r.Mint // may wrap, and wraps back
	}
	return mode.Ints(dst, col)
}

// decodeRuns reads n runs from the front of src and checks that ids ascend, that
// the runs have rows in all, and that their times span mint to maxt.
func decodeRuns(src []byte, n, rows int, mint, maxt int64) (runs []Run, rest []byte, err error) {
	var ids, counts, mints, spans []int64
	if ids, src, err = colenc.DecodeInts(src, n, nil); err != nil {
		return nil, nil, err
	}
	if counts, src, err = colenc.DecodeInts(src, n, nil); err != nil {
		return nil, nil, err
	}
	if mints, src, err = colenc.DecodeIntsFrom(src, mint, n, nil); err != nil {
		return nil, nil, err
	}
	if spans, src, err = colenc.DecodeInts(src, n, nil); err != nil {
		return nil, nil, err
	}
	runs = make([]Run, n)
	id, first := int64(-1), 0
	lo, hi := int64(math.MaxInt64), int64(math.MinInt64)
	for i := range runs {
		if ids[i] < 1 || ids[i] > math.MaxUint32-id {
			return nil, nil, colenc.Corruptf("label set of run %d: want 1 to %d more than %d, got %d", i, math.MaxUint32-id, id, ids[i])
		}
		if counts[i] < 0 || counts[i] >= int64(rows-first) {
			return nil, nil, colenc.Corruptf("rows of run %d: want 1 to %d, got %d", i, rows-first, counts[i]+1)
		}
		id += ids[i]
		r := Run{ID: uint32(id), First: first, Count: int(counts[i] + 1), Mint: mints[i], Maxt: mints[i] + spans[i]}
		if r.Maxt < r.Mint {
			return nil, nil, colenc.Corruptf("maxt of run %d: want at least %d, got %d", i, r.Mint, r.Maxt)
		}
		runs[i] = r
		first += r.Count
		lo, hi = min(lo, r.Mint), max(hi, r.Maxt)
	}
	if first != rows {
		return nil, nil, colenc.Corruptf("rows of runs: want %d in all, got %d", rows, first)
	}
	if lo != mint || hi != maxt {
		return nil, nil, colenc.Corruptf("times of runs: want %d to %d, got %d to %d", mint, maxt, lo, hi)
	}
	return runs, src, nil
}

// Run returns the rows of one label set; ok is false where the group has none.
// It takes time logarithmic in the number of runs.
func (g *Group) Run(id uint32) (r Run, ok bool) {
	i := sort.Search(len(g.runs), func(i int) bool { return g.runs[i].ID >= id })
	if i == len(g.runs) || g.runs[i].ID != id {
		return Run{}, false
	}
	return g.runs[i], true
}
