package conformance

import (
	"context"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	promstorage "github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/teststorage"
)

// The data.

var epoch = time.Unix(1_700_000_000, 0)

const samples = 80 // of each series, 15 s apart

// fill appends the same samples to both stores.
func fill(t *testing.T, rng *rand.Rand, ours *Store, theirs promstorage.Storage) {
	a, b := ours.AppenderV2(context.Background()), theirs.(*teststorage.TestStorage).AppenderV2(context.Background())
	add := func(ls labels.Labels, st, ms int64, v float64, fh *histogram.FloatHistogram) {
		for _, app := range []promstorage.AppenderV2{a, b} {
			copied := fh
			if fh != nil {
				copied = fh.Copy()
			}
			if _, err := app.Append(0, ls, st, ms, v, nil, copied, promstorage.AppendV2Options{}); err != nil {
				t.Fatal(ls, ms, err)
			}
		}
	}
	stale := math.Float64frombits(0x7ff0000000000002)
	series := func(name string, n int, sample func(ls labels.Labels, i int, ms int64, gone bool)) {
		for k := range n {
			ls := labels.FromStrings("__name__", name, "a", string(rune('w'+k%3)), "b", strconv.Itoa(k/3), "job", "j"+strconv.Itoa(k%2))
			if strings.HasPrefix(name, "nested") {
				ls = labels.FromStrings("__name__", name, "a", string(rune('w'+k%3)), "job", "j"+strconv.Itoa(k%2))
			}
			gaps, jitter := rng.IntN(4) == 0, rng.IntN(2) == 0
			gone := false
			for i := range samples {
				if gaps && rng.IntN(8) == 0 {
					if !gone && rng.IntN(3) == 0 {
						sample(ls, -1, epoch.UnixMilli()+int64(i)*15000, true)
						gone = true
					}
					continue
				}
				gone = false
				ms := epoch.UnixMilli() + int64(i)*15000
				if jitter {
					ms += rng.Int64N(3000)
				}
				sample(ls, i, ms, false)
			}
		}
	}
	value := func(i int) float64 {
		switch rng.IntN(200) {
		case 0:
			return math.NaN()
		case 1:
			return math.Inf(1 - 2*rng.IntN(2))
		}
		return float64(rng.IntN(400)-100) / 4
	}
	series("gauge", 8, func(ls labels.Labels, i int, ms int64, gone bool) {
		v := value(i)
		if gone {
			v = stale
		}
		add(ls, 0, ms, v, nil)
	})
	series("nested", 3, func(ls labels.Labels, i int, ms int64, gone bool) {
		v := float64(rng.IntN(20))
		if gone {
			v = stale
		}
		add(ls, 0, ms, v, nil)
	})
	for _, name := range []string{"requests_total", "started_total"} {
		count, start := 0.0, int64(0)
		series(name, 6, func(ls labels.Labels, i int, ms int64, gone bool) {
			if i <= 0 || rng.IntN(25) == 0 {
				count, start = 0, ms-rng.Int64N(10_000)-1
			}
			count += float64(rng.IntN(30))
			v, st := count, int64(0)
			if name == "started_total" {
				st = start
			}
			if gone {
				v = stale
			}
			add(ls, st, ms, v, nil)
		})
	}
	for k := range 3 {
		counts := make([]float64, 5)
		for i := range samples {
			total := 0.0
			for j, le := range []string{"0.1", "0.5", "1", "5", "+Inf"} {
				counts[j] += float64(rng.IntN(5))
				total += counts[j]
				add(labels.FromStrings("__name__", "latency_bucket", "a", string(rune('w'+k)), "le", le), 0, epoch.UnixMilli()+int64(i)*15000, total, nil)
			}
		}
	}
	for _, m := range []struct {
		name   string
		custom bool
		gauge  bool
		mixed  bool
	}{{name: "native"}, {name: "native_gauge", gauge: true}, {name: "custom", custom: true}, {name: "mixed", mixed: true}} {
		var h *histogram.FloatHistogram
		var start int64
		series(m.name, 4, func(ls labels.Labels, i int, ms int64, gone bool) {
			if gone {
				add(ls, 0, ms, 0, &histogram.FloatHistogram{Sum: stale})
				return
			}
			if m.mixed && rng.IntN(3) == 0 {
				add(ls, 0, ms, float64(rng.IntN(50)), nil)
				return
			}
			if h == nil || i == 0 || rng.IntN(30) == 0 || m.gauge {
				h, start = newHistogram(rng, m.custom, m.gauge), ms-1000
			}
			for k := range h.PositiveBuckets {
				n := float64(rng.IntN(6))
				if h.PositiveBuckets[k] == 0 && !m.custom {
					n++ // == of Prometheus's tells a bucket without observations from none
				}
				h.PositiveBuckets[k] += n
				h.Count += n
			}
			for k := range h.NegativeBuckets {
				n := float64(rng.IntN(3))
				if h.NegativeBuckets[k] == 0 {
					n++
				}
				h.NegativeBuckets[k] += n
				h.Count += n
			}
			h.Sum += float64(rng.IntN(100)) / 4
			st := int64(0)
			if m.name == "native" {
				st = start
			}
			add(ls, st, ms, 0, h)
		})
	}
	for i := range samples {
		ms := epoch.UnixMilli() + int64(i)*15000
		for j := range 2 {
			add(labels.FromStrings("__name__", "target_info", "job", "j"+strconv.Itoa(j), "version", "v"+strconv.Itoa(i/30)), 0, ms, 1, nil)
			add(labels.FromStrings("__name__", "utf8.metric", "label.name", "ü", "a", string(rune('w'+j))), 0, ms, float64(i%7), nil)
		}
	}
	for _, app := range []promstorage.AppenderV2{a, b} {
		if err := app.Commit(); err != nil {
			t.Fatal(err)
		}
	}
}

func newHistogram(rng *rand.Rand, custom, gauge bool) *histogram.FloatHistogram {
	h := &histogram.FloatHistogram{}
	if gauge {
		h.CounterResetHint = histogram.GaugeType
	}
	spans := func() ([]histogram.Span, []float64) {
		s := []histogram.Span{{Offset: int32(rng.IntN(4)) - 2, Length: uint32(1 + rng.IntN(3))}, {Offset: int32(1 + rng.IntN(3)), Length: uint32(1 + rng.IntN(2))}}
		return s, make([]float64, s[0].Length+s[1].Length)
	}
	if custom {
		h.Schema = histogram.CustomBucketsSchema
		h.CustomValues = [][]float64{{1, 2, 5, 10}, {1, 5, 10}}[rng.IntN(2)]
		h.PositiveSpans = []histogram.Span{{Length: uint32(len(h.CustomValues) + 1)}}
		h.PositiveBuckets = make([]float64, len(h.CustomValues)+1)
		return h
	}
	h.Schema = int32(rng.IntN(3))
	h.ZeroThreshold = []float64{0, 0.001, 0.1}[rng.IntN(3)]
	h.PositiveSpans, h.PositiveBuckets = spans()
	if rng.IntN(2) == 0 {
		h.NegativeSpans, h.NegativeBuckets = spans()
	}
	return h
}
