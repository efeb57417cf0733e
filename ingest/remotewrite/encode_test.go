package remotewrite

import (
	"encoding/binary"
	"math"
)

// What senders write, by an encoder that shares nothing with the decoder.

type tSample struct {
	v  float64
	ms int64
}

type tSeries struct {
	labels     []string // names and values in turn
	samples    []tSample
	histograms []tHistogram
	exemplars  int
}

// tStart is the start time in milliseconds that everything of 2.0 has.
const tStart = 5

// tHistogram is a native histogram. counts are deltas of integers, unless
// floats.
type tHistogram struct {
	floats      bool
	schema      int64
	count, zero float64
	width, sum  float64
	hint        uint64
	spans       [][2]int64
	counts      []float64
	negSpans    [][2]int64
	negCounts   []float64
	custom      []float64
	ms          int64
}

func putHistogram(h tHistogram) []byte {
	var m []byte
	varint := func(num int, v uint64) {
		m = binary.AppendUvarint(binary.AppendUvarint(m, uint64(num)<<3), v)
	}
	sint := func(num int, v int64) { varint(num, uint64(v<<1)^uint64(v>>63)) }
	float := func(num int, v float64) {
		m = binary.LittleEndian.AppendUint64(binary.AppendUvarint(m, uint64(num)<<3|1), math.Float64bits(v))
	}
	floats := func(num int, vs []float64) {
		var p []byte
		for _, v := range vs {
			p = binary.LittleEndian.AppendUint64(p, math.Float64bits(v))
		}
		m = putBytes(m, num, p)
	}
	side := func(num int, spans [][2]int64, counts []float64) {
		for _, s := range spans {
			m = putBytes(m, num, binary.AppendUvarint(append(binary.AppendVarint([]byte{0x08}, s[0]), 0x10), uint64(s[1])))
		}
		if h.floats {
			floats(num+2, counts)
			return
		}
		var p []byte
		for _, c := range counts {
			p = binary.AppendVarint(p, int64(c))
		}
		m = putBytes(m, num+1, p)
	}
	if h.floats {
		float(2, h.count)
		float(7, h.zero)
	} else {
		varint(1, uint64(h.count))
		varint(6, uint64(h.zero))
	}
	float(3, h.sum)
	sint(4, h.schema)
	float(5, h.width)
	side(8, h.negSpans, h.negCounts)
	side(11, h.spans, h.counts)
	varint(14, h.hint)
	varint(15, uint64(h.ms))
	floats(16, h.custom)
	return m
}

func putBytes(dst []byte, num int, b []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(num)<<3|2)
	dst = binary.AppendUvarint(dst, uint64(len(b)))
	return append(dst, b...)
}

func putSample(s tSample) []byte {
	b := binary.LittleEndian.AppendUint64([]byte{0x09}, math.Float64bits(s.v))
	return binary.AppendUvarint(append(b, 0x10), uint64(s.ms))
}

func encodeV1(all ...tSeries) []byte {
	var out []byte
	for _, s := range all {
		var m []byte
		for i := 0; i < len(s.labels); i += 2 {
			m = putBytes(m, 1, putBytes(putBytes(nil, 1, []byte(s.labels[i])), 2, []byte(s.labels[i+1])))
		}
		for _, x := range s.samples {
			m = putBytes(m, 2, putSample(x))
		}
		for range s.exemplars {
			m = putBytes(m, 3, putSample(tSample{1, 1}))
		}
		for _, h := range s.histograms {
			m = putBytes(m, 4, putHistogram(h))
		}
		out = putBytes(out, 1, m)
	}
	return out
}

func encodeV2(all ...tSeries) []byte {
	symbols := []string{""}
	ref := map[string]uint64{"": 0}
	var series []byte
	for _, s := range all {
		var refs []byte
		for _, l := range s.labels {
			if _, ok := ref[l]; !ok {
				ref[l] = uint64(len(symbols))
				symbols = append(symbols, l)
			}
			refs = binary.AppendUvarint(refs, ref[l])
		}
		m := putBytes(nil, 1, refs)
		for _, x := range s.samples {
			m = putBytes(m, 2, append(putSample(x), 0x18, tStart))
		}
		for _, h := range s.histograms {
			m = putBytes(m, 3, append(putHistogram(h), 0x88, 0x01, tStart))
		}
		for range s.exemplars {
			m = putBytes(m, 4, []byte{8, 1})
		}
		m = putBytes(m, 5, []byte{8, 1}) // metadata
		series = putBytes(series, 5, m)
	}
	var out []byte
	for _, s := range symbols {
		out = putBytes(out, 4, []byte(s))
	}
	return append(out, series...)
}
