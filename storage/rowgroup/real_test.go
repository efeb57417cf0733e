package rowgroup

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidemark/storage/model"
)

// TestRealLines takes the lines of the loghub samples, with the id of their
// event as a field, through encoding and back, and logs what they take (go
// test -v).
func TestRealLines(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/data/loghub2k/corrected/*.csv.gz")
	if len(files) == 0 {
		t.Skip("the loghub lines are not there: ../../../shared/data/loghub2k")
	}
	var all []testRow
	for set, file := range files {
		rows := readLines(t, file, uint32(set))
		size := 0
		for _, r := range rows {
			size += len(r.line)
		}
		g, err := Open(checkRoundTrip(t, rows))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%-20s %d lines of %.1f bytes take %.1f each", filepath.Base(file), len(rows), float64(size)/float64(len(rows)), float64(g.shapes.Size+g.vars.Size)/float64(len(rows)))
		all = append(all, rows...)
	}
	checkRoundTrip(t, all)
}

func readLines(t *testing.T, file string, set uint32) (rows []testRow) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	for i, r := range records[1:] { // after the head: LineId, Content, EventId, EventTemplate
		rows = append(rows, testRow{set: set, time: int64(i / 3), line: r[1], fields: []testField{{"event", model.Text(r[2])}}})
	}
	if len(rows) == 0 {
		t.Fatalf("%s: no lines", file)
	}
	return rows
}

// TestRawFiles takes every raw log of the loghub samples through encoding and
// back: the same bytes, line by line.
func TestRawFiles(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/data/loghub2k/raw/*.log.gz")
	if len(files) == 0 {
		t.Skip("the raw loghub logs are not there: ../../../shared/data/loghub2k/raw")
	}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(z)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(raw), "\n")
		for _, best := range []bool{false, true} {
			b := NewBuilder()
			b.StartSet(1)
			for i, l := range lines {
				b.Row(int64(i), []byte(l), nil)
			}
			enc := b.Append(nil)
			if best {
				enc = b.AppendBest(enc[:0])
			}
			g, err := Open(enc)
			if err != nil {
				t.Fatal(err)
			}
			got, err := g.Lines(0, len(lines), nil)
			if err != nil || strings.Join(got, "\n") != string(raw) {
				t.Fatalf("%s: the lines are others: %v", filepath.Base(file), err)
			}
			t.Logf("%-20s %d bytes take %d, best %v", filepath.Base(file), len(raw), len(enc), best)
		}
	}
}
