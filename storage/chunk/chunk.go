package chunk

import (
	"tidemark/storage/internal/colenc"
	"tidemark/storage/model"
)

// MaxSamples is the largest number of samples of a chunk: a day of a sample each
// six seconds. A longer chunk would not be smaller per sample (header and key
// are then below a hundredth of a byte per sample), and a reader that wants one
// sample of it fetches all of its bytes. A decoder trusts no larger count.
const MaxSamples = 16384

// TargetTextBytes is how much text Cut puts into a chunk of a state column. A
// single longer text still makes a chunk of its own.
const TargetTextBytes = 1 << 20

// NoStart is the start time of a sample that has none.
const NoStart int64 = 0

var (
	// ErrCorrupt marks bytes that are not a chunk, or no longer the chunk that
	// was written. Test with errors.Is.
	ErrCorrupt = colenc.ErrCorrupt
	// ErrUnsupported marks a chunk of a newer version, or of a type or
	// encoding that this version lacks.
	ErrUnsupported = colenc.ErrUnsupported
	// ErrTypeMismatch is returned by Decode where samples of one type are to be
	// appended to a column that holds samples of another.
	ErrTypeMismatch = colenc.ErrTypeMismatch
)

// Column is a run of samples of one column of one series, of one type.
type Column struct {
	Type model.Type
	// Times are ascending and unique.
	Times []int64
	// Bits has one word per sample, as in model.Value, for TypeFloat, TypeInt
	// and TypeBool; it is empty for other types.
	Bits []uint64
	// Texts has one text per sample for TypeText and is empty otherwise.
	Texts []string
	// Histograms has one per sample for TypeHistogram and is empty otherwise.
	Histograms []*model.Histogram
	// Starts has the start time of each sample, NoStart where it has none, or
	// is empty where no sample has one.
	Starts []int64
}

// Len returns the number of samples.
func (c *Column) Len() int { return len(c.Times) }

// Reset empties the column and keeps its memory.
func (c *Column) Reset() {
	clear(c.Texts)
	clear(c.Histograms)
	*c = Column{Times: c.Times[:0], Bits: c.Bits[:0], Texts: c.Texts[:0], Histograms: c.Histograms[:0], Starts: c.Starts[:0]}
}

// Slice returns samples [i, j) of the column; the memory is shared.
func (c *Column) Slice(i, j int) Column {
	s := Column{Type: c.Type, Times: c.Times[i:j]}
	if len(c.Bits) > 0 {
		s.Bits = c.Bits[i:j]
	}
	if len(c.Texts) > 0 {
		s.Texts = c.Texts[i:j]
	}
	if len(c.Histograms) > 0 {
		s.Histograms = c.Histograms[i:j]
	}
	if len(c.Starts) > 0 {
		s.Starts = c.Starts[i:j]
	}
	return s
}

// Cut returns how many of the column's first samples belong into one chunk:
// at most MaxSamples, in equal parts; fewer where their text reaches TargetTextBytes or their
// histograms have many buckets. It is at least 1 for a column that is not
// empty.
func (c *Column) Cut() int {
	// Of what is too long for one chunk, each gets its share: a short rest
	// would be large per sample.
	n := len(c.Times)
	if n > MaxSamples {
		chunks := (n + MaxSamples - 1) / MaxSamples
		n = (n + chunks - 1) / chunks
	}
	if c.Type == model.TypeHistogram {
		return colenc.HistogramsThatFit(c.Histograms[:n])
	}
	size := 0
	for i, s := range c.Texts[:min(n, len(c.Texts))] {
		if size += len(s); size >= TargetTextBytes {
			return i + 1
		}
	}
	return n
}
