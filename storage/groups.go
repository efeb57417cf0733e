package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"tidemark/storage/keys"
	"tidemark/storage/model"
	"tidemark/storage/rowgroup"
)

// groupReader finds and opens row groups for one call on a view. It keeps some
// of them open, because neighbouring label sets share groups. It is not safe for
// concurrent use.
type groupReader struct {
	v      *view
	refs   map[keys.Partition][]groupRef
	opened map[groupID]*rowgroup.Group
	queue  []groupID
	sizes  map[groupID]int
	held   int
}

// groupsHeld bounds the bytes of heads and parts of the groups that are kept
// open. What is decoded of them takes a few times as much.
const groupsHeld = 16 << 20

// groupID names a row group.
type groupID struct {
	p   keys.Partition
	pos uint64
	seq uint32
}

// groupRef is a row group that counts in a view.
type groupRef struct {
	keys.RowGroup
	p keys.Partition
}

func (r *groupRef) id() groupID { return groupID{r.p, r.Position, r.Seq} }

func (r *groupRef) String() string {
	return fmt.Sprintf("row group %d of position %d in partition %d", r.Seq, r.Position, r.p.Start)
}

// groupPiece is the rows of one label set in one group.
type groupPiece struct {
	ref *groupRef
	run rowgroup.Run
}

func newGroupReader(v *view) *groupReader {
	return &groupReader{v: v, refs: make(map[keys.Partition][]groupRef), opened: make(map[groupID]*rowgroup.Group), sizes: make(map[groupID]int)}
}

// in returns the groups of a partition that count in this view, by (position,
// number).
func (r *groupReader) in(p keys.Partition) ([]groupRef, error) {
	if refs, ok := r.refs[p]; ok {
		return refs, nil
	}
	var out []groupRef
	lo, hi := p.RowGroups()
	err := scan(r.v.snap, lo, hi, func(it *pebble.Iterator) error {
		k, err := p.ReadRowGroup(it.Key())
		if err != nil {
			return corrupt("row group", err)
		}
		if k.Position <= r.v.applied {
			out = append(out, groupRef{k, p})
		}
		return nil
	})
	if err == nil {
		r.refs[p] = out
	}
	return out, err
}

// find returns the pieces of a label set's rows that overlap a range, in order
// of (position, time). Only groups that may hold the label set are opened.
func (r *groupReader) find(ctx context.Context, p keys.Partition, set uint32, mint, maxt int64) ([]groupPiece, error) {
	refs, err := r.in(p)
	if err != nil {
		return nil, err
	}
	var out []groupPiece
	for i := range refs {
		ref := &refs[i]
		if ref.Maxt < mint || ref.Mint > maxt || ref.FirstSet > set || ref.LastSet < set {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		g, err := r.open(ref)
		if err != nil {
			return nil, err
		}
		if run, ok := g.Run(set); ok && run.Mint <= maxt && run.Maxt >= mint {
			out = append(out, groupPiece{ref, run})
		}
	}
	slices.SortStableFunc(out, func(a, b groupPiece) int {
		if c := cmp.Compare(a.ref.Position, b.ref.Position); c != 0 {
			return c
		}
		return cmp.Compare(a.run.Mint, b.run.Mint)
	})
	return out, nil
}

// open returns an opened group.
func (r *groupReader) open(ref *groupRef) (*rowgroup.Group, error) {
	id := ref.id()
	if g := r.opened[id]; g != nil {
		return g, nil
	}
	head, err := getCopy(r.v.snap, ref.p.RowGroup(ref.RowGroup))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ref, err)
	}
	g, err := rowgroup.OpenSplit(head, func(i int) ([]byte, error) {
		b, err := getCopy(r.v.snap, ref.p.RowGroupPart(ref.Position, ref.Seq, uint16(i)))
		if errors.Is(err, pebble.ErrNotFound) {
			err = fmt.Errorf("%w: %w", rowgroup.ErrCorrupt, err)
		}
		if err == nil && r.opened[id] != nil {
			r.sizes[id] += len(b)
			r.held += len(b)
		}
		return b, err
	})
	if err != nil {
		return nil, corrupt(ref.String(), err)
	}
	g.Intern(r.v.db.shapes.intern)
	g.UseShapes(r.v.db.shapes.get(shapeKey{id, g.Checksum()}))
	for r.held+len(head) > groupsHeld && len(r.queue) > 0 {
		old := r.queue[0]
		r.queue = r.queue[1:]
		r.held -= r.sizes[old]
		delete(r.opened, old)
		delete(r.sizes, old)
	}
	r.opened[id] = g
	r.sizes[id] = len(head)
	r.queue = append(r.queue, id)
	r.held += len(head)
	return g, nil
}

// done forgets the groups of a cluster, none of which a call looks at twice. What
// belongs to them may not be used any more.
func (r *groupReader) done(c *rowCluster) {
	for _, ref := range c.groups {
		id := ref.id()
		g := r.opened[id]
		if g == nil {
			continue
		}
		g.Release()
		r.held -= r.sizes[id]
		delete(r.opened, id)
		delete(r.sizes, id)
		r.queue = slices.DeleteFunc(r.queue, func(q groupID) bool { return q == id })
	}
}

// shapes returns the shapes of a group's lines, and keeps them for later calls.
func (r *groupReader) shapes(ref *groupRef, g *rowgroup.Group) (*rowgroup.Shapes, error) {
	s, err := g.Shapes()
	if err == nil {
		r.v.db.shapes.put(shapeKey{ref.id(), g.Checksum()}, s)
	}
	return s, err
}

// getCopy returns a copy of the value of a key.
func getCopy(r pebble.Reader, key []byte) ([]byte, error) {
	val, c, err := r.Get(key)
	if err != nil {
		return nil, err
	}
	return append([]byte(nil), val...), c.Close()
}

// openGroup opens a row group whose head is given; the head must not change while
// the group is in use. A part that is missing is damage.
func openGroup(r pebble.Reader, p keys.Partition, k keys.RowGroup, head []byte) (*rowgroup.Group, error) {
	return rowgroup.OpenSplit(head, func(i int) ([]byte, error) {
		b, err := getCopy(r, p.RowGroupPart(k.Position, k.Seq, uint16(i)))
		if errors.Is(err, pebble.ErrNotFound) {
			err = fmt.Errorf("%w: %w", rowgroup.ErrCorrupt, err)
		}
		return b, err
	})
}

// overlaps reports whether a range of time has rows of the group in it.
func (r *groupRef) overlaps(t model.TimeRange) bool { return r.Mint <= t.Maxt && r.Maxt >= t.Mint }
