package compact

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"tidemark/storage/chunk"
	"tidemark/storage/model"
)

// Source is an encoded chunk to merge.
type Source struct {
	Position uint64
	Value    []byte
}

// Result is a column of samples to be written as chunks under a position.
type Result struct {
	Column   *chunk.Column
	Position uint64
}

// Merger merges chunks; it keeps its memory for the next merge. It is not safe
// for concurrent use.
type Merger struct {
	// Hidden, where set, says of a sample that it was deleted.
	Hidden func(t int64, position uint64) bool

	columns []chunk.Column
	refs    []ref
	out     [model.TypeHistogram + 1]chunk.Column
}

// ref is a sample of a column.
type ref struct {
	time   int64
	source int32
	index  int32
}

// Stats counts what went into a merge and what came out.
type Stats struct {
	SamplesIn, SamplesOut int
	ChunksOut             int
}

// Merge decodes the chunks and calls emit with each piece of the result, which
// fits into a chunk and is valid until emit returns. Of several samples at one
// time that of the greatest position is kept, or of equal positions that of the
// last source. Samples behind until are emitted under the position of their
// source, unresolved. An error names the index of its source.
func (m *Merger) Merge(sources []Source, until int64, emit func(Result) error) (Stats, error) {
	var stats Stats
	for len(m.columns) < len(sources) {
		m.columns = append(m.columns, chunk.Column{})
	}
	m.refs = m.refs[:0]
	top := uint64(0)
	for i := range sources {
		c := &m.columns[i]
		c.Reset()
		if err := chunk.Decode(sources[i].Value, c); err != nil {
			return stats, &SourceError{i, err}
		}
		top = max(top, sources[i].Position)
		stats.SamplesIn += c.Len()
		for j, t := range c.Times {
			if t > until {
				break
			}
			if m.Hidden == nil || !m.Hidden(t, sources[i].Position) {
				m.refs = append(m.refs, ref{t, int32(i), int32(j)})
			}
		}
	}
	m.resolve(sources)
	if err := m.emitRefs(top, &stats, emit); err != nil {
		return stats, err
	}
	return stats, m.emitRests(sources, until, &stats, emit)
}

// SourceError is an error of one of the chunks to merge.
type SourceError struct {
	Source int
	Err    error
}

// Error says which chunk and why.
func (e *SourceError) Error() string { return fmt.Sprintf("chunk %d: %v", e.Source, e.Err) }

// Unwrap returns the chunk's error.
func (e *SourceError) Unwrap() error { return e.Err }

// resolve sorts the samples and keeps the last written one of each time.
func (m *Merger) resolve(sources []Source) {
	byTime := func(a, b ref) int {
		if a.time != b.time {
			return cmp.Compare(a.time, b.time)
		}
		return cmp.Or(cmp.Compare(sources[a.source].Position, sources[b.source].Position), cmp.Compare(a.source, b.source))
	}
	if !slices.IsSortedFunc(m.refs, byTime) {
		slices.SortFunc(m.refs, byTime)
	}
	n := 0
	for i := range m.refs {
		if n > 0 && m.refs[n-1].time == m.refs[i].time {
			n--
		}
		m.refs[n] = m.refs[i]
		n++
	}
	m.refs = m.refs[:n]
}

// emitRefs emits the merged samples type by type.
func (m *Merger) emitRefs(position uint64, stats *Stats, emit func(Result) error) error {
	for t := range m.out {
		m.out[t].Reset()
	}
	for i := 0; i < len(m.refs); {
		r := m.refs[i]
		n := 1 // neighbours of the source are copied at once
		for i+n < len(m.refs) && m.refs[i+n].source == r.source && m.refs[i+n].index == r.index+int32(n) {
			n++
		}
		src := &m.columns[r.source]
		m.out[src.Type].AppendFrom(src, int(r.index), int(r.index)+n)
		i += n
	}
	for t := range m.out {
		if err := emitColumn(m.out[t], position, stats, emit); err != nil {
			return err
		}
	}
	return nil
}

// emitRests emits what lies behind until.
func (m *Merger) emitRests(sources []Source, until int64, stats *Stats, emit func(Result) error) error {
	if until == math.MaxInt64 {
		return nil
	}
	for i := range sources {
		c := &m.columns[i]
		at, _ := slices.BinarySearch(c.Times, until+1)
		var rest chunk.Column
		for j := at; j < c.Len(); j++ {
			if m.Hidden == nil || !m.Hidden(c.Times[j], sources[i].Position) {
				rest.AppendFrom(c, j, j+1)
			}
		}
		if err := emitColumn(rest, sources[i].Position, stats, emit); err != nil {
			return err
		}
	}
	return nil
}

// emitColumn emits a column in pieces of about equal length.
func emitColumn(c chunk.Column, position uint64, stats *Stats, emit func(Result) error) error {
	n := c.Len()
	stats.SamplesOut += n
	for at := 0; at < n; {
		rest := c.Slice(at, n)
		pieces := (rest.Len() + chunk.MaxSamples - 1) / chunk.MaxSamples
		cut := min(rest.Cut(), (rest.Len()+pieces-1)/pieces)
		part := rest.Slice(0, cut)
		if !slices.ContainsFunc(part.Starts, func(t int64) bool { return t != chunk.NoStart }) {
			part.Starts = nil
		}
		stats.ChunksOut++
		if err := emit(Result{&part, position}); err != nil {
			return err
		}
		at += cut
	}
	return nil
}
