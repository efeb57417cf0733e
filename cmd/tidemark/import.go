package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"

	"tidemark/ingest"
	"tidemark/ingest/csv"
	"tidemark/ingest/lineprotocol"
	"tidemark/ingest/plain"
	"tidemark/storage"
	"tidemark/storage/model"
)

// importCommand writes files.
type importCommand struct {
	Files []string `arg:"" name:"file" help:"Files to read, plain or gzipped; - is standard input."`

	Format    string `help:"What the files hold: ${enum}. auto goes by the name: .csv and .tsv are CSV, .jsonl is JSON lines as export writes them, .log is plain lines, all else is line protocol." enum:"auto,lp,csv,jsonl,lines" default:"auto"`
	Precision string `help:"Unit of the times in line protocol: ns, us, ms, s, m or h." default:"ns"`
	DB        string `name:"db" help:"Database to write to; it becomes the label db." placeholder:"NAME"`
	MaxErrors int    `help:"Refused lines to show (default ${default})." default:"20" placeholder:"N"`

	Measurement string   `group:"CSV:" help:"Name of the records; by default the file's name." placeholder:"NAME"`
	TimeColumn  string   `group:"CSV:" help:"Header of the time column; by default the first called time, timestamp, _time, date or ds." placeholder:"NAME"`
	TimeFormat  string   `group:"CSV:" help:"How times are written: auto, rfc3339, s, ms, us, ns or a layout such as '2006-01-02 15:04:05'." default:"auto"`
	Location    string   `group:"CSV:" help:"Time zone of times without one, such as Europe/Oslo." default:"UTC"`
	Label       []string `group:"CSV:" help:"Headers of columns that are labels; the others are fields." placeholder:"NAME"`
	Separator   string   `group:"CSV:" help:"Character between columns; by default a comma, and a tab for .tsv." placeholder:"CHAR"`

	Stream map[string]string `group:"Plain lines:" help:"Labels of the rows, such as app=nginx; may be repeated." placeholder:"NAME=VALUE"`

	target `embed:""`
}

// Help is what --help prints below the summary.
func (importCommand) Help() string {
	return `Examples:
  tidemark import metrics.lp.gz
  tidemark import --precision s --db telegraf dump.txt
  tidemark import --label host --label region --measurement cpu usage.csv
  zcat big.lp.gz | tidemark import -
  tidemark import --format lines --stream app=nginx --stream host=web1 access.log.1.gz
  tidemark import --data ./tidemark-data history.csv

Each piece of a file is sent under a key made of its content: a piece that is sent again within the
hour, by a retry or by running the same command once more, is not written twice.
Refused lines are told on standard error; the others are written. Exit codes: 0 everything was
written, 1 lines were refused or something went wrong, 2 wrong usage.`
}

// pieceBytes is how much of a file is one request or one batch.
const pieceBytes = 2 << 20

// check refuses flags that make no sense.
func (m *importCommand) check() error {
	if _, err := lineprotocol.ParsePrecision(m.Precision, lineprotocol.V1); err != nil {
		return usage("--precision: %v", err)
	}
	if _, err := time.LoadLocation(m.Location); err != nil {
		return usage("--location %s: want a time zone such as Europe/Oslo", m.Location)
	}
	if m.Separator != "" && utf8.RuneCountInString(m.Separator) != 1 {
		return usage("--separator %q: want one character", m.Separator)
	}
	stdin := 0
	for _, f := range m.Files {
		if f == "-" {
			stdin++
		}
	}
	if stdin > 1 {
		return usage("standard input can be read once")
	}
	return nil
}

// Run reads the files and writes what they hold.
func (m *importCommand) Run(c *console) (err error) {
	if err := m.check(); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	job := &importJob{importCommand: m, console: c, bar: newProgress(c.err, "importing", true)}
	for _, name := range m.Files {
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			job.size += info.Size()
		}
	}
	if m.Data != "" {
		db, err := m.openFolder(storage.Options{}, true)
		if err != nil {
			return err
		}
		job.sink = &folderSink{db: db}
		defer func() { err = errors.Join(err, db.Close()) }()
	} else {
		cl, err := m.client()
		if err != nil {
			return err
		}
		job.sink = &serverSink{client: cl, job: job}
	}
	begun := time.Now()
	for _, name := range m.Files {
		if err := job.file(ctx, name); err != nil {
			job.bar.end()
			return fmt.Errorf("import %s: %w", name, err)
		}
	}
	job.bar.end()
	return job.summary(time.Since(begun))
}

// importJob is one run over all files.
type importJob struct {
	*importCommand
	console *console
	sink    importSink
	bar     *progress
	size    int64        // of all files as they are on disk, where known
	read    atomic.Int64 // of it
	written int
	refused int
	shown   int
}

// importSink takes pieces: the raw bytes of a piece of line protocol, or the
// rows of a block. refused are the records that were not written.
type importSink interface {
	lines(ctx context.Context, p *piece) (refused ingest.Report, err error)
	rows(ctx context.Context, p *piece) (refused ingest.Report, err error)
}

// piece is a part of a file.
type piece struct {
	key   string // the same for the same part of the same file
	raw   []byte // of line protocol, or of JSON lines where path says so
	path  string // where a server takes raw; empty is /write
	first int    // line number of raw's first line
	block ingest.Block
	prec  lineprotocol.Precision
	flags *importCommand
}

// summary says what became of everything.
func (j *importJob) summary(took time.Duration) error {
	if hidden := j.refused - j.shown; hidden > 0 && j.shown > 0 {
		fmt.Fprintf(j.console.err, "… and %d more refused records\n", hidden)
	}
	fmt.Fprintf(j.console.out, "%d records written in %s", j.written, took.Round(time.Millisecond))
	if j.refused > 0 {
		fmt.Fprintf(j.console.out, ", %d refused\n", j.refused)
		return &toldError{fmt.Errorf("%d records refused", j.refused)}
	}
	fmt.Fprintln(j.console.out)
	return nil
}

// count adds the outcome of one piece.
func (j *importJob) count(name string, rep, refused ingest.Report) {
	j.written += rep.Lines - refused.Rejected
	j.refused += refused.Rejected
	for _, e := range refused.Errors {
		if j.shown >= j.MaxErrors {
			break
		}
		j.shown++
		fmt.Fprintf(j.console.err, "%s:%d:%d: %s: %s\n", name, e.Line, e.Column, e.Reason, clip(strings.TrimRight(e.Text, "\r\n"), 160))
	}
	j.bar.annotate("%d records", j.written)
	j.bar.set(j.read.Load(), j.size)
}

// counted counts what is read of a file as it is on disk.
type counted struct {
	r io.Reader
	n *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// file imports one file.
func (j *importJob) file(ctx context.Context, name string) error {
	src := j.console.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return errors.Unwrap(err) // the caller names the file
		}
		defer f.Close()
		src = f
	}
	in := bufio.NewReaderSize(counted{src, &j.read}, 256<<10)
	src = in
	if magic, err := in.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(in)
		if err != nil {
			return err
		}
		defer z.Close()
		src = z
	}
	base := strings.TrimSuffix(filepath.Base(name), ".gz")
	ext := strings.ToLower(filepath.Ext(base))
	if j.Format == "csv" || j.Format == "auto" && (ext == ".csv" || ext == ".tsv") {
		return j.csv(ctx, name, base, ext, src)
	}
	if j.Format == "lines" || j.Format == "auto" && ext == ".log" {
		written := time.Now()
		if info, err := os.Stat(name); name != "-" && err == nil {
			written = info.ModTime()
		}
		return j.lines(ctx, name, base, written, src)
	}
	if j.Format == "jsonl" || j.Format == "auto" && (ext == ".jsonl" || ext == ".ndjson") {
		return j.jsonLines(ctx, name, src)
	}
	return j.lineProtocol(ctx, name, src)
}

// lines imports a file of plain log lines, last written at a time.
func (j *importJob) lines(ctx context.Context, name, base string, written time.Time, r io.Reader) error {
	loc, err := time.LoadLocation(j.Location)
	if err != nil {
		return err
	}
	o := plain.Options{Measurement: j.Measurement, Labels: model.FromMap(j.Stream), Default: written, Location: loc}
	if o.Measurement == "" {
		o.Measurement, _, _ = strings.Cut(base, ".")
	}
	if f, ok := j.sink.(*folderSink); ok {
		o.Database, o.MinTime = j.DB, f.db.MinTime() // a server adds its own
	}
	pieces := 0
	return plain.Scan(ctx, r, o, func(b ingest.Block) error {
		text := appendLineProtocol(nil, b.Batch)
		p := &piece{key: j.key(pieces, []byte(o.Measurement+"\n"), text), raw: text, block: b, prec: lineprotocol.Nanosecond, flags: j.importCommand}
		refused, err := j.sink.rows(ctx, p)
		if err != nil {
			return err
		}
		j.count(name, b.Report, refused)
		pieces++
		return nil
	})
}

// key names a part of a file by its place and content and by the flags that
// change its meaning.
func (j *importJob) key(n int, parts ...[]byte) string {
	h := sha256.New()
	fmt.Fprintf(h, "import %d %q %q %q %q %q %q %q\n", n, j.Precision, j.DB, j.Measurement, j.TimeColumn, j.TimeFormat, j.Location, j.Label)
	for _, p := range parts {
		h.Write(p)
	}
	return "import-" + hex.EncodeToString(h.Sum(nil)[:16])
}

// lineProtocol imports a file of line protocol. The decoder finds where a
// piece may end, as strings can hold line breaks; a server then decodes the
// raw bytes of the piece itself, and its word on each line counts.
func (j *importJob) lineProtocol(ctx context.Context, name string, r io.Reader) error {
	dec, err := lineprotocol.NewDecoder(lineprotocol.Options{})
	if err != nil {
		return err
	}
	prec, err := lineprotocol.ParsePrecision(j.Precision, lineprotocol.V1)
	if err != nil {
		return err
	}
	var raw []byte // read and not yet part of a piece
	var done int64
	pieces, line := 0, 1
	tee := io.TeeReader(r, writerFunc(func(p []byte) { raw = append(raw, p...) }))
	params := lineprotocol.Params{Precision: prec, Database: j.DB, Now: time.Now().UnixNano()}
	if f, ok := j.sink.(*folderSink); ok {
		params.MinTime = f.db.MinTime()
	}
	_, err = dec.Scan(ctx, tee, params, lineprotocol.ScanOptions{BlockBytes: pieceBytes}, func(b ingest.Block) error {
		n := int(b.Read - done)
		p := &piece{key: j.key(pieces, raw[:n]), raw: raw[:n], first: line, block: b, prec: prec, flags: j.importCommand}
		refused, err := j.sink.lines(ctx, p)
		if err != nil {
			return err
		}
		j.count(name, b.Report, refused)
		line += bytes.Count(raw[:n], []byte{'\n'})
		raw = append(raw[:0], raw[n:]...)
		done = b.Read
		pieces++
		return nil
	})
	return err
}

type writerFunc func([]byte)

func (f writerFunc) Write(p []byte) (int, error) { f(p); return len(p), nil }

// csv imports a CSV file.
func (j *importJob) csv(ctx context.Context, name, base, ext string, r io.Reader) error {
	loc, err := time.LoadLocation(j.Location)
	if err != nil {
		return err
	}
	o := csv.Options{Measurement: j.Measurement, TimeColumn: j.TimeColumn, TimeFormat: j.TimeFormat,
		Location: loc, Labels: j.Label, Comma: ','}
	if o.Measurement == "" {
		o.Measurement = strings.TrimSuffix(base, filepath.Ext(base))
	}
	if ext == ".tsv" {
		o.Comma = '\t'
	}
	if j.Separator != "" {
		o.Comma, _ = utf8.DecodeRuneInString(j.Separator)
	}
	if f, ok := j.sink.(*folderSink); ok {
		o.Database, o.MinTime = j.DB, f.db.MinTime() // a server adds its own
	}
	pieces := 0
	_, err = csv.Scan(ctx, r, o, func(b ingest.Block) error {
		text := appendLineProtocol(nil, b.Batch)
		p := &piece{key: j.key(pieces, []byte(o.Measurement+"\n"), text), raw: text, block: b, prec: lineprotocol.Nanosecond, flags: j.importCommand}
		refused, err := j.sink.rows(ctx, p)
		if err != nil {
			return err
		}
		j.count(name, b.Report, refused)
		pieces++
		return nil
	})
	return err
}
