package chunk

import (
	"fmt"
	"math"

	"tidemark/storage/internal/colenc"
	"tidemark/storage/model"
)

// Append appends the encoded column to dst. The column must hold 1 to
// MaxSamples samples (Cut says how many), times ascending and unique, its
// slices of equal length and a type that chunks can hold; anything else is an
// error of the program, and Append panics. It keeps no reference to the
// column. Safe for concurrent use.
func Append(dst []byte, c *Column) []byte { return appendColumn(dst, c, colenc.Smallest) }

// AppendFast is Append with less effort: a sample of the values decides where
// Append would try, and chunks of fewer than 4096 samples get no summaries,
// which take longer than the samples of a short chunk. It is for a flush:
// compaction will write its chunks anew.
func AppendFast(dst []byte, c *Column) []byte { return appendColumn(dst, c, colenc.Fast) }

// AppendPlain is Append in encodings that are too simple to go wrong, and
// large: for a column that Verify says Append got wrong.
func AppendPlain(dst []byte, c *Column) []byte { return appendColumn(dst, c, colenc.Plain) }

func appendColumn(dst []byte, c *Column, mode colenc.Mode) []byte {
	if why := c.invalid(); why != "" {
		panic("chunk: append: " + why)
	}
	n := len(c.Times)
	h := Header{
		Version: Version,
		Type:    c.Type,
		Flags:   flagsOf(c),
		Count:   n,
		Mint:    c.Times[0],
		Maxt:    c.Times[n-1],
	}
	start := len(dst)
	dst = appendHeader(dst, &h)
	dst = appendSection(dst, sectionTimes, func(dst []byte) []byte { return appendTimes(dst, c.Times, mode) })
	dst = appendSection(dst, sectionValues, func(dst []byte) []byte { return appendValues(dst, c, mode) })
	if len(c.Starts) > 0 {
		dst = appendSection(dst, sectionStarts, func(dst []byte) []byte { return mode.Ints(dst, c.Starts) })
	}
	end := len(dst)
	dst = appendSection(dst, sectionSummaries, func(dst []byte) []byte { return appendSummaries(dst, c, end-start, mode) })
	if len(dst) == end+emptySection {
		dst = dst[:end]
	} else {
		addFlags(dst[start:], HasSummaries)
	}
	Seal(dst[start:])
	return dst
}

// appendValues appends the payload of the section of values.
func appendValues(dst []byte, c *Column, mode colenc.Mode) []byte {
	switch c.Type {
	case model.TypeFloat:
		return mode.Floats(dst, c.Bits)
	case model.TypeInt:
		return mode.Words(dst, c.Bits)
	case model.TypeBool:
		return mode.Bools(dst, c.Bits)
	case model.TypeHistogram:
		return mode.Histograms(dst, c.Histograms)
	}
	return mode.Texts(dst, c.Texts)
}

// invalid says why the column cannot be encoded, or "".
func (c *Column) invalid() string {
	n := len(c.Times)
	bits, texts, hists := n, 0, 0
	switch c.Type {
	case model.TypeText:
		bits, texts = 0, n
	case model.TypeHistogram:
		bits, hists = 0, n
	}
	switch {
	case !encodable(c.Type):
		return "unsupported type " + c.Type.String()
	case n == 0 || n > MaxSamples:
		return fmt.Sprintf("want 1 to %d samples, got %d", MaxSamples, n)
	case len(c.Bits) != bits || len(c.Texts) != texts || len(c.Histograms) != hists:
		return fmt.Sprintf("%d %s samples: want %d words, %d texts and %d histograms, got %d, %d and %d", n, c.Type, bits, texts, hists, len(c.Bits), len(c.Texts), len(c.Histograms))
	case c.Type == model.TypeHistogram && colenc.HistogramsThatFit(c.Histograms) < n:
		return fmt.Sprintf("%d histograms with more than %d buckets in all", n, colenc.MaxHistogramCells)
	case len(c.Starts) != 0 && len(c.Starts) != n:
		return fmt.Sprintf("start times: want none or %d, got %d", n, len(c.Starts))
	}
	if i := descent(c.Times); i > 0 {
		return fmt.Sprintf("time %d: want one after %d, got %d", i, c.Times[i-1], c.Times[i])
	}
	return ""
}

// flagsOf computes the flags of a column.
func flagsOf(c *Column) Flags {
	var f Flags
	if len(c.Starts) > 0 {
		f |= HasStarts
	}
	switch c.Type {
	case model.TypeFloat:
		last := math.Inf(-1) // below everything
		for _, w := range c.Bits {
			v := math.Float64frombits(w)
			switch {
			case v < last:
				f |= HasReset
			case w == model.StaleNaNBits:
				f |= HasStale
				continue
			case v != v:
				f |= HasNaN
				continue
			}
			if v-v != 0 {
				f |= HasInf
			}
			last = v
		}
	case model.TypeHistogram:
		for _, h := range c.Histograms {
			switch {
			case h.Stale():
				f |= HasStale
			case h.Sum != h.Sum:
				f |= HasNaN
			case h.Sum-h.Sum != 0:
				f |= HasInf
			}
		}
	case model.TypeInt:
		for i := 1; i < len(c.Bits); i++ {
			if int64(c.Bits[i]) < int64(c.Bits[i-1]) {
				return f | HasReset
			}
		}
	case model.TypeBool:
		for i := 1; i < len(c.Bits); i++ {
			if c.Bits[i]&1 < c.Bits[i-1]&1 {
				return f | HasReset
			}
		}
	}
	return f
}
