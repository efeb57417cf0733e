package chunk

import (
	"fmt"
	"slices"

	"tidemark/storage/internal/colenc"
	"tidemark/storage/model"
)

// Verify decodes an encoded chunk and reports how it differs from the column
// that it was made from, bit for bit: the error of an encoder, found before
// the column is forgotten. Summaries are compared with those of the samples.
// scratch holds the decoded column, for its memory.
func Verify(src []byte, want, scratch *Column) error {
	scratch.Reset()
	if err := Decode(src, scratch); err != nil {
		return fmt.Errorf("verify chunk: %w", err)
	}
	var differs string
	switch {
	case scratch.Type != want.Type:
		differs = fmt.Sprintf("type: want %s, got %s", want.Type, scratch.Type)
	case !slices.Equal(scratch.Times, want.Times):
		differs = "times: want those encoded, got others"
	case !equalBits(want.Type, scratch.Bits, want.Bits):
		differs = "values: want those encoded, got others"
	case !slices.Equal(scratch.Texts, want.Texts):
		differs = "texts: want those encoded, got others"
	case !slices.EqualFunc(scratch.Histograms, want.Histograms, sameHistogram):
		differs = "histograms: want those encoded, got others"
	case !slices.Equal(scratch.Starts, want.Starts):
		differs = "start times: want those encoded, got others"
	default:
		h, s, err := open(src)
		if err == nil && s.summaries != nil {
			err = verifySummaries(s.summaries, &h, want)
		}
		if err != nil {
			return fmt.Errorf("verify chunk: %w", err)
		}
		return nil
	}
	return fmt.Errorf("verify chunk: %w", colenc.Corruptf("%s", differs))
}

// sameHistogram compares everything that a histogram says.
func sameHistogram(a, b *model.Histogram) bool {
	return a.Hint == b.Hint && a.Integer == b.Integer && a.Equal(b)
}

// equalBits compares values; of a bool only the lowest bit counts.
func equalBits(t model.Type, got, want []uint64) bool {
	if t != model.TypeBool {
		return slices.Equal(got, want)
	}
	return slices.EqualFunc(got, want, func(a, b uint64) bool { return a&1 == b&1 })
}
