package lokipush

import (
	"fmt"
	"math"

	"tidemark/ingest/protobuf"
	"tidemark/storage/model"
)

// protobuf reads a PushRequest.
func (w *walk) protobuf(body []byte) error {
	c := protobuf.NewCursor(body)
	for c.Next() {
		if c.Num != 1 || !c.Want(protobuf.Bytes) {
			continue
		}
		if err := w.protoStream(c.Data); err != nil {
			return fmt.Errorf("stream that ends at byte %d: %w", c.Pos(), err)
		}
	}
	return c.Err()
}

func (w *walk) protoStream(msg []byte) error {
	// The labels are wanted first; a writer may put them last.
	var labels []byte
	c := protobuf.NewCursor(msg)
	for c.Next() {
		if c.Num == 1 && c.Want(protobuf.Bytes) {
			labels = c.Data
			if c.Pos() < len(msg) && msg[c.Pos()] == 2<<3|byte(protobuf.Bytes) {
				break // what follows are the entries, as every client has it
			}
		}
	}
	if c.Err() != nil {
		return c.Err()
	}
	w.enter('p', labels, func(raw []byte) (model.Labels, string) { return parseLabels(raw, &w.d.opts.Limits) })
	c = protobuf.NewCursor(msg)
	for c.Next() {
		if c.Num != 2 || !c.Want(protobuf.Bytes) {
			continue
		}
		if err := w.protoEntry(c.Data); err != nil {
			return fmt.Errorf("entry %d: %w", w.rep.Lines+1, err)
		}
	}
	return c.Err()
}

func (w *walk) protoEntry(msg []byte) error {
	w.metaNames, w.metaValues = w.metaNames[:0], w.metaValues[:0]
	var line []byte
	var seconds int64
	var nanos int32
	timed := false
	c := protobuf.NewCursor(msg)
	for c.Next() {
		switch {
		case c.Num > 3 || !c.Want(protobuf.Bytes):
		case c.Num == 1:
			timed = true
			ts := protobuf.NewCursor(c.Data)
			for ts.Next() {
				switch {
				case ts.Num == 1 && ts.Want(protobuf.Varint):
					seconds = int64(ts.Bits)
				case ts.Num == 2 && ts.Want(protobuf.Varint):
					nanos = int32(ts.Bits)
				}
			}
			if ts.Err() != nil {
				return ts.Err()
			}
		case c.Num == 2:
			line = c.Data
		default:
			var name, value []byte
			pair := protobuf.NewCursor(c.Data)
			for pair.Next() {
				switch {
				case pair.Num == 1 && pair.Want(protobuf.Bytes):
					name = pair.Data
				case pair.Num == 2 && pair.Want(protobuf.Bytes):
					value = pair.Data
				}
			}
			if pair.Err() != nil {
				return pair.Err()
			}
			w.meta(name, value)
		}
	}
	if c.Err() != nil {
		return c.Err()
	}
	const most = math.MaxInt64 / 1_000_000_000
	switch {
	case w.refused != "":
	case !timed:
		w.refuse(line, func() string { return fmt.Sprintf("entry for stream '%s' has no timestamp", w.stream()) })
		return nil
	case seconds < -most || seconds >= most || nanos < 0 || nanos > 999_999_999:
		w.refuse(line, func() string {
			return fmt.Sprintf("entry for stream '%s' has timestamp of %d seconds and %d nanoseconds: want the years 1677 to 2262 and 0 to 999999999", w.stream(), seconds, nanos)
		})
		return nil
	}
	w.entry(seconds*1_000_000_000+int64(nanos), line)
	return nil
}
