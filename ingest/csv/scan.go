package csv

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"tidemark/ingest"
	"tidemark/storage/model"
)

// Scan decodes a file of any length and calls visit for each block, in
// order; the last block is visited even if it has no rows. It returns the
// report of the whole file. An error is returned for options or a header that
// do not fit, or as ctx, the reader or visit gave it; bad records are in the
// reports.
func Scan(ctx context.Context, r io.Reader, o Options, visit func(ingest.Block) error) (ingest.Report, error) {
	if err := o.Validate(); err != nil {
		return ingest.Report{}, fmt.Errorf("csv options: %w", err)
	}
	s := &scanner{o: o.withDefaults(), visit: visit, layouts: map[string]*ingest.Layout{}, streams: map[string]*model.Stream{}}
	s.rec = &recorder{r: r, limit: s.o.MaxLineBytes}
	s.csv = csv.NewReader(s.rec)
	s.csv.Comma = s.o.Comma
	s.csv.FieldsPerRecord = -1
	s.csv.ReuseRecord = true
	s.clock = newClock(s.o.TimeFormat, s.o.Location)

	header, err := s.csv.Read()
	if err == io.EOF {
		return ingest.Report{}, errors.New("csv: the file is empty: want a header row")
	}
	if err != nil {
		return ingest.Report{}, fmt.Errorf("csv: header: %w", err)
	}
	if len(header) > 0 {
		header[0] = strings.TrimPrefix(header[0], "\ufeff")
	}
	if s.cols, err = s.o.columns(header); err != nil {
		return ingest.Report{}, fmt.Errorf("csv: header: %w", err)
	}
	for n := 0; ; n++ {
		if n%1024 == 0 {
			if err := ctx.Err(); err != nil {
				return s.total, err
			}
		}
		start := s.csv.InputOffset()
		s.rec.mark(start)
		cells, err := s.csv.Read()
		if err == io.EOF {
			return s.total, s.flush()
		}
		var syntax *csv.ParseError
		switch {
		case errors.As(err, &syntax):
			s.refuse(start, syntax.StartLine, syntax.Column, "", syntax.Err.Error()+": want cells with quotes around the whole cell, and quotes inside doubled", false)
		case err != nil:
			return s.total, fmt.Errorf("csv: %w", err)
		default:
			s.record(start, cells)
		}
		if s.rep.Lines >= s.o.BlockRows || s.b.Size() > blockBytes {
			if err := s.flush(); err != nil {
				return s.total, err
			}
		}
	}
}

// scanner is the state of one Scan.
type scanner struct {
	o     Options
	csv   *csv.Reader
	rec   *recorder
	cols  columns
	clock *clock
	visit func(ingest.Block) error

	total, rep ingest.Report
	b          model.Batch

	vals  ingest.Values
	types []byte // of the record's fields, the key of layouts
	text  []byte // scratch for texts and for the key of streams

	layouts map[string]*ingest.Layout
	streams map[string]*model.Stream // by kind and label cells
}

// Bounds of what a Scan remembers; beyond them it starts anew.
const (
	maxLayouts = 4096
	maxStreams = 65536
)

// flush hands the block to the visitor.
func (s *scanner) flush() error {
	s.total.Add(s.rep, s.o.MaxErrors)
	err := s.visit(ingest.Block{Batch: &s.b, Report: s.rep, Read: s.csv.InputOffset()})
	s.b.Reset()
	s.rep = ingest.Report{}
	return err
}

// refuse reports the record that starts at an offset.
func (s *scanner) refuse(start int64, line, column int, value, reason string, old bool) {
	s.rep.Lines++
	s.rep.Rejected++
	if old {
		s.rep.TooOld++
	}
	if len(s.rep.Errors) >= s.o.MaxErrors {
		return
	}
	text := s.rec.between(start, s.csv.InputOffset(), s.o.MaxErrorText)
	if value != "" {
		reason = value + ": " + reason
	}
	s.rep.Errors = append(s.rep.Errors, ingest.LineError{
		Line: line, Column: column, Text: string(bytes.Trim(text, "\r\n")), Reason: reason,
	})
}

// refuseCell reports the record for one of its cells.
func (s *scanner) refuseCell(start int64, i int, cell, reason string, old bool) {
	line, _ := s.csv.FieldPos(0)
	_, column := s.csv.FieldPos(i)
	s.refuse(start, line, column, fmt.Sprintf("column %q has %q", s.cols.header[i], cell[:min(len(cell), 64)]), reason, old)
}

// record adds the row of one record.
func (s *scanner) record(start int64, cells []string) {
	if len(cells) != len(s.cols.header) {
		line, _ := s.csv.FieldPos(0)
		s.refuse(start, line, 1, "", fmt.Sprintf("record has %d cells: want %d, as the header has", len(cells), len(s.cols.header)), false)
		return
	}
	if size := s.csv.InputOffset() - start; size > int64(s.o.MaxLineBytes) {
		line, _ := s.csv.FieldPos(0)
		s.refuse(start, line, 1, "", fmt.Sprintf("record has %d bytes: want at most %d (MaxLineBytes)", size, s.o.MaxLineBytes), false)
		return
	}
	t, reason := s.clock.parse(cells[s.cols.time])
	if reason != "" {
		s.refuseCell(start, s.cols.time, cells[s.cols.time], reason, false)
		return
	}
	if s.o.MinTime != 0 && t < s.o.MinTime {
		s.refuseCell(start, s.cols.time, cells[s.cols.time], fmt.Sprintf("too old: want a time from %s on, which retention keeps",
			time.Unix(0, s.o.MinTime).UTC().Format(time.RFC3339Nano)), true)
		return
	}
	s.vals.Reset()
	s.types, s.text = s.types[:0], s.text[:0]
	for _, i := range s.cols.fields {
		typ, bits, reason := parseCell(cells[i])
		if reason != "" {
			s.refuseCell(start, i, cells[i], reason, false)
			return
		}
		s.types = append(s.types, byte(typ))
		switch typ {
		case model.TypeNone:
		case model.TypeText:
			n := len(s.text)
			s.text = append(s.text, cells[i]...)
			s.vals.Text(s.text[n:])
		default:
			s.vals.Bits(bits)
		}
	}
	if s.vals.Len() == 0 {
		line, _ := s.csv.FieldPos(0)
		s.refuse(start, line, 1, "", "no field has a value: want at least one", false)
		return
	}
	layout := s.layout()
	stream, bad, reason := s.stream(layout.Schema.Kind, cells)
	if stream == nil {
		s.refuseCell(start, bad, cells[bad], reason, false)
		return
	}
	layout.Append(&s.b, stream, t, &s.vals)
	s.rep.Lines++
	s.rep.Accepted++
	if layout.Schema.Kind == model.LogRow {
		s.rep.LogRows++
	} else {
		s.rep.MetricRows++
	}
	s.rep.Values += len(layout.Schema.Columns)
}

// layout returns the layout of the fields that the record has.
func (s *scanner) layout() *ingest.Layout {
	if l := s.layouts[string(s.types)]; l != nil {
		return l
	}
	var fields []ingest.Field
	for i, typ := range s.types {
		if typ != byte(model.TypeNone) {
			fields = append(fields, ingest.Field{Name: s.cols.header[s.cols.fields[i]], Type: model.Type(typ)})
		}
	}
	if len(s.layouts) >= maxLayouts {
		clear(s.layouts)
	}
	l := s.o.NewLayout(s.o.Measurement, fields)
	s.layouts[string(s.types)] = l
	return l
}

// stream returns the stream of the record, or the column of a label that is
// refused, and why.
func (s *scanner) stream(kind model.RowKind, cells []string) (*model.Stream, int, string) {
	n := len(s.text)
	s.text = append(s.text, byte(kind))
	for _, i := range s.cols.labels {
		s.text = fmt.Appendf(s.text, "%d:%s", len(cells[i]), cells[i])
	}
	key := s.text[n:]
	if st := s.streams[string(key)]; st != nil {
		return st, 0, ""
	}
	var own model.Labels
	for _, i := range s.cols.labels {
		if cells[i] == "" {
			continue
		}
		if r := s.o.CheckLabel(s.cols.header[i], cells[i]); r != "" {
			return nil, i, r
		}
		own = append(own, model.Label{Name: s.cols.header[i], Value: strings.Clone(cells[i])})
	}
	if len(s.streams) >= maxStreams {
		clear(s.streams)
	}
	st := s.o.NewStream(kind, s.o.Measurement, s.o.Database, s.o.Tenant, own)
	s.streams[string(key)] = st
	return st, 0, ""
}
