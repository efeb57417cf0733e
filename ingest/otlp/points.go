package otlp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"tidemark/ingest"
	"tidemark/ingest/internal/series"
	"tidemark/ingest/protobuf"
	"tidemark/storage/model"
)

// state is what one request's decoding needs.
type state struct {
	d      *Decoder
	p      Params
	b      *model.Batch
	origin *series.Origin
	rep    ingest.Report
	rows   int

	hits, misses uint64

	scope    *scope
	metric   metric
	infoTime int64 // of the last accepted point of the resource

	key, attrs, scopeKey []byte // scratch
	counts, bounds       []uint64
	quantiles            [][2]float64
}

// metric is the metric being read.
type metric struct {
	name, unit  []byte
	description []byte
	kind        uint32 // the field that holds its data
	monotonic   bool
	number      int    // of the metric in the request, from 1
	prom        string // its name for Prometheus, made when first needed
}

// The fields of Metric that hold data.
const (
	gauge       = 5
	sum         = 7
	histogram   = 9
	exponential = 10
	summary     = 11
)

const (
	cumulative      = 2
	noRecordedValue = 1
)

var staleMarker = math.Float64frombits(0x7ff0000000000002)

// each calls f for every message in the field of a number.
func each(msg []byte, num uint32, f func([]byte) error) error {
	c := protobuf.NewCursor(msg)
	for c.Next() {
		if c.Num == num && c.Want(protobuf.Bytes) {
			if err := f(c.Data); err != nil {
				return err
			}
		}
	}
	return c.Err()
}

// bytesField returns the value of a Bytes field, the last where it repeats.
func bytesField(msg []byte, num uint32) (v []byte, err error) {
	err = each(msg, num, func(b []byte) error { v = b; return nil })
	return v, err
}

func (s *state) request(body []byte) error {
	return each(body, 1, func(rm []byte) error {
		resource, err := bytesField(rm, 1)
		if err != nil {
			return err
		}
		s.infoTime = math.MinInt64
		var last *scope
		err = each(rm, 2, func(sm []byte) error {
			scopeMsg, err := bytesField(sm, 1)
			if err != nil {
				return err
			}
			url, err := bytesField(sm, 3)
			if err != nil {
				return err
			}
			if s.scope, s.scopeKey, err = s.d.scope(resource, scopeMsg, url, s.scopeKey); err != nil {
				return err
			}
			last = s.scope
			return each(sm, 2, s.readMetric)
		})
		if err != nil || last == nil || last.info == nil || s.infoTime == math.MinInt64 {
			return err
		}
		return s.info(last)
	})
}

// info adds the sample of target_info.
func (s *state) info(sc *scope) error {
	s.scope = sc
	s.key = binary.BigEndian.AppendUint64(s.key[:0], sc.id)
	se := s.d.cache.Find(s.origin, s.key)
	if se == nil {
		name, own, reason := s.d.opts.SeriesLabels(append([]model.Label(nil), sc.info...))
		if reason != "" {
			// Its points are stored; that what is beside them is not must be
			// told.
			s.note("target_info", reason)
			return nil
		}
		se = s.d.cache.Add(s.origin, string(s.key), name, own)
	}
	return s.add(se, s.infoTime, 0, 1)
}

// describe passes on what the metric says of itself.
func (s *state) describe(m *metric) {
	if s.p.Describe == nil {
		return
	}
	kind := map[uint32]string{gauge: "gauge", sum: "gauge", histogram: "histogram", exponential: "histogram", summary: "summary"}[m.kind]
	if m.monotonic && m.kind == sum {
		kind = "counter"
	}
	text := func(b []byte) string { return strings.ToValidUTF8(string(b[:min(len(b), ingest.MaxHelp)]), "") }
	s.p.Describe(ingest.Metadata{Name: m.prom, Type: kind, Help: text(m.description), Unit: text(m.unit)})
}

func (s *state) readMetric(msg []byte) error {
	s.metric = metric{number: s.metric.number + 1}
	var data []byte
	c := protobuf.NewCursor(msg)
	for c.Next() {
		switch c.Num {
		case 1, 2, 3, gauge, sum, histogram, exponential, summary:
			if !c.Want(protobuf.Bytes) {
				continue
			}
		}
		switch c.Num {
		case 1:
			s.metric.name = c.Data
		case 2:
			s.metric.description = c.Data
		case 3:
			s.metric.unit = c.Data
		case gauge, sum, histogram, exponential, summary:
			s.metric.kind, data = c.Num, c.Data
		}
	}
	if c.Err() != nil {
		return c.Err()
	}
	points, temporality := 0, uint64(0)
	for c = protobuf.NewCursor(data); c.Next(); {
		switch {
		case c.Num == 1 && c.Want(protobuf.Bytes):
			points++
		case c.Num == 2 && s.metric.kind != gauge && s.metric.kind != summary && c.Want(protobuf.Varint):
			temporality = c.Bits
		case c.Num == 3 && s.metric.kind == sum && c.Want(protobuf.Varint):
			s.metric.monotonic = c.Bits != 0
		}
	}
	if c.Err() != nil || points == 0 {
		return c.Err()
	}
	switch {
	case s.scope.reason != "":
		s.reject(points, s.scope.reason)
		return nil
	case (s.metric.kind == sum || s.metric.kind == histogram || s.metric.kind == exponential) && temporality != cumulative:
		what := map[uint64]string{0: "unspecified", 1: "delta"}[temporality]
		if what == "" {
			what = strconv.FormatUint(temporality, 10)
		}
		s.reject(points, "aggregation temporality is "+what+": want cumulative")
		return nil
	}
	return each(data, 1, s.point)
}

// point is a data point of any kind. What a kind lacks stays zero.
type point struct {
	time   uint64
	start  uint64
	flags  uint64
	value  float64
	set    bool // it has a value
	count  uint64
	sum    float64
	hasSum bool
	// Of an exponential histogram. sides are the buckets above and below zero.
	scale, zeroMax uint64
	zeroCount      uint64
	sides          [2][]byte
}

// point reads a data point and adds its samples.
func (s *state) point(msg []byte) error {
	var p point
	s.attrs, s.counts, s.bounds, s.quantiles = s.attrs[:0], s.counts[:0], s.bounds[:0], s.quantiles[:0]
	kind := s.metric.kind
	attrs, flags := uint32(7), uint32(8)
	if kind == histogram {
		attrs, flags = 9, 10
	} else if kind == exponential {
		attrs, flags = 1, 10
	}
	c := protobuf.NewCursor(msg)
	for start := 0; c.Next(); start = c.Pos() {
		number := kind == gauge || kind == sum
		switch {
		case c.Num == attrs:
			if c.Want(protobuf.Bytes) {
				s.attrs = append(s.attrs, msg[start:c.Pos()]...)
			}
		case c.Num == flags:
			if c.Want(protobuf.Varint) {
				p.flags = c.Bits
			}
		case c.Num == 3:
			if c.Want(protobuf.Fixed64) {
				p.time = c.Bits
			}
		case c.Num == 2 && kind != gauge:
			if c.Want(protobuf.Fixed64) {
				p.start = c.Bits
			}
		case number && c.Num == 4:
			if c.Want(protobuf.Fixed64) {
				p.value, p.set = c.Float(), true
			}
		case number && c.Num == 6:
			if c.Want(protobuf.Fixed64) {
				p.value, p.set = float64(int64(c.Bits)), true
			}
		case number:
		case c.Num == 4:
			if c.Want(protobuf.Fixed64) {
				p.count = c.Bits
			}
		case c.Num == 5:
			if c.Want(protobuf.Fixed64) {
				p.sum, p.hasSum = c.Float(), true
			}
		case kind == histogram && c.Num == 6:
			s.counts = c.Fixed64s(s.counts)
		case kind == histogram && c.Num == 7:
			s.bounds = c.Fixed64s(s.bounds)
		case kind == exponential && c.Num == 6:
			if c.Want(protobuf.Varint) {
				p.scale = c.Bits
			}
		case kind == exponential && c.Num == 7:
			if c.Want(protobuf.Fixed64) {
				p.zeroCount = c.Bits
			}
		case kind == exponential && (c.Num == 8 || c.Num == 9):
			if c.Want(protobuf.Bytes) {
				p.sides[c.Num-8] = c.Data
			}
		case kind == exponential && c.Num == 14:
			if c.Want(protobuf.Fixed64) {
				p.zeroMax = c.Bits
			}
		case kind == summary && c.Num == 6:
			if c.Want(protobuf.Bytes) {
				q, err := quantile(c.Data)
				if err != nil {
					return err
				}
				s.quantiles = append(s.quantiles, q)
			}
		}
	}
	if c.Err() != nil {
		return c.Err()
	}
	if s.rows+len(s.counts)+len(s.quantiles)+3 > s.d.opts.MaxSamples {
		return fmt.Errorf("%w: more than %d samples (MaxSamples)", ErrTooLarge, s.d.opts.MaxSamples)
	}
	stale := p.flags&noRecordedValue != 0
	switch {
	case p.time == 0:
		s.reject(1, "data point has no time")
		return nil
	case p.time > math.MaxInt64:
		s.reject(1, fmt.Sprintf("time %d ns: want one before the year 2262", p.time))
		return nil
	case s.p.MinTime != 0 && int64(p.time) < s.p.MinTime:
		s.rep.TooOld++
		s.reject(1, fmt.Sprintf("time %s is older than retention keeps: want one from %s on", time.Unix(0, int64(p.time)).UTC().Format(time.RFC3339Nano),
			time.Unix(0, s.p.MinTime).UTC().Format(time.RFC3339Nano)))
		return nil
	case (kind == gauge || kind == sum) && !p.set && !stale:
		s.reject(1, "data point has no value")
		return nil
	case kind == histogram && len(s.counts) > 0 && len(s.counts) != len(s.bounds)+1, kind == histogram && len(s.counts) == 0 && len(s.bounds) > 0 && !stale:
		s.reject(1, fmt.Sprintf("%d bucket counts with %d bounds: want one more than bounds", len(s.counts), len(s.bounds)))
		return nil
	}
	if kind == histogram {
		for i := 1; i < len(s.bounds); i++ {
			if a, b := math.Float64frombits(s.bounds[i-1]), math.Float64frombits(s.bounds[i]); !(a < b) {
				s.reject(1, fmt.Sprintf("bounds %g and %g: want them ascending", a, b))
				return nil
			}
		}
	}
	rows := s.b.Len()
	reason, err := s.samples(&p, stale)
	if err != nil {
		return err
	}
	if reason != "" {
		for s.b.Len() > rows {
			s.b.Rollback()
			s.rows--
		}
		s.reject(1, reason)
		return nil
	}
	s.rep.Accepted++
	s.infoTime = max(s.infoTime, int64(p.time))
	return nil
}

// What a sample is of its metric; part of its key.
const (
	plain       = 'v'
	bucketOf    = 'b'
	sumOf       = 's'
	countOf     = 'c'
	quantileOf  = 'q'
	suffixSum   = "_sum"
	suffixCount = "_count"
)

// samples adds the samples of a point. The reason says why the point is
// rejected; some of its samples may then have been added.
func (s *state) samples(p *point, stale bool) (reason string, err error) {
	t, start := int64(p.time), int64(0)
	// A start after the point says nothing.
	if p.start <= p.time {
		start = int64(p.start)
	}
	add := func(role byte, place, v float64) {
		if stale {
			v = staleMarker
		}
		if reason != "" || err != nil {
			return
		}
		var se *series.Series
		if se, reason, err = s.series(role, place); reason == "" && err == nil {
			err = s.add(se, t, start, v)
		}
	}
	switch s.metric.kind {
	case gauge, sum:
		add(plain, 0, p.value)
		return reason, err
	case exponential:
		h, err := s.exponential(p, stale)
		if errors.Is(err, model.ErrBadHistogram) {
			return err.Error(), nil
		}
		if err != nil {
			return "", err
		}
		se, reason, err := s.series(plain, 0)
		if reason != "" || err != nil {
			return reason, err
		}
		s.b.Begin(se.Stream, s.d.cache.Variant(se.Schema, start != 0, true), t)
		if start != 0 {
			s.b.Start(start)
		}
		s.b.Histogram(h)
		s.rows++
		return "", nil
	case histogram:
		total := uint64(0)
		for i, b := range s.bounds {
			if i < len(s.counts) {
				total += s.counts[i]
			}
			// A bound of infinity is the bucket of all below.
			if bound := math.Float64frombits(b); !math.IsInf(bound, 1) {
				add(bucketOf, bound, float64(total))
			}
		}
		if !stale || len(s.bounds) > 0 {
			add(bucketOf, math.Inf(1), float64(p.count))
		}
	case summary:
		for _, q := range s.quantiles {
			add(quantileOf, q[0], q[1])
		}
	}
	if p.hasSum || stale || s.metric.kind == summary {
		add(sumOf, 0, p.sum)
	}
	add(countOf, 0, float64(p.count))
	return reason, err
}

// quantile reads a quantile and its value.
func quantile(msg []byte) (q [2]float64, err error) {
	c := protobuf.NewCursor(msg)
	for c.Next() {
		if (c.Num == 1 || c.Num == 2) && c.Want(protobuf.Fixed64) {
			q[c.Num-1] = c.Float()
		}
	}
	return q, c.Err()
}

// series finds or learns the series of a sample of the point whose attributes
// are in s.attrs. Keys are
//
//	scope id (8) | kind (1) | monotonic (1) | uvarint(len) name |
//	uvarint(len) unit | role (1) | place (8) | attributes as sent
//
// and for target_info the scope id alone.
func (s *state) series(role byte, place float64) (*series.Series, string, error) {
	m := &s.metric
	k := binary.BigEndian.AppendUint64(s.key[:0], s.scope.id)
	k = append(k, byte(m.kind), map[bool]byte{true: 1}[m.monotonic])
	k = binary.AppendUvarint(k, uint64(len(m.name)))
	k = append(k, m.name...)
	k = binary.AppendUvarint(k, uint64(len(m.unit)))
	k = append(k, m.unit...)
	k = append(k, role)
	k = binary.BigEndian.AppendUint64(k, math.Float64bits(place))
	s.key = append(k, s.attrs...)
	if se := s.d.cache.Find(s.origin, s.key); se != nil {
		s.hits++
		return se, "", nil
	}
	if m.prom == "" {
		if m.prom = metricName(string(m.name), string(m.unit), m.monotonic && m.kind == sum, m.kind == gauge); m.prom == "" {
			return nil, "metric name has no letter or digit", nil
		}
		s.describe(m)
	}
	var attrs []attribute
	c := protobuf.NewCursor(s.attrs)
	for c.Next() {
		a, err := keyValue(c.Data)
		if err != nil {
			return nil, "", err
		}
		attrs = append(attrs, a)
	}
	if c.Err() != nil {
		return nil, "", c.Err()
	}
	name, taken := m.prom, append([]model.Label(nil), s.scope.labels...)
	switch role {
	case bucketOf:
		name += "_bucket"
		taken = append(taken, model.Label{Name: "le", Value: printPlace(place)})
	case quantileOf:
		taken = append(taken, model.Label{Name: "quantile", Value: printPlace(place)})
	case sumOf:
		name += suffixSum
	case countOf:
		name += suffixCount
	}
	copied, reason := labelsOf(append([]attribute(nil), s.scope.copied...), "", taken)
	if reason != "" {
		return nil, reason, nil
	}
	taken = append(taken, copied...)
	own, reason := labelsOf(attrs, "", taken)
	if reason != "" {
		return nil, reason, nil
	}
	pairs := append(append(taken, own...), model.Label{Name: model.MetricName, Value: name})
	metricName, labels, reason := s.d.opts.SeriesLabels(pairs)
	if reason != "" {
		return nil, reason, nil
	}
	s.misses++
	return s.d.cache.Add(s.origin, string(s.key), metricName, labels), "", nil
}

// printPlace prints a bound or quantile as Prometheus does.
func printPlace(v float64) string {
	if math.IsInf(v, 1) {
		return "+Inf"
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

func (s *state) add(se *series.Series, t, start int64, v float64) error {
	if s.rows >= s.d.opts.MaxSamples {
		return fmt.Errorf("%w: more than %d samples (MaxSamples)", ErrTooLarge, s.d.opts.MaxSamples)
	}
	s.b.Begin(se.Stream, s.d.cache.Variant(se.Schema, start != 0, false), t)
	if start != 0 {
		s.b.Start(start)
	}
	s.b.Float(v)
	s.rows++
	return nil
}

// reject counts points of the metric being read as rejected.
func (s *state) reject(points int, reason string) {
	s.rep.Rejected += points
	s.note(fmt.Sprintf("metric %q", s.metric.name[:min(len(s.metric.name), s.d.opts.MaxErrorText)]), reason)
}

// note lists a reason, unless it repeats the one before.
func (s *state) note(place, reason string) {
	n := len(s.rep.Errors)
	if n >= s.d.opts.MaxErrors || n > 0 && s.rep.Errors[n-1].Place == place && s.rep.Errors[n-1].Reason == reason {
		return
	}
	s.rep.Errors = append(s.rep.Errors, ingest.LineError{Line: max(1, s.metric.number), Column: 1, Place: place, Text: place, Reason: reason})
}
