package rowgroup

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidemark/storage/internal/colenc"
	"tidemark/storage/model"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// goldens are the groups whose bytes testdata/groups.txt holds. The first is the
// example of the package's documentation.
func goldens() []struct {
	name string
	rows []testRow
} {
	return []struct {
		name string
		rows []testRow
	}{
		{"three rows of two label sets", []testRow{
			{set: 4, time: 1000, line: "GET /", fields: []testField{{"ms", model.Float(0.5)}}},
			{set: 4, time: 1000, line: "GET /a"},
			{set: 9, time: 990, line: "bye", fields: []testField{{"ms", model.Float(2)}}},
		}},
		{"one row", []testRow{{set: 0, time: -1, line: ""}}},
		{"every type", []testRow{
			{set: 1, time: 1, line: "a", fields: []testField{{"f", model.Float(1.5)}, {"i", model.Int(-1)}, {"b", model.Bool(true)}, {"t", model.Text("x")}}},
			{set: 1, time: 2, line: "a", fields: []testField{{"f", model.Int(7)}, {"i", model.Int(5)}, {"b", model.Bool(false)}, {"t", model.Text("x")}}},
			{set: 1, time: 2, line: "a", fields: []testField{{"f", model.Text("seven")}}},
		}},
		{"lines that compress", []testRow{
			{set: 1, time: 1, line: strings.Repeat("na ", 20) + "batman"},
			{set: 1, time: 2, line: strings.Repeat("na ", 21) + "batman"},
		}},
	}
}

// dump prints a group's bytes with what they mean.
func dump(b []byte) string {
	var out strings.Builder
	at := 0
	field := func(n int, format string, args ...any) {
		text := fmt.Sprintf(format, args...)
		for first := true; first || n > 0; first = false {
			k := min(n, 12)
			line := fmt.Sprintf("%4d  %-36s%s", at, fmt.Sprintf("% x", b[at:at+k]), text)
			out.WriteString(strings.TrimRight(line, " ") + "\n")
			at, n, text = at+k, n-k, ""
		}
	}
	uvarint := func(format string) int {
		v, n := binary.Uvarint(b[at:])
		field(n, format, v)
		return int(v)
	}
	g, err := Open(b)
	if err != nil {
		return err.Error()
	}
	field(4, "checksum of the head %08x", binary.LittleEndian.Uint32(b))
	field(1, "version %d", b[at])
	field(1, "flags")
	field(1, "level %d", b[at])
	field(1, "fill %d/255", b[at])
	head := int(binary.LittleEndian.Uint32(b[at:]))
	field(4, "head length %d", head)
	uvarint("rows %d")
	uvarint("runs %d")
	columns := uvarint("columns %d")
	mint, n := binary.Varint(b[at:])
	field(n, "mint %d", mint)
	uvarint("maxt is %d later")
	field(len(appendRuns(nil, g.runs, g.mint, colenc.Smallest)), "runs")
	var sizes []int
	for range columns {
		kind := b[at]
		field(1, "column of %s", map[byte]string{kindTimes: "times", kindLines: "lines", kindField: "a field", kindShapes: "shapes", kindVars: "variables", kindGrams: "grams", kindValues: "filter of values"}[kind])
		field(1, "type %s", model.Type(b[at]))
		field(1, "encoding %d", b[at])
		if kind == kindField {
			size := uvarint("name of length %d")
			field(size, "%q", b[at:at+size])
			uvarint("first row %d")
			uvarint("last row is %d later")
			uvarint("rows with a value: 1 and %d")
		}
		sizes = append(sizes, uvarint("size %d"))
		field(4, "checksum %08x", binary.LittleEndian.Uint32(b[at:]))
	}
	if at != head {
		fmt.Fprintf(&out, "the head ends at %d\n", at)
	}
	for i, size := range sizes {
		field(size, "payload of column %d", i)
	}
	return out.String()
}

// describe prints rows.
func describe(rows []testRow) string {
	var out strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&out, "# label set %d, %d %q", r.set, r.time, r.line)
		for _, f := range r.fields {
			fmt.Fprintf(&out, " %s=%s", f.name, f.value)
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
// decode to the same rows for as long as version 1 is read.
func TestGolden(t *testing.T) {
	path := filepath.Join("testdata", "groups.txt")
	var want strings.Builder
	for _, g := range goldens() {
		fmt.Fprintf(&want, "== %s\n%s%s\n", g.name, describe(g.rows), dump(build(NewBuilder(), g.rows)))
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
		t.Fatalf("%s: got %d groups, want %d", path, len(parts), len(goldens()))
	}
	for i, want := range goldens() {
		b := undump(t, parts[i])
		g, err := Open(b)
		if err != nil {
			t.Errorf("%s: %v", want.name, err)
			continue
		}
		checkGroup(t, g, want.rows)
		if got := build(NewBuilder(), want.rows); !bytes.Equal(got, b) {
			t.Errorf("%s: encodes differently than before:\n%s\nwas:\n%s", want.name, dump(got), parts[i])
		}
	}
}
