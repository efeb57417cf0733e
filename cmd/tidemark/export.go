package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"tidemark/query"
	"tidemark/query/parse"
	"tidemark/storage/model"
)

// exportCommand writes stored data to a file.
type exportCommand struct {
	Selector []string `arg:"" help:"What to export: series, such as cpu_usage_user or '{__name__=~\".+\"}', or log streams, such as '{service=\"checkout\"}'."`

	File   string `short:"f" help:"The file to write; names that end in .gz are compressed (default: standard output)." placeholder:"FILE"`
	Format string `help:"What to write: ${enum}. auto goes by the file's name: .csv, .jsonl, all else is line protocol." enum:"auto,lp,csv,jsonl" default:"auto"`
	Start  string `help:"Begin of the time to export; by default the first record." placeholder:"TIME"`
	End    string `help:"Its end (default ${default})." default:"now" placeholder:"TIME"`

	target `embed:""`
}

// Help is what --help prints below the summary.
func (exportCommand) Help() string {
	return `Writes samples and log rows as they are stored, to the nanosecond. Examples:
  tidemark export '{__name__=~"cpu.*"}' -f cpu.lp.gz
  tidemark export 'disk_used_percent' --start -30d --format csv
  tidemark export '{service="checkout"}' -f checkout.jsonl.gz
  tidemark import checkout.jsonl.gz --server http://elsewhere:8433

tidemark import reads JSON lines and line protocol back. JSON lines keep everything but native histograms. Line protocol has no
NaN and no staleness markers, and log rows get the label measurement. CSV has the columns time, metric,
labels and value, or time, labels, line and fields; it is for other programs. What was left out is told.`
}

// exportWriter writes one format.
type exportWriter interface {
	sample(s *model.Series, i int, v model.Value) error
	row(b *model.RowBlock, i int) error
	flush() error
	// left says what the format could not hold.
	left() string
}

func (x *exportCommand) format() string {
	if x.Format != "auto" {
		return x.Format
	}
	switch filepath.Ext(strings.TrimSuffix(x.File, ".gz")) {
	case ".csv":
		return "csv"
	case ".jsonl", ".ndjson", ".json":
		return "jsonl"
	}
	return "lp"
}

// Run exports.
func (x *exportCommand) Run(c *console) error {
	req, err := x.request(time.Now())
	if err != nil {
		return showQueryError(c.err, first(x.Selector), err)
	}
	ctx, stop := interruptible()
	defer stop()
	return x.with(func(s source) (err error) {
		out, done, err := x.open(c)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, done(err)) }()
		return x.write(ctx, c, s, req, out)
	})
}

func (x *exportCommand) request(now time.Time) (query.ExportRequest, error) {
	req := query.ExportRequest{Match: x.Selector}
	var err error
	if x.Start != "" {
		if req.Start, err = parseTime(x.Start, now); err != nil {
			return req, err
		}
	}
	if req.End, err = parseTime(x.End, now); err != nil {
		return req, err
	}
	return req, query.CheckExport(req)
}

// open returns what to write to. A file has its name once everything is in it.
func (x *exportCommand) open(c *console) (w io.Writer, done func(error) error, err error) {
	if x.File == "" || x.File == "-" {
		b := bufio.NewWriterSize(c.out, 1<<16)
		return b, func(error) error { return b.Flush() }, nil
	}
	temporary := x.File + ".part"
	f, err := os.Create(temporary)
	if err != nil {
		return nil, nil, err
	}
	b := bufio.NewWriterSize(f, 1<<16)
	w = b
	var z *gzip.Writer
	if strings.HasSuffix(x.File, ".gz") {
		z = gzip.NewWriter(b)
		w = z
	}
	return w, func(failed error) error {
		var err error
		if z != nil {
			err = z.Close()
		}
		err = errors.Join(err, b.Flush(), f.Sync(), f.Close())
		if failed != nil || err != nil {
			return errors.Join(err, os.Remove(temporary))
		}
		return os.Rename(temporary, x.File)
	}, nil
}

// write exports to a writer of the format.
func (x *exportCommand) write(ctx context.Context, c *console, s source, req query.ExportRequest, out io.Writer) error {
	var w exportWriter
	switch x.format() {
	case "lp":
		w = &lineExport{w: out}
	case "jsonl":
		w = &jsonExport{w: out}
	case "csv":
		names, err := x.labelNames(ctx, s, req)
		if err != nil {
			return err
		}
		w = newCSVExport(out, names)
	}
	bar := newProgress(c.err, "exporting", false)
	defer bar.end()
	var samples, rows, histograms int64
	tell := func() {
		bar.annotate("%d samples and %d rows", samples, rows)
		bar.set(samples+rows, 0)
	}
	err := s.Export(ctx, req, func(sr *model.Series) error {
		for i := range sr.Times {
			if sr.Histograms != nil && sr.Histograms[i] != nil {
				histograms++
				continue
			}
			v := model.Float(sr.Values[i])
			if sr.Types != nil {
				v = model.Value{Type: sr.Types[i], Bits: sr.Exact[i]}
			}
			samples++
			if err := w.sample(sr, i, v); err != nil {
				return err
			}
		}
		tell()
		return ctx.Err()
	}, func(b *model.RowBlock) error {
		for i := range b.Times {
			rows++
			if err := w.row(b, i); err != nil {
				return err
			}
		}
		tell()
		return ctx.Err()
	})
	bar.end()
	if err != nil {
		return showQueryError(c.err, first(x.Selector), err)
	}
	if err := w.flush(); err != nil {
		return err
	}
	fmt.Fprintf(c.err, "%d samples and %d log rows exported\n", samples, rows)
	if left := w.left(); left != "" {
		fmt.Fprintf(c.err, "left out: %s\n", left)
	}
	if histograms > 0 {
		fmt.Fprintf(c.err, "left out: %d native histograms\n", histograms)
	}
	return nil
}

// labelNames are the columns of a CSV file.
func (x *exportCommand) labelNames(ctx context.Context, s source, req query.ExportRequest) ([]string, error) {
	meta := query.MetaRequest{Match: x.Selector, Start: req.Start, End: req.End, Timeout: longTimeout, Scope: model.ScopeLogs}
	logs, metrics := 0, 0
	for _, text := range x.Selector {
		ms, err := parse.ParseSelector(text)
		if err != nil {
			return nil, err
		}
		logs++
		for _, m := range ms {
			if m.Name == model.MetricName {
				logs--
				metrics++
				break
			}
		}
	}
	switch {
	case logs > 0 && metrics > 0:
		return nil, usage("a CSV file holds series or log rows: export them one after the other")
	case metrics > 0:
		meta.Scope = model.ScopeMetrics
	}
	if meta.Start.IsZero() {
		meta.Start = time.Unix(0, -1<<62) // a server's default would be some hours
	}
	return s.LabelNames(ctx, meta)
}
