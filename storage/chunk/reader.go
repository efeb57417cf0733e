package chunk

import (
	"fmt"
	"slices"

	"tidemark/storage/model"
)

// Reader reads parts of a chunk: its header, its summaries, and spans of its
// samples, each without decoding the rest. To read samples [i, j) costs time
// in proportion to j-i and to a frame of samples (see the package's
// documentation). A Reader keeps its working memory from chunk to chunk; it
// is not safe for concurrent use.
//
// The zero Reader is ready for Open. An error of any method but Open leaves
// what was appended to as it was.
type Reader struct {
	h Header
	s sections

	times  []int64 // all of them, once they were needed
	values Column  // without times; its type is TypeNone until decoded
	starts []int64
	sums   summaryScratch
}

// Open verifies the checksum and reads the header and the directory of
// sections. The chunk's bytes must not change until the next Open.
func (r *Reader) Open(src []byte) (err error) {
	r.h, r.s, err = open(src)
	r.times, r.starts = r.times[:0], r.starts[:0]
	r.values.Reset()
	return err
}

// Header returns the header of the chunk.
func (r *Reader) Header() Header { return r.h }

// Search returns how many samples of the chunk have a time of at most t: the
// index of the first sample after t.
func (r *Reader) Search(t int64) (int, error) {
	switch {
	case t < r.h.Mint:
		return 0, nil
	case t >= r.h.Maxt:
		return r.h.Count, nil
	}
	if err := r.decodeTimes(); err != nil {
		return 0, err
	}
	i, found := slices.BinarySearch(r.times, t)
	if found {
		i++
	}
	return i, nil
}

// AppendTimes appends the times of samples [i, j), nanoseconds.
func (r *Reader) AppendTimes(dst []int64, i, j int) ([]int64, error) {
	if err := r.check(i, j); err != nil {
		return dst, err
	}
	if err := r.decodeTimes(); err != nil {
		return dst, err
	}
	return append(dst, r.times[i:j]...), nil
}

// AppendFloats appends the values of samples [i, j) of a numeric chunk as
// floats: NaN payloads are kept, integers beyond 2^53 are rounded, booleans
// are 0 and 1.
func (r *Reader) AppendFloats(dst []float64, i, j int) ([]float64, error) {
	if err := r.check(i, j, model.TypeFloat, model.TypeInt, model.TypeBool); err != nil {
		return dst, err
	}
	if err := r.decodeValues(); err != nil {
		return dst, err
	}
	for _, w := range r.values.Bits[i:j] {
		dst = append(dst, model.BitsToFloat(r.h.Type, w))
	}
	return dst, nil
}

// AppendBits appends the values of samples [i, j) of a numeric chunk as words,
// exact, as in Column.Bits.
func (r *Reader) AppendBits(dst []uint64, i, j int) ([]uint64, error) {
	if err := r.check(i, j, model.TypeFloat, model.TypeInt, model.TypeBool); err != nil {
		return dst, err
	}
	if err := r.decodeValues(); err != nil {
		return dst, err
	}
	return append(dst, r.values.Bits[i:j]...), nil
}

// AppendTexts appends the values of samples [i, j) of a chunk of texts. They do
// not refer to the chunk's bytes.
func (r *Reader) AppendTexts(dst []string, i, j int) ([]string, error) {
	if err := r.check(i, j, model.TypeText); err != nil {
		return dst, err
	}
	if err := r.decodeValues(); err != nil {
		return dst, err
	}
	return append(dst, r.values.Texts[i:j]...), nil
}

// AppendHistograms appends the values of samples [i, j) of a chunk of
// histograms. They do not refer to the chunk's bytes and share memory among
// each other.
func (r *Reader) AppendHistograms(dst []*model.Histogram, i, j int) ([]*model.Histogram, error) {
	if err := r.check(i, j, model.TypeHistogram); err != nil {
		return dst, err
	}
	if err := r.decodeValues(); err != nil {
		return dst, err
	}
	return append(dst, r.values.Histograms[i:j]...), nil
}

// AppendStarts appends the start times of samples [i, j): NoStart for all of
// them where the header's flags lack HasStarts.
func (r *Reader) AppendStarts(dst []int64, i, j int) ([]int64, error) {
	if err := r.check(i, j); err != nil {
		return dst, err
	}
	if r.s.starts == nil {
		dst = slices.Grow(dst, j-i)
		for range j - i {
			dst = append(dst, NoStart)
		}
		return dst, nil
	}
	if len(r.starts) == 0 {
		c := Column{Starts: r.starts}
		if err := c.decodeStarts(r.s.starts, 0, r.h.Count); err != nil {
			return dst, decodeError(err)
		}
		r.starts = c.Starts
	}
	return append(dst, r.starts[i:j]...), nil
}

// WindowWidth returns the width of the chunk's summaries in nanoseconds, 0
// where it has none.
func (r *Reader) WindowWidth() (int64, error) {
	if r.s.summaries == nil {
		return 0, nil
	}
	width, _, err := readWidth(r.s.summaries)
	if err != nil {
		return 0, decodeError(err)
	}
	return width, nil
}

// AppendWindows appends the chunk's summaries, in order of time: every sample
// lies in exactly one of them. Nothing is appended where it has none. The
// samples are not decoded.
func (r *Reader) AppendWindows(dst []Window) ([]Window, error) {
	if r.s.summaries == nil {
		return dst, nil
	}
	dst, err := r.sums.decodeWindows(dst, r.s.summaries, &r.h)
	if err != nil {
		return dst, decodeError(err)
	}
	return dst, nil
}

// check panics where the caller asks for samples that the chunk does not have:
// the header says how many there are. A chunk of none of the types is an
// error.
func (r *Reader) check(i, j int, types ...model.Type) error {
	if i < 0 || j < i || j > r.h.Count {
		panic(fmt.Sprintf("chunk: samples [%d, %d) of %d", i, j, r.h.Count))
	}
	if len(types) > 0 && !slices.Contains(types, r.h.Type) {
		return fmt.Errorf("decode chunk: %w: want %s, got %s", ErrTypeMismatch, types[0], r.h.Type)
	}
	return nil
}

func (r *Reader) decodeTimes() (err error) {
	if len(r.times) > 0 {
		return nil
	}
	if r.times, err = decodeTimes(r.s.times, &r.h, r.times); err != nil {
		return decodeError(err)
	}
	return nil
}

func (r *Reader) decodeValues() error {
	if r.values.Type == r.h.Type {
		return nil
	}
	r.values.Type = r.h.Type
	if err := r.values.decodeValues(r.s.values, r.h.Count); err != nil {
		r.values.Reset()
		return decodeError(err)
	}
	return nil
}
