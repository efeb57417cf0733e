package remotewrite

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/snappy"

	"tidemark/ingest"
	"tidemark/storage/model"
)

func newDecoder(t testing.TB, opts Options) *Decoder {
	t.Helper()
	d, err := NewDecoder(opts)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// rows prints a batch, a row in a text.
func rows(b *model.Batch) []string {
	var out []string
	rs := b.Rows()
	for i := range rs {
		r := &rs[i]
		from := ""
		for j, c := range r.Schema.Columns {
			word := b.Words(r)[j]
			var value any = math.Float64frombits(word)
			switch c.Type {
			case model.TypeStart:
				from = fmt.Sprint(" from ", word)
				continue
			case model.TypeHistogram:
				h, err := model.DecodeHistogram(b.TextOf(word))
				if err != nil {
					panic(err)
				}
				value = printHistogram(h)
			}
			out = append(out, fmt.Sprintf("%s/%s/%s%s %v @%d%s", c.Name, c.Measurement, c.Field, r.Stream.Labels, value, r.Time, from))
		}
	}
	return out
}

func printHistogram(h *model.Histogram) string {
	return fmt.Sprintf("schema %d hint %d integer %v zero %g at %g count %g sum %g custom %v %v %v", h.Schema, h.Hint, h.Integer, h.ZeroCount, h.ZeroThreshold, h.Count, h.Sum, h.Custom, h.Positive, h.Negative)
}

// started is rows of 1.0 as 2.0 has them: all have a start time, which counts
// where it is not after the row's time.
func started(rows []string) []string {
	var out []string
	for _, r := range rows {
		var t int64
		fmt.Sscan(r[strings.LastIndexByte(r, '@')+1:], &t)
		if t >= tStart*1e6 {
			r += fmt.Sprint(" from ", int64(tStart*1e6))
		}
		out = append(out, r)
	}
	return out
}

var stale = math.Float64frombits(0x7ff0000000000002)

func TestDecodeTable(t *testing.T) {
	up := []string{"__name__", "up", "job", "a"}
	one := []tSample{{1, 1000}}
	long := strings.Repeat("x", 5000)
	cases := []struct {
		name   string
		in     []tSeries
		min    int64
		tenant string
		rows   []string
		errs   []string
		count  [5]int // lines, accepted, rejected, too old, histograms
	}{
		{name: "nothing"},
		{name: "two samples", in: []tSeries{{labels: up, samples: []tSample{{1, 1000}, {-2.5, 2000}}}},
			rows: []string{`up/up/value{job="a"} 1 @1000000000`, `up/up/value{job="a"} -2.5 @2000000000`}, count: [5]int{2, 2}},
		{name: "labels in any order", in: []tSeries{{labels: []string{"z", "1", "__name__", "up", "a", "2"}, samples: one}},
			rows: []string{`up/up/value{a="2", z="1"} 1 @1000000000`}, count: [5]int{1, 1}},
		{name: "empty value is no label", in: []tSeries{{labels: []string{"__name__", "up", "a", ""}, samples: one}},
			rows: []string{`up/up/value{} 1 @1000000000`}, count: [5]int{1, 1}},
		{name: "tenant", tenant: "t1", in: []tSeries{{labels: []string{"__name__", "up", "tenant", "x"}, samples: one}},
			rows: []string{`up/up/value{exported_tenant="x", tenant="t1"} 1 @1000000000`}, count: [5]int{1, 1}},
		{name: "times before 1970", in: []tSeries{{labels: up, samples: []tSample{{1, -1}}}},
			rows: []string{`up/up/value{job="a"} 1 @-1000000`}, count: [5]int{1, 1}},
		{name: "bad beside good", in: []tSeries{{labels: []string{"job", "a"}, samples: []tSample{{1, 1}, {1, 2}}}, {labels: up, samples: one}, {labels: []string{"__name__", "up", "a", "1", "a", "2"}, samples: one}},
			rows: []string{`up/up/value{job="a"} 1 @1000000000`}, count: [5]int{4, 1, 3},
			errs: []string{`series 1 {job="a"}: missing label __name__: want the metric's name`, `series 3 up{a="1", a="2"}: label "a" is given twice`}},
		{name: "not UTF-8", in: []tSeries{{labels: []string{"__name__", "up", "a", "\xff"}, samples: one}}, count: [5]int{1, 0, 1},
			errs: []string{`series 1 up{a="\xff"}: value of label "a" is not UTF-8: "\xff"`}},
		{name: "no labels", in: []tSeries{{samples: one}}, count: [5]int{1, 0, 1}, errs: []string{`series 1 {}: missing label __name__: want the metric's name`}},
		{name: "value too long", in: []tSeries{{labels: []string{"__name__", "up", "a", long}, samples: one}}, count: [5]int{1, 0, 1},
			errs: []string{`series 1 up{a="` + long[:250] + `…: value of label "a" has 5000 bytes: want at most 4096 (MaxLabelValueBytes)`}},
		{name: "too old", min: 1_500_000_000, in: []tSeries{{labels: up, samples: []tSample{{1, 1000}, {2, 1499}, {3, 1500}}}},
			rows: []string{`up/up/value{job="a"} 3 @1500000000`}, count: [5]int{3, 1, 2, 2},
			errs: []string{`series 1 up{job="a"}: 2 samples are older than retention keeps, the oldest of 1970-01-01T00:00:01Z: want times from 1970-01-01T00:00:01.5Z on`}},
		{name: "beyond the range", in: []tSeries{{labels: up, samples: []tSample{{1, maxMillis + 1}, {2, math.MinInt64}, {3, maxMillis}}}},
			rows: []string{`up/up/value{job="a"} 3 @9223372036854000000`}, count: [5]int{3, 1, 2},
			errs: []string{`series 1 up{job="a"}: 2 samples have a time beyond the range, such as -9223372036854775808 ms: want at most 9223372036854 and at least -9223372036854`}},
		{name: "histograms", in: []tSeries{{labels: up, samples: one, exemplars: 3, histograms: []tHistogram{
			{schema: 3, count: 17, zero: 2, width: 0.001, sum: 12.5, hint: 1, spans: [][2]int64{{-2, 2}, {3, 1}}, counts: []float64{3, 1, 1}, negSpans: [][2]int64{{0, 2}}, negCounts: []float64{3, -3}, ms: 2000},
			{schema: 8, floats: true, count: 1.5, zero: 0.25, sum: -1, hint: 3, spans: [][2]int64{{1, 1}, {0, 1}}, counts: []float64{1, 0.25}, ms: 3000},
			{schema: -53, count: 3, sum: 4, custom: []float64{-1, 0.5}, spans: [][2]int64{{1, 2}}, counts: []float64{1, 1}, ms: 4000},
			{schema: 10, count: 10, sum: 1, spans: [][2]int64{{-3, 9}}, counts: []float64{1, 0, 0, 0, 0, 0, 0, 0, 1}, ms: 5000},
			{count: 1 << 53 * 2, sum: 1, spans: [][2]int64{{0, 1}}, counts: []float64{1 << 53 * 2}, ms: 6000},
			{count: 9, sum: stale, ms: 7000},
			{count: 1, sum: math.NaN(), ms: 8000}}}},
			rows: []string{`up/up/value{job="a"} 1 @1000000000`,
				`up/up/value{job="a"} schema 3 hint 1 integer true zero 2 at 0.001 count 17 sum 12.5 custom [] {[-2 -1 3] [3 4 5]} {[0] [3]} @2000000000`,
				`up/up/value{job="a"} schema 8 hint 3 integer false zero 0.25 at 0 count 1.5 sum -1 custom [] {[1 2] [1 0.25]} {[] []} @3000000000`,
				`up/up/value{job="a"} schema -53 hint 0 integer true zero 0 at 0 count 3 sum 4 custom [-1 0.5] {[1 2] [1 2]} {[] []} @4000000000`,
				`up/up/value{job="a"} schema 8 hint 0 integer true zero 0 at 0 count 10 sum 1 custom [] {[0 1 2] [4 4 2]} {[] []} @5000000000`,
				`up/up/value{job="a"} schema 0 hint 0 integer false zero 0 at 0 count 1.8014398509481984e+16 sum 1 custom [] {[0] [1.8014398509481984e+16]} {[] []} @6000000000`,
				`up/up/value{job="a"} schema 0 hint 0 integer false zero 0 at 0 count 0 sum NaN custom [] {[] []} {[] []} @7000000000`,
				`up/up/value{job="a"} schema 0 hint 0 integer true zero 0 at 0 count 1 sum NaN custom [] {[] []} {[] []} @8000000000`},
			count: [5]int{8, 8, 0, 0, 7}},
		{name: "bad histograms", min: 1, in: []tSeries{{labels: up, samples: one, histograms: []tHistogram{
			{schema: 53, ms: 1}, {schema: -5, ms: 1}, {count: 1, ms: 1}, {hint: 4, ms: 1},
			{count: 1, spans: [][2]int64{{0, 2}}, counts: []float64{1}, ms: 1},
			{count: 1, spans: [][2]int64{{0, 1}}, counts: []float64{1, 0}, ms: 1},
			{spans: [][2]int64{{0, 1}}, counts: []float64{-1}, ms: 1},
			{count: 2, spans: [][2]int64{{0, 1}, {-1, 1}}, counts: []float64{1, 0}, ms: 1},
			{count: 1, spans: [][2]int64{{1 << 30, 1}}, counts: []float64{1}, ms: 1},
			{floats: true, count: -1, ms: 1},
			{schema: -53, count: 1, custom: []float64{2, 1}, spans: [][2]int64{{0, 1}}, counts: []float64{1}, ms: 1},
			{ms: maxMillis + 1}, {}}}},
			rows: []string{`up/up/value{job="a"} 1 @1000000000`}, count: [5]int{14, 1, 13, 1, 13},
			errs: []string{
				`series 1 up{job="a"}: bad native histogram: schema: want -4 to 52 or -53, got 53`,
				`series 1 up{job="a"}: bad native histogram: schema: want -4 to 52 or -53, got -5`,
				`series 1 up{job="a"}: bad native histogram: want the buckets to have all 1 observations, got 0`,
				`series 1 up{job="a"}: bad native histogram: counter reset hint: want 0 to 3, got 4`,
				`series 1 up{job="a"}: bad native histogram: spans of more buckets than the 1 counts`,
				`series 1 up{job="a"}: bad native histogram: spans of 1 buckets with 2 counts`,
				`series 1 up{job="a"}: bad native histogram: bucket 0: want a count of 0 or more, got -1`,
				`series 1 up{job="a"}: bad native histogram: span 1: want an offset of 32 bits, none below 0 after the first, got -1`,
				`series 1 up{job="a"}: bad native histogram: positive bucket 0: want an index above the one before, in -524288 to 524288, got 1073741824`,
				`series 1 up{job="a"}: bad native histogram: counts: want none below 0, got -1 observations, 0 around zero`,
				`series 1 up{job="a"}: bad native histogram: custom bound 1: want one above the bound before, below infinity, got 1`,
				`series 1 up{job="a"}: 1 native histograms have a time beyond the range, such as 9223372036855 ms: want at most 9223372036854 and at least -9223372036854`,
				`series 1 up{job="a"}: 1 native histograms are older than retention keeps, the oldest of 1970-01-01T00:00:00Z: want times from 1970-01-01T00:00:00.000000001Z on`}},
	}
	for _, v := range []Version{V1, V2} {
		d := newDecoder(t, Options{})
		for _, tc := range cases {
			t.Run(v.String()+"/"+tc.name, func(t *testing.T) {
				body, want := encodeV1(tc.in...), tc.rows
				if v == V2 {
					body, want = encodeV2(tc.in...), started(tc.rows)
				}
				for range 2 { // the second time from the cache
					var b model.Batch
					res, err := d.Decode(body, Params{Version: v, Tenant: tc.tenant, MinTime: tc.min}, &b)
					if err != nil {
						t.Fatal(err)
					}
					if got := rows(&b); !slices.Equal(got, want) || !b.Valid() {
						t.Errorf("rows\n  %q\nwant\n  %q", got, want)
					}
					var errs []string
					for _, e := range res.Errors {
						errs = append(errs, e.Error())
					}
					if !slices.Equal(errs, tc.errs) {
						t.Errorf("errors\n  %q\nwant\n  %q", errs, tc.errs)
					}
					if got := [5]int{res.Lines, res.Accepted, res.Rejected, res.TooOld, res.Histograms}; got != tc.count {
						t.Errorf("counts %v, want %v", got, tc.count)
					}
				}
			})
		}
	}
}

func lastWord(words []uint64) uint64 { return words[len(words)-1] }

// TestValuesBitForBit: whatever a float holds comes out.
func TestValuesBitForBit(t *testing.T) {
	d := newDecoder(t, Options{})
	values := []float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(), stale, math.Float64frombits(0xfff8dead00000001), 5e-324, math.MaxFloat64}
	s := tSeries{labels: []string{"__name__", "m"}}
	for i, v := range values {
		s.samples = append(s.samples, tSample{v, int64(i)})
	}
	for v, body := range map[Version][]byte{V1: encodeV1(s), V2: encodeV2(s)} {
		var b model.Batch
		if res, err := d.Decode(body, Params{Version: v}, &b); err != nil || res.Accepted != len(values) {
			t.Fatalf("%s: %+v, %v", v, res, err)
		}
		rs := b.Rows()
		for i := range rs {
			if got, want := lastWord(b.Words(&rs[i])), math.Float64bits(values[i]); got != want {
				t.Errorf("%s: value %d is %x, want %x", v, i, got, want)
			}
		}
	}
}

// TestForms: encodings that senders rarely use mean the same.
func TestForms(t *testing.T) {
	d := newDecoder(t, Options{})
	f := func(what string, v Version, body []byte, want ...string) {
		t.Helper()
		var b model.Batch
		if _, err := d.Decode(body, Params{Version: v}, &b); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if got := rows(&b); !slices.Equal(got, want) {
			t.Errorf("%s gives %q, want %q", what, got, want)
		}
	}
	label := func(n, v string) []byte { return putBytes(putBytes(nil, 1, []byte(n)), 2, []byte(v)) }
	smp := putBytes(nil, 2, putSample(tSample{1, 1000}))
	name, job := putBytes(nil, 1, label("__name__", "up")), putBytes(nil, 1, label("job", "a"))
	const row = `up/up/value{job="a"} 1 @1000000000`
	f("a sample between labels", V1, putBytes(nil, 1, slices.Concat(name, smp, job)), row)
	f("samples before labels", V1, putBytes(nil, 1, slices.Concat(smp, name, job)), row)
	f("unknown fields", V1, slices.Concat([]byte{0x78, 1}, putBytes(nil, 1, slices.Concat(name, putBytes(nil, 9, []byte("x")), job, smp)), putBytes(nil, 3, []byte("metadata"))), row)
	f("a label's value first", V1, putBytes(nil, 1, slices.Concat(name, putBytes(nil, 1, putBytes(putBytes(nil, 2, []byte("a")), 1, []byte("job"))), smp)), row)
	f("time before value", V1, putBytes(nil, 1, slices.Concat(name, putBytes(nil, 2, slices.Concat([]byte{0x10, 1}, putSample(tSample{2, 0})[:9])))), `up/up/value{} 2 @1000000`)
	f("a sample of zeros", V1, putBytes(nil, 1, slices.Concat(name, putBytes(nil, 2, nil))), `up/up/value{} 0 @0`)
	symbols := slices.Concat(putBytes(nil, 4, nil), putBytes(nil, 4, []byte("__name__")), putBytes(nil, 4, []byte("up")))
	f("symbols behind the series", V2, slices.Concat(putBytes(nil, 5, slices.Concat(putBytes(nil, 1, []byte{1, 2}), smp)), symbols), `up/up/value{} 1 @1000000000`)
	long := slices.Concat([]byte{0xa2, 0, 0x80, 0}, []byte{0xa2, 0, 0x88, 0}, []byte("__name__"), putBytes(nil, 4, []byte("up")))
	f("numbers longer than they need be", V2, slices.Concat(long, putBytes(nil, 5, slices.Concat(putBytes(nil, 1, []byte{0x81, 0, 2}), smp))), `up/up/value{} 1 @1000000000`)
	f("references not packed", V2, slices.Concat(symbols, putBytes(nil, 5, slices.Concat([]byte{8, 1, 8, 2}, smp))), `up/up/value{} 1 @1000000000`)
}

func TestRefusedWhole(t *testing.T) {
	d := newDecoder(t, Options{MaxSamples: 3})
	f := func(what string, v Version, body []byte, want string) {
		t.Helper()
		var b model.Batch
		if _, err := d.Decode(body, Params{Version: v}, &b); err == nil || err.Error() != want {
			t.Errorf("%s gives %v, want %s", what, err, want)
		}
	}
	smp := putBytes(nil, 2, putSample(tSample{1, 1000}))
	symbols := slices.Concat(putBytes(nil, 4, nil), putBytes(nil, 4, []byte("__name__")), putBytes(nil, 4, []byte("up")))
	f("text", V1, []byte("cpu value=1"), "malformed protobuf: field 12 at byte 1: wire type 3: want 0, 1, 2 or 5")
	f("first symbol", V2, putBytes(nil, 4, []byte("x")), `symbols[0] is "x": want it empty`)
	f("odd references", V2, slices.Concat(symbols, putBytes(nil, 5, slices.Concat(putBytes(nil, 1, []byte{1}), smp))), "timeseries 1: 1 labels_refs: want pairs of name and value")
	f("reference beyond symbols", V2, slices.Concat(symbols, putBytes(nil, 5, slices.Concat(putBytes(nil, 1, []byte{1, 3}), smp))), "timeseries 1: reference 3: want one below the 3 symbols")
	f("no symbols", V2, putBytes(nil, 5, slices.Concat(putBytes(nil, 1, []byte{0, 0}), smp)), "timeseries 1: reference 0: want one below the 0 symbols")
	f("sample of another type", V1, putBytes(nil, 1, []byte{0x10, 1}), "timeseries 1: malformed protobuf: field 2 at byte 2: wire type 0: want 2")
	many := tSeries{labels: []string{"__name__", "up"}, samples: make([]tSample, 4)}
	f("too many samples", V1, encodeV1(many), "timeseries 1: request is too large: more than 3 samples (MaxSamples)")
	long := putBytes(putBytes(nil, 4, nil), 4, make([]byte, 1<<20))
	f("long labels", V2, slices.Concat(long, putBytes(nil, 5, putBytes(nil, 1, []byte{1, 1, 1, 1}))), "timeseries 1: request is too large: labels of more than 1048576 bytes (MaxLineBytes)")
	var res Result
	var err error
	var b model.Batch
	if res, err = d.Decode(putBytes(symbols, 5, putBytes(nil, 1, []byte{1, 2})), Params{Version: V2}, &b); err != nil || res.Rejected != 1 ||
		res.Errors[0].Error() != "series 1 up{}: neither samples nor histograms: want at least one" {
		t.Errorf("a series of 2.0 without samples gives %+v, %v", res, err)
	}
}

// TestTruncation: no prefix of a request is taken for a whole one, but where
// it ends between two fields.
func TestTruncation(t *testing.T) {
	d := newDecoder(t, Options{})
	in := []tSeries{{labels: []string{"__name__", "up", "job", "a"}, samples: []tSample{{1, 1}, {2, 2}}}, {labels: []string{"__name__", "down"}, samples: []tSample{{1, 1}}}}
	for v, body := range map[Version][]byte{V1: encodeV1(in...), V2: encodeV2(in...)} {
		failed := 0
		for n := range body {
			var b model.Batch
			if _, err := d.Decode(body[:n:n], Params{Version: v}, &b); err != nil {
				failed++
			} else if b.Len() > 2 {
				t.Errorf("%s: %d of %d bytes give %d rows", v, n, len(body), b.Len())
			}
		}
		if failed < len(body)*3/4 {
			t.Errorf("%s: only %d of %d prefixes are refused", v, failed, len(body))
		}
	}
}

// TestRoundTrip: random series in, the same samples out, from both versions,
// with one decoder whose cache is far too small.
func TestRoundTrip(t *testing.T) {
	d := newDecoder(t, Options{CacheBytes: 64 << 10})
	r := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		var in []tSeries
		var want []string
		for range r.IntN(60) {
			name := fmt.Sprint("m", r.IntN(20))
			pairs := []model.Label{{Name: "host", Value: fmt.Sprint(r.IntN(100))}, {Name: "a", Value: strings.Repeat("v", r.IntN(300))}}
			s := tSeries{labels: []string{"__name__", name}}
			for _, p := range pairs {
				s.labels = append(s.labels, p.Name, p.Value)
			}
			for range 1 + r.IntN(4) {
				x := tSample{r.NormFloat64(), r.Int64N(2e12) - 1e12}
				s.samples = append(s.samples, x)
				want = append(want, fmt.Sprintf("%s/%s/value%s %v @%d", name, name, model.NewLabels(pairs...), x.v, x.ms*1e6))
			}
			in = append(in, s)
		}
		for v, body := range map[Version][]byte{V1: encodeV1(in...), V2: encodeV2(in...)} {
			for range 2 {
				var b model.Batch
				res, err := d.Decode(body, Params{Version: v}, &b)
				if err != nil || res.Rejected != 0 {
					t.Fatalf("%s: %v, %v", v, err, res.Err())
				}
				want := want
				if v == V2 {
					want = started(want)
				}
				if got := rows(&b); !slices.Equal(got, want) {
					t.Fatalf("%s: got\n%q\nwant\n%q", v, got, want)
				}
			}
		}
	}
	if st := d.CacheStats(); st.Evictions == 0 || st.Misses == 0 || st.Hits == 0 {
		t.Errorf("the cache saw too little: %+v", st)
	}
}

// TestConcurrently: requests at once lead to the rows that each has alone.
func TestConcurrently(t *testing.T) {
	d := newDecoder(t, Options{CacheBytes: 64 << 10})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 500 {
				var in []tSeries
				var want []string
				for j := range 10 {
					name, host := fmt.Sprint("m", j%3), fmt.Sprint("h", (i*7+j+w)%200)
					in = append(in, tSeries{labels: []string{"__name__", name, "host", host}, samples: []tSample{{float64(j), int64(i)}}})
					want = append(want, fmt.Sprintf("%s/%s/value{host=%q} %d @%d", name, name, host, j, i*1_000_000))
				}
				body, v := encodeV1(in...), V1
				if i%2 == 1 {
					body, v, want = encodeV2(in...), V2, started(want)
				}
				var b model.Batch
				if _, err := d.Decode(body, Params{Version: v}, &b); err != nil || !slices.Equal(rows(&b), want) {
					t.Errorf("got %q, %v; want %q", rows(&b), err, want)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestNeighboursAreOneRow looks at the rows that samples become.
func TestNeighboursAreOneRow(t *testing.T) {
	a := func(name string, more ...string) []string {
		return append([]string{"__name__", name, "job", "a"}, more...)
	}
	one, two := []tSample{{1, 1000}}, []tSample{{1, 1000}, {2, 2000}}
	for _, tc := range []struct {
		name string
		in   []tSeries
		rows []int // columns of each
	}{
		{"one target", []tSeries{{labels: a("x"), samples: one}, {labels: a("y"), samples: one}, {labels: a("z"), samples: one}}, []int{3}},
		{"two targets", []tSeries{{labels: a("x"), samples: one}, {labels: a("y"), samples: one}, {labels: a("x", "z", "1"), samples: one}, {labels: a("y", "z", "1"), samples: one}}, []int{2, 2}},
		{"other times", []tSeries{{labels: a("x"), samples: two}, {labels: a("y"), samples: two}}, []int{1, 1, 1, 1}},
		{"a metric again", []tSeries{{labels: a("x"), samples: one}, {labels: a("y"), samples: one}, {labels: a("x"), samples: one}}, []int{2, 1}},
		{"the metric last", []tSeries{{labels: []string{"job", "a", "__name__", "x"}, samples: one}, {labels: []string{"job", "a", "__name__", "y"}, samples: one}}, []int{2}},
		{"the metric first and last", []tSeries{{labels: a("x"), samples: one}, {labels: []string{"job", "a", "__name__", "y"}, samples: one}}, []int{2}},
	} {
		for _, v := range []Version{V1, V2} {
			body := encodeV1(tc.in...)
			if v == V2 {
				body = encodeV2(tc.in...)
			}
			d := newDecoder(t, Options{})
			for range 3 { // later requests are guessed at
				var b model.Batch
				res, err := d.Decode(body, Params{Version: v}, &b)
				if err != nil || res.Rejected > 0 {
					t.Fatal(tc.name, err, res.Err())
				}
				var got []int
				for _, r := range b.Rows() {
					n := len(r.Schema.Columns)
					if v == V2 {
						n-- // the start time
					}
					got = append(got, n)
				}
				if !slices.Equal(got, tc.rows) || res.MetricRows != len(got) || res.Values != res.Accepted {
					t.Errorf("%s, %s: rows of %v columns, want %v; %+v", tc.name, v, got, tc.rows, res)
				}
			}
		}
	}
}

// TestMisleadingNames has labels that look like a metric in front and are not,
// or are it twice.
func TestMisleadingNames(t *testing.T) {
	d := newDecoder(t, Options{})
	one := []tSample{{1, 1000}}
	var b model.Batch
	good := []tSeries{{labels: []string{"__name__", "x", "job", "a"}, samples: one}, {labels: []string{"job", "a", "__name__", "y"}, samples: one}}
	if res, err := d.Decode(encodeV1(good...), Params{}, &b); err != nil || res.Accepted != 2 {
		t.Fatal(res, err)
	}
	for _, labels := range [][]string{
		{"__name__", "x", "job", "a", "__name__", "y"},
		{"__name__", "x", "__name__", "y", "job", "a"},
		{"__name__", "", "job", "a"},
		{"__name__", "x", "job", "a", "job", "a"},
	} {
		for _, v := range []Version{V1, V2} {
			body := encodeV1(tSeries{labels: labels, samples: one})
			if v == V2 {
				body = encodeV2(tSeries{labels: labels, samples: one})
			}
			b.Reset()
			if res, err := d.Decode(body, Params{Version: v}, &b); err != nil || res.Rejected != 1 || b.Len() != 0 {
				t.Errorf("%s %q: %+v, %v", v, labels, res, err)
			}
		}
	}
	// A label of 1,352 bytes whose length's first byte is that of a short one.
	long := append([]byte{0x0a, 0xc8, 0x0a, 0x08}, "__name__\x12\x01x"...)
	long = append(long, make([]byte, 1352)...)
	if name, _ := splitName(long); name != nil {
		t.Error("a label of another length was taken for the metric")
	}
	// Long names are known by all labels.
	b.Reset()
	name := strings.Repeat("n", 300)
	for range 2 {
		if res, err := d.Decode(encodeV1(tSeries{labels: []string{"__name__", name, "job", "a"}, samples: one}), Params{}, &b); err != nil || res.Accepted != 1 {
			t.Fatal(res, err)
		}
	}
	if got := b.Rows()[1].Schema.Columns[0].Name; got != name {
		t.Errorf("the metric is %.20s…", got)
	}
}

func TestErrorsAreBounded(t *testing.T) {
	d := newDecoder(t, Options{Options: ingest.Options{Limits: ingest.Limits{MaxErrors: 2}}})
	bad := tSeries{labels: []string{"a", "b"}, samples: []tSample{{}}}
	var b model.Batch
	res, err := d.Decode(encodeV1(bad, bad, bad), Params{}, &b)
	if err != nil || res.Rejected != 3 || len(res.Errors) != 2 {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestParseContentType(t *testing.T) {
	f := func(in string, want Version) {
		t.Helper()
		if got, err := ParseContentType(in); got != want || (err != nil) != (want == 0) {
			t.Errorf("%q gives %v, %v; want %v", in, got, err, want)
		}
	}
	f("", V1)
	f("application/x-protobuf", V1)
	f("application/x-protobuf;proto=prometheus.WriteRequest", V1)
	f("application/x-protobuf; proto=io.prometheus.write.v2.Request", V2)
	f(`Application/X-Protobuf;proto="io.prometheus.write.v2.Request"`, V2)
	f("application/x-protobuf;proto=io.prometheus.write.v3.Request", 0)
	f("application/json", 0)
	f(";;", 0)
}

func TestDecompress(t *testing.T) {
	plain := bytes.Repeat([]byte("abcdefgh"), 5000)
	enc := snappy.Encode(nil, plain)
	got, err := Decompress(make([]byte, 3), enc, len(plain))
	if err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	if _, err := Decompress(nil, enc, len(plain)-1); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a block beyond the limit gives %v", err)
	}
	// A length of 60 MiB in a block of six bytes.
	if _, err := Decompress(nil, []byte{0x80, 0x80, 0x80, 0x1e, 0, 'a'}, 64<<20); err == nil || !strings.Contains(err.Error(), "cannot stand for") {
		t.Errorf("a length that the block cannot have gives %v", err)
	}
	for n := range enc {
		if _, err := Decompress(nil, enc[:n], 1<<20); err == nil {
			t.Errorf("%d of %d bytes are taken for a block", n, len(enc))
		}
	}
	// The best that snappy can do is within the bound.
	if zeros := snappy.Encode(nil, make([]byte, 1<<20)); len(zeros)*maxExpansion < 1<<20 {
		t.Errorf("1 MiB of zeros takes %d bytes: the bound of %d is too small", len(zeros), maxExpansion)
	}
}

func FuzzDecode(f *testing.F) {
	s := []tSeries{{labels: []string{"__name__", "up", "job", "a"}, samples: []tSample{{1, 1}, {stale, 2}}, histograms: []tHistogram{{schema: 10, count: 4, zero: 1, width: 0.5, spans: [][2]int64{{-3, 2}}, counts: []float64{1, 0}, negSpans: [][2]int64{{7, 1}}, negCounts: []float64{1}, ms: 9}, {floats: true, schema: -53, custom: []float64{1}, spans: [][2]int64{{0, 2}}, counts: []float64{1, 0.5}, ms: 10}}, exemplars: 1}, {labels: []string{"a", "", "a", "b"}, samples: []tSample{{}}}}
	f.Add(encodeV1(s...), false)
	f.Add(encodeV2(s...), true)
	many := append(cpuSeries(25), cpuSeries(25)...)
	f.Add(encodeV1(many...), false)
	f.Add(encodeV2(many...), true)
	d := newDecoder(f, Options{CacheBytes: 64 << 10})
	f.Fuzz(func(t *testing.T, in []byte, v2 bool) {
		p := Params{Version: V1, MinTime: 5}
		if v2 {
			p.Version = V2
		}
		fresh := newDecoder(t, Options{})
		var b, again model.Batch
		res, err := d.Decode(in, p, &b)
		res2, err2 := fresh.Decode(in, p, &again)
		if (err == nil) != (err2 == nil) || res.Accepted != res2.Accepted || res.Rejected != res2.Rejected {
			t.Fatalf("a warm cache gives %+v, %v; a cold one %+v, %v", res, err, res2, err2)
		}
		if !b.Valid() || err == nil && (len(rows(&b)) != res.Accepted || b.Len() != res.MetricRows || res.Lines != res.Accepted+res.Rejected || (res.Rejected > 0) != (len(res.Errors) > 0)) {
			t.Fatalf("%d rows, %+v", b.Len(), res)
		}
		if !slices.Equal(rows(&b), rows(&again)) {
			t.Fatal("rows differ with the cache")
		}
		for _, r := range b.Rows() {
			if r.Time < 5 {
				t.Fatalf("a row of %d is too old", r.Time)
			}
			if _, err := model.DecodeLabels([]byte(r.Stream.Key())); err != nil {
				t.Fatal(err)
			}
		}
		Decompress(nil, in, 1<<20)
	})
}
