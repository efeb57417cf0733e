package main

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

// row is a line of a truth file.
type row struct {
	id, content, template string
}

var systemName = regexp.MustCompile(`^(.+?)(_2k.*)?\.csv(\.gz)?$`)

// systems lists the truth files SYSTEM.csv[.gz] of a folder by system.
func systems(dir string) (map[string]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, e := range entries {
		m := systemName.FindStringSubmatch(e.Name())
		if m == nil || e.IsDir() || strings.Contains(e.Name(), "templates") {
			continue
		}
		out[m[1]] = filepath.Join(dir, e.Name())
	}
	return out, nil
}

// readTruth reads a truth file: a CSV, plain or gzip, with a header that names at
// least Content and EventTemplate.
func readTruth(path string) ([]row, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var in io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	r := csv.NewReader(in)
	r.FieldsPerRecord = -1
	head, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: header: %w", path, err)
	}
	column := map[string]int{}
	for i, name := range head {
		column[strings.TrimPrefix(name, "\ufeff")] = i
	}
	content, ok1 := column["Content"]
	template, ok2 := column["EventTemplate"]
	if !ok1 || !ok2 {
		return nil, fmt.Errorf("%s: columns %v, want Content and EventTemplate among them", path, head)
	}
	id, hasID := column["LineId"]
	var out []row
	for {
		rec, err := r.Read()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if len(rec) < len(head) {
			return nil, fmt.Errorf("%s: line %d has %d columns, want %d", path, len(out)+2, len(rec), len(head))
		}
		l := row{id: strconv.Itoa(len(out) + 1), content: rec[content], template: rec[template]}
		if hasID {
			l.id = rec[id]
		}
		out = append(out, l)
	}
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
