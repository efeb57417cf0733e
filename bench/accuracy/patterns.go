package main

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"tidemark/bench/accuracy/score"
	"tidemark/storage/shape"
)

// published are scores on exactly the eight systems of the project's data set.
var published = []struct {
	truth, name      string
	ga, fga, pa, fta float64
}{
	{"original", "Brain", .980, -1, -1, -1},
	{"original", "Drain", .896, -1, -1, -1},
	{"corrected", "Drain", .896, .805, .356, .306},
	{"corrected", "LogPPT", .806, .862, .765, .625},
}

// prediction is the pattern of every line of a system.
type prediction struct {
	group, template []string
}

// predict merges the shapes of all lines and looks up each line's pattern.
func predict(rows []row) (prediction, error) {
	var p shape.Parsed
	index := map[string]int{}
	var counts []shape.Count
	line := make([]int, len(rows))
	for i, r := range rows {
		shape.Parse([]byte(r.content), &p)
		at, ok := index[string(p.Template)]
		if !ok {
			at = len(counts)
			index[string(p.Template)] = at
			counts = append(counts, shape.Count{Template: append([]byte(nil), p.Template...)})
		}
		counts[at].N++
		line[i] = at
	}
	patterns, err := shape.Merge(context.Background(), counts)
	if err != nil {
		return prediction{}, err
	}
	of := make([]int, len(counts))
	for i, q := range patterns {
		for _, s := range q.Shapes {
			of[s] = i
		}
	}
	var out prediction
	for _, s := range line {
		q := patterns[of[s]]
		out.group = append(out.group, fmt.Sprintf("%016x", q.ID))
		out.template = append(out.template, q.Text())
	}
	return out, nil
}

// runPatterns gives every line of every system its pattern. Files without a
// truth are left out.
func runPatterns(_ context.Context, s *session) ([]line, error) {
	var lines []line
	written := map[string]bool{}
	for _, kind := range []string{"original", "corrected"} {
		files, err := systems(filepath.Join(s.folder, kind))
		if err != nil {
			return nil, err
		}
		if len(files) == 0 {
			return nil, fmt.Errorf("%s: no SYSTEM.csv", filepath.Join(s.folder, kind))
		}
		var mean score.Scores
		for _, name := range sorted(files) {
			rows, err := readTruth(files[name])
			if err != nil {
				return nil, err
			}
			p, err := predict(rows)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			truth := make([]string, len(rows))
			for i, r := range rows {
				truth[i] = r.template
			}
			v := score.Patterns(truth, p.group, p.template)
			n := float64(len(files))
			mean.GA += v.GA / n
			mean.FGA += v.FGA / n
			mean.PA += v.PA / n
			mean.FTA += v.FTA / n
			if s.out != "" && !written[name] {
				if err := writePatterns(s.out, name, rows, p); err != nil {
					return nil, err
				}
				written[name] = true
			}
		}
		others := ""
		for _, p := range published {
			if p.truth == kind {
				others += fmt.Sprintf("%s %s/%s/%s/%s ", p.name, share(p.ga), share(p.fga), share(p.pa), share(p.fta))
			}
		}
		lines = append(lines, line{kind + " GA/FGA/PA/FTA", fmt.Sprintf("%s/%s/%s/%s", share(mean.GA), share(mean.FGA), share(mean.PA), share(mean.FTA)), others, ""})
	}
	return lines, nil
}

func share(v float64) string {
	if v < 0 {
		return "–"
	}
	return strconv.FormatFloat(v, 'f', 3, 64)
}

// writePatterns stores a prediction as SYSTEM.csv.
func writePatterns(dir, system string, rows []row, p prediction) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, system+".csv"))
	if err != nil {
		return err
	}
	c := csv.NewWriter(f)
	c.Write([]string{"LineId", "EventId", "EventTemplate"})
	for i, r := range rows {
		c.Write([]string{r.id, p.group[i], p.template[i]})
	}
	c.Flush()
	if err := c.Error(); err != nil {
		f.Close()
		return fmt.Errorf("%s: %w", f.Name(), err)
	}
	return f.Close()
}

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
