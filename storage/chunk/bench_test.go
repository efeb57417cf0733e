package chunk

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"tidemark/storage/model"
)

// typical are the columns the figures of the package's documentation are about:
// MaxSamples each, at regular times.
func typical() []struct {
	name string
	c    *Column
} {
	r := rand.New(rand.NewPCG(5, 6))
	counter, walk, level, drift := 0.0, 50.0, 20.0, 50.0
	return []struct {
		name string
		c    *Column
	}{
		{"constant", floats(MaxSamples, func(int) float64 { return 1 })},
		{"counter", floats(MaxSamples, func(int) float64 { counter += float64(900 + r.IntN(200)); return counter })},
		{"gauge0to100", floats(MaxSamples, func(int) float64 {
			walk = min(100, max(0, walk+r.NormFloat64()))
			return math.Floor(walk)
		})},
		{"gaugeSteps", floats(MaxSamples, func(int) float64 { drift = min(100, max(0, drift+math.Round(r.NormFloat64()))); return drift })},
		{"decimal", floats(MaxSamples, func(int) float64 { level += r.NormFloat64() / 4; return math.Round(level*100) / 100 })},
		{"randomFloat", floats(MaxSamples, func(int) float64 { return r.Float64() })},
		{"smoothFloat", floats(MaxSamples, func(i int) float64 { return 20 + 5*math.Sin(float64(i)/200) })},
		{"int", ints(MaxSamples, func(i int) int64 { return int64(i)*1000 + int64(r.IntN(100)) })},
		{"bool", bools(MaxSamples, func(int) bool { return r.IntN(3) == 0 })},
		{"jitterTimes", withTimes(ints(MaxSamples, func(int) int64 { return 1 }), func(i int) int64 { return (int64(i)*15000 + int64(r.IntN(10))) * 1e6 })},
		{"states", texts(MaxSamples, func(int) string { return fmt.Sprint("state ", r.IntN(5)) })},
		{"texts", texts(MaxSamples, func(i int) string { return fmt.Sprint("up ", i, " days") })},
	}
}

// BenchmarkDecode and BenchmarkEncode count samples; B/sample is the size of the
// whole chunk over its samples, times included.
func BenchmarkDecode(b *testing.B) {
	for _, k := range typical() {
		b.Run(k.name, func(b *testing.B) {
			enc := Append(nil, k.c)
			var c Column
			b.ReportAllocs()
			for b.Loop() {
				c.Reset()
				if err := Decode(enc, &c); err != nil {
					b.Fatal(err)
				}
			}
			report(b, k.c.Len(), len(enc))
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, k := range typical() {
		b.Run(k.name, func(b *testing.B) {
			var enc []byte
			b.ReportAllocs()
			for b.Loop() {
				enc = Append(enc[:0], k.c)
			}
			report(b, k.c.Len(), len(enc))
		})
	}
}

func report(b *testing.B, n, size int) {
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Msamples/s")
	b.ReportMetric(float64(size)/float64(n), "B/sample")
}

// BenchmarkWindows opens a day of a gauge and reads its summaries; BenchmarkSpan
// opens it and reads an hour of its samples by time.
func BenchmarkWindows(b *testing.B) {
	enc := Append(nil, gaugeDay())
	var r Reader
	var ws []Window
	b.ReportAllocs()
	for b.Loop() {
		if err := r.Open(enc); err != nil {
			b.Fatal(err)
		}
		ws, _ = r.AppendWindows(ws[:0])
	}
	b.ReportMetric(float64(len(ws)), "windows")
}

func BenchmarkSpan(b *testing.B) {
	c := gaugeDay()
	enc := Append(nil, c)
	var r Reader
	var times []int64
	var vals []float64
	b.ReportAllocs()
	for b.Loop() {
		if err := r.Open(enc); err != nil {
			b.Fatal(err)
		}
		i, _ := r.Search(c.Times[5000])
		j, _ := r.Search(c.Times[5360])
		times, _ = r.AppendTimes(times[:0], i, j)
		vals, _ = r.AppendFloats(vals[:0], i, j)
	}
	if len(vals) != 360 || len(times) != 360 {
		b.Fatal(len(vals), len(times))
	}
}

// gaugeDay is a day of an integral gauge, every ten seconds.
func gaugeDay() *Column {
	r := rand.New(rand.NewPCG(5, 6))
	walk := 50.0
	return withTimes(ints(8640, func(int) int64 { walk = min(100, max(0, walk+r.NormFloat64())); return int64(walk) }),
		func(i int) int64 { return (1_700_000_000 + int64(i)*10) * second })
}

func BenchmarkReadHeader(b *testing.B) {
	enc := Append(nil, &Column{Type: model.TypeInt, Times: regular(3), Bits: []uint64{1, 2, 3}})
	for b.Loop() {
		if _, err := ReadHeader(enc); err != nil {
			b.Fatal(err)
		}
	}
}
