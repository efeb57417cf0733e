package main

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"
)

// open opens a file, plain or gzip; path may lack the .gz that the file has.
func open(path string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if os.IsNotExist(err) && !strings.HasSuffix(path, ".gz") {
		path += ".gz"
		f, err = os.Open(path)
	}
	if err != nil || !strings.HasSuffix(path, ".gz") {
		return f, err
	}
	z, err := gzip.NewReader(bufio.NewReader(f))
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return struct {
		io.Reader
		io.Closer
	}{z, f}, nil
}

// readCSV reads a whole file; the header is the first record.
func readCSV(path string) ([][]string, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s: empty, want a header", path)
	}
	return rows, nil
}

func readJSON(path string, v any) error {
	f, err := open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := json.NewDecoder(f).Decode(v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// column finds a column by any of several names, in any case.
func column(head []string, names ...string) int {
	for i, h := range head {
		for _, n := range names {
			if strings.EqualFold(strings.TrimSpace(h), n) {
				return i
			}
		}
	}
	return -1
}

// parseTime reads the times of the benchmarks, in milliseconds: seconds since
// the epoch, RFC 3339, or a date and a time in UTC.
func parseTime(s string) (int64, error) {
	s = strings.TrimSpace(s)
	if f, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(f) < 1e12 {
		return int64(math.Round(f * 1000)), nil
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04:05.000000", time.RFC3339, "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UnixMilli(), nil
		}
	}
	return 0, fmt.Errorf("time %q: want seconds or a date and time", s)
}

// rowInterval is the distance of rows that state no time.
const rowInterval = int64(5 * time.Minute / time.Millisecond)

// firstRow is the time before the first such row: 2024-01-01 UTC.
const firstRow = int64(1704067200000)

// indexTime is the time of row i where rows state none.
func indexTime(i int) int64 { return firstRow + int64(i+1)*rowInterval }

// series is one labelled series. Rows keep the file's order.
type series struct {
	name, path string
	times      []int64
	values     []float64
	label      []bool
}

// readSeries reads value, and where there are any time and label, of every row
// that has a value.
func readSeries(path string) (series, error) {
	s := series{path: path}
	rows, err := readCSV(path)
	if err != nil {
		return s, err
	}
	at, val, lab := column(rows[0], "timestamp"), column(rows[0], "value", "data"), column(rows[0], "label")
	if val < 0 {
		return s, fmt.Errorf("%s: columns %q, want value or data among them", path, rows[0])
	}
	for i, r := range rows[1:] {
		if len(r) <= max(at, val, lab) || r[val] == "" {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(r[val]), 64)
		if err != nil {
			return s, fmt.Errorf("%s: row %d: value %q: want a number", path, i+1, r[val])
		}
		t := indexTime(i)
		if at >= 0 {
			if t, err = parseTime(r[at]); err != nil {
				return s, fmt.Errorf("%s: row %d: %w", path, i+1, err)
			}
		}
		s.times = append(s.times, t)
		s.values = append(s.values, v)
		if lab >= 0 {
			l, _ := strconv.ParseFloat(r[lab], 64)
			s.label = append(s.label, l != 0)
		}
	}
	return s, nil
}

// csvFiles lists the .csv and .csv.gz files below a folder, by relative path
// without the .gz.
func csvFiles(dir string) (map[string]string, error) {
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(strings.TrimSuffix(rel, ".gz"))
		if strings.HasSuffix(rel, ".csv") {
			out[rel] = path
		}
		return nil
	})
	return out, err
}

// sorted returns the keys of m in order.
func sorted[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
