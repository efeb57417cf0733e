package conformance

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	promstorage "github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/teststorage"
)

// The differential fuzzer: random queries over the same random data, by our
// engine on our store and by Prometheus's on its own. CONFORMANCE_QUERIES says
// how many, CONFORMANCE_SEED where to begin, CONFORMANCE_QUERY asks for one
// query at CONFORMANCE_AT (Unix milliseconds), or from there to CONFORMANCE_END by
// CONFORMANCE_STEP, over the data of a seed, to look at a difference.
//
// Answers must have the same series, times, kinds of value and notes, and numbers
// must be equal within the rounding of 2^-40, 2^-18 where deviations of large numbers
// come in, and 2^-10 of remainders, which make a last place of a time a large part: most are bit for bit, and the count is printed.
//
// An answer that differs must be the one that Prometheus itself gives under
// another reading of the same query (see readings). The number of such answers is
// printed by reading. What else may differ, and why:
//
//   - Rounding. The order in which an aggregation adds is not defined, and
//     Prometheus takes bounds of exponential buckets from a table that is off by
//     a unit in the last place here and there.
//   - Notes of operations between vectors: there may be fewer here, and more of the
//     operators themselves. Prometheus keeps the last of a step, and here a side is not computed
//     that cannot matter, nor are series found to match twice in it. Notes about the parameters of what has no series. Notes of sorting in
//     what does not change with the step. start_timestamp of what is
//     computed is empty here without a computation.
//   - Counter reset hints. Prometheus has those of its chunks: not_reset is
//     unknown where a chunk begins, and a known reset is only known there.
//   - Buckets without observations. They do not exist here, and so do not
//     become NaN.

const (
	defaultQueries = 4000
	perData        = 1000 // queries over the data of a seed
	maxDifferent   = 20   // differences told
)

func TestDifferential(t *testing.T) {
	queries, seed := defaultQueries, uint64(1)
	if s := os.Getenv("CONFORMANCE_QUERIES"); s != "" {
		queries, _ = strconv.Atoi(s)
	}
	if s := os.Getenv("CONFORMANCE_SEED"); s != "" {
		n, _ := strconv.Atoi(s)
		seed = uint64(n)
	}
	if text := os.Getenv("CONFORMANCE_QUERY"); text != "" {
		ms, _ := strconv.ParseInt(os.Getenv("CONFORMANCE_AT"), 10, 64)
		p := newPair(t, seed)
		q := asked{text: text, instant: true, start: time.UnixMilli(ms)}
		if step, err := time.ParseDuration(os.Getenv("CONFORMANCE_STEP")); err == nil {
			end, _ := strconv.ParseInt(os.Getenv("CONFORMANCE_END"), 10, 64)
			q.instant, q.end, q.step = false, time.UnixMilli(end), step
		}
		ours := run(&Engine{}, p.ours, q)
		theirs := run(p.delayed, p.theirs, q)
		t.Logf("ours: %v %v\n%v", ours.Err, ours.Warnings, ours.Value)
		t.Logf("Prometheus: %v %v\n%v", theirs.Err, theirs.Warnings, theirs.Value)
		return
	}
	var mu sync.Mutex
	c := newCoverage()
	t.Run("data", func(t *testing.T) {
		for ; queries > 0; queries, seed = queries-perData, seed+1 {
			seed, queries := seed, queries
			t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
				t.Parallel()
				mu.Lock()
				enough := c.different >= maxDifferent
				mu.Unlock()
				if enough {
					return
				}
				own := newCoverage()
				compare(t, seed, min(queries, perData), own)
				mu.Lock()
				defer mu.Unlock()
				c.merge(own)
			})
		}
	})
	c.print(t)
}

// asked is one query.
type asked struct {
	text       string
	instant    bool
	start, end time.Time
	step       time.Duration
}

func (q asked) String() string {
	if q.instant {
		return fmt.Sprintf("%s: at %d", q.text, q.start.UnixMilli())
	}
	return fmt.Sprintf("%s: from %d to %d step %s", q.text, q.start.UnixMilli(), q.end.UnixMilli(), q.step)
}

// pair is both stores with the same data, and Prometheus's engine in both of
// its modes.
type pair struct {
	rng              *rand.Rand
	ours             *Store
	theirs           *teststorage.TestStorage
	delayed, dropped *promql.Engine
}

// newPair makes data from the seed.
func newPair(t *testing.T, seed uint64) *pair {
	p := &pair{rng: rand.New(rand.NewPCG(seed, 0))}
	p.theirs = teststorage.New(t, func(o *tsdb.Options) {
		o.EnableSTStorage, o.EnableHistogramSTEncoding, o.FloatChunkEncoding = true, true, chunkenc.EncXOR2
	})
	var err error
	if p.ours, err = Open(seed%2 == 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.ours.Close()
		p.theirs.Close()
	})
	fill(t, p.rng, p.ours, p.theirs)
	opts := promql.EngineOpts{
		MaxSamples: 50_000_000, Timeout: 100 * time.Second, LookbackDelta: 5 * time.Minute,
		NoStepSubqueryIntervalFn: func(int64) int64 { return time.Minute.Milliseconds() },
		EnableAtModifier:         true, EnableNegativeOffset: true, UseStartTimestamps: true,
		EnableDelayedNameRemoval: true, Parser: parser.NewParser(promqltest.TestParserOpts),
	}
	p.delayed = promqltest.NewTestEngineWithOpts(t, opts)
	opts.EnableDelayedNameRemoval = false
	p.dropped = promqltest.NewTestEngineWithOpts(t, opts)
	return p
}

// readings are other answers that Prometheus itself gives to a query: an answer
// must be one of them, whole.
//
//   - Names are dropped at once and not in the end, as without its delayed name
//     removal. With it, a name comes back that an operation before has dropped
//     ((x / 10) > y), and of "or" a series whose name is still to be dropped and
//     the same that keeps it are one; here they are not.
//   - Buckets are read although nobody asks for them. Without them, sums fail
//     that do not fail with them. A subquery around everything makes Prometheus
//     read them.
//   - Both.
//   - == and != between histograms look at how buckets are listed in Prometheus:
//     one without observations, or a run of them that is listed as two, makes
//     histograms of equal counts differ. Such answers are counted, not compared.
//   - limit_ratio samples by the hash of labels, the name included while it is
//     still to be dropped; a comparison behind it then is by the first reading.
func (p *pair) readings(q asked) []reading {
	wrapped := q
	wrapped.text = "last_over_time((" + q.text + ")[1s:1s])"
	list := []reading{{name: "names dropped at once", engine: p.dropped, asked: q}, {name: "buckets read", engine: p.delayed, asked: wrapped},
		{name: "names dropped at once and buckets read", engine: p.dropped, asked: wrapped}}
	if strings.Contains(q.text, "limit_ratio") {
		list = append(list, reading{name: "names not compared behind limit_ratio", engine: p.delayed, asked: q, nameless: true})
	}
	return list
}

var histogramsEqual = regexp.MustCompile(`(native|custom|mixed).*(==|!=).*(native|custom|mixed)`)

type reading struct {
	name   string
	engine promql.QueryEngine
	asked
	nameless bool
}

// compare compares queries over the data of a seed.
func compare(t *testing.T, seed uint64, queries int, c *coverage) {
	p := newPair(t, seed)
next:
	for range queries {
		g := generator{rng: p.rng, met: map[string]bool{}}
		q := asked{text: g.query(), instant: p.rng.IntN(3) == 0}
		q.start = epoch.Add(time.Duration(p.rng.IntN(samples*15)) * time.Second)
		q.step = []time.Duration{15 * time.Second, 30 * time.Second, 17 * time.Second, time.Minute, 5 * time.Minute}[p.rng.IntN(5)]
		q.end = q.start.Add(q.step * time.Duration(p.rng.IntN(15)))
		want := canonical(run(p.delayed, p.theirs, q))
		got := canonical(run(&Engine{}, p.ours, q))
		c.add(&g, want)
		diff := differ(got, want, q.text, c)
		if diff == "" {
			continue
		}
		for _, r := range p.readings(q) {
			other, ours := canonical(run(r.engine, p.theirs, r.asked)).anonymous(), got.anonymous()
			if r.nameless {
				other, ours = other.nameless(), ours.nameless()
			}
			if differ(ours, other, q.text, c) == "" {
				c.other[r.name]++
				continue next
			}
		}
		if histogramsEqual.MatchString(q.text) {
			c.other["histograms compared by how their buckets are listed"]++
			continue
		}
		t.Errorf("seed %d: %s: %s", seed, q, diff)
		if c.different++; c.different >= maxDifferent {
			return
		}
	}
}

func run(e promql.QueryEngine, data promstorage.Queryable, q asked) *promql.Result {
	var query promql.Query
	var err error
	if q.instant {
		query, err = e.NewInstantQuery(context.Background(), data, nil, q.text, q.start)
	} else {
		query, err = e.NewRangeQuery(context.Background(), data, nil, q.text, q.start, q.end, q.step)
	}
	if err != nil {
		return &promql.Result{Err: err}
	}
	return query.Exec(context.Background())
}
