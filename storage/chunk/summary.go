package chunk

import (
	"encoding/binary"
	"math"
	"sync"

	"tidemark/storage/internal/colenc"
)

// The section of summaries:
//
//	uvarint  width of a window in seconds
//	uvarint  windows
//	1 byte   form: an exponent where values are decimals, formBits otherwise;
//	         withChanges is added where changes are counted
//	integers number of each window, counted from that of mint
//	integers samples of each window
//	integers flags of each window
//	-- then five or six columns with one value for each window that is not opaque;
//	-- integers over 10^exponent, or floats in the form of bits
//	first    less the last of the window before it (of 0)
//	last     less first
//	low      the lesser of first and last, less the minimum
//	high     the maximum, less the greater of first and last
//	sum      less count * (minimum + maximum) / 2, the half rounded down
//	changes  integers
//
// In the form of bits the columns are first, last, minimum, maximum and sum as
// they are. Differences wrap.
const (
	formBits    = 0x7f
	withChanges = 0x80
)

// windowWidths are the widths in seconds from which the narrowest is chosen whose
// summaries are small enough. Each divides the day, so that a range of hours
// that ends at a full hour ends where a window does.
var windowWidths = [...]int64{300, 600, 900, 1200, 1800, 3600, 7200}

const (
	// minSummarised is the least number of samples of a chunk with summaries,
	// and minWindows of its windows: to decode fewer costs little.
	minSummarised = 128
	minWindows    = 4
	// minFastSummarised is the same in mode Fast: there is a good chance that
	// compaction will not have to write the chunk anew.
	minFastSummarised = 4096
	// minPerWindow is the least number of samples in a window on average.
	minPerWindow = 4
	// summaryBytes is what summaries may take for each sample, or where that
	// is more, summaryShare of what the samples take.
	summaryBytes = 0.048
	summaryShare = 1.0 / 32
	// maxOther is the share of windows that decimals may leave out.
	maxOther = 1.0 / 8
	// changesBits is what the counts of changes may take for each window.
	changesBits = 2
)

// summaryScratch is the working memory of encoding and decoding summaries.
type summaryScratch struct {
	windows []Window
	bits    []uint64
	ints    [6][]int64
	words   [5][]uint64
	buf     []byte
}

var summaryScratches = sync.Pool{New: func() any { return new(summaryScratch) }}

// appendSummaries appends the payload of the section of summaries for a column
// whose samples have taken size bytes; nothing where summaries do not pay.
func appendSummaries(dst []byte, c *Column, size int, mode colenc.Mode) []byte {
	n := len(c.Times)
	if !c.Type.Numeric() || mode == colenc.Plain || n < minSummarised || mode == colenc.Fast && n < minFastSummarised {
		return dst
	}
	budget := int(max(summaryBytes*float64(n), summaryShare*float64(size)))
	span := float64(c.Times[n-1]) - float64(c.Times[0])
	s := summaryScratches.Get().(*summaryScratch)
	defer summaryScratches.Put(s)
	most := min(float64(n)/minPerWindow, float64(8*budget)) // windows, of a bit at least
	for _, width := range windowWidths {
		windows := span / float64(width) / 1e9
		switch {
		case windows < minWindows:
			return dst
		case windows > most:
			continue
		}
		s.windows = c.AppendWindows(s.windows[:0], width*1e9)
		start := len(dst)
		dst = s.append(dst, width)
		size := len(dst) - start
		if size <= budget {
			return dst
		}
		dst = dst[:start]
		// A window takes no less where it is wider.
		most = windows * float64(budget) / float64(size)
	}
	return dst
}

// append appends a section of summaries for s.windows.
func (s *summaryScratch) append(dst []byte, width int64) []byte {
	form := s.form()
	dst = binary.AppendUvarint(dst, uint64(width))
	dst = binary.AppendUvarint(dst, uint64(len(s.windows)))
	formAt := len(dst)
	dst = append(dst, form)
	for k := range s.ints {
		s.ints[k] = s.ints[k][:0]
	}
	base := windowNumber(s.windows[0].End, width*1e9)
	for i := range s.windows {
		w := &s.windows[i]
		s.ints[0] = append(s.ints[0], windowNumber(w.End, width*1e9)-base)
		s.ints[1] = append(s.ints[1], int64(w.Count))
		s.ints[2] = append(s.ints[2], int64(w.Flags))
	}
	for k := range 3 {
		dst = colenc.AppendInts(dst, s.ints[k])
		s.ints[k] = s.ints[k][:0]
	}
	if form == formBits {
		dst = s.appendBits(dst)
	} else {
		dst = s.appendDecimals(dst, int(form))
	}
	changes := s.ints[5]
	for i := range s.windows {
		if w := &s.windows[i]; w.Flags&Opaque == 0 {
			changes = append(changes, int64(w.Changes))
		}
	}
	s.ints[5] = changes
	s.buf = colenc.AppendInts(s.buf[:0], changes)
	if len(s.buf)*8 <= 8*8+changesBits*len(changes) {
		dst[formAt] |= withChanges
		dst = append(dst, s.buf...)
	}
	return dst
}

// form chooses the form of the values and marks the windows that do not fit it.
func (s *summaryScratch) form() byte {
	s.bits = s.bits[:0]
	for i := range s.windows {
		if w := &s.windows[i]; w.Flags&Opaque == 0 {
			s.bits = append(s.bits, math.Float64bits(w.Min), math.Float64bits(w.Max), math.Float64bits(w.FirstValue), math.Float64bits(w.LastValue))
		}
	}
	e, ok := colenc.DecimalExponent(s.bits)
	if !ok {
		return formBits
	}
	others := 0
	for i := range s.windows {
		if w := &s.windows[i]; w.Flags&Opaque == 0 && !w.decimal(e) {
			others++
		}
	}
	if float64(others) > maxOther*float64(len(s.windows)) {
		return formBits
	}
	for i := range s.windows {
		if w := &s.windows[i]; w.Flags&Opaque == 0 && !w.decimal(e) {
			w.Flags |= WindowOther
		}
	}
	return byte(e)
}

// decimal reports whether the window's values are decimals.
func (w *Window) decimal(e int) bool {
	for _, v := range [...]float64{w.Min, w.Max, w.FirstValue, w.LastValue} {
		if _, ok := colenc.ToDecimal(math.Float64bits(v), e); !ok {
			return false
		}
	}
	_, ok := w.decimalSum(e)
	return ok
}

// decimalSum returns the sum as an integer over 10^e. The sum that was computed
// need not be the float nearest to that decimal: it is compensated, not exact.
func (w *Window) decimalSum(e int) (int64, bool) {
	i, ok := colenc.NearestDecimal(w.Sum, e)
	if !ok {
		return 0, false
	}
	bound := float64(w.Count) * max(math.Abs(w.Min), math.Abs(w.Max)) * 0x1p-52
	return i, math.Abs(colenc.FromDecimal(i, e)-w.Sum) <= bound
}

func (s *summaryScratch) appendDecimals(dst []byte, e int) []byte {
	before := int64(0)
	decimal := func(v float64) int64 {
		i, _ := colenc.ToDecimal(math.Float64bits(v), e)
		return i
	}
	for i := range s.windows {
		w := &s.windows[i]
		if w.Flags&Opaque != 0 {
			continue
		}
		first, last := decimal(w.FirstValue), decimal(w.LastValue)
		sum, _ := w.decimalSum(e)
		s.ints[0] = append(s.ints[0], first-before)
		s.ints[1] = append(s.ints[1], last-first)
		lo, hi := decimal(w.Min), decimal(w.Max)
		s.ints[2] = append(s.ints[2], min(first, last)-lo)
		s.ints[3] = append(s.ints[3], hi-max(first, last))
		s.ints[4] = append(s.ints[4], sum-sumGuess(w.Count, lo, hi))
		before = last
	}
	for k := range 5 {
		dst = colenc.AppendInts(dst, s.ints[k])
	}
	return dst
}

// sumGuess is what the sum is counted from. The middle between the extremes is
// nearer to the mean than that between the ends: on a random walk the distance
// takes a bit less.
func sumGuess(count int, lo, hi int64) int64 { return int64(count) * (lo + hi) >> 1 }

func (s *summaryScratch) appendBits(dst []byte) []byte {
	for k := range s.words {
		s.words[k] = s.words[k][:0]
	}
	for i := range s.windows {
		w := &s.windows[i]
		if w.Flags&Opaque != 0 {
			continue
		}
		for k, v := range [...]float64{w.FirstValue, w.LastValue, w.Min, w.Max, w.Sum} {
			s.words[k] = append(s.words[k], math.Float64bits(v))
		}
	}
	for k := range s.words {
		dst = colenc.AppendFloats(dst, s.words[k])
	}
	return dst
}

// windowNumber is the number of the window with an end; the last one's end may
// have been cut.
func windowNumber(end, width int64) int64 {
	n := end / width
	if end%width > 0 {
		n++
	}
	return n
}

// readWidth reads the width of the windows, in nanoseconds.
func readWidth(src []byte) (width int64, rest []byte, err error) {
	seconds, src, err := colenc.ReadUvarint(src, "window width", math.MaxInt64/uint64(1e9))
	if err != nil {
		return 0, nil, err
	}
	if seconds == 0 {
		return 0, nil, colenc.Corruptf("window width: want at least 1 second, got 0")
	}
	return int64(seconds) * 1e9, src, nil
}

// decodeWindows appends the windows of a chunk. What it checks is that they
// are windows of a chunk with that header; that their values are those of the
// samples is what Verify checks.
func (s *summaryScratch) decodeWindows(dst []Window, src []byte, h *Header) (_ []Window, err error) {
	width, src, err := readWidth(src)
	if err != nil {
		return dst, err
	}
	count, src, err := colenc.ReadUvarint(src, "windows", uint64(h.Count))
	if err != nil {
		return dst, err
	}
	n := int(count)
	form, src, err := colenc.ReadByte(src, "form of summaries")
	if err != nil {
		return dst, err
	}
	for k, field := range [...]string{"window number", "window samples", "window flags"} {
		if s.ints[k], src, err = colenc.DecodeInts(src, n, s.ints[k][:0]); err != nil {
			return dst, colenc.In(field, err)
		}
	}
	start := len(dst)
	base, first, clear := windowNumber(windowEnd(h.Mint, width), width), 0, 0
	for i := range n {
		num, samples, flags := s.ints[0][i], s.ints[1][i], s.ints[2][i]
		if num < 0 || i == 0 && num != 0 || i > 0 && num <= s.ints[0][i-1] || uint64(num) > (uint64(h.Maxt)-uint64(h.Mint))/uint64(width)+1 {
			return dst[:start], colenc.Corruptf("window %d: want a number after the one before it, within the chunk, got %d", i, num)
		}
		if samples < 1 || samples > int64(h.Count-first) {
			return dst[:start], colenc.Corruptf("window %d: want 1 to %d samples, got %d", i, h.Count-first, samples)
		}
		if flags < 0 || flags > math.MaxUint8 {
			return dst[:start], colenc.Corruptf("window %d: want flags of a byte, got %d", i, flags)
		}
		w := Window{End: math.MaxInt64, First: first, Count: int(samples), Flags: WindowFlags(flags)}
		if num += base; num <= math.MaxInt64/width {
			w.End = num * width
		}
		dst = append(dst, w)
		first += int(samples)
		if w.Flags&Opaque == 0 {
			clear++
		}
	}
	if first != h.Count {
		return dst[:start], colenc.Corruptf("windows: want %d samples in all, got %d", h.Count, first)
	}
	if err := s.decodeValues(dst[start:], src, form, clear); err != nil {
		return dst[:start], err
	}
	return dst, nil
}

// decodeValues fills in the values of the windows that are not opaque.
func (s *summaryScratch) decodeValues(windows []Window, src []byte, form byte, n int) (err error) {
	counted := form&withChanges != 0
	form &^= withChanges
	switch {
	case form == formBits:
		src, err = s.decodeBits(windows, src, n)
	case int(form) <= colenc.MaxExponent:
		src, err = s.decodeDecimals(windows, src, int(form), n)
	default:
		err = colenc.Unsupportedf("form of summaries %d", form)
	}
	if err != nil {
		return err
	}
	if counted {
		if s.ints[5], src, err = colenc.DecodeInts(src, n, s.ints[5][:0]); err != nil {
			return colenc.In("window changes", err)
		}
	}
	if len(src) > 0 {
		return colenc.Corruptf("summaries: want no byte after them, got %d", len(src))
	}
	k := 0
	for i := range windows {
		w := &windows[i]
		if w.Flags&Opaque != 0 {
			continue
		}
		if w.Changes = UnknownChanges; counted {
			c := s.ints[5][k]
			if c < 0 || c >= int64(w.Count) {
				return colenc.Corruptf("window %d: want 0 to %d changes, got %d", i, w.Count-1, c)
			}
			w.Changes = int(c)
		}
		k++
	}
	return nil
}

var valueFields = [...]string{"window first", "window last", "window minimum", "window maximum", "window sum"}

func (s *summaryScratch) decodeDecimals(windows []Window, src []byte, e, n int) (rest []byte, err error) {
	for k, field := range valueFields {
		if s.ints[k], src, err = colenc.DecodeInts(src, n, s.ints[k][:0]); err != nil {
			return nil, colenc.In(field, err)
		}
	}
	k, last := 0, int64(0)
	for i := range windows {
		w := &windows[i]
		if w.Flags&Opaque != 0 {
			continue
		}
		first := last + s.ints[0][k]
		last = first + s.ints[1][k]
		w.FirstValue, w.LastValue = colenc.FromDecimal(first, e), colenc.FromDecimal(last, e)
		lo, hi := min(first, last)-s.ints[2][k], max(first, last)+s.ints[3][k]
		w.Min, w.Max = colenc.FromDecimal(lo, e), colenc.FromDecimal(hi, e)
		w.Sum = colenc.FromDecimal(s.ints[4][k]+sumGuess(w.Count, lo, hi), e)
		k++
	}
	return src, nil
}

func (s *summaryScratch) decodeBits(windows []Window, src []byte, n int) (rest []byte, err error) {
	for k, field := range valueFields {
		if s.words[k], src, err = colenc.DecodeFloats(src, n, s.words[k][:0]); err != nil {
			return nil, colenc.In(field, err)
		}
	}
	k := 0
	for i := range windows {
		w := &windows[i]
		if w.Flags&Opaque != 0 {
			continue
		}
		for f, to := range [...]*float64{&w.FirstValue, &w.LastValue, &w.Min, &w.Max, &w.Sum} {
			if *to = math.Float64frombits(s.words[f][k]); *to-*to != 0 {
				return nil, colenc.Corruptf("%s of window %d: want a number, got %v", valueFields[f], i, *to)
			}
		}
		k++
	}
	return src, nil
}

// verifySummaries compares the summaries of a chunk with those computed anew.
func verifySummaries(payload []byte, h *Header, c *Column) error {
	s := summaryScratches.Get().(*summaryScratch)
	defer summaryScratches.Put(s)
	width, _, err := readWidth(payload)
	if err != nil {
		return err
	}
	if s.windows, err = s.decodeWindows(s.windows[:0], payload, h); err != nil {
		return err
	}
	n := len(s.windows)
	s.windows = c.AppendWindows(s.windows, width)
	got, want := s.windows[:n], s.windows[n:]
	if len(want) != n {
		return colenc.Corruptf("summaries: want %d windows, got %d", len(want), n)
	}
	for i := range want {
		if !got[i].stands(&want[i]) {
			return colenc.Corruptf("summary of window %d: want %+v, got %+v", i, want[i], got[i])
		}
	}
	return nil
}

// stands reports whether a decoded window can stand for a computed one.
func (w *Window) stands(want *Window) bool {
	if w.Flags&WindowOther != 0 {
		return w.End == want.End && w.First == want.First && w.Count == want.Count && w.Flags&^WindowOther == want.Flags
	}
	x := *want
	if w.Changes == UnknownChanges {
		x.Changes = UnknownChanges
	}
	if bound := float64(w.Count) * max(math.Abs(w.Min), math.Abs(w.Max)) * 0x1p-52; math.Abs(w.Sum-x.Sum) <= bound {
		x.Sum = w.Sum
	}
	return *w == x
}
