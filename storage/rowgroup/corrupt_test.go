package rowgroup

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tidemark/storage/internal/colenc"
	"tidemark/storage/model"
)

// small is a group in which every kind of column occurs.
func small() []testRow {
	var rows []testRow
	for i := range 12 {
		r := testRow{set: uint32(5 + i/5), time: int64(1000*(i%5) + i/5), line: fmt.Sprint("line number ", i)}
		r.fields = append(r.fields, testField{"n", model.Int(int64(i * i))})
		if i%2 == 0 {
			r.fields = append(r.fields, testField{"ms", model.Float(float64(i) / 10)}, testField{"level", model.Text([]string{"info", "warn"}[i/3%2])})
		}
		if i == 7 {
			r.fields = append(r.fields, testField{"n", model.Bool(true)})
		}
		rows = append(rows, r)
	}
	return rows
}

// readAll reads everything of a group and checks that what is accepted keeps its
// word. It returns the first error.
func readAll(b []byte) (err error) {
	g, err := Open(b)
	if err != nil {
		return err
	}
	first := func(e error) {
		if err == nil {
			err = e
		}
	}
	n := g.Rows()
	times, e := g.Times(0, n, nil)
	first(e)
	if e == nil {
		for _, r := range g.Sets() {
			if ts := times[r.First : r.First+r.Count]; !slices.IsSorted(ts) || ts[0] != r.Mint || ts[len(ts)-1] != r.Maxt {
				return fmt.Errorf("times %v do not fit run %+v", ts, r)
			}
		}
	}
	lines, e := g.Lines(0, n, nil)
	first(e)
	if e == nil && len(lines) != n {
		return fmt.Errorf("got %d lines for %d rows", len(lines), n)
	}
	_, e = g.MayContain("some text")
	first(e)
	for i, c := range g.Columns() {
		_, e := g.MayHave(c.Name, "some text")
		first(e)
		_, e = g.Tally(c.Name)
		first(e)
		_, e = g.Totals(c.Name)
		first(e)
		if i >= 50 {
			break // a hostile directory may list millions
		}
		vals, e := g.Column(c.Name, 0, n, nil)
		first(e)
		if e == nil && len(vals) != n {
			return fmt.Errorf("got %d values for %d rows", len(vals), n)
		}
	}
	return err
}

// expected reports whether an error is one of the two a reader may return.
func expected(err error) bool {
	return errors.Is(err, ErrCorrupt) || errors.Is(err, ErrUnsupported)
}

func TestTruncation(t *testing.T) {
	b := build(NewBuilder(), small())
	for n := range b {
		if _, err := Open(b[:n:n]); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("cut at %d of %d: got error %v", n, len(b), err)
		}
		cut := bytes.Clone(b[:n])
		Seal(cut)
		if _, err := Open(cut); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("cut at %d of %d with a good checksum: got error %v", n, len(b), err)
		}
	}
}

func TestBitFlips(t *testing.T) {
	b := build(NewBuilder(), small())
	for i := range len(b) * 8 {
		b[i/8] ^= 1 << (i % 8)
		if err := readAll(b); !expected(err) {
			t.Fatalf("bit %d of byte %d: got error %v", i%8, i/8, err)
		}
		b[i/8] ^= 1 << (i % 8)
	}
}

// TestSealedFlips flips bits and repairs the checksums: nothing may panic, and
// what is accepted must keep its word.
func TestSealedFlips(t *testing.T) {
	b := build(NewBuilder(), small())
	for i := 32; i < len(b)*8; i++ {
		bad := bytes.Clone(b)
		bad[i/8] ^= 1 << (i % 8)
		Seal(bad)
		if err := readAll(bad); err != nil && !expected(err) {
			t.Fatalf("bit %d of byte %d: %v", i%8, i/8, err)
		}
	}
}

// TestDamageIsLocal: a damaged column leaves the others readable.
func TestDamageIsLocal(t *testing.T) {
	rows := small()
	b := build(NewBuilder(), rows)
	b[len(b)-1] ^= 1 // the last column is n of type bool
	g, err := Open(b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Column("n", 0, len(rows), nil); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), `column "n" of bool: corrupt encoding: checksum`) {
		t.Fatalf("damaged column: got error %v", err)
	}
	checkRows(t, g, rows, 0, len(rows), map[string]bool{"ms": true, "level": true})
	checkRows(t, g, rows, 0, 5, map[string]bool{"n": true}) // which have no bool
}

func TestRefusals(t *testing.T) {
	base := build(NewBuilder(), small())
	for _, c := range []struct {
		what   string
		change func(b []byte)
		want   error
		text   string
	}{
		{"version 0", func(b []byte) { b[offVersion] = 0 }, ErrCorrupt, "version: want at least 1, got 0"},
		{"next version", func(b []byte) { b[offVersion] = 2 }, ErrUnsupported, "version: want at most 1, got 2"},
		{"flags", func(b []byte) { b[offFlags] = 4 }, ErrUnsupported, "flags: want none, got 04"},
		{"head length", func(b []byte) { binary.LittleEndian.PutUint32(b[offHeadLen:], 1<<31) }, ErrCorrupt, "head length: want 12 to"},
		{"no rows", func(b []byte) { b[fixedLen] = 0 }, ErrCorrupt, "rows: want at least 1, got 0"},
		{"fewer rows", func(b []byte) { b[fixedLen] = 11 }, ErrCorrupt, "rows of run 2: want 1 to 1, got 2"},
		{"more rows", func(b []byte) { b[fixedLen] = 13 }, ErrCorrupt, "rows of runs: want 13 in all, got 12"},
		{"no runs", func(b []byte) { b[fixedLen+1] = 0 }, ErrCorrupt, "runs: want at least 1, got 0"},
		{"columns", func(b []byte) { b[fixedLen+2] = 100 }, ErrCorrupt, "columns: want at most"},
	} {
		b := bytes.Clone(base)
		c.change(b)
		Seal(b)
		// Seal leaves alone what it cannot read; the head's own checksum, at
		// least, must not be what stops the reader.
		if n := int(binary.LittleEndian.Uint32(b[offHeadLen:])); n <= len(b) {
			seal(b[:n])
		}
		if _, err := Open(b); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: got error %v, want %q", c.what, err, c.text)
		}
	}
}

// TestTooManyValues: a directory of a few kilobytes that claims values beyond
// any builder's is refused before anybody decodes them.
func TestTooManyValues(t *testing.T) {
	b := NewBuilder()
	fields := make([]Field, MaxValues/MaxRows+1)
	for i := range fields {
		fields[i] = Field{Name: fmt.Sprint(i), Type: model.TypeInt}
	}
	b.StartSet(1)
	for range 2 {
		b.Row(1, nil, fields)
	}
	enc := b.Append(nil)
	// Claim MaxRows rows in the counts, in the only run and in every column.
	c, src, err := decodeCounts(enc[fixedLen:])
	if err != nil {
		t.Fatal(err)
	}
	head, _ := headOf(enc)
	_, directory, err := decodeRuns(src[:len(head)-(len(enc)-len(src))], 1, 2, c.mint, c.maxt)
	if err != nil {
		t.Fatal(err)
	}
	c.rows = MaxRows
	bad := c.append(bytes.Clone(enc[:fixedLen]))
	bad = appendRuns(bad, []Run{{ID: 1, Count: MaxRows, Mint: 1, Maxt: 1}}, c.mint, colenc.Smallest)
	for range c.columns {
		e, rest, err := decodeEntry(directory, 2, len(enc))
		if err != nil {
			t.Fatal(err)
		}
		directory = rest
		e.Last, e.Present = MaxRows-1, MaxRows
		bad = appendEntry(bad, &e, e.Size, e.checksum)
	}
	seal(bad)
	bad = append(bad, enc[len(head):]...)
	if _, err := Open(bad); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "values of all fields: want at most 33554432") {
		t.Fatalf("got error %v", err)
	}
}

// TestLaterColumns: a field of a type or an encoding of later versions is listed,
// and only reading it fails; an unknown column that may be skipped is skipped.
func TestLaterColumns(t *testing.T) {
	rows := small()
	b := build(NewBuilder(), rows)
	entryOf := func(b []byte, name string) int { // where its type stands
		return bytes.Index(b, append([]byte{encodingPlain, byte(len(name))}, name...)) - 1
	}
	later := bytes.Clone(b)
	later[entryOf(b, "ms")] = byte(model.TypeHistogram)
	later[entryOf(b, "level")+1] = encodingPlain + 1
	Seal(later)
	g, err := Open(later)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"ms": `column "ms" of histogram: unsupported encoding: type histogram`, "level": "column encoding 2"} {
		if _, err := g.Column(name, 0, 12, nil); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: got error %v, want %q", name, err, text)
		}
	}
	checkRows(t, g, rows, 0, len(rows), map[string]bool{"n": true})

	// Insert an optional column before the fields.
	head, _ := headOf(b)
	at := entryOf(b, "level") - 1
	payload := []byte("future")
	entry := []byte{kindOptional, byte(model.TypeText), 9, byte(len(payload)), 0, 0, 0, 0}
	build := func(kind byte) []byte {
		entry[0] = kind
		out := slices.Concat(b[:at], entry, b[at:len(head)])
		out[fixedLen+2]++
		seal(out)
		// The payload stands where the first field's begins.
		fields := len(b)
		for _, c := range g.Columns() {
			fields -= c.Size
		}
		out = slices.Concat(out, b[len(head):fields], payload, b[fields:])
		Seal(out)
		return out
	}
	if g, err = Open(build(kindOptional)); err != nil {
		t.Fatal(err)
	}
	checkGroup(t, g, rows)
	if _, err := Open(build(kindOptional - 1)); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "column kind 127") {
		t.Errorf("a kind one must know: got error %v", err)
	}
}
