package lineprotocol

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"tidemark/ingest"
	"tidemark/storage/model"
)

// ScanOptions configure Scan. The zero value means the defaults.
type ScanOptions struct {
	// BlockBytes is how much input makes one block, at most 64 MiB.
	// Default 1 MiB.
	BlockBytes int
}

const (
	defaultBlockBytes = 1 << 20
	maxBlockBytes     = 64 << 20
)

// Scan decodes a stream of any length in blocks that are cut between records
// and calls visit for each, in order. It returns the report of the whole
// stream. The last block is visited even if it has no rows. Scan ends with ctx's error, the reader's or visit's, whichever comes
// first; blocks visited before stay visited.
//
// It holds one block in memory, and at most one record of MaxLineBytes beyond
// it: a longer record is refused, and reading goes on at its next line.
func (d *Decoder) Scan(ctx context.Context, r io.Reader, p Params, o ScanOptions, visit func(ingest.Block) error) (ingest.Report, error) {
	if o.BlockBytes <= 0 {
		o.BlockBytes = defaultBlockBytes
	}
	o.BlockBytes = min(o.BlockBytes, maxBlockBytes)
	var (
		total ingest.Report
		b     model.Batch
		read  int64
		buf   = make([]byte, 0, o.BlockBytes)
		line  = 1
		skip  = false // the rest of the line belongs to a refused record
		eof   = false
	)
	emit := func(rep ingest.Report, n int) error {
		read += int64(n)
		total.Add(rep, d.opts.MaxErrors)
		if rep.Lines == 0 && !eof {
			return nil
		}
		err := visit(ingest.Block{Batch: &b, Report: rep, Read: read})
		b.Reset()
		return err
	}
	for !eof {
		for len(buf) < cap(buf) && !eof {
			if err := ctx.Err(); err != nil {
				return total, err
			}
			n, err := r.Read(buf[len(buf):cap(buf)])
			buf = buf[:len(buf)+n]
			if err == io.EOF {
				eof = true
			} else if err != nil {
				return total, fmt.Errorf("line protocol: line %d: %w", line, err)
			}
		}
		n := 0 // bytes of buf done with
		if skip {
			if n = bytes.IndexByte(buf, '\n') + 1; n == 0 {
				n = len(buf)
			} else {
				line++
				skip = false
			}
		}
		rep, used, newlines := d.decode(buf[n:], p, &b, eof, line, d.opts.MaxErrors-len(total.Errors))
		n += used
		line += newlines
		if n == 0 && len(buf) > d.opts.MaxLineBytes+len("\r\n") {
			rep, n, skip = d.tooLong(buf, line)
			if buf[n-1] == '\n' {
				line++
			}
		}
		if err := emit(rep, n); err != nil {
			return total, err
		}
		rest := copy(buf, buf[n:])
		buf = buf[:rest]
		if rest == cap(buf) {
			grown := make([]byte, rest, min(2*cap(buf), max(d.opts.MaxLineBytes+3, cap(buf)+1)))
			copy(grown, buf)
			buf = grown
		}
	}
	return total, nil
}

// tooLong refuses the record that buf begins with. It returns how much of buf
// is the record's first line, and whether more of that line is to be skipped.
// A comment is no record, and blanks are not yet one.
func (d *Decoder) tooLong(buf []byte, line int) (rep ingest.Report, n int, skip bool) {
	n = bytes.IndexByte(buf, '\n') + 1
	if n == 0 {
		n, skip = len(buf), true
	}
	switch t := bytes.TrimLeft(buf[:n], " \t"); {
	case len(t) == 0:
		return rep, n, false
	case t[0] == '#':
		return rep, n, skip
	}
	rep.Lines, rep.Rejected = 1, 1
	text := bytes.TrimRight(buf[:n], "\r\n")
	rep.Errors = []ingest.LineError{{
		Line: line, Column: d.opts.MaxLineBytes + 1, Text: string(text[:min(len(text), d.opts.MaxErrorText)]),
		Reason: fmt.Sprintf("record has more than %d bytes: want at most that many (MaxLineBytes)", d.opts.MaxLineBytes),
	}}
	return rep, n, skip
}
