package chunk

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidemark/storage/model"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// goldens are the chunks whose bytes testdata/chunks.txt holds. The first is the
// example of the package's documentation.
func goldens() []struct {
	name string
	c    *Column
} {
	at := func(ts ...int64) []int64 { return ts }
	f := func(vs ...float64) (bits []uint64) {
		for _, v := range vs {
			bits = append(bits, math.Float64bits(v))
		}
		return bits
	}
	return []struct {
		name string
		c    *Column
	}{
		{"four floats", &Column{Type: model.TypeFloat, Times: at(1000, 2000, 3000, 4000), Bits: f(20.5, 20.75, 20.25, 20.5)}},
		{"one float", &Column{Type: model.TypeFloat, Times: at(-1), Bits: f(0.1)}},
		{"a counter with a reset and a stale end", &Column{Type: model.TypeFloat, Times: at(0, 15, 30, 45, 60, 75),
			Bits: append(f(100, 110, 121, 4, 15), model.StaleNaNBits)}},
		{"floats of full precision", &Column{Type: model.TypeFloat, Times: at(1, 2, 4), Bits: f(math.Pi, math.Pi, math.E)}},
		{"floats of no order", &Column{Type: model.TypeFloat, Times: at(1, 2), Bits: []uint64{0x0123456789abcdef, 0xfedcba9876543210}}},
		{"integers with an outlier", &Column{Type: model.TypeInt, Times: at(10, 20, 30, 40, 50, 60, 70, 80, 90, 100),
			Bits: []uint64{3, 1, 4, 1, 5, 1 << 40, 2, 6, 5, 3}}},
		{"integers with start times", &Column{Type: model.TypeInt, Times: at(10, 20, 31), Bits: []uint64{1, 2, 3}, Starts: at(5, 5, 21)}},
		{"integers in runs", &Column{Type: model.TypeInt, Times: at(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
			Bits: []uint64{1000, 1000, 1000, 1000, 1000, 1000, 12345678901, 12345678901, 5, 5, 5, 5}}},
		{"booleans", &Column{Type: model.TypeBool, Times: at(1, 2, 3), Bits: []uint64{1, 0, 1}}},
		{"states", &Column{Type: model.TypeText, Times: at(1, 2, 3, 4), Texts: []string{"up", "down", "up", "up"}}},
		{"texts", &Column{Type: model.TypeText, Times: at(1, 2), Texts: []string{"3 days", "\xff\x00"}}},
		{"an integer histogram that counts", &Column{Type: model.TypeHistogram, Times: at(10, 20, 30), Histograms: []*model.Histogram{
			{Schema: 0, Integer: true, ZeroThreshold: 0.001, ZeroCount: 1, Count: 4, Sum: 6.5, Positive: model.Buckets{Index: []int32{0, 2}, Count: []float64{1, 2}}},
			{Schema: 0, Hint: model.ResetNo, Integer: true, ZeroThreshold: 0.001, ZeroCount: 1, Count: 6, Sum: 10, Positive: model.Buckets{Index: []int32{0, 2}, Count: []float64{2, 3}}},
			{Schema: 0, Hint: model.ResetNo, Integer: true, ZeroThreshold: 0.001, ZeroCount: 1, Count: 7, Sum: 9.5, Positive: model.Buckets{Index: []int32{0, 2}, Count: []float64{2, 3}}, Negative: model.Buckets{Index: []int32{1}, Count: []float64{1}}},
		}}},
		{"a float histogram with custom buckets and a stale end", &Column{Type: model.TypeHistogram, Times: at(10, 20), Histograms: []*model.Histogram{
			{Schema: model.CustomSchema, Custom: []float64{0.5, 1}, Count: 2.5, Sum: 2, Positive: model.Buckets{Index: []int32{0, 2}, Count: []float64{1, 1.5}}},
			model.StaleHistogram(),
		}}},
		{"a text that compresses", &Column{Type: model.TypeText, Times: at(1), Texts: []string{strings.Repeat("ab", 40)}}},
	}
}

// dump prints a chunk's bytes with what they mean.
func dump(b []byte) string {
	var out strings.Builder
	err := Annotate(b, func(at, n int, text string) {
		for first := true; first || n > 0; first = false {
			k := min(n, 12)
			line := fmt.Sprintf("%4d  %-36s%s", at, fmt.Sprintf("% x", b[at:at+k]), text)
			out.WriteString(strings.TrimRight(line, " ") + "\n")
			at, n, text = at+k, n-k, ""
		}
	})
	if err != nil {
		return err.Error()
	}
	return out.String()
}

// samples prints a column.
func samples(c *Column) string {
	var out strings.Builder
	for i, t := range c.Times {
		fmt.Fprintf(&out, "# %d ", t)
		switch c.Type {
		case model.TypeText:
			fmt.Fprintf(&out, "%q", c.Texts[i])
		case model.TypeHistogram:
			fmt.Fprintf(&out, "%+v", *c.Histograms[i])
		default:
			fmt.Fprint(&out, model.Value{Type: c.Type, Bits: c.Bits[i]})
		}
		if len(c.Starts) > 0 {
			fmt.Fprintf(&out, " start %d", c.Starts[i])
		}
		out.WriteByte('\n')
	}
	return out.String()
}

// undump returns the bytes of a dump.
func undump(t *testing.T, dump string) (b []byte) {
	t.Helper()
	for line := range strings.Lines(dump) {
		line = strings.TrimSuffix(line, "\n")
		if !strings.HasPrefix(line, " ") {
			continue
		}
		part, err := hex.DecodeString(strings.ReplaceAll(line[6:min(42, len(line))], " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, part...)
	}
	return b
}

// TestGolden: the format does not change unseen. What testdata holds must
// decode to the same samples for as long as version 1 is read.
func TestGolden(t *testing.T) {
	path := filepath.Join("testdata", "chunks.txt")
	var want strings.Builder
	for _, g := range goldens() {
		fmt.Fprintf(&want, "== %s\n%s%s\n", g.name, samples(g.c), dump(Append(nil, g.c)))
	}
	if *update {
		if err := os.WriteFile(path, []byte(want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(file), "== ")[1:]
	if len(parts) != len(goldens()) {
		t.Fatalf("%s: got %d chunks, want %d", path, len(parts), len(goldens()))
	}
	for i, g := range goldens() {
		b := undump(t, parts[i])
		var c Column
		if err := Decode(b, &c); err != nil {
			t.Errorf("%s: %v", g.name, err)
		} else if d := diff(&c, g.c); d != "" {
			t.Errorf("%s: %s", g.name, d)
		}
		if got := Append(nil, g.c); !bytes.Equal(got, b) {
			t.Errorf("%s: encodes differently than before:\n%s\nwas:\n%s", g.name, dump(got), parts[i])
		}
	}
}
