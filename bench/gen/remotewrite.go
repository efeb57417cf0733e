package gen

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/snappy"
)

// RemoteWriter writes a workload as Prometheus remote write 1.0 requests, a
// series for each sample, as Prometheus itself sends them.
type RemoteWriter struct {
	w      *Workload
	labels [][][]byte // by source and field: the encoded labels of the series

	point *Point
	field int // of the point: what comes next
	buf   []byte
	one   []byte
}

// NewRemoteWriter returns a writer of what w has still to give.
func NewRemoteWriter(w *Workload) *RemoteWriter {
	return &RemoteWriter{w: w, labels: make([][][]byte, len(w.sources))}
}

// AppendRequest appends the body, compressed with snappy, of the next request
// of up to n samples, and returns how many samples it has; 0 at the end.
func (r *RemoteWriter) AppendRequest(dst []byte, n int) (body []byte, samples int) {
	r.buf = r.buf[:0]
	for samples < n {
		if r.point == nil || r.field == len(r.point.Values) {
			if r.point, r.field = r.w.Next(), 0; r.point == nil {
				break
			}
		}
		r.appendSeries()
		r.field++
		samples++
	}
	if samples == 0 {
		return dst, 0
	}
	return append(dst, snappy.Encode(nil, r.buf)...), samples
}

// appendSeries appends message WriteRequest's field 1, a TimeSeries with
// labels in 1 and a sample in 2.
func (r *RemoteWriter) appendSeries() {
	p := r.point
	if r.labels[p.Source] == nil {
		r.labels[p.Source] = make([][]byte, len(p.Fields))
		for i := range p.Fields {
			r.labels[p.Source][i] = encodeLabels(p, i)
		}
	}
	sample := binary.LittleEndian.AppendUint64(append(r.one[:0], 1<<3|1), math.Float64bits(p.Values[r.field]))
	sample = binary.AppendUvarint(append(sample, 2<<3), uint64(p.Time/int64(time.Millisecond)))
	r.one = sample
	labels := r.labels[p.Source][r.field]
	r.buf = append(r.buf, 1<<3|2)
	r.buf = binary.AppendUvarint(r.buf, uint64(len(labels)+2+len(sample)))
	r.buf = append(r.buf, labels...)
	r.buf = append(r.buf, 2<<3|2, byte(len(sample)))
	r.buf = append(r.buf, sample...)
}

func encodeLabels(p *Point, field int) []byte {
	tags := append(slices.Clone(p.Tags), Tag{"__name__", p.Measurement + "_" + p.Fields[field].Name})
	slices.SortFunc(tags, func(a, b Tag) int { return strings.Compare(a.Name, b.Name) })
	var out []byte
	text := func(dst []byte, num byte, s string) []byte {
		return append(binary.AppendUvarint(append(dst, num<<3|2), uint64(len(s))), s...)
	}
	for _, t := range tags {
		one := text(text(nil, 1, t.Name), 2, t.Value)
		out = append(binary.AppendUvarint(append(out, 1<<3|2), uint64(len(one))), one...)
	}
	return out
}
