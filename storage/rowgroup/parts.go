package rowgroup

import (
	"bytes"
	"fmt"
)

// partTarget is the size of payloads that lie together: a reader of one column
// reads no more than about this much beside it.
const partTarget = 16 << 10

// maxDetached bounds the size of a column that lies apart from its head.
const maxDetached = 1 << 31

// Split cuts an encoded group for storage in pieces: the head, which has the
// directory, and parts, which have the payloads. A column lies in one part, and
// small neighbours share one. A group of less than partTarget bytes of payload
// has no parts: its head is the whole. The pieces are slices of group, and in
// their order they are the group.
func Split(group []byte) (head []byte, parts [][]byte, err error) {
	head, err = headOf(group)
	if err != nil {
		return nil, nil, fmt.Errorf("split row group: %w", err)
	}
	rest := group[len(head):]
	if len(rest) < partTarget {
		return group, nil, nil
	}
	var c cutter
	begin, end := 0, 0 // of the part
	err = walkDirectory(head, rest, func(e *entry, _ []byte) error {
		if part, _ := c.next(e.Size); part > len(parts) {
			parts = append(parts, rest[begin:end:end])
			begin = end
		}
		end += e.Size
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("split row group: %w", err)
	}
	return head, append(parts, rest[begin:end:end]), nil
}

// Join puts together what Split has cut.
func Join(head []byte, parts [][]byte) []byte {
	return append(bytes.Clone(head), bytes.Join(parts, nil)...)
}

// cutter assigns payloads to parts, by their sizes alone.
type cutter struct{ part, size int }

// next returns where the next payload, of a size, lies.
func (c *cutter) next(size int) (part, offset int) {
	if c.size > 0 && c.size+size > partTarget {
		c.part++
		c.size = 0
	}
	offset = c.size
	c.size += size
	return c.part, offset
}

// OpenSplit opens a group that Split has cut: head is what it returned, and
// load returns part i, which must not change while the group is in use. A part
// is loaded when one of its columns is first read, and once.
func OpenSplit(head []byte, load func(i int) ([]byte, error)) (*Group, error) {
	if h, err := headOf(head); err != nil || len(h) < len(head) {
		return Open(head)
	}
	g := &Group{load: load, loaded: make(map[int][]byte)}
	if err := g.open(head, nil); err != nil {
		return nil, fmt.Errorf("open row group: %w", err)
	}
	return g, nil
}

// Parts returns the number of parts that belong to the group.
func (g *Group) Parts() int { return g.parts }

// part returns a part of the group's payloads.
func (g *Group) part(i int) ([]byte, error) {
	if p, ok := g.loaded[i]; ok {
		return p, nil
	}
	p, err := g.load(i)
	if err != nil {
		return nil, fmt.Errorf("part %d: %w", i, err)
	}
	g.loaded[i] = p
	return p, nil
}
