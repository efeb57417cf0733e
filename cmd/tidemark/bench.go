package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"tidemark/cmd/tidemark/internal/render"
	"tidemark/query"
	"tidemark/query/ast"
)

// benchCommand measures a server, or a folder, with queries or writes.
type benchCommand struct {
	Queries []string `arg:"" optional:"" name:"query" help:"Queries to ask again and again; each has a line of its own."`

	Write    bool   `help:"Measure writes in place of queries: lines of ten numbers each, as metrics named tidemark_bench_…, which stay in the store."`
	Duration span   `help:"How long each query, or the writing, goes on (default ${default})." default:"10s" placeholder:"DURATION"`
	Workers  int    `help:"Requests at once (default ${default})." default:"2" placeholder:"N"`
	Start    string `help:"Begin of the range that queries ask for; by default they ask for one time, now." placeholder:"TIME"`
	Step     span   `help:"Step of the range; by default about 240 of them." placeholder:"DURATION"`
	Dialect  string `help:"How to read the queries: ${enum}." enum:"native,promql,logql" default:"native"`
	Lines    int    `help:"Lines of one write (default ${default})." default:"5000" placeholder:"N"`
	Hosts    int    `help:"Label sets that are written, of ten series each (default ${default})." default:"1000" placeholder:"N"`

	recordsOutput `embed:""`
	target        `embed:""`
}

// Help is what --help prints below the summary.
func (benchCommand) Help() string {
	return `Examples:
  tidemark bench 'topk(5, cpu_usage_user)' 'sum(rate(http_requests_total[5m]))' --start -6h
  tidemark bench --write --workers 4 --duration 30s
  tidemark bench 'up' --data ./tidemark-data -o csv

Times are those of whole requests as this command sees them: it takes its share of the processor.
Figures of different machines or hours do not compare; those of one sitting do. To compare with other
stores, go run ./bench/sidebyside.`
}

// Run measures.
func (b *benchCommand) Run(c *console) error {
	switch {
	case b.Write == (len(b.Queries) > 0):
		return usage("want queries, or --write")
	case b.Write && b.Data != "":
		return usage("--write measures a server")
	case b.Workers < 1 || b.Workers > 1000 || b.Lines < 1 || b.Hosts < 1 || b.Duration <= 0:
		return usage("--workers %d --lines %d --hosts %d --duration %s: want 1 or more, and at most 1000 workers", b.Workers, b.Lines, b.Hosts, time.Duration(b.Duration))
	}
	ctx, stop := interruptible()
	defer stop()
	return b.with(func(s source) error {
		out := &render.Records{Columns: []string{"what", "requests", "errors", "per second", "mean ms", "p50 ms", "p95 ms", "p99 ms", "max ms"}}
		if b.Write {
			out.Columns = append(out.Columns, "values per second")
			if err := b.writes(ctx, c, s.(*client), out); err != nil {
				return err
			}
			return b.write(c, out)
		}
		for _, text := range b.Queries {
			if err := b.query(ctx, c, s, text, out); err != nil {
				return showQueryError(c.err, text, err)
			}
		}
		return b.write(c, out)
	})
}

// request is the question as it is asked now.
func (b *benchCommand) request(text string, now time.Time) (query.Request, error) {
	r := query.Request{Text: text, Dialect: dialects[b.Dialect], Instant: b.Start == "", End: now, Limit: 100}
	if r.Dialect == ast.PromQL {
		r.Limit = 0
	}
	if r.Instant {
		return r, nil
	}
	var err error
	if r.Start, err = parseTime(b.Start, now); err != nil {
		return r, err
	}
	if !r.Start.Before(r.End) {
		return r, usage("--start %s is not in the past", b.Start)
	}
	if r.Step = time.Duration(b.Step); r.Step == 0 {
		r.Step = stepFor(r.End.Sub(r.Start))
	}
	return r, nil
}

// query measures one query. It is asked once before, which also finds its
// errors.
func (b *benchCommand) query(ctx context.Context, c *console, s source, text string, out *render.Records) error {
	req, err := b.request(text, time.Now())
	if err != nil {
		return err
	}
	if _, err := s.Query(ctx, req); err != nil {
		return err
	}
	m, err := b.measure(ctx, c, clip(text, 40), func(ctx context.Context, _ *rand.Rand) error {
		req, err := b.request(text, time.Now())
		if err != nil {
			return err
		}
		_, err = s.Query(ctx, req)
		return err
	})
	if err != nil {
		return err
	}
	out.Rows = append(out.Rows, m.row(text))
	return nil
}

// benchColumns is the number of columns that are written.
const benchColumns = 10

// writes measures writing.
func (b *benchCommand) writes(ctx context.Context, c *console, cl *client, out *render.Records) error {
	run := strconv.FormatInt(time.Now().Unix(), 36)
	var next atomic.Int64 // lines written: what host and time the next one has
	begun := time.Now()
	m, err := b.measure(ctx, c, "writing", func(ctx context.Context, r *rand.Rand) error {
		body := b.lines(r, run, begun, next.Add(int64(b.Lines))-int64(b.Lines))
		resp, answer, err := cl.do(ctx, http.MethodPost, "/write?precision=ms", http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, body)
		if err == nil && resp.StatusCode/100 != 2 {
			err = cl.queryError(resp, answer)
		}
		return err
	})
	if err != nil {
		return err
	}
	out.Rows = append(out.Rows, append(m.row("write"), float64(len(m.times)*b.Lines*benchColumns)/m.took.Seconds()))
	return nil
}

// lines makes a body: hosts in turn, ten seconds of data time later once all of
// them had theirs, ending about now.
func (b *benchCommand) lines(r *rand.Rand, run string, begun time.Time, first int64) []byte {
	var w bytes.Buffer
	for i := first; i < first+int64(b.Lines); i++ {
		host, round := i%int64(b.Hosts), i/int64(b.Hosts)
		fmt.Fprintf(&w, "tidemark_bench,run=%s,host=host-%d ", run, host)
		for k := range benchColumns {
			if k > 0 {
				w.WriteByte(',')
			}
			fmt.Fprintf(&w, "v%d=%d.%d", k, r.IntN(100), r.IntN(10))
		}
		fmt.Fprintf(&w, " %d\n", begun.Add(-24*time.Hour).UnixMilli()+round*10_000)
	}
	return w.Bytes()
}

// measured is what came of one measurement.
type measured struct {
	times  []time.Duration // of requests that were answered
	errors int
	took   time.Duration
}

// measure does something with all workers until the time is over. Errors are
// counted; where nothing but errors came, the first one is returned.
func (b *benchCommand) measure(ctx context.Context, c *console, what string, do func(context.Context, *rand.Rand) error) (*measured, error) {
	bar := newProgress(c.err, what, false)
	defer bar.end()
	begun := time.Now()
	end := begun.Add(time.Duration(b.Duration))
	var mu sync.Mutex
	m := &measured{}
	var first error
	var wg sync.WaitGroup
	for worker := range b.Workers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(worker), 1))
			for ctx.Err() == nil && time.Now().Before(end) {
				from := time.Now()
				err := do(ctx, r)
				took := time.Since(from)
				mu.Lock()
				switch {
				case err == nil:
					m.times = append(m.times, took)
				case ctx.Err() == nil:
					m.errors++
					if first == nil {
						first = err
					}
				}
				bar.set(time.Since(begun).Milliseconds(), time.Duration(b.Duration).Milliseconds())
				mu.Unlock()
				if err != nil { // not to spin where nobody answers
					_ = sleep(ctx, 10*time.Millisecond)
				}
			}
		})
	}
	wg.Wait()
	m.took = time.Since(begun)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case len(m.times) == 0:
		return nil, first
	}
	return m, nil
}

// row is a line of the table.
func (m *measured) row(what string) []any {
	slices.Sort(m.times)
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	at := func(q float64) float64 { return ms(m.times[min(int(q*float64(len(m.times))), len(m.times)-1)]) }
	sum := time.Duration(0)
	for _, d := range m.times {
		sum += d
	}
	n := len(m.times)
	return []any{what, n, m.errors, float64(n) / m.took.Seconds(), ms(sum) / float64(n), at(0.5), at(0.95), at(0.99), ms(m.times[n-1])}
}
