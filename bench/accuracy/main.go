// Command accuracy measures log patterns against labelled logs.
//
// It reads a folder with original/ and corrected/ truth files (SYSTEM.csv or
// .csv.gz with LineId, Content, EventTemplate), gives every message its pattern
// through storage/shape, in one configuration for every system, and prints the
// usual scores beside published ones. With --out it also writes
// SYSTEM.csv (LineId, EventId, EventTemplate) for other scorers.
//
// The message (Content) is what a benchmark's log format leaves of a raw line:
// the truth says nothing of the header, and a store gets it as fields.
package main

import (
	"context"
	"encoding/csv"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"tidemark/storage/shape"
)

func main() {
	data := flag.String("data", "", "folder with original/ and corrected/")
	out := flag.String("out", "", "folder to write predictions to")
	flag.Parse()
	if err := run(os.Stdout, *data, *out); err != nil {
		fmt.Fprintln(os.Stderr, "accuracy:", err)
		os.Exit(1)
	}
}

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

func run(w io.Writer, data, out string) error {
	if data == "" {
		return fmt.Errorf("--data is empty, want a folder with original/ and corrected/")
	}
	written := map[string]bool{}
	for _, kind := range []string{"original", "corrected"} {
		files, err := systems(filepath.Join(data, kind))
		if err != nil {
			return err
		}
		if len(files) == 0 {
			return fmt.Errorf("%s: no SYSTEM.csv", filepath.Join(data, kind))
		}
		fmt.Fprintf(w, "%s templates\n%-14s %6s %6s %6s %6s  %s\n", kind, "system", "GA", "FGA", "PA", "FTA", "groups/true")
		var mean Scores
		for _, name := range sorted(files) {
			rows, err := readTruth(files[name])
			if err != nil {
				return err
			}
			p, err := predict(rows)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			truth := make([]string, len(rows))
			for i, r := range rows {
				truth[i] = r.template
			}
			s := score(truth, p.group, p.template)
			fmt.Fprintf(w, "%-14s %6.4f %6.4f %6.4f %6.4f  %d/%d\n", name, s.GA, s.FGA, s.PA, s.FTA, s.Groups, s.TrueGroups)
			n := float64(len(files))
			mean.GA += s.GA / n
			mean.FGA += s.FGA / n
			mean.PA += s.PA / n
			mean.FTA += s.FTA / n
			if out != "" && !written[name] {
				if err := write(out, name, rows, p); err != nil {
					return err
				}
				written[name] = true
			}
		}
		fmt.Fprintf(w, "%-14s %6.4f %6.4f %6.4f %6.4f\n", "MEAN", mean.GA, mean.FGA, mean.PA, mean.FTA)
		for _, p := range published {
			if p.truth == kind {
				fmt.Fprintf(w, "%-14s %6.4f %s %s %s  published\n", p.name, p.ga, figure(p.fga), figure(p.pa), figure(p.fta))
			}
		}
		fmt.Fprintln(w)
	}
	return nil
}

func figure(v float64) string {
	if v < 0 {
		return "     –"
	}
	return strconv.FormatFloat(v, 'f', 4, 64)
}

// write stores a prediction as SYSTEM.csv.
func write(dir, system string, rows []row, p prediction) error {
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
