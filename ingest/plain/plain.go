// Package plain reads files of plain log lines: every line is a log row. It is
// for files that lie somewhere, not for following one as it grows.
//
// The time of a row is the one that its line begins with, in any of the forms
// of the function timeOf, or has in brackets near its beginning, as the access
// logs of web servers do. A line without a time, such as the middle of a stack
// trace, has that of the line before it; before the first time it is
// Options.Default. Times without a zone are read in Options.Location, those
// without a year in the one of Options.Default.
package plain

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"tidemark/ingest"
	"tidemark/storage/model"
)

// Options say what lines belong to.
type Options struct {
	ingest.Options
	// Measurement is the label measurement of the rows, and Labels are their
	// other labels. Database becomes the label db where not empty.
	Measurement string
	Database    string
	Labels      model.Labels
	// Default is the time of lines before the first one that tells its own.
	Default time.Time
	// Location is the zone of times without one. Default UTC.
	Location *time.Location
	// MinTime is the oldest time accepted, in nanoseconds. Zero means no bound.
	MinTime int64
}

// blockBytes is about how many bytes of lines make a block.
const blockBytes = 2 << 20

// Scan reads lines and hands over a batch for every few MiB of them, which is
// reused after emit returns. The report of a block lists the lines that were
// refused: too long, or too old. The error is that of reading, of options, of
// ctx or of emit.
func Scan(ctx context.Context, r io.Reader, o Options, emit func(ingest.Block) error) error {
	if err := o.Validate(); err != nil {
		return fmt.Errorf("options of plain lines: %w", err)
	}
	o.Options = o.WithDefaults()
	if o.Location == nil {
		o.Location = time.UTC
	}
	if reason := o.CheckMeasurement(o.Measurement); reason != "" {
		return errors.New(reason)
	}
	for _, l := range o.Labels {
		if reason := o.CheckLabel(l.Name, l.Value); reason != "" {
			return errors.New(reason)
		}
	}
	if reason := o.CheckOrigin(o.Database, ""); reason != "" {
		return errors.New(reason)
	}
	s := &scan{o: &o, stream: o.NewStream(model.LogRow, o.Measurement, o.Database, "", o.Labels), last: o.Default.UnixNano(),
		layout: o.NewLogLayout([]ingest.Field{{Name: model.LineField, Type: model.TypeText}}, 0, nil)}
	in := bufio.NewReaderSize(r, 256<<10)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		line, size, err := readLine(in, o.Limits.MaxLineBytes)
		s.read += int64(size)
		if size > 0 {
			s.line(line, size)
		}
		if s.b.Size() >= blockBytes || err != nil && s.rep.Lines > 0 {
			if err := emit(ingest.Block{Batch: &s.b, Report: s.rep, Read: s.read}); err != nil {
				return err
			}
			s.b.Reset()
			s.rep = ingest.Report{}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// readLine returns a line without its end, cut after most bytes and one, and
// how many bytes it took.
func readLine(in *bufio.Reader, most int) (line []byte, size int, err error) {
	for {
		piece, err := in.ReadSlice('\n')
		size += len(piece)
		if keep := min(len(piece), most+2-len(line)); keep > 0 {
			line = append(line, piece[:keep]...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return bytes.TrimRight(line, "\r\n"), size, err
		}
	}
}

type scan struct {
	o      *Options
	stream *model.Stream
	layout *ingest.Layout
	b      model.Batch
	rep    ingest.Report
	values ingest.Values
	read   int64
	number int
	last   int64
}

func (s *scan) line(line []byte, size int) {
	s.number++
	if len(line) == 0 {
		return
	}
	s.rep.Lines++
	if t, ok := timeOf(line, s.o.Default, s.o.Location); ok {
		s.last = t
	}
	reason := ""
	switch {
	case len(line) > s.o.Limits.MaxLineBytes:
		reason = fmt.Sprintf("line has %d bytes: want at most %d (MaxLineBytes)", size, s.o.Limits.MaxLineBytes)
	case s.o.MinTime != 0 && s.last < s.o.MinTime:
		s.rep.TooOld++
		reason = fmt.Sprintf("time %s is too old", time.Unix(0, s.last).UTC().Format(time.RFC3339))
	}
	if reason != "" {
		s.rep.Rejected++
		if len(s.rep.Errors) < s.o.MaxErrors {
			s.rep.Errors = append(s.rep.Errors, ingest.LineError{Line: s.number, Text: string(line[:min(len(line), s.o.MaxErrorText)]), Reason: reason})
		}
		return
	}
	s.values.Reset()
	s.values.Text(line)
	s.layout.Append(&s.b, s.stream, s.last, &s.values)
	s.rep.Accepted++
	s.rep.LogRows++
	s.rep.Values++
}
