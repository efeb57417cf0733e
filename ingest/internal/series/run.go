package series

import (
	"sync"
	"sync/atomic"

	"tidemark/storage/model"
)

// Joining samples to rows. Senders of single samples write what one target
// said at one time next to each other: many metrics of one label set. A Run
// makes one row of such neighbours, as line protocol has them from the start,
// so that the store keeps label set, time and links once for all of them.
//
// The schema of a row with metrics a, b and c is that of the row with a and b
// and one column more: layouts form a tree, in which a run steps from a node to its child.
// Which child came last is remembered, so that a step in steady state compares
// one pointer. Nodes are limited in number, because an adversary, or a sender
// that shuffles its metrics, could make up orders for ever: where no child may
// be added the row ends and another begins.

const (
	// maxColumns ends a row. Reading one metric of a row passes by the others.
	maxColumns = 64
	// maxChildren bounds the metrics that may follow a column.
	maxChildren = 8
	// maxLayouts bounds the nodes. Once they are all given out, they are
	// forgotten after layoutLife more samples, which is a few for each
	// generation of the store.
	maxLayouts = 4096
	layoutLife = 32 << 20
)

// layouts is the tree of row schemas.
type layouts struct {
	mu    sync.RWMutex
	roots map[*model.Schema]*layout // by their schema, of one metric
	count int
	spare atomic.Int64 // samples until a full tree is forgotten
}

// layout is a row's schema.
type layout struct {
	schema *model.Schema
	last   *model.Schema // of the last metric alone
	next   atomic.Pointer[layout]
	// children are guarded by layouts.mu.
	children []*layout
}

// child returns the layout with another column, or nil where there may be
// none.
func (ls *layouts) child(l *layout, sc *model.Schema) *layout {
	if n := l.next.Load(); n != nil && n.last == sc {
		return n
	}
	if len(l.schema.Columns) >= maxColumns {
		return nil
	}
	ls.mu.RLock()
	n := l.find(sc)
	ls.mu.RUnlock()
	if n == nil {
		n = ls.add(l, sc)
	}
	if n != nil {
		l.next.Store(n)
	}
	return n
}

func (l *layout) find(sc *model.Schema) *layout {
	for _, n := range l.children {
		if n.last == sc {
			return n
		}
	}
	return nil
}

func (ls *layouts) add(l *layout, sc *model.Schema) *layout {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if n := l.find(sc); n != nil {
		return n
	}
	if len(l.children) >= maxChildren || ls.count >= maxLayouts || l.has(sc) {
		return nil
	}
	cols := append(append(make([]model.Column, 0, len(l.schema.Columns)+1), l.schema.Columns...), sc.Columns...)
	n := &layout{schema: &model.Schema{Kind: model.MetricRow, Columns: cols}, last: sc}
	l.children = append(l.children, n)
	ls.count++
	return n
}

// has reports whether a metric is in the row already: a sample that is given
// twice stays a row of its own, and overrules the first as it would alone.
func (l *layout) has(sc *model.Schema) bool {
	for i := range l.schema.Columns {
		if l.schema.Columns[i].Name == sc.Columns[0].Name {
			return true
		}
	}
	return false
}

// root returns the layout of one metric, or nil where there may be no more.
// sc is that of the row, last the metric's own: without its start time.
func (ls *layouts) root(sc, last *model.Schema) *layout {
	ls.mu.RLock()
	l := ls.roots[sc]
	ls.mu.RUnlock()
	if l != nil {
		return l
	}
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if l := ls.roots[sc]; l != nil {
		return l
	}
	if ls.count >= maxLayouts {
		return nil
	}
	if ls.roots == nil {
		ls.roots = map[*model.Schema]*layout{}
	}
	l = &layout{schema: sc, last: last}
	ls.roots[sc] = l
	ls.count++
	return l
}

// used counts samples, and forgets the tree where it is full and has been
// used for long.
func (ls *layouts) used(samples int) {
	if ls.spare.Add(int64(samples)) < layoutLife {
		return
	}
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.spare.Store(0)
	if ls.count >= maxLayouts {
		ls.roots, ls.count = nil, 0
	}
}

// Run adds samples to a batch, those that fit together as one row. The zero
// value, with C and B set, is ready. Nothing else may add to the batch
// meanwhile.
type Run struct {
	C *Cache
	B *model.Batch

	stream  *model.Stream
	time    int64
	start   int64         // of the row's counters, or 0
	schema  *model.Schema // of the row as it was begun
	metric  *model.Schema // of its first metric alone
	at      *layout       // of the row, where it has several metrics
	first   *layout       // of the row's first column, and often the next row's
	samples int
	rows    int
}

// Add adds a sample. sc must have the one float column of a metric. start is
// when the sample's counter began, or 0 where that is not known.
func (r *Run) Add(st *model.Stream, sc *model.Schema, t, start int64, bits uint64) {
	r.samples++
	if st == r.stream && t == r.time && start == r.start {
		if r.at == nil {
			if r.first == nil || r.first.schema != r.schema {
				r.first = r.C.layouts.root(r.schema, r.metric)
			}
			r.at = r.first
		}
		if r.at != nil {
			if next := r.C.layouts.child(r.at, sc); next != nil {
				r.at = next
				r.B.Widen(next.schema)
				r.B.Int(int64(bits))
				return
			}
		}
	}
	r.stream, r.time, r.start, r.schema, r.metric, r.at = st, t, start, sc, sc, nil
	if start != 0 {
		r.schema = r.C.Variant(sc, true, false)
	}
	r.B.Begin(st, r.schema, t)
	if start != 0 {
		r.B.Start(start)
	}
	r.B.Int(int64(bits))
	r.rows++
}

// AddHistogram is Add for a native histogram, whose row is its own.
func (r *Run) AddHistogram(st *model.Stream, sc *model.Schema, t, start int64, h *model.Histogram) {
	r.samples++
	r.stream, r.at = nil, nil
	r.B.Begin(st, r.C.Variant(sc, start != 0, true), t)
	if start != 0 {
		r.B.Start(start)
	}
	r.B.Histogram(h)
	r.rows++
}

// Metric returns the schema of a metric, or nil where it is new. Mostly it is
// the one that came next the last time, or opens another row like this one.
func (r *Run) Metric(name []byte) *model.Schema {
	at := r.at
	if first := r.first; first != nil {
		if at == nil && r.schema == first.schema {
			at = first
		}
		if at != nil {
			if n := at.next.Load(); n != nil && n.last.Columns[0].Name == string(name) {
				return n.last
			}
		}
		if first.last.Columns[0].Name == string(name) {
			return first.last
		}
	}
	return r.C.FindMetric(name)
}

// End ends the run and returns the number of rows.
func (r *Run) End() int {
	r.C.layouts.used(r.samples)
	return r.rows
}
