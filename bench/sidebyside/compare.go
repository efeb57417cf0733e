//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// comparison is one run over all systems.
type comparison struct {
	o       *options
	dir     string
	bodies  *bodies
	queries []*query
	results []*result
	// want are the first system's answers, by query and instance.
	want map[string][]answer
	// disagreements are what must not be.
	disagreements []string
	notes         []string
}

// result is what one system did.
type result struct {
	name, version string
	load          loaded
	ackCPU        time.Duration // until the last acknowledgement
	allCPU        time.Duration // until its clean end
	peak          int64
	disk          int64
	stored        int64
	starts        []time.Duration
	queries       map[string]*latency
	killed        *killed
}

type latency struct {
	p50, p95, cpu time.Duration
	perSecond     float64
	points        int // of the first instance's answer
	refused       bool
}

type killed struct {
	acknowledged, recovered int64
	start                   time.Duration
}

func (c *comparison) disagree(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	progress("DIFFERENT: %s", text)
	c.disagreements = append(c.disagreements, text)
}

func (c *comparison) agree() bool { return len(c.disagreements) == 0 }

// system takes one system through all phases.
func (c *comparison) system(ctx context.Context, s system, r *result) error {
	data := filepath.Join(c.dir, s.name)
	if c.o.does("load") {
		if err := os.RemoveAll(data); err != nil {
			return err
		}
		if err := c.load(ctx, s, r, data); err != nil {
			return fmt.Errorf("load: %w", err)
		}
		if err := c.settle(ctx, s, r, data); err != nil {
			return fmt.Errorf("settle: %w", err)
		}
	}
	if c.o.does("query") {
		if err := c.query(ctx, s, r, data); err != nil {
			return fmt.Errorf("query: %w", err)
		}
	}
	if c.o.does("kill") {
		if err := c.kill(ctx, s, r, data+"-killed"); err != nil {
			return fmt.Errorf("kill: %w", err)
		}
	}
	return nil
}

func (c *comparison) load(ctx context.Context, s system, r *result, data string) error {
	progress("%s: loading", s.name)
	p, err := start(ctx, s, data)
	if err != nil {
		return err
	}
	before, err := p.usage()
	if err == nil {
		r.load, err = c.bodies.load(ctx, p, c.o, nil)
	}
	if err != nil {
		p.kill()
		return err
	}
	after, err := p.usage()
	if err != nil {
		p.kill()
		return err
	}
	r.ackCPU, r.peak = after.cpu-before.cpu, after.peak
	all, err := p.stop()
	if err != nil {
		return err
	}
	r.allCPU = all - before.cpu
	r.peak = max(r.peak, p.cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss<<10)
	progress("%s: %d samples in %s, CPU %s and %s with its end", s.name, r.load.samples, r.load.took.Round(time.Millisecond), r.ackCPU, r.allCPU)
	return nil
}

// settle lets the system do what it would do in time, and weighs its folder.
func (c *comparison) settle(ctx context.Context, s system, r *result, data string) error {
	progress("%s: settling", s.name)
	p, err := start(ctx, s, data)
	if err != nil {
		return err
	}
	cl := newClient(p.addr, 1)
	defer cl.close()
	if s.settle != nil {
		err = s.settle(ctx, cl)
	}
	if err == nil {
		err = rest(ctx, data, s.besides)
	}
	if err != nil {
		p.kill()
		return err
	}
	if _, err := p.stop(); err != nil {
		return err
	}
	for range 3 {
		p, err := start(ctx, s, data)
		if err != nil {
			return err
		}
		r.starts = append(r.starts, p.started)
		if _, err := p.stop(); err != nil {
			return err
		}
	}
	slices.Sort(r.starts)
	// Now, as a start may remove what the end before it left behind.
	r.disk, err = diskBytes(data, s.besides)
	return err
}

// query counts the samples, asks everything and measures it.
func (c *comparison) query(ctx context.Context, s system, r *result, data string) error {
	p, err := start(ctx, s, data)
	if err != nil {
		return err
	}
	defer func() { _, _ = p.stop() }()
	cl := newClient(p.addr, 8)
	defer cl.close()
	progress("%s: counting samples", s.name)
	if r.stored, err = c.count(ctx, cl, &s); err != nil {
		return err
	}
	if r.stored != c.bodies.samples {
		c.disagree("%s holds %d samples, sent were %d", s.name, r.stored, c.bodies.samples)
	}
	if !s.promQL {
		c.notes = append(c.notes, s.name+": is not asked the queries, which are PromQL.")
		return nil
	}
	r.queries = map[string]*latency{}
	for _, q := range c.queries {
		progress("%s: %s", s.name, q.name)
		l, err := c.measure(ctx, cl, p, q)
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		r.queries[q.name] = l
	}
	return nil
}

// count returns the number of samples stored, metric by metric: one query over
// all would be beyond limits that a server may well have.
func (c *comparison) count(ctx context.Context, cl *client, s *system) (int64, error) {
	cfg := c.o.workload
	var sum int64
	for _, m := range c.bodies.metrics {
		if !s.promQL {
			n, err := influxCount(ctx, cl, m)
			if err != nil {
				return 0, err
			}
			sum += n
			continue
		}
		// A range is open at its left end.
		text := fmt.Sprintf("sum(count_over_time(%s[%ds]))", m, int(cfg.End().Sub(cfg.Start).Seconds())+1)
		path := "/api/v1/query?query=" + url.QueryEscape(text) + "&time=" + strconv.FormatInt(cfg.End().Unix(), 10) + s.params
		body, err := cl.text(ctx, "GET", path)
		if err != nil {
			return 0, err
		}
		a, err := parseAnswer(body, false, "")
		if err != nil {
			return 0, err
		}
		for _, series := range a {
			for _, v := range series {
				sum += int64(v)
			}
		}
	}
	return sum, nil
}

// influxCount asks InfluxDB for the number of values of one field, of which
// the metric is measurement_field.
func influxCount(ctx context.Context, cl *client, metric string) (int64, error) {
	measurement, field, _ := strings.Cut(metric, "_")
	body, err := cl.text(ctx, "GET", "/query?db=bench&q="+url.QueryEscape(fmt.Sprintf("SELECT count(%q) FROM %q", field, measurement)))
	if err != nil {
		return 0, err
	}
	var r struct {
		Results []struct {
			Series []struct{ Values [][]any }
		}
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return 0, err
	}
	var sum int64
	for _, res := range r.Results {
		for _, s := range res.Series {
			for _, v := range s.Values {
				n, _ := v[1].(float64)
				sum += int64(n)
			}
		}
	}
	return sum, nil
}

// checked is how many instances of a query are compared: large answers of
// all would not fit into memory.
const checked = 3

// measure asks every instance of a query twice, the second time with a watch,
// and compares the values of some.
func (c *comparison) measure(ctx context.Context, cl *client, p *process, q *query) (*latency, error) {
	l := &latency{}
	first := len(c.want[q.name]) == 0
	for i := range q.instances {
		code, body, err := cl.do(ctx, "GET", q.instances[i].path(&p.sys), nil, "")
		if err != nil {
			return nil, err
		}
		if code/100 == 4 && !first {
			c.notes = append(c.notes, fmt.Sprintf("%s cannot answer %s: %.200s", p.sys.name, q.name, body))
			l.refused = true
			return l, nil
		}
		if code != 200 {
			return nil, fmt.Errorf("status %d: %.300s", code, body)
		}
		if i >= checked {
			continue
		}
		renamed := ""
		if p.sys.name == "victoria-metrics" && q.instances[i].metricsQL != "" {
			renamed = "metric"
		}
		a, err := parseAnswer(body, q.names, renamed)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			l.points = a.points()
		}
		if first {
			if c.want == nil {
				c.want = map[string][]answer{}
			}
			c.want[q.name] = append(c.want[q.name], a)
			continue
		}
		if why := q.differs[p.sys.name]; why != "" {
			if i == 0 {
				c.notes = append(c.notes, fmt.Sprintf("%s: values of %s are not compared: %s.", q.name, p.sys.name, why))
			}
		} else if d := c.want[q.name][i].difference(a); d != "" {
			c.disagree("%s, %s (%s): %s", p.sys.name, q.name, q.instances[i].promQL, d)
		}
	}
	before, err := p.usage()
	if err != nil {
		return nil, err
	}
	var times []time.Duration
	for i := range q.instances {
		path := q.instances[i].path(&p.sys)
		began := time.Now()
		code, _, err := cl.do(ctx, "GET", path, nil, "")
		if err != nil || code != 200 {
			return nil, fmt.Errorf("status %d: %w", code, err)
		}
		times = append(times, time.Since(began))
	}
	after, err := p.usage()
	if err != nil {
		return nil, err
	}
	slices.Sort(times)
	l.p50, l.p95 = times[len(times)/2], times[len(times)*95/100]
	l.cpu = (after.cpu - before.cpu) / time.Duration(len(times))
	if q.throughput && c.o.throughput > 0 {
		l.perSecond, err = c.perSecond(ctx, cl, p, q)
	}
	return l, err
}

// perSecond asks with eight connections for a while.
func (c *comparison) perSecond(ctx context.Context, cl *client, p *process, q *query) (float64, error) {
	paths := make([]string, len(q.instances))
	for i := range q.instances {
		paths[i] = q.instances[i].path(&p.sys)
	}
	var asked atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	began := time.Now()
	for w := range 8 {
		wg.Go(func() {
			for i := w; time.Since(began) < c.o.throughput; i += 8 {
				code, body, err := cl.do(ctx, "GET", paths[i%len(paths)], nil, "")
				if err == nil && code != 200 {
					err = fmt.Errorf("status %d: %.300s", code, body)
				}
				if err != nil {
					failed.Store(&err)
					return
				}
				asked.Add(1)
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return float64(asked.Load()) / time.Since(began).Seconds(), nil
}

// kill loads for a while, kills the server at once after an acknowledgement,
// and counts what is there after the restart.
func (c *comparison) kill(ctx context.Context, s system, r *result, data string) error {
	progress("%s: killing it in the middle of a load", s.name)
	if err := os.RemoveAll(data); err != nil {
		return err
	}
	p, err := start(ctx, s, data)
	if err != nil {
		return err
	}
	stop := make(chan struct{})
	timer := time.AfterFunc(c.o.killAfter, func() { close(stop) })
	defer timer.Stop()
	l, err := c.bodies.load(ctx, p, c.o, stop)
	p.kill()
	if err != nil {
		return err
	}
	p, err = start(ctx, s, data)
	if err != nil {
		return err
	}
	defer func() { _, _ = p.stop() }()
	cl := newClient(p.addr, 1)
	defer cl.close()
	r.killed = &killed{acknowledged: l.samples, start: p.started}
	r.killed.recovered, err = c.count(ctx, cl, &s)
	if s.name != "victoria-metrics" && r.killed.recovered < l.samples {
		progress("%s lost %d of %d acknowledged samples", s.name, l.samples-r.killed.recovered, l.samples)
	}
	return err
}
