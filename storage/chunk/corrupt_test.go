package chunk

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tidemark/storage/model"
)

// small are the shapes with few encoded bytes, for tests that try every byte.
func small(t *testing.T) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for name, c := range shapes() {
		if b := Append(nil, c); len(b) < 1200 {
			out[name] = b
		}
	}
	if len(out) < 20 {
		t.Fatalf("only %d small shapes", len(out))
	}
	return out
}

// mustRefuse checks that Decode names the bytes corrupt (or in need of a newer
// reader) and leaves the column alone.
func mustRefuse(t *testing.T, b []byte, what string) {
	t.Helper()
	into := Column{Type: model.TypeInt, Times: []int64{1, 2}, Bits: []uint64{3, 4}}
	err := Decode(b, &into)
	if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnsupported) {
		t.Fatalf("%s: got error %v", what, err)
	}
	want := Column{Type: model.TypeInt, Times: []int64{1, 2}, Bits: []uint64{3, 4}}
	if d := diff(&into, &want); d != "" {
		t.Fatalf("%s: column changed: %s", what, d)
	}
	if ts, err := DecodeTimes(b, nil); err == nil || len(ts) > 0 {
		t.Fatalf("%s: DecodeTimes: got %d times, error %v", what, len(ts), err)
	}
}

func TestTruncation(t *testing.T) {
	for name, b := range small(t) {
		for n := range b {
			mustRefuse(t, b[:n:n], name)
			// With a checksum that fits, the decoder itself must notice.
			cut := bytes.Clone(b[:n])
			Seal(cut)
			var c Column
			if err := Decode(cut, &c); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("%s: cut at %d of %d with a good checksum: got error %v", name, n, len(b), err)
			}
		}
	}
}

func TestBitFlips(t *testing.T) {
	for name, b := range small(t) {
		for i := range len(b) * 8 {
			b[i/8] ^= 1 << (i % 8)
			mustRefuse(t, b, name)
			b[i/8] ^= 1 << (i % 8)
		}
	}
}

// TestSealedFlips flips bits and repairs the checksum: the decoder may then find
// other samples, but must not panic, and what it accepts must be sound.
func TestSealedFlips(t *testing.T) {
	for name, b := range small(t) {
		for i := 32; i < len(b)*8; i++ {
			bad := bytes.Clone(b)
			bad[i/8] ^= 1 << (i % 8)
			Seal(bad)
			if why := unsound(bad); why != "" {
				t.Fatalf("%s: bit %d: %s", name, i, why)
			}
		}
	}
}

// unsound decodes the bytes, whole and in parts, and says what is wrong with
// an accepted column.
func unsound(b []byte) string {
	if why := unsoundParts(b); why != "" {
		return why
	}
	var c Column
	err := Decode(b, &c)
	switch {
	case err == nil:
		if why := c.invalid(); why != "" {
			return why
		}
	case !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnsupported):
		return "error of neither kind: " + err.Error()
	case c.Len() > 0 || c.Bits != nil || c.Texts != nil || c.Histograms != nil || c.Starts != nil:
		return "an error and yet samples"
	}
	return ""
}

// unsoundParts says what is wrong with what a Reader accepts.
func unsoundParts(b []byte) string {
	var r Reader
	if err := r.Open(b); err != nil {
		return ""
	}
	n := r.Header().Count
	var errs []error
	try := func(got int, err error, want int) string {
		errs = append(errs, err)
		if err == nil && got != want || err != nil && got != 0 {
			return fmt.Sprintf("read in parts: want %d values, got %d, error %v", want, got, err)
		}
		return ""
	}
	for _, span := range [][2]int{{n / 3, n/3 + (n+1)/2}, {0, n}} {
		i, j := span[0], min(span[1], n)
		times, err := r.AppendTimes(nil, i, j)
		why := try(len(times), err, j-i)
		switch r.Header().Type {
		case model.TypeText:
			texts, err := r.AppendTexts(nil, i, j)
			why = cmp.Or(why, try(len(texts), err, j-i))
		case model.TypeHistogram:
			hs, err := r.AppendHistograms(nil, i, j)
			why = cmp.Or(why, try(len(hs), err, j-i))
		default:
			words, err := r.AppendBits(nil, i, j)
			why = cmp.Or(why, try(len(words), err, j-i))
			floats, err := r.AppendFloats(nil, i, j)
			why = cmp.Or(why, try(len(floats), err, j-i))
		}
		starts, err := r.AppendStarts(nil, i, j)
		if why = cmp.Or(why, try(len(starts), err, j-i)); why != "" {
			return why
		}
	}
	if at, err := r.Search(r.Header().Mint/2 + r.Header().Maxt/2); err != nil {
		errs = append(errs, err)
	} else if at < 0 || at > n {
		return fmt.Sprintf("search: got %d of %d", at, n)
	}
	windows, err := r.AppendWindows(nil)
	errs = append(errs, err)
	samples := 0
	for i := range windows {
		samples += windows[i].Count
	}
	if len(windows) > 0 && samples != n {
		return fmt.Sprintf("windows of %d samples of %d", samples, n)
	}
	_, err = r.WindowWidth()
	for _, err := range append(errs, err) {
		if err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnsupported) {
			return "read in parts: error of neither kind: " + err.Error()
		}
	}
	return ""
}

func TestRefusals(t *testing.T) {
	base := Append(nil, withStarts(ints(3, func(i int) int64 { return int64(i * i) }), func(int) int64 { return 5 }))
	section := func(id byte, payload ...byte) []byte {
		return append(binary.AppendUvarint([]byte{id}, uint64(len(payload))), payload...)
	}
	for _, c := range []struct {
		what   string
		change func(b []byte) []byte
		want   error
		text   string
	}{
		{"version 0", func(b []byte) []byte { b[offVersion] = 0; return b }, ErrCorrupt, "chunk version: want at least 1, got 0"},
		{"next version", func(b []byte) []byte { b[offVersion] = Version + 1; return b }, ErrUnsupported, "chunk version: want at most 1, got 2"},
		{"no type", func(b []byte) []byte { b[offType] = 0; return b }, ErrCorrupt, "chunk type: want a type, got none"},
		{"a type of later days", func(b []byte) []byte { b[offType] = byte(model.TypeStart); return b }, ErrUnsupported, "want float, int, bool, text or histogram, got start"},
		{"histograms that are none", func(b []byte) []byte { b[offType] = byte(model.TypeHistogram); return b }, ErrUnsupported, "histogram encoding"},
		{"no samples", func(b []byte) []byte { b[fixedLen] = 0; return b }, ErrCorrupt, "chunk count: want at least 1, got 0"},
		{"another count", func(b []byte) []byte { b[fixedLen] = 2; return b }, ErrCorrupt, "want"},
		{"too many", func(b []byte) []byte {
			return append(append(bytes.Clone(b[:fixedLen]), binary.AppendUvarint(nil, MaxSamples+1)...), b[fixedLen+1:]...)
		}, ErrCorrupt, "chunk count: want at most 16384, got 16385"},
		{"another type", func(b []byte) []byte { b[offType] = byte(model.TypeText); return b }, ErrUnsupported, "text encoding"},
		{"starts unannounced", func(b []byte) []byte { b[offFlags] &^= byte(HasStarts); return b }, ErrCorrupt, "start times: want the flag"},
		{"section 0", func(b []byte) []byte { return append(b, section(0)...) }, ErrCorrupt, "section id: want at least 1, got 0"},
		{"a section one must know", func(b []byte) []byte { return append(b, section(9, 1)...) }, ErrUnsupported, "section 9"},
		{"values twice", func(b []byte) []byte { return append(b, section(sectionValues, 1)...) }, ErrCorrupt, "section 2: want it once"},
		{"times by reference", func(b []byte) []byte {
			_, sections, _ := readHeader(b) // id, length, time encoding
			sections[2] = timesInline + 1
			return b
		}, ErrUnsupported, "time encoding 2"},
		{"bytes after the times", func(b []byte) []byte {
			return append(bytes.Clone(b[:len(b)-4]), section(sectionStarts, 1, 10, 0)...)
		}, ErrCorrupt, "start times: want no byte after them, got 1"},
	} {
		b := c.change(bytes.Clone(base))
		Seal(b)
		var col Column
		err := Decode(b, &col)
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: got error %v, want %q", c.what, err, c.text)
		}
	}
}

// TestOptionalSection: a section that this version does not know, and may skip,
// changes nothing.
func TestOptionalSection(t *testing.T) {
	want := floats(10, func(i int) float64 { return float64(i) })
	b := append(Append(nil, want), sectionOptional+1, 3, 'a', 'b', 'c')
	Seal(b)
	var got Column
	if err := Decode(b, &got); err != nil {
		t.Fatal(err)
	}
	if d := diff(&got, want); d != "" {
		t.Fatal(d)
	}
}

func TestTypeMismatch(t *testing.T) {
	b := Append(nil, floats(1, func(int) float64 { return 1 }))
	c := *ints(1, func(int) int64 { return 1 })
	if err := Decode(b, &c); !errors.Is(err, ErrTypeMismatch) || c.Len() != 1 {
		t.Fatalf("got error %v and %d samples, want ErrTypeMismatch and 1", err, c.Len())
	}
}

// TestMixedStarts appends chunks of which only one has start times.
func TestMixedStarts(t *testing.T) {
	without := Append(nil, ints(2, func(int) int64 { return 1 }))
	with := Append(nil, withStarts(ints(2, func(int) int64 { return 1 }), func(i int) int64 { return int64(i + 5) }))
	for _, c := range []struct {
		chunks [][]byte
		want   []int64
	}{
		{[][]byte{without, with}, []int64{NoStart, NoStart, 5, 6}},
		{[][]byte{with, without}, []int64{5, 6, NoStart, NoStart}},
		{[][]byte{without, without}, nil},
	} {
		col := Column{Starts: []int64{7, 7, 7, 7}}
		col.Reset()
		for _, b := range c.chunks {
			if err := Decode(b, &col); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := len(col.Starts), len(c.want); got != want {
			t.Fatalf("got %d start times, want %d", got, want)
		}
		for i, w := range c.want {
			if col.Starts[i] != w {
				t.Fatalf("got start times %v, want %v", col.Starts, c.want)
			}
		}
	}
}

func TestMisusePanics(t *testing.T) {
	for what, c := range map[string]*Column{
		"no samples":         {Type: model.TypeInt},
		"too many":           ints(MaxSamples+1, func(int) int64 { return 1 }),
		"no type":            {Times: []int64{1}, Bits: []uint64{1}},
		"histogram":          {Type: model.TypeHistogram, Times: []int64{1}, Bits: []uint64{1}},
		"many buckets":       {Type: model.TypeHistogram, Times: []int64{1, 2, 3, 4, 5, 6, 7, 8, 9}, Histograms: slices.Repeat([]*model.Histogram{wideHistogram()}, 9)},
		"no words":           {Type: model.TypeInt, Times: []int64{1}},
		"texts and words":    {Type: model.TypeText, Times: []int64{1}, Texts: []string{""}, Bits: []uint64{1}},
		"times repeat":       {Type: model.TypeInt, Times: []int64{1, 1}, Bits: []uint64{1, 1}},
		"too few starts":     {Type: model.TypeInt, Times: []int64{1, 2}, Bits: []uint64{1, 1}, Starts: []int64{1}},
		"words without type": {Type: 77, Times: []int64{1}, Bits: []uint64{1}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: want a panic", what)
				}
			}()
			Append(nil, c)
		}()
	}
}

func TestCut(t *testing.T) {
	half := strings.Repeat("x", TargetTextBytes/2)
	for what, c := range map[string]struct {
		c    Column
		want int
	}{
		"empty":       {Column{}, 0},
		"short":       {*ints(5, func(int) int64 { return 1 }), 5},
		"long":        {*ints(MaxSamples+1, func(int) int64 { return 1 }), MaxSamples/2 + 1},
		"texts":       {*texts(5, func(int) string { return half }), 2},
		"long text":   {*texts(2, func(int) string { return half + half + half }), 1},
		"short texts": {*texts(MaxSamples+7, func(int) string { return "a" }), MaxSamples/2 + 4},
		"histograms":  {*histograms(10, func(int) *model.Histogram { return wideHistogram() }), 8},
	} {
		if got := c.c.Cut(); got != c.want {
			t.Errorf("%s: got %d, want %d", what, got, c.want)
		}
	}
}

// TestDecodeAllocatesNothing: with room in the column, numbers decode in place.
func TestDecodeAllocatesNothing(t *testing.T) {
	for _, name := range []string{"float gauge", "float full", "float counter", "int outliers", "bool runs"} {
		b := Append(nil, shapes()[name])
		var c Column
		got := testing.AllocsPerRun(20, func() {
			c.Reset()
			if err := Decode(b, &c); err != nil {
				t.Fatal(err)
			}
		})
		if got >= 1 {
			t.Errorf("%s: got %v allocations, want none", name, got)
		}
	}
}
