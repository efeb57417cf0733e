package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"tidemark/storage/keys"
	"tidemark/storage/model"
	"tidemark/storage/rowgroup"
)

// groupReader finds and opens row groups for one call on a view. It keeps some
// of them open, because neighbouring label sets share groups.
type groupReader struct {
	v       *view
	iter    *pebble.Iterator
	flushes map[keys.Partition][]flushSpan
	open1   map[string]*rowgroup.Group
	queue   []string
	sizes   map[string]int
	held    int
}

// groupsHeld bounds the encoded bytes of the groups that are kept open.
const groupsHeld = 32 << 20

type flushSpan struct {
	pos   uint64
	times model.TimeRange
}

// groupPiece is the rows of one label set in one group.
type groupPiece struct {
	key string
	pos uint64
	run rowgroup.Run
}

func newGroupReader(v *view, it *pebble.Iterator) *groupReader {
	return &groupReader{v: v, iter: it, flushes: make(map[keys.Partition][]flushSpan),
		open1: make(map[string]*rowgroup.Group), sizes: make(map[string]int)}
}

// spans returns the flushes that wrote rows into a partition and count in this
// view, ascending.
func (r *groupReader) spans(p keys.Partition) ([]flushSpan, error) {
	if s, ok := r.flushes[p]; ok {
		return s, nil
	}
	var out []flushSpan
	lo, hi := p.Flushes()
	err := scan(r.v.snap, lo, hi, func(it *pebble.Iterator) error {
		pos, err := p.ReadFlush(it.Key())
		if err != nil {
			return corrupt("flush", err)
		}
		val, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		times, err := keys.ReadFlushValue(val)
		if err != nil {
			return corrupt("flush", err)
		}
		if pos <= r.v.applied {
			out = append(out, flushSpan{pos, times})
		}
		return nil
	})
	if err == nil {
		r.flushes[p] = out
	}
	return out, err
}

// find returns the pieces of a label set's rows that overlap a range, in order
// of (position, time): one seek per flush, and only groups that hold the label
// set are opened.
func (r *groupReader) find(ctx context.Context, p keys.Partition, set uint32, mint, maxt int64) ([]groupPiece, error) {
	spans, err := r.spans(p)
	if err != nil {
		return nil, err
	}
	var out []groupPiece
	for _, sp := range spans {
		if sp.times.Maxt < mint || sp.times.Mint > maxt {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		lo, hi := p.RowGroupsAt(sp.pos)
		// The group before the label set's first may reach into it.
		ok := r.iter.SeekLT(p.RowGroupsFrom(sp.pos, set))
		if !ok || string(r.iter.Key()) < string(lo) {
			ok = r.iter.SeekGE(lo)
		}
		for ; ok && string(r.iter.Key()) < string(hi); ok = r.iter.Next() {
			k, err := p.ReadRowGroup(r.iter.Key())
			if err != nil {
				return nil, corrupt("row group", err)
			}
			if k.FirstSet > set {
				break
			}
			if k.LastSet < set || k.FirstSet == set && k.FirstTime > maxt {
				continue
			}
			g, err := r.current()
			if err != nil {
				return nil, err
			}
			if run, ok := g.Run(set); ok && run.Mint <= maxt && run.Maxt >= mint {
				out = append(out, groupPiece{string(r.iter.Key()), sp.pos, run})
			}
		}
		if err := r.iter.Error(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// current opens the group that the iterator is at.
func (r *groupReader) current() (*rowgroup.Group, error) {
	if g := r.open1[string(r.iter.Key())]; g != nil {
		return g, nil
	}
	val, err := r.iter.ValueAndErr()
	if err != nil {
		return nil, err
	}
	return r.keep(string(r.iter.Key()), val)
}

// open returns the group of a key.
func (r *groupReader) open(key string) (*rowgroup.Group, error) {
	if g := r.open1[key]; g != nil {
		return g, nil
	}
	val, c, err := r.v.snap.Get([]byte(key))
	if err != nil {
		return nil, fmt.Errorf("row group %x: %w", key, err)
	}
	g, err := r.keep(key, val)
	return g, errors.Join(err, c.Close())
}

func (r *groupReader) keep(key string, val []byte) (*rowgroup.Group, error) {
	g, err := rowgroup.Open(append([]byte(nil), val...))
	if err != nil {
		return nil, corrupt(fmt.Sprintf("row group %x", key), err)
	}
	for r.held+len(val) > groupsHeld && len(r.queue) > 0 {
		old := r.queue[0]
		r.queue = r.queue[1:]
		r.held -= r.sizes[old]
		delete(r.open1, old)
		delete(r.sizes, old)
	}
	r.open1[key] = g
	r.sizes[key] = len(val)
	r.queue = append(r.queue, key)
	r.held += len(val)
	return g, nil
}
