package dump

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"tidemark/storage/chunk"
	"tidemark/storage/keys"
)

// Sizes sums what entries take, by kind of key and by part of chunk, before
// Pebble compresses it.
type Sizes struct {
	kinds  map[keys.Kind]*Size
	chunks chunk.Sizes
	broken int
}

// Size is what the entries of a kind take.
type Size struct{ Entries, Keys, Values int }

// Entry adds an entry.
func (s *Sizes) Entry(key, value []byte) error {
	if s.kinds == nil {
		s.kinds = make(map[keys.Kind]*Size)
	}
	kind, _ := keys.KindOf(key)
	k := s.kinds[kind]
	if k == nil {
		k = new(Size)
		s.kinds[kind] = k
	}
	k.Entries++
	k.Keys += len(key)
	k.Values += len(value)
	if kind != keys.KindChunk {
		return nil
	}
	z, err := chunk.SizesOf(value)
	if err != nil {
		s.broken++
		return nil
	}
	c := &s.chunks
	c.Samples += z.Samples
	c.Header += z.Header
	c.Times += z.Times
	c.Values += z.Values
	c.Starts += z.Starts
	c.Summaries += z.Summaries
	return nil
}

// Kind returns the sizes of a kind of key.
func (s *Sizes) Kind(k keys.Kind) Size {
	if z := s.kinds[k]; z != nil {
		return *z
	}
	return Size{}
}

// Chunks returns the sizes of all chunks' parts.
func (s *Sizes) Chunks() chunk.Sizes { return s.chunks }

// Print prints the sums as two tables.
func (s *Sizes) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "kind\tentries\tbytes of keys\tbytes of values\t\n")
	var kinds []keys.Kind
	for k := range s.kinds {
		kinds = append(kinds, k)
	}
	slices.SortFunc(kinds, func(a, b keys.Kind) int {
		return cmp.Or(cmp.Compare(s.kinds[b].Values, s.kinds[a].Values), cmp.Compare(a, b))
	})
	for _, k := range kinds {
		z := s.kinds[k]
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t\n", k, z.Entries, z.Keys, z.Values)
	}
	if s.broken > 0 {
		fmt.Fprintf(t, "unreadable chunks\t%d\t\t\t\n", s.broken)
	}
	if n := s.chunks.Samples; n > 0 {
		fmt.Fprintf(t, "\t\t\t\t\npart of chunks\tsamples\tbytes\tbytes a sample\t\n")
		c := &s.chunks
		for _, part := range []struct {
			name string
			size int
		}{{"values", c.Values}, {"times", c.Times}, {"start times", c.Starts}, {"headers", c.Header}, {"summaries", c.Summaries}, {"keys", s.Kind(keys.KindChunk).Keys}} {
			fmt.Fprintf(t, "%s\t%d\t%d\t%.4f\t\n", part.name, n, part.size, float64(part.size)/float64(n))
		}
	}
	return t.Flush()
}
