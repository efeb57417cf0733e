package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"tidemark/bench/gen"
)

type options struct {
	tidemark, victoria string
	dir                string
	rows               int
	seed               uint64
	workers, repeats   int
	keep               bool
	only               string
}

func main() {
	var o options
	flag.StringVar(&o.tidemark, "tidemark", "", "binary of Tidemark")
	flag.StringVar(&o.victoria, "victoria-logs", "", "binary of VictoriaLogs")
	flag.StringVar(&o.dir, "dir", "", "folder for data, with some GB of space")
	flag.IntVar(&o.rows, "rows", 4_500_000, "number of log rows, over 24 hours")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of the rows")
	flag.IntVar(&o.workers, "workers", 2, "clients that write")
	flag.IntVar(&o.repeats, "repeats", 9, "times each query is asked")
	flag.BoolVar(&o.keep, "keep", false, "keep the data, and use what an earlier run has kept")
	flag.StringVar(&o.only, "only", "", "run only queries whose name contains this")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, &o); err != nil {
		fmt.Fprintln(os.Stderr, "logside:", err)
		os.Exit(1)
	}
}

// start is the time of the first rows.
var start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func run(ctx context.Context, o *options) error {
	if o.dir == "" || o.tidemark == "" && o.victoria == "" {
		return errors.New("want --dir, and --tidemark or --victoria-logs or both")
	}
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return err
	}
	corpus := filepath.Join(o.dir, fmt.Sprintf("rows-%d-%d.json", o.rows, o.seed))
	facts, err := writeCorpus(corpus, o)
	if err != nil {
		return err
	}
	fmt.Printf("%d rows, %.1f MB of JSON (%.0f bytes a row)\n", o.rows, float64(facts.bytes)/1e6, float64(facts.bytes)/float64(o.rows))
	var results []*result
	for _, s := range []system{tidemark(o.tidemark), victoriaLogs(o.victoria)} {
		if s.path == "" {
			continue
		}
		r, err := measure(ctx, o, s, corpus, facts)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		results = append(results, r)
	}
	report(results)
	judge(results, facts.truth.answers())
	if !o.keep {
		return os.Remove(corpus)
	}
	return nil
}

// facts are what of the corpus the queries need.
type facts struct {
	bytes  int64
	trace  string // of a row in the middle
	host   string // of that row
	app    string
	bodies []int64 // where each body ends
	truth  *truth
}

const bodyRows = 5000

func writeCorpus(path string, o *options) (*facts, error) {
	f := &facts{truth: newTruth()}
	g := gen.NewLogs(o.rows, start, o.seed)
	var file *os.File
	var w *bufio.Writer
	if _, err := os.Stat(path); err != nil {
		if file, err = os.Create(path); err != nil {
			return nil, err
		}
		defer file.Close()
		w = bufio.NewWriterSize(file, 1<<20)
	}
	var line []byte
	for i := range o.rows {
		var at int64
		line, at = g.AppendLine(line[:0])
		f.bytes += int64(len(line))
		if err := f.truth.add(line, at); err != nil {
			return nil, err
		}
		if i == o.rows/2 {
			f.trace, f.host, f.app = member(line, "trace_id"), member(line, "host"), member(line, "service")
		}
		if i%bodyRows == bodyRows-1 || i == o.rows-1 {
			f.bodies = append(f.bodies, f.bytes)
		}
		if w != nil {
			if _, err := w.Write(line); err != nil {
				return nil, err
			}
		}
	}
	if w != nil {
		return f, w.Flush()
	}
	return f, nil
}

// member returns a text member of a generated line.
func member(line []byte, name string) string {
	_, rest, _ := strings.Cut(string(line), `"`+name+`":"`)
	v, _, _ := strings.Cut(rest, `"`)
	return v
}

func report(rs []*result) {
	w := tabwriter.NewWriter(os.Stdout, 2, 8, 2, ' ', tabwriter.AlignRight)
	row := func(name string, format string, value func(r *result) float64) {
		fmt.Fprintf(w, "%s\t", name)
		for _, r := range rs {
			fmt.Fprintf(w, format+"\t", value(r))
		}
		if len(rs) == 2 {
			fmt.Fprintf(w, "%.3f\t", value(rs[0])/value(rs[1]))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprint(w, "\t")
	for _, r := range rs {
		fmt.Fprintf(w, "%s\t", r.name)
	}
	fmt.Fprintln(w, "ratio\t")
	if rs[0].load.rows > 0 {
		row("load, lines/s", "%.0f", func(r *result) float64 { return r.load.rows / r.load.wall.Seconds() })
		row("load, lines per CPU-second", "%.0f", func(r *result) float64 { return r.load.rows / r.load.cpu.Seconds() })
		row("peak RSS, MiB", "%.0f", func(r *result) float64 { return float64(r.load.peak) / (1 << 20) })
	}
	if rs[0].merge > 0 {
		row("merge of everything, CPU s", "%.1f", func(r *result) float64 { return r.merge.Seconds() })
	}
	row("disk, MB", "%.1f", func(r *result) float64 { return float64(r.disk) / 1e6 })
	for i := range rs[0].queries {
		row(rs[0].queries[i].name+", ms", "%.2f", func(r *result) float64 { return ms(r.queries[i].wall) })
		row("  CPU ms", "%.2f", func(r *result) float64 { return ms(r.queries[i].cpu) })
	}
	w.Flush()
}

// judge compares the answers of the systems with the true ones, where the
// generator knows them, and else with each other.
func judge(rs []*result, truth map[string]string) {
	for _, r := range rs {
		right, known := 0, 0
		for _, q := range r.queries {
			want, ok := truth[q.name]
			if !ok {
				continue
			}
			known++
			if sameAnswer(q.answer, want) {
				right++
			} else {
				fmt.Printf("%s is wrong: %s: %s\n", r.name, q.name, firstDifference(q.answer, want))
			}
		}
		fmt.Printf("%s: %d of %d answers are those of the generator\n", r.name, right, known)
	}
	if len(rs) < 2 {
		return
	}
	differ, others := 0, 0
	for i := range rs[0].queries {
		q, p := &rs[0].queries[i], &rs[1].queries[i]
		if _, ok := truth[q.name]; ok {
			continue
		}
		others++
		if !sameAnswer(q.answer, p.answer) {
			differ++
			fmt.Printf("answers differ: %s: %s\n", q.name, firstDifference(q.answer, p.answer))
		}
	}
	fmt.Printf("%d of %d other answers agree\n", others-differ, others)
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

func short(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}
