package conformance

import (
	"context"
	"fmt"
	"math"
	"net/http/httptest"
	"net/url"
	"regexp"
	"testing"
	"time"

	config_util "github.com/prometheus/common/config"
	prommodel "github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	promstorage "github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/storage/remote"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/tsdbutil"
)

var responseTypes = map[string][]prompb.ReadRequest_ResponseType{
	"samples": {prompb.ReadRequest_SAMPLES},
	"chunks":  {prompb.ReadRequest_STREAMED_XOR_CHUNKS, prompb.ReadRequest_SAMPLES},
}

func readClient(t *testing.T, address string, types []prompb.ReadRequest_ResponseType) remote.ReadClient {
	t.Helper()
	u, err := url.Parse(address + "/api/v1/read")
	if err != nil {
		t.Fatal(err)
	}
	c, err := remote.NewReadClient("tidemark", &remote.ClientConfig{
		URL: &config_util.URL{URL: u}, Timeout: prommodel.Duration(time.Minute), ChunkedReadLimit: 64 << 20, AcceptedResponseTypes: types,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestRemoteReadSamples reads everything through Prometheus's own client in
// both forms: labels, times, bits of numbers, and histograms must be those of
// Prometheus's store.
func TestRemoteReadSamples(t *testing.T) {
	for seed := range uint64(4) {
		p := newPair(t, seed)
		address := serve(t, p.ours)
		for name, types := range responseTypes {
			t.Run(fmt.Sprintf("%s/seed %d", name, seed), func(t *testing.T) {
				client := readClient(t, address, types)
				series, samples, histograms := 0, 0, 0
				for _, m := range []*labels.Matcher{
					labels.MustNewMatcher(labels.MatchRegexp, "__name__", ".+"),
					labels.MustNewMatcher(labels.MatchEqual, "a", "w"),
					labels.MustNewMatcher(labels.MatchNotRegexp, "job", "j0|"),
					labels.MustNewMatcher(labels.MatchNotEqual, "label.name", ""),
				} {
					for _, span := range [][2]int64{{0, math.MaxInt32 * 1000}, {epoch.UnixMilli() + 100_000, epoch.UnixMilli() + 400_000}} {
						a := readThrough(t, client, span, m)
						b := readDirectly(t, p.theirs, span, m)
						if len(a) != len(b) {
							t.Fatalf("%s: %d series, want %d", m, len(a), len(b))
						}
						for k := range b {
							series++
							samples += len(b[k].floats)
							histograms += len(b[k].histograms)
							if diff := b[k].differ(&a[k]); diff != "" {
								t.Fatalf("%s: %s", m, diff)
							}
						}
					}
				}
				if samples < 1000 || histograms < 500 {
					t.Errorf("%d series, %d numbers and %d histograms were compared: want some thousands", series, samples, histograms)
				}
			})
		}
	}
}

// wholeSeries is a series as it is read.
type wholeSeries struct {
	labels     labels.Labels
	times      []int64
	floats     map[int64]uint64 // bits
	histograms map[int64]string
}

func (w *wholeSeries) differ(got *wholeSeries) string {
	if !labels.Equal(w.labels, got.labels) {
		return fmt.Sprintf("series %s, want %s", got.labels, w.labels)
	}
	if fmt.Sprint(w.times) != fmt.Sprint(got.times) {
		return fmt.Sprintf("%s: times %v, want %v", w.labels, got.times, w.times)
	}
	for t, v := range w.floats {
		if g, ok := got.floats[t]; !ok || g != v {
			return fmt.Sprintf("%s @%d: bits %x (%v), want %x", w.labels, t, g, ok, v)
		}
	}
	for t, v := range w.histograms {
		if g := got.histograms[t]; g != v {
			return fmt.Sprintf("%s @%d: %s, want %s", w.labels, t, g, v)
		}
	}
	return ""
}

func collect(t *testing.T, set promstorage.SeriesSet) (out []wholeSeries) {
	t.Helper()
	for set.Next() {
		s := set.At()
		w := wholeSeries{labels: s.Labels(), floats: map[int64]uint64{}, histograms: map[int64]string{}}
		it := s.Iterator(nil)
		for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
			w.times = append(w.times, it.AtT())
			if kind == chunkenc.ValFloat {
				ms, v := it.At()
				w.floats[ms] = math.Float64bits(v)
				continue
			}
			ms, h := it.AtFloatHistogram(nil)
			h = h.Copy().Compact(0)
			h.CounterResetHint = hint(h)
			w.histograms[ms] = fmt.Sprintf("%s %s sum %x", kind, h.TestExpression(), math.Float64bits(h.Sum))
		}
		if it.Err() != nil {
			t.Fatal(it.Err())
		}
		out = append(out, w)
	}
	if set.Err() != nil {
		t.Fatal(set.Err())
	}
	return out
}

func readThrough(t *testing.T, c remote.ReadClient, span [2]int64, ms ...*labels.Matcher) []wholeSeries {
	t.Helper()
	q, err := remote.ToQuery(span[0], span[1], ms, nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := c.Read(context.Background(), q, true)
	if err != nil {
		t.Fatal(err)
	}
	return collect(t, set)
}

func readDirectly(t *testing.T, s promstorage.Queryable, span [2]int64, ms ...*labels.Matcher) []wholeSeries {
	t.Helper()
	q, err := s.Querier(span[0], span[1])
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	return collect(t, q.Select(context.Background(), true, nil, ms...))
}

// TestRemoteReadIntegers reads histograms of whole counts, whose buckets come and
// go, with resets, gauges and staleness markers between them.
func TestRemoteReadIntegers(t *testing.T) {
	p := newPair(t, 1)
	a, b := p.ours.AppenderV2(t.Context()), p.theirs.AppenderV2(t.Context())
	for k, hists := range map[string][]*histogram.Histogram{
		"counter": tsdbutil.GenerateTestHistograms(300), "gauge": tsdbutil.GenerateTestGaugeHistograms(300), "custom": tsdbutil.GenerateTestCustomBucketsHistograms(300),
	} {
		ls := labels.FromStrings("__name__", "whole", "kind", k)
		for i, h := range hists {
			switch {
			case i%70 == 69:
				h = &histogram.Histogram{Sum: math.Float64frombits(0x7ff0000000000002)}
			case i%50 == 49:
				h = hists[1].Copy() // a reset
			case i%9 > 5 && k != "custom":
				h = h.Copy() // fewer buckets
				h.PositiveSpans, h.PositiveBuckets = h.PositiveSpans[:1], h.PositiveBuckets[:h.PositiveSpans[0].Length]
				h.Count = h.ZeroCount
				n := int64(0)
				for _, d := range h.PositiveBuckets {
					n += d
					h.Count += uint64(n)
				}
				n = 0
				for _, d := range h.NegativeBuckets {
					n += d
					h.Count += uint64(n)
				}
			}
			for _, app := range []promstorage.AppenderV2{a, b} {
				if _, err := app.Append(0, ls, 0, epoch.UnixMilli()+int64(i)*15000, 0, h.Copy(), nil, promstorage.AppendV2Options{}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for _, app := range []promstorage.AppenderV2{a, b} {
		if err := app.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	address := serve(t, p.ours)
	m, span := labels.MustNewMatcher(labels.MatchEqual, "__name__", "whole"), [2]int64{0, math.MaxInt32 * 1000}
	want := readDirectly(t, p.theirs, span, m)
	for name, types := range responseTypes {
		got := readThrough(t, readClient(t, address, types), span, m)
		if len(got) != 3 || len(want) != 3 {
			t.Fatalf("%s: %d and %d series, want 3", name, len(got), len(want))
		}
		for k := range want {
			if diff := want[k].differ(&got[k]); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	}
}

// TestRemoteReadQueries asks Prometheus's engine random queries, which it answers
// by remote read: once from our server, and once from a handler of its own over its
// own store. The answers must be equal, so hints and chunks mean what Prometheus takes
// them for. Start times of samples are left out, which depend on its kinds of chunks.
func TestRemoteReadQueries(t *testing.T) {
	const queries = 300
	for name, types := range responseTypes {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, 7)
			handler := remote.NewReadHandler(promslog.NewNopLogger(), nil, p.theirs, func() config.Config { return config.Config{} }, 50_000_000, 10, 1<<20)
			theirServer := httptest.NewServer(handler)
			defer theirServer.Close()
			through := func(address string) promstorage.Queryable {
				return remote.NewSampleAndChunkQueryableClient(readClient(t, address, types), labels.EmptyLabels(), nil, true, func() (int64, error) { return 0, nil })
			}
			ours, theirs := through(serve(t, p.ours)), through(theirServer.URL)
			c := newCoverage()
			for range queries {
				g := generator{rng: p.rng, met: map[string]bool{}}
				q := asked{text: g.query(), start: epoch.Add(time.Duration(p.rng.IntN(samples*15)) * time.Second), step: 30 * time.Second}
				q.end = q.start.Add(5 * time.Minute)
				if needsStarts(q.text) {
					continue
				}
				want := canonical(run(p.delayed, theirs, q))
				got := canonical(run(p.delayed, ours, q))
				c.add(&g, want)
				if diff := differ(got, want, q.text, c); diff != "" {
					t.Errorf("%s: %s", q, diff)
				}
			}
			if full := c.queries - c.errors - c.empty; full < queries/2 {
				t.Errorf("%d of %d queries had an answer: want half of them", full, c.queries)
			}
			t.Logf("%d queries, %d of %d numbers equal bit for bit", c.queries, c.exact, c.numbers)
		})
	}
}

// needsStarts reports whether a query's answer may depend on start times of samples.
func needsStarts(text string) bool { return startTimes.MatchString(text) }

var startTimes = regexp.MustCompile(`started_total|native|start_timestamp`)
