// Command accuracy measures the analysis functions and the log patterns
// against labelled data.
//
//	go run ./bench/accuracy --data DIR [--out DIR] [--only nab,m4]
//
// DIR holds a folder for each benchmark (nab, tsbad_u, wsd, mscloud, m4, tcpd,
// rca/sockshop, rca/petshop, rca/rs, loghub2k); those that are absent are left
// out. Series are written into a Tidemark store in a temporary folder and
// asked through the query language: one query per kind of question, the same
// for every series (queries.go), options at their defaults. The predictions go
// to --out in the formats of the benchmarks' own scorers, and a table sets the
// measures beside published ones.
//
// Log lines are given their pattern by storage/shape without a store: a
// benchmark's lines are what its log format leaves of a raw line, and a store
// would be asked for nothing but the same function.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

func main() {
	data := flag.String("data", "", "folder with a folder for each benchmark")
	out := flag.String("out", "", "folder to write predictions to")
	only := flag.String("only", "", "the benchmarks to run, comma-separated; all by default")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *data, *out, *only); err != nil {
		fmt.Fprintln(os.Stderr, "accuracy:", err)
		os.Exit(1)
	}
}

// line is a row of the table: a measure of ours beside others on the same data.
type line struct {
	measure string
	ours    string
	others  string
	goal    string
}

func figure(measure string, v float64, others, goal string) line {
	return line{measure, fmt.Sprintf("%.4g", v), others, goal}
}

// benchmark is one data set and how it is asked.
type benchmark struct {
	name, folder string
	run          func(context.Context, *session) ([]line, error)
}

var benchmarks = []benchmark{
	{"nab", "nab", runNAB},
	{"tsbad_u", "tsbad_u", runTSBAD},
	{"wsd", "wsd", runWSD},
	{"mscloud", "mscloud", runCloud},
	{"m4", "m4", runM4},
	{"tcpd", "tcpd", runTCPD},
	{"sockshop", "rca/sockshop", runSockShop},
	{"petshop", "rca/petshop", runPetShop},
	{"rs", "rca/rs", runRS},
	{"loghub2k", "loghub2k", runPatterns},
}

// run measures the benchmarks that data has and only names.
func run(ctx context.Context, w io.Writer, data, out, only string) error {
	if data == "" {
		return fmt.Errorf("--data is empty, want a folder with a folder for each benchmark")
	}
	var wanted []string
	if only != "" {
		wanted = strings.Split(only, ",")
	}
	for _, name := range wanted {
		if !slices.ContainsFunc(benchmarks, func(b benchmark) bool { return b.name == name }) {
			return fmt.Errorf("--only: unknown benchmark %q", name)
		}
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "set\tmeasure\tours\tpublished on this data\tgoal")
	found := 0
	for _, b := range benchmarks {
		folder := filepath.Join(data, b.folder)
		if len(wanted) > 0 && !slices.Contains(wanted, b.name) {
			continue
		}
		if _, err := os.Stat(folder); err != nil {
			continue
		}
		found++
		lines, err := b.measure(ctx, folder, out)
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
		for _, l := range lines {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", b.name, l.measure, l.ours, l.others, l.goal)
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	if found == 0 {
		return fmt.Errorf("%s: no benchmark's folder", data)
	}
	return nil
}

// measure runs a benchmark in a store of its own.
func (b benchmark) measure(ctx context.Context, folder, out string) ([]line, error) {
	if out != "" {
		out = filepath.Join(out, b.name)
		if err := os.MkdirAll(out, 0o755); err != nil {
			return nil, err
		}
	}
	s, err := newSession(folder, out)
	if err != nil {
		return nil, err
	}
	defer s.close()
	return b.run(ctx, s)
}
