package remotewrite

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"time"

	"tidemark/ingest"
	"tidemark/ingest/internal/series"
	"tidemark/ingest/protobuf"
	"tidemark/storage/model"
)

// state is what one request's decoding needs. It is pooled.
type state struct {
	d      *Decoder
	p      Params
	origin *series.Origin
	res    Result

	hits, misses uint64
	number       int // of the series being read, from 1
	resolved     int // bytes of symbols put together so far

	run  series.Run
	last last

	// The labels of the series being read: of 1.0 as they lie in the body, of
	// 2.0 as references.
	labels []byte
	refs   []uint64

	symbols [][]byte // each with the length before it, as it lies in the body
	key     []byte   // scratch
}

// forget drops the request; scratch memory is kept within bounds.
func (s *state) forget() {
	const most = 1 << 20
	clear(s.symbols)
	symbols, refs, lastRefs, key := s.symbols[:0], s.refs[:0], s.last.refs[:0], s.key[:0]
	if cap(symbols)*24 > most {
		symbols = nil
	}
	if cap(refs)*8 > most || cap(lastRefs)*8 > most {
		refs, lastRefs = nil, nil
	}
	if cap(key) > most {
		key = nil
	}
	*s = state{symbols: symbols, refs: refs, last: last{refs: lastRefs}, key: key}
}

// Field numbers of both versions. fields holds those of a series.
type fields struct{ labels, samples, histograms, exemplars uint32 }

var (
	fieldsV1 = fields{labels: 1, samples: 2, exemplars: 3, histograms: 4}
	fieldsV2 = fields{labels: 1, samples: 2, histograms: 3, exemplars: 4}
)

const (
	seriesV1  = 1
	symbolsV2 = 4
	seriesV2  = 5
)

func (s *state) requestV1(body []byte) error {
	c := protobuf.NewCursor(body)
	for c.Next() {
		if c.Num == metadataV1 && c.Want(protobuf.Bytes) {
			if err := s.familyV1(c.Data); err != nil {
				return fmt.Errorf("metadata: %w", err)
			}
			continue
		}
		if c.Num != seriesV1 || !c.Want(protobuf.Bytes) {
			continue
		}
		s.number++
		if s.neighbour(c.Data) {
			continue
		}
		if err := s.series(c.Data, &fieldsV1); err != nil {
			return fmt.Errorf("timeseries %d: %w", s.number, err)
		}
	}
	return c.Err()
}

// requestV2 walks twice: fields may come in any order, and series need the
// symbols.
func (s *state) requestV2(body []byte) error {
	c := protobuf.NewCursor(body)
	for start := 0; c.Next(); start = c.Pos() {
		if c.Num != symbolsV2 || !c.Want(protobuf.Bytes) {
			continue
		}
		if len(s.symbols) == 0 && len(c.Data) > 0 {
			return fmt.Errorf("symbols[0] is %q: want it empty", clip(c.Data))
		}
		for body[start] >= 0x80 { // the tag, which may be longer than it need be
			start++
		}
		s.symbols = append(s.symbols, body[start+1:c.Pos()])
	}
	if c.Err() != nil {
		return c.Err()
	}
	for c = protobuf.NewCursor(body); c.Next(); {
		if c.Num != seriesV2 || !c.Want(protobuf.Bytes) {
			continue
		}
		s.number++
		if err := s.series(c.Data, &fieldsV2); err != nil {
			return fmt.Errorf("timeseries %d: %w", s.number, err)
		}
	}
	return c.Err()
}

// series reads one series: its labels and counts first, then its samples.
func (s *state) series(msg []byte, f *fields) error {
	v2 := f == &fieldsV2
	samples, histograms, exemplars := 0, 0, 0
	first, last := 0, 0 // where the labels of 1.0 lie, as long as they adjoin
	joined := false     // they do not, and s.key has them
	s.refs, s.key = s.refs[:0], s.key[:0]
	at, histogramsAt := -1, -1 // where the first of each is
	var described []byte
	if !v2 {
		last = shortLabels(msg)
	}
	c := protobuf.CursorAt(msg, last)
	for start := last; c.Next(); start = c.Pos() {
		switch c.Num {
		case f.labels:
			if v2 {
				s.refs = c.Varints(s.refs)
				continue
			}
			if !c.Want(protobuf.Bytes) {
				continue
			}
			if !joined && last != start && last > 0 {
				joined, s.key = true, append(s.key, msg[first:last]...)
			}
			if joined {
				s.key = append(s.key, msg[start:c.Pos()]...)
			} else {
				if last == 0 {
					first = start
				}
				last = c.Pos()
			}
		case f.samples:
			if c.Want(protobuf.Bytes) {
				if at < 0 {
					at = start
				}
				samples++
			}
		case f.histograms:
			if c.Want(protobuf.Bytes) {
				if histogramsAt < 0 {
					histogramsAt = start
				}
				histograms++
			}
		case f.exemplars:
			exemplars++
		case metadataV2:
			if v2 && c.Want(protobuf.Bytes) {
				described = c.Data
			}
		}
	}
	if c.Err() != nil {
		return c.Err()
	}
	s.res.Histograms += histograms
	s.res.Exemplars += exemplars
	if s.res.Accepted+s.res.Rejected+samples+histograms > s.d.opts.MaxSamples {
		return fmt.Errorf("%w: more than %d samples (MaxSamples)", ErrTooLarge, s.d.opts.MaxSamples)
	}
	s.labels = nil
	if joined {
		s.labels = s.key
	} else if !v2 {
		s.labels = msg[first:last:last]
	}
	if samples+histograms == 0 {
		if v2 {
			if err := s.resolve(s.refs); err != nil {
				return err
			}
			s.refuse(1, "neither samples nor histograms: want at least one")
		}
		return nil
	}
	id, err := s.identify(v2)
	if err != nil {
		return err
	}
	if id.reason != "" {
		s.refuse(samples+histograms, id.reason)
		return nil
	}
	if described != nil && !id.known && s.p.Describe != nil {
		if err := s.describeV2(described, id.schema.Columns[0].Name); err != nil {
			return err
		}
	}
	accepted := 0
	if samples > 0 {
		accepted, err = s.samples(msg[max(at, 0):], f.samples, samples, id, v2)
	}
	if histograms > 0 && err == nil {
		var n int
		n, err = s.histograms(msg[max(histogramsAt, 0):], f.histograms, histograms, id, v2)
		s.res.HistogramsAccepted += n
		accepted += n
	}
	s.res.Accepted += accepted
	if id.known {
		s.hits += uint64(accepted)
	} else {
		s.misses += uint64(accepted)
	}
	return err
}

// shortLabels returns where the labels of less than 128 bytes end that a
// series of 1.0 begins with: nearly always all of them.
func shortLabels(msg []byte) int {
	const tag = 1<<3 | 2
	pos := 0
	for pos+1 < len(msg) && msg[pos] == tag && msg[pos+1] < 0x80 {
		next := pos + 2 + int(msg[pos+1])
		if next > len(msg) {
			break
		}
		pos = next
	}
	return pos
}

// maxMillis is the last millisecond that nanoseconds in an int64 reach.
const maxMillis = math.MaxInt64 / int64(time.Millisecond)

// samples adds the samples of a series to the batch and returns how many.
func (s *state) samples(msg []byte, num uint32, count int, id identity, v2 bool) (accepted int, err error) {
	var out outside
	seen := 0
	for c := protobuf.NewCursor(msg); seen < count && c.Next(); {
		if c.Num != num {
			continue
		}
		seen++
		value, ms, start, err := sample(c.Data, v2)
		if err != nil {
			return accepted, err
		}
		if t, ok := out.time(ms, s.p.MinTime); ok {
			s.run.Add(id.stream, id.schema, t, startTime(start, ms), value)
			accepted++
		}
	}
	s.refuseOutside(&out, "samples")
	return accepted, nil
}

// outside counts what has a time that is not accepted.
type outside struct {
	beyond, tooOld int
	far, oldest    int64
}

// time returns a time in nanoseconds, and whether it is accepted.
func (o *outside) time(ms, minTime int64) (int64, bool) {
	t := ms * int64(time.Millisecond)
	switch {
	case ms > maxMillis || ms < -maxMillis:
		o.beyond, o.far = o.beyond+1, ms
		return 0, false
	case minTime != 0 && t < minTime:
		if o.tooOld == 0 || ms < o.oldest {
			o.oldest = ms
		}
		o.tooOld++
		return 0, false
	}
	return t, true
}

// refuseOutside refuses what was counted.
func (s *state) refuseOutside(o *outside, what string) {
	if o.beyond > 0 {
		s.refuse(o.beyond, fmt.Sprintf("%d %s have a time beyond the range, such as %d ms: want at most %d and at least -%d", o.beyond, what, o.far, maxMillis, maxMillis))
	}
	if o.tooOld > 0 {
		s.res.TooOld += o.tooOld
		s.refuse(o.tooOld, fmt.Sprintf("%d %s are older than retention keeps, the oldest of %s: want times from %s on", o.tooOld, what,
			time.UnixMilli(o.oldest).UTC().Format(time.RFC3339Nano), time.Unix(0, s.p.MinTime).UTC().Format(time.RFC3339Nano)))
	}
}

// startTime returns the start of a counter whose sample is of the time ms, in
// nanoseconds. One that lies after the sample says nothing.
func startTime(start, ms int64) int64 {
	if start > ms || start < -maxMillis {
		return 0
	}
	return start * int64(time.Millisecond)
}

// usualSample reads a sample as every sender writes it: 0x09 value, 0x10 time.
func usualSample(msg []byte) (bits uint64, ms int64, ok bool) {
	if len(msg) <= 10 || msg[0] != 1<<3|1 || msg[9] != 2<<3 {
		return 0, 0, false
	}
	v, n := binary.Uvarint(msg[10:])
	return binary.LittleEndian.Uint64(msg[1:]), int64(v), n > 0 && 10+n == len(msg)
}

// sample reads a sample: the value's bits and the time in milliseconds, and in
// 2.0 the start of its counter.
func sample(msg []byte, v2 bool) (bits uint64, ms, start int64, err error) {
	if bits, ms, ok := usualSample(msg); ok {
		return bits, ms, 0, nil
	}
	c := protobuf.NewCursor(msg)
	for c.Next() {
		switch {
		case c.Num == 1 && c.Want(protobuf.Fixed64):
			bits = c.Bits
		case c.Num == 2 && c.Want(protobuf.Varint):
			ms = int64(c.Bits)
		case c.Num == 3 && v2 && c.Want(protobuf.Varint):
			start = int64(c.Bits)
		}
	}
	return bits, ms, start, c.Err()
}

// refuse counts records of the series being read as refused.
func (s *state) refuse(records int, reason string) {
	s.res.Rejected += records
	if len(s.res.Errors) >= s.d.opts.MaxErrors {
		return
	}
	if s.labels == nil && s.resolve(s.refs) == nil {
		s.labels = s.key
	}
	pairs, _ := labelPairs(string(s.labels))
	text := printSeries(pairs, s.d.opts.MaxErrorText)
	s.res.Errors = append(s.res.Errors, ingest.LineError{Line: s.number, Column: 1,
		Place: fmt.Sprintf("series %d %s", s.number, text), Text: text, Reason: reason})
}

// printSeries prints labels as given, in their order, cut to a length.
func printSeries(pairs []model.Label, most int) string {
	var name string
	var b strings.Builder
	n := 0
	for _, p := range pairs {
		if p.Name == model.MetricName && name == "" {
			name = p.Value
			continue
		}
		if b.Len() > most {
			break
		}
		if n++; n > 1 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s=%q", p.Name, p.Value[:min(len(p.Value), most)])
	}
	text := strings.ToValidUTF8(name[:min(len(name), most)]+"{"+b.String()+"}", "�")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// clip bounds what an error quotes.
func clip(b []byte) []byte { return bytes.Clone(b[:min(len(b), 64)]) }
