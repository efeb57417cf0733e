package lokipush

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unsafe"

	"github.com/cespare/xxhash/v2"

	"tidemark/ingest"
	"tidemark/storage/model"
	"tidemark/storage/model/loglevel"
)

// meta adds a pair of structured metadata to the entry being read.
func (w *walk) meta(name, value []byte) {
	if len(value) == 0 {
		return
	}
	w.metaNames = append(w.metaNames, name)
	w.metaValues = append(w.metaValues, value)
}

// entry adds the entry that was read, with the metadata gathered, or refuses
// it.
func (w *walk) entry(t int64, line []byte) {
	lim := &w.d.opts.Limits
	size := len(line)
	for i := range w.metaNames {
		size += len(w.metaNames[i]) + len(w.metaValues[i])
	}
	switch {
	case w.refused != "":
		w.refuse(line, func() string { return w.refused })
		return
	case w.p.MinTime != 0 && t < w.p.MinTime:
		w.rep.TooOld++
		w.refuse(line, func() string {
			return fmt.Sprintf("entry for stream '%s' has timestamp too old: %s, oldest acceptable timestamp is: %s", w.stream(), rfc3339(t), rfc3339(w.p.MinTime))
		})
		return
	case lim.CheckLogTime(t, w.p.Now) != "":
		w.refuse(line, func() string {
			return fmt.Sprintf("entry for stream '%s': %s", w.stream(), lim.CheckLogTime(t, w.p.Now))
		})
		return
	case size > lim.MaxLineBytes:
		w.refuse(line, func() string {
			return fmt.Sprintf("max entry size '%d' bytes (MaxLineBytes) exceeded for stream '%s' while adding an entry with length '%d' bytes", lim.MaxLineBytes, w.stream(), size)
		})
		return
	case len(w.metaNames) > lim.MaxColumns:
		w.refuse(line, func() string {
			return fmt.Sprintf("stream '%s' has too many structured metadata labels: '%d', limit: '%d' (MaxColumns)", w.stream(), len(w.metaNames), lim.MaxColumns)
		})
		return
	}
	w.detectLevel(line)
	l, reason := w.layoutOf()
	if reason != "" {
		w.refuse(line, func() string { return fmt.Sprintf("structured metadata of stream '%s': %s", w.stream(), reason) })
		return
	}
	w.values.Reset()
	w.values.Text(line)
	for _, v := range w.metaValues {
		w.values.Text(v)
	}
	if len(w.metaValues) > 0 {
		w.values.Bits(1) // MetadataField
	}
	l.Append(w.b, w.st, t, &w.values)
	w.rep.Lines++
	w.rep.Accepted++
	if w.repeated(t) {
		w.b.Rollback()
		return
	}
	w.rep.LogRows++
	w.rep.Values += len(l.Schema.Columns)
	if len(w.metaNames) > 0 {
		w.rep.Values-- // the mark is no value of the sender's
	}
}

// noMetric says that no number of an entry is a metric: there is only the mark
// of metadata.
func noMetric(string) bool { return false }

var (
	levelName      = []byte("detected_level")
	severityNumber = []byte("severity_number")
)

// detectLevel adds the level of the entry to its metadata, where it has none
// yet and the decoder is to find it: that of a label of the stream, of the
// metadata, or what the line says.
func (w *walk) detectLevel(line []byte) {
	if !w.d.opts.DetectLevel {
		return
	}
	level, number, rank := w.level, "", len(loglevel.Names)
	for i, n := range w.metaNames {
		switch {
		case bytes.Equal(n, levelName):
			w.metaValues[i] = []byte(loglevel.Normalize(string(w.metaValues[i])))
			return
		case bytes.Equal(n, severityNumber):
			number = string(w.metaValues[i])
		case level == "":
			if r := slices.Index(loglevel.Names[:rank], string(n)); r >= 0 {
				rank = r
			}
		}
	}
	switch {
	case level != "":
	case rank < len(loglevel.Names):
		for i, n := range w.metaNames {
			if string(n) == loglevel.Names[rank] {
				level = loglevel.Normalize(string(w.metaValues[i]))
			}
		}
	case number != "":
		n, err := strconv.Atoi(number)
		if level = loglevel.OfSeverity(n); err != nil {
			level = loglevel.Info
		}
	default:
		level = loglevel.Detect(unsafe.String(unsafe.SliceData(line), len(line))) // keeps nothing of it but constants
	}
	w.meta(levelName, []byte(level))
}

func rfc3339(t int64) string { return time.Unix(0, t).UTC().Format(time.RFC3339Nano) }

// layoutOf returns the layout of a line with the metadata names gathered.
func (w *walk) layoutOf() (*ingest.Layout, string) {
	w.key = w.key[:0]
	for _, n := range w.metaNames {
		w.key = binary.AppendUvarint(w.key, uint64(len(n)))
		w.key = append(w.key, n...)
	}
	if w.layout != nil && bytes.Equal(w.key, w.lastKey) {
		return w.layout, ""
	}
	l, ok := w.d.layouts.Get(w.key)
	if !ok {
		fields := []ingest.Field{{Name: model.LineField, Type: model.TypeText}}
		size := int64(200)
		for _, n := range w.metaNames {
			name := labelName(string(n))
			if reason := w.d.opts.CheckLogField(name); reason != "" {
				return nil, reason
			}
			fields = append(fields, ingest.Field{Name: name, Type: model.TypeText})
			size += int64(len(name)) + 120
		}
		if len(w.metaNames) > 0 {
			fields = append(fields, ingest.Field{Name: model.MetadataField, Type: model.TypeBool})
		}
		l = w.d.layouts.Put(w.key, w.d.opts.NewLogLayout(fields, 0, noMetric), size)
	}
	w.layout, w.lastKey = l, append(w.lastKey[:0], w.key...)
	return l, ""
}

// seen is what a request has of one stream so far.
type seen struct {
	mint, maxt int64
	rows       []int // in the batch
	// set finds rows by what they hold. It is made when an entry comes that
	// does not lie beyond all others.
	set map[rowKey]int
}

type rowKey struct {
	time int64
	hash uint64
}

// repeated reports whether the row added last is one that the request had
// before: equal in stream, time, line and metadata. Otherwise it remembers
// the row.
func (w *walk) repeated(t int64) bool {
	row := w.b.Len() - 1
	if w.cur == nil {
		if w.cur = w.seen[w.st.Key()]; w.cur == nil {
			w.cur = &seen{mint: t, maxt: t, rows: []int{row}}
			w.seen[w.st.Key()] = w.cur
			return false
		}
	}
	s := w.cur
	beyond := t > s.maxt || t < s.mint
	if !beyond && s.set == nil {
		s.set = make(map[rowKey]int, 2*len(s.rows))
		for _, r := range s.rows {
			s.set[w.rowKey(r)] = r
		}
	}
	if s.set != nil {
		k := w.rowKey(row)
		if old, ok := s.set[k]; !ok {
			s.set[k] = row
		} else if w.equal(old, row) {
			return true
		}
	}
	s.mint, s.maxt = min(s.mint, t), max(s.maxt, t)
	s.rows = append(s.rows, row)
	return false
}

func (w *walk) rowKey(i int) rowKey {
	r := &w.b.Rows()[i]
	k := rowKey{time: r.Time}
	for c, word := range w.b.Words(r) {
		if r.Schema.Columns[c].Type == model.TypeText {
			k.hash = k.hash*0x9e3779b97f4a7c15 ^ xxhash.Sum64(w.b.TextOf(word))
		}
	}
	return k
}

// equal reports whether two rows of one stream hold the same. Two different
// rows of equal hash are both kept.
func (w *walk) equal(i, j int) bool {
	a, b := &w.b.Rows()[i], &w.b.Rows()[j]
	wa, wb := w.b.Words(a), w.b.Words(b)
	if len(wa) != len(wb) {
		return false
	}
	for c := range wa {
		if a.Schema.Columns[c].Field != b.Schema.Columns[c].Field {
			return false
		}
		if a.Schema.Columns[c].Type == model.TypeText && !bytes.Equal(w.b.TextOf(wa[c]), w.b.TextOf(wb[c])) {
			return false
		}
	}
	return true
}
