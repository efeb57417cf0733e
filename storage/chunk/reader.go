package chunk

import (
	"fmt"
	"slices"

	"tidemark/storage/internal/colenc"
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

	opened opened
	times  colenc.Ints
	ints   colenc.Ints
	floats colenc.Floats
	bools  colenc.Bools
	texts  *colenc.Texts
	starts colenc.Ints

	histograms []*model.Histogram // decoded whole

	summaries summaryScratch
}

// opened says which of a chunk's columns a Reader has opened.
type opened struct{ times, values, starts bool }

// Open verifies the checksum and reads the header and the directory of
// sections. The chunk's bytes must not change until the next Open.
func (r *Reader) Open(src []byte) (err error) {
	r.h, r.s, err = open(src)
	r.opened, r.texts, r.histograms = opened{}, nil, nil
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
	if err := r.openTimes(); err != nil {
		return 0, err
	}
	i, err := r.times.Search(t)
	if err != nil {
		return 0, decodeError(err)
	}
	return i, nil
}

// AppendTimes appends the times of samples [i, j), nanoseconds.
func (r *Reader) AppendTimes(dst []int64, i, j int) ([]int64, error) {
	if err := r.check(i, j); err != nil || i == j {
		return dst, err
	}
	if err := r.openTimes(); err != nil {
		return dst, err
	}
	out, err := r.times.Append(dst, i, j)
	if err == nil {
		err = checkTimes(out[len(dst):], i, &r.h)
	}
	if err != nil {
		return dst, decodeError(err)
	}
	return out, nil
}

// AppendFloats appends the values of samples [i, j) of a numeric chunk as
// floats: NaN payloads are kept, integers beyond 2^53 are rounded, booleans
// are 0 and 1.
func (r *Reader) AppendFloats(dst []float64, i, j int) ([]float64, error) {
	return appendNumbers(r, &asFloats, dst, i, j)
}

// AppendBits appends the values of samples [i, j) of a numeric chunk as words,
// exact, as in Column.Bits.
func (r *Reader) AppendBits(dst []uint64, i, j int) ([]uint64, error) {
	return appendNumbers(r, &asBits, dst, i, j)
}

// AppendDecimals appends the values of samples [i, j) of a numeric chunk as
// integers over a power of ten, for which FromDecimal gives the same floats as
// AppendFloats. Where they are not held so ok is false, and nothing is
// appended. Integers are quicker to compute with, and exact.
func (r *Reader) AppendDecimals(dst []int64, i, j int) (_ []int64, exponent int, ok bool, err error) {
	if err := r.openNumbers(i, j); err != nil {
		return dst, 0, false, err
	}
	switch r.h.Type {
	case model.TypeFloat:
		dst, exponent, ok, err = r.floats.AppendDecimals(dst, i, j)
	case model.TypeInt:
		dst, err = r.ints.Append(dst, i, j)
		ok = err == nil
	}
	if err != nil {
		return dst, 0, false, decodeError(err)
	}
	return dst, exponent, ok, nil
}

// FromDecimal returns the float that is nearest to v over 10^exponent, of an
// exponent that AppendDecimals has returned.
func FromDecimal(v int64, exponent int) float64 { return colenc.FromDecimal(v, exponent) }

// appenders append the values of the columns that numbers lie in.
type appenders[T any] struct {
	floats func(*colenc.Floats, []T, int, int) ([]T, error)
	ints   func(*colenc.Ints, []T, int, int) ([]T, error)
	bools  func(*colenc.Bools, []T, int, int) []T
}

var (
	asFloats = appenders[float64]{(*colenc.Floats).AppendFloats, (*colenc.Ints).AppendFloats, (*colenc.Bools).AppendFloats}
	asBits   = appenders[uint64]{(*colenc.Floats).AppendBits, (*colenc.Ints).AppendWords, (*colenc.Bools).AppendBits}
)

func appendNumbers[T any](r *Reader, as *appenders[T], dst []T, i, j int) (_ []T, err error) {
	if err := r.openNumbers(i, j); err != nil {
		return dst, err
	}
	switch r.h.Type {
	case model.TypeFloat:
		dst, err = as.floats(&r.floats, dst, i, j)
	case model.TypeInt:
		dst, err = as.ints(&r.ints, dst, i, j)
	case model.TypeBool:
		dst = as.bools(&r.bools, dst, i, j)
	}
	if err != nil {
		return dst, decodeError(err)
	}
	return dst, nil
}

// openNumbers opens the values of a numeric chunk, of which samples [i, j) are
// wanted.
func (r *Reader) openNumbers(i, j int) error {
	if err := r.check(i, j, model.TypeFloat, model.TypeInt, model.TypeBool); err != nil {
		return err
	}
	return r.openValues()
}

// AppendTexts appends the values of samples [i, j) of a chunk of texts. They do
// not refer to the chunk's bytes.
func (r *Reader) AppendTexts(dst []string, i, j int) ([]string, error) {
	if err := r.check(i, j, model.TypeText); err != nil {
		return dst, err
	}
	if err := r.openValues(); err != nil {
		return dst, err
	}
	out, err := r.texts.Append(dst, i, j-i)
	if err != nil {
		return dst, decodeError(err)
	}
	return out, nil
}

// AppendHistograms appends the values of samples [i, j) of a chunk of
// histograms. They do not refer to the chunk's bytes and share memory among
// each other.
func (r *Reader) AppendHistograms(dst []*model.Histogram, i, j int) ([]*model.Histogram, error) {
	if err := r.check(i, j, model.TypeHistogram); err != nil {
		return dst, err
	}
	if err := r.openValues(); err != nil {
		return dst, err
	}
	return append(dst, r.histograms[i:j]...), nil
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
	if !r.opened.starts {
		rest, err := r.starts.Open(r.s.starts, r.h.Count, 0)
		if err == nil && len(rest) > 0 {
			err = colenc.Corruptf("start times: want no byte after them, got %d", len(rest))
		}
		if err != nil {
			return dst, decodeError(err)
		}
		r.opened.starts = true
	}
	out, err := r.starts.Append(dst, i, j)
	if err != nil {
		return dst, decodeError(err)
	}
	return out, nil
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
	dst, err := r.summaries.decodeWindows(dst, r.s.summaries, &r.h)
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

func (r *Reader) openTimes() error {
	if r.opened.times {
		return nil
	}
	if err := openTimes(&r.times, r.s.times, &r.h); err != nil {
		return decodeError(err)
	}
	r.opened.times = true
	return nil
}

func (r *Reader) openValues() (err error) {
	if r.opened.values {
		return nil
	}
	var rest []byte
	switch r.h.Type {
	case model.TypeFloat:
		rest, err = r.floats.Open(r.s.values, r.h.Count)
	case model.TypeInt:
		rest, err = r.ints.Open(r.s.values, r.h.Count, 0)
	case model.TypeBool:
		rest, err = r.bools.Open(r.s.values, r.h.Count)
	case model.TypeText:
		r.texts, rest, err = colenc.OpenTexts(r.s.values, r.h.Count)
	case model.TypeHistogram:
		r.histograms, rest, err = colenc.DecodeHistograms(r.s.values, r.h.Count, nil)
	}
	if err == nil && len(rest) > 0 {
		err = colenc.Corruptf("values: want no byte after them, got %d", len(rest))
	}
	if err != nil {
		return decodeError(err)
	}
	r.opened.values = true
	return nil
}
