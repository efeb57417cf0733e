// Package gen makes the workloads of the Time Series Benchmark Suite (TSBS),
// use cases cpu-only and devops: the same measurements, tags, fields and
// distributions, from our own code and our own random numbers. The same
// Config gives the same points on every machine. It refuses to be a data set:
// nothing here is meant to look like an outage or a season (cmd's demo estate
// is).
//
// A Workload yields points in the suite's order: at each step one measurement
// after the other, each for all hosts. AppendLine writes a point as line
// protocol, RemoteWriter as samples of Prometheus remote write requests, so
// that every system is given the same data in the form that it takes.
package gen

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Shape is a use case, most of them of the suite.
type Shape string

// Shapes.
const (
	// CPUOnly has one measurement of ten integers between 0 and 100.
	CPUOnly Shape = "cpu-only"
	// Devops has nine measurements of 101 fields together: counters, gauges,
	// constants, and three floats.
	Devops Shape = "devops"
	// Services is not of the suite: what a host serves, ten paths with a
	// counter and a gauge each and a classic histogram of eleven buckets.
	Services Shape = "services"
)

// Config says what to generate.
type Config struct {
	Shape Shape
	Hosts int
	Seed  uint64
	// Start is the time of the first step, Interval the time between steps;
	// default 2016-01-01 and 10 s, as the suite's examples have them.
	Start    time.Time
	Interval time.Duration
	// Steps bounds the workload; 0 means no end.
	Steps int
}

// DefaultStart is when workloads begin that do not say so.
var DefaultStart = time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC)

// End is the time of the last step.
func (c Config) End() time.Time {
	c = c.withDefaults()
	return c.Start.Add(time.Duration(c.Steps-1) * c.Interval)
}

func (c Config) withDefaults() Config {
	if c.Start.IsZero() {
		c.Start = DefaultStart
	}
	if c.Interval == 0 {
		c.Interval = 10 * time.Second
	}
	return c
}

// Tag is a label of a point.
type Tag struct{ Name, Value string }

// Field is a column of a point. Fields that are not Float are integers.
type Field struct {
	Name  string
	Float bool
}

// Point is one line: the fields of one measurement of one host at one time.
type Point struct {
	// Source numbers the pair of measurement and host.
	Source      int
	Measurement string
	Tags        []Tag
	Fields      []Field
	// Values has one value per field; integers are exact.
	Values []float64
	// Time is in nanoseconds since the epoch.
	Time int64

	key []byte // of line protocol
}

// Workload generates points. It is for one goroutine.
type Workload struct {
	cfg     Config
	rng     *rand.Rand
	sources []source
	next    int // source
	step    int
	point   Point
}

// source is one measurement of one host.
type source struct {
	m     *measurement
	tags  []Tag
	key   []byte
	walks []walk
	reads []walk  // of another source of the host
	own   float64 // what the measurement drew at its start
}

// New returns a workload.
func New(cfg Config) (*Workload, error) {
	cfg = cfg.withDefaults()
	ms, err := cfg.Shape.measurements()
	if err != nil {
		return nil, err
	}
	if cfg.Hosts < 1 || cfg.Steps < 0 || cfg.Interval < 0 {
		return nil, fmt.Errorf("workload of %d hosts, %d steps, interval %s: want 1 host or more and nothing negative", cfg.Hosts, cfg.Steps, cfg.Interval)
	}
	w := &Workload{cfg: cfg, rng: rand.New(rand.NewPCG(cfg.Seed, 0)), sources: make([]source, len(ms)*cfg.Hosts)}
	for h := range cfg.Hosts {
		own := make([]source, len(ms))
		for i, m := range ms {
			own[i] = m.start(w.rng)
		}
		tags := hostTags(h, w.rng)
		for i, m := range ms {
			s := &own[i]
			s.tags = append(slices.Clone(tags), s.tags...)
			s.key = append(s.key, m.name...)
			for _, t := range s.tags {
				s.key = append(append(append(append(s.key, ','), t.Name...), '='), t.Value...)
			}
			w.sources[i*cfg.Hosts+h] = *s
		}
	}
	return w, nil
}

// Config returns the configuration with its defaults filled in.
func (w *Workload) Config() Config { return w.cfg }

// Points returns the number of points of one step.
func (w *Workload) Points() int { return len(w.sources) }

// Samples returns the number of values of one step, which is the number of
// series.
func (w *Workload) Samples() int {
	n := 0
	for i := range w.sources {
		n += len(w.sources[i].m.fields)
	}
	return n
}

// Metrics returns the full names of all fields, measurement_field.
func (w *Workload) Metrics() []string {
	var names []string
	for i := 0; i < len(w.sources); i += w.cfg.Hosts {
		m := w.sources[i].m
		for _, f := range m.fields {
			if name := m.name + "_" + f.Name; !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// Next returns the next point, or nil at the end. It is valid until the call
// after.
func (w *Workload) Next() *Point {
	if w.next == len(w.sources) {
		w.next = 0
		w.step++
		for i := range w.sources {
			walks := w.sources[i].walks
			for j := range walks {
				walks[j].advance(w.rng)
			}
		}
	}
	if w.cfg.Steps > 0 && w.step >= w.cfg.Steps {
		return nil
	}
	s := &w.sources[w.next]
	p := &w.point
	p.Source, p.Measurement, p.Tags, p.Fields, p.key = w.next, s.m.name, s.tags, s.m.fields, s.key
	elapsed := time.Duration(w.step) * w.cfg.Interval
	p.Time = w.cfg.Start.Add(elapsed).UnixNano()
	p.Values = s.m.values(p.Values[:0], s, elapsed)
	w.next++
	return p
}
