package dump

import (
	"fmt"
	"io"
	"strings"
	"time"

	"tidemark/storage/chunk"
	"tidemark/storage/keys"
	"tidemark/storage/model"
	"tidemark/storage/postings"
	"tidemark/storage/rowgroup"
	"tidemark/storage/wal"
)

// Printer prints entries and records. It is not safe for concurrent use.
type Printer struct {
	// W is what is written to; the first error of writing is kept.
	W io.Writer
	// Bytes says that chunks are printed byte by byte, too, and other values
	// as hexadecimal digits behind what they mean.
	Bytes bool
	// Rows is how many samples, summaries, rows or ids are printed of each
	// value; 0 prints none, a negative number all.
	Rows int

	err     error
	reader  chunk.Reader
	decoder *wal.Decoder
	segment uint64
	batch   model.Batch
}

// Err returns the first error of writing.
func (p *Printer) Err() error { return p.err }

func (p *Printer) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(p.W, format, args...); err != nil && p.err == nil {
		p.err = err
	}
}

// note prints a line of meaning below a key.
func (p *Printer) note(format string, args ...any) { p.printf("  # "+format+"\n", args...) }

// limit returns how many of n are to be printed.
func (p *Printer) limit(n int) int {
	if p.Rows < 0 {
		return n
	}
	return min(n, p.Rows)
}

// more tells how many were left out.
func (p *Printer) more(n int) {
	if left := n - p.limit(n); left > 0 && p.Rows != 0 {
		p.note("and %d more", left)
	}
}

// Entry prints a key and its value.
func (p *Printer) Entry(key, value []byte) error {
	line, err := keys.Describe(key)
	p.printf("%s\n", line)
	if err == nil {
		err = p.value(key, value)
	}
	if err != nil {
		p.note("error: %v", err)
	}
	return p.err
}

// value prints a value by the kind of its key.
func (p *Printer) value(key, v []byte) error {
	kind, _ := keys.KindOf(key)
	if kind == keys.KindChunk {
		return p.chunk(v)
	}
	if p.Bytes && len(v) > 0 {
		p.hex(v)
	}
	switch kind {
	case keys.KindTombstone:
		return p.tombstone(v)
	case keys.KindMeta, keys.KindIndexed:
		n, err := keys.ReadU64(v)
		if err != nil {
			return err
		}
		p.note("%d", n)
	case keys.KindName:
		n, err := keys.ReadNameInfo(v)
		if err != nil {
			return err
		}
		p.note("metric %d, measurement %q, field %q, first %s", n.ID, n.Measurement, n.Field, n.Type)
	case keys.KindMetric:
		p.note("%q", v)
	case keys.KindRequest:
		received, pos, err := keys.ReadRequestValue(v)
		if err != nil {
			return err
		}
		p.note("received %s, position %d", timeText(received), pos)
	case keys.KindLabels:
		ls, err := model.DecodeLabels(v)
		if err != nil {
			return err
		}
		p.note("%s", ls)
	case keys.KindPosting, keys.KindMetricSets, keys.KindClassSets, keys.KindLogField, keys.KindStateSets:
		return p.set(v)
	case keys.KindFlush:
		r, err := keys.ReadFlushValue(v)
		if err != nil {
			return err
		}
		p.note("rows from %s to %s", timeText(r.Mint), timeText(r.Maxt))
	case keys.KindLastFlush, keys.KindLastCompacted:
		u, err := keys.ReadUpkeep(v)
		if err != nil {
			return err
		}
		p.note("position %d, %d flushes, at %s, settled %v", u.Position, u.Flushes, timeText(u.Time), u.Settled)
	case keys.KindRowGroup:
		return p.rowGroup(v)
	case keys.KindLogName, keys.KindPartition, keys.KindHash:
		if len(v) > 0 {
			return fmt.Errorf("want no value, got %d bytes", len(v))
		}
	default:
		p.note("%d bytes", len(v))
	}
	return nil
}

// hex prints bytes, twelve a line.
func (p *Printer) hex(b []byte) { p.field(b, 0, len(b), "") }

// field prints the bytes of a field, and what they mean beside the first.
func (p *Printer) field(b []byte, at, n int, text string) {
	for first := true; first || n > 0; first = false {
		k := min(n, 12)
		line := fmt.Sprintf("%5d  %-36s%s", at, fmt.Sprintf("% x", b[at:at+k]), text)
		p.printf("%s\n", strings.TrimRight(line, " "))
		at, n, text = at+k, n-k, ""
	}
}

func (p *Printer) set(v []byte) error {
	s, err := postings.Decode(v)
	if err != nil {
		return err
	}
	ids := s.IDs()
	p.note("%d sets", len(ids))
	if n := p.limit(len(ids)); n > 0 {
		p.note("%s", strings.Trim(fmt.Sprint(ids[:n]), "[]"))
	}
	p.more(len(ids))
	return nil
}

func (p *Printer) chunk(v []byte) error {
	if p.Bytes {
		if err := chunk.Annotate(v, func(at, n int, text string) { p.field(v, at, n, text) }); err != nil {
			p.hex(v)
			return err
		}
	}
	if err := p.reader.Open(v); err != nil {
		return err
	}
	h := p.reader.Header()
	p.note("%d bytes, %d samples, %s, %s to %s", len(v), h.Count, h.Type, timeText(h.Mint), timeText(h.Maxt))
	var c chunk.Column
	if err := chunk.Decode(v, &c); err != nil {
		return err
	}
	for i := range p.limit(h.Count) {
		value := ""
		switch h.Type {
		case model.TypeText:
			value = fmt.Sprintf("%q", c.Texts[i])
		case model.TypeHistogram:
			value = fmt.Sprintf("%+v", *c.Histograms[i])
		default:
			value = model.Value{Type: h.Type, Bits: c.Bits[i]}.String()
		}
		if len(c.Starts) > 0 && c.Starts[i] != chunk.NoStart {
			value += " since " + timeText(c.Starts[i])
		}
		p.note("%s %s", timeText(c.Times[i]), value)
	}
	p.more(h.Count)
	return p.windows()
}

// windows prints the summaries of the chunk in p.reader.
func (p *Printer) windows() error {
	width, err := p.reader.WindowWidth()
	if err != nil || width == 0 {
		return err
	}
	ws, err := p.reader.AppendWindows(nil)
	if err != nil {
		return err
	}
	p.note("%d summaries of %s", len(ws), time.Duration(width))
	for i := range p.limit(len(ws)) {
		w := &ws[i]
		if w.Flags&chunk.Opaque != 0 {
			p.note("to %s: %d samples, flags %05b", timeText(w.End), w.Count, w.Flags)
			continue
		}
		p.note("to %s: %d samples, %v to %v within %v to %v, sum %v, flags %05b, changes %d",
			timeText(w.End), w.Count, w.FirstValue, w.LastValue, w.Min, w.Max, w.Sum, w.Flags, w.Changes)
	}
	p.more(len(ws))
	return nil
}

func (p *Printer) rowGroup(v []byte) error {
	g, err := rowgroup.OpenSplit(v, func(i int) ([]byte, error) { return nil, fmt.Errorf("part %d lies apart", i) })
	if err != nil {
		return err
	}
	p.note("%d bytes, %d rows, %s to %s", len(v), g.Rows(), timeText(g.Mint()), timeText(g.Maxt()))
	columns, err := rowgroup.Describe(v)
	if err != nil {
		return err
	}
	for _, c := range columns {
		p.note("%s", c)
	}
	sets := g.Sets()
	p.note("%d label sets", len(sets))
	if g.Parts() > 0 {
		p.note("%d parts", g.Parts())
		return nil
	}
	n := p.limit(g.Rows())
	times, err := g.Times(0, n, nil)
	if err != nil {
		return err
	}
	lines, err := g.Lines(0, n, nil)
	if err != nil {
		return err
	}
	for i := range n {
		for len(sets) > 1 && i >= sets[0].First+sets[0].Count {
			sets = sets[1:]
		}
		p.note("set %d, %s %q", sets[0].ID, timeText(times[i]), lines[i])
	}
	p.more(g.Rows())
	return nil
}

// Record prints a record of the write-ahead log. Records of one segment must
// come in order, for the later ones refer to the earlier.
func (p *Printer) Record(segment, pos uint64, rec []byte) error {
	if p.decoder == nil || p.segment != segment {
		p.decoder, p.segment = &wal.Decoder{}, segment
	}
	p.printf("record %d of segment %d\n", pos, segment)
	if p.Bytes {
		p.hex(rec)
	}
	if wal.IsTombstone(rec) {
		if err := p.tombstone(rec); err != nil {
			p.note("error: %v", err)
		}
		return p.err
	}
	meta, err := p.decoder.Decode(rec, &p.batch)
	if err != nil {
		p.decoder = nil
		p.note("error: %v", err)
		return p.err
	}
	p.note("%d bytes, received %s, request key %q, %d rows", len(rec), timeText(meta.Received), p.batch.RequestKey, len(p.batch.Rows()))
	for _, st := range meta.Streams {
		p.note("stream %s", st.Labels)
	}
	for _, sc := range meta.Schemas {
		p.note("schema of %d columns", len(sc.Columns))
		for _, c := range sc.Columns {
			p.note("  %s: measurement %q, field %q, %s", c.Name, c.Measurement, c.Field, c.Type)
		}
	}
	rows := p.batch.Rows()
	for i := range rows[:p.limit(len(rows))] {
		p.note("%s", p.row(&rows[i]))
	}
	p.more(len(rows))
	return p.err
}

// tombstone prints a deletion.
func (p *Printer) tombstone(v []byte) error {
	received, d, err := wal.DecodeTombstone(v)
	if err != nil {
		return err
	}
	p.note("deletion received %s, of what lies from %s to %s, scope %d", timeText(received), timeText(d.Mint), timeText(d.Maxt), d.Scope)
	for _, matchers := range d.Selectors {
		var text []string
		for _, m := range matchers {
			text = append(text, m.String())
		}
		p.note("{%s}", strings.Join(text, ", "))
	}
	return nil
}

// row tells a row of the batch: its labels, its time and its values.
func (p *Printer) row(r *model.Row) string {
	line := fmt.Sprintf("%s %s", r.Stream.Labels, timeText(r.Time))
	for i, w := range p.batch.Words(r) {
		c := &r.Schema.Columns[i]
		switch c.Type {
		case model.TypeText:
			line += fmt.Sprintf(" %s=%q", c.Field, p.batch.TextOf(w))
		case model.TypeHistogram:
			line += fmt.Sprintf(" %s=%d bytes", c.Field, len(p.batch.TextOf(w)))
		case model.TypeStart:
			line += fmt.Sprintf(" since %s", timeText(int64(w)))
		default:
			line += fmt.Sprintf(" %s=%s", c.Field, model.Value{Type: c.Type, Bits: w})
		}
	}
	return line
}

func timeText(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }
