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
	histograms int
	exemplars  int
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
		for range s.histograms {
			m = putBytes(m, 4, []byte{8, 1})
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
			m = putBytes(m, 2, append(putSample(x), 0x18, 5)) // with a start time
		}
		for range s.histograms {
			m = putBytes(m, 3, []byte{8, 1})
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
