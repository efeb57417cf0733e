package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"tidemark/ingest"
	"tidemark/ingest/jsonlines"
	"tidemark/ingest/lineprotocol"
	"tidemark/storage/model"
)

// jsonImport imports a file of JSON lines as export writes them. Samples, and
// log rows with the label measurement, are sent on as line protocol; other log
// rows, which line protocol cannot tell, as JSON lines with their labels as
// stream fields, those of equal label names together.
type jsonImport struct {
	*importJob
	name   string
	lp     *lineprotocol.Decoder
	json   *jsonlines.Decoder
	buf    []byte // of line protocol
	write  lineExport
	logs   map[string][]byte // of JSON lines, by the names of their labels
	pieces int
	held   int
}

// jsonLines imports a file.
func (j *importJob) jsonLines(ctx context.Context, name string, r io.Reader) error {
	x := &jsonImport{importJob: j, name: name, logs: map[string][]byte{}}
	x.write.w = writerFunc(func(p []byte) { x.buf = append(x.buf, p...) })
	var err error
	if x.lp, err = lineprotocol.NewDecoder(lineprotocol.Options{}); err != nil {
		return err
	}
	if x.json, err = jsonlines.NewDecoder(jsonlines.Options{}); err != nil {
		return err
	}
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 1<<16), maxExportLine)
	for n := 1; sc.Scan(); n++ {
		if len(strings.TrimSpace(sc.Text())) == 0 {
			continue
		}
		if reason := x.line(sc.Bytes()); reason != nil {
			refused := ingest.Report{Rejected: 1, Errors: []ingest.LineError{{Line: n, Column: 1, Text: sc.Text(), Reason: reason.Error()}}}
			j.count(name, ingest.Report{Lines: 1}, refused)
		}
		if len(x.buf)+x.held > pieceBytes {
			if err := x.send(ctx); err != nil {
				return err
			}
		}
	}
	if err := sc.Err(); err != nil {
		return err
	}
	if err := x.send(ctx); err != nil {
		return err
	}
	if x.write.nans > 0 {
		fmt.Fprintf(j.console.err, "left out: %d values that are no finite number, which line protocol cannot tell\n", x.write.nans)
	}
	return nil
}

// line takes one line, or says what is wrong with it.
func (x *jsonImport) line(text []byte) error {
	var l jsonLine
	if err := json.Unmarshal(text, &l); err != nil {
		return fmt.Errorf("not a line of an export: %w", err)
	}
	switch {
	case l.Metric != nil:
		s, err := l.series()
		if err != nil {
			return err
		}
		if s.Name == "" {
			return fmt.Errorf("the metric has no __name__")
		}
		for i := range s.Times {
			if err := x.write.sample(s, i, model.Value{Type: s.Types[i], Bits: s.Exact[i]}); err != nil {
				return err
			}
		}
	case l.Line != nil && l.Stream[model.MeasurementLabel] != "":
		return x.write.row(l.block(), 0)
	case l.Line != nil:
		return x.logRow(&l)
	case l.Error != "":
		return fmt.Errorf("the export ended with an error: %s", l.Error)
	case !l.End:
		return fmt.Errorf("want the members metric, times and values, or stream, time and line")
	}
	return nil
}

// logRow puts a log row without a measurement into JSON lines.
func (x *jsonImport) logRow(l *jsonLine) error {
	members := map[string]any{"_time": stampOf(l.Time), "_msg": *l.Line}
	for name, v := range l.Fields {
		if f := model.BitsToFloat(v.Type, v.Bits); v.Type == model.TypeFloat && (math.IsNaN(f) || math.IsInf(f, 0)) {
			x.write.nans++
			continue
		}
		members[name] = v
	}
	names := make([]string, 0, len(l.Stream))
	for name, v := range l.Stream {
		members[name] = v
		names = append(names, name)
	}
	slices.Sort(names)
	b, err := json.Marshal(members)
	if err != nil {
		return err
	}
	key := strings.Join(names, ",")
	x.logs[key] = append(append(x.logs[key], b...), '\n')
	x.held += len(b) + 1
	return nil
}

// send hands on what was gathered.
func (x *jsonImport) send(ctx context.Context) error {
	now := time.Now().UnixNano()
	minTime := int64(0)
	if f, ok := x.sink.(*folderSink); ok {
		minTime = f.db.MinTime()
	}
	put := func(raw []byte, path string, decode func(*model.Batch) ingest.Report) error {
		var b model.Batch
		p := &piece{key: x.key(x.pieces, []byte(path), raw), raw: raw, first: 1, path: path, prec: lineprotocol.Nanosecond, flags: x.importCommand}
		p.block = ingest.Block{Batch: &b, Report: decode(&b)}
		x.pieces++
		refused, err := x.sink.lines(ctx, p)
		if err != nil {
			return err
		}
		x.count(x.name, p.block.Report, refused)
		return nil
	}
	if len(x.buf) > 0 {
		err := put(x.buf, "", func(b *model.Batch) ingest.Report {
			return x.lp.Decode(x.buf, lineprotocol.Params{Precision: lineprotocol.Nanosecond, Database: x.DB, Now: now, MinTime: minTime}, b)
		})
		if err != nil {
			return err
		}
	}
	for _, names := range sortedKeys(x.logs) {
		raw := x.logs[names]
		params := url.Values{"_stream_fields": {names}, "_msg_field": {"_msg"}, "_time_field": {"_time"}}
		err := put(raw, "/insert/jsonline?"+params.Encode(), func(b *model.Batch) ingest.Report {
			return x.json.Decode(raw, jsonlines.Params{StreamFields: strings.Split(names, ","), Now: now, MinTime: minTime}, b)
		})
		if err != nil {
			return err
		}
	}
	x.buf, x.logs, x.held, x.write.of = x.buf[:0], map[string][]byte{}, 0, nil
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
