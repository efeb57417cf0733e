package demo

import (
	"math"

	"tidemark/storage/model"
)

// service describes one service of the estate.
type service struct {
	name      string
	rps       float64 // requests a second at full traffic
	latency   float64 // median seconds, unloaded
	spread    float64 // sigma of the log-normal latency
	errors    float64 // share of 5xx on a good day
	refused   float64 // share of 4xx
	outage    float64 // share of 5xx at the height of the outage
	memory    float64 // bytes
	histogram bool
	queue     bool
}

var services = []service{
	{name: "storefront", rps: 62, latency: 0.048, spread: 0.55, errors: 0.0008, refused: 0.021, outage: 0.09, memory: 610 << 20, histogram: true},
	{name: "checkout", rps: 7.5, latency: 0.120, spread: 0.50, errors: 0.0011, refused: 0.008, outage: 0.46, memory: 740 << 20, histogram: true},
	{name: "catalog", rps: 48, latency: 0.019, spread: 0.60, errors: 0.0004, refused: 0.015, memory: 520 << 20, histogram: true},
	{name: "search", rps: 27, latency: 0.041, spread: 0.75, errors: 0.0009, refused: 0.004, memory: 1900 << 20, histogram: true},
	{name: "auth", rps: 16, latency: 0.012, spread: 0.45, errors: 0.0003, refused: 0.061, memory: 260 << 20},
	{name: "payments", rps: 4.6, latency: 0.210, spread: 0.40, errors: 0.0016, refused: 0.012, outage: 0.58, memory: 450 << 20, histogram: true},
	{name: "cart", rps: 14, latency: 0.015, spread: 0.50, errors: 0.0004, refused: 0.009, memory: 330 << 20},
	{name: "recommendations", rps: 19, latency: 0.056, spread: 0.60, errors: 0.0007, refused: 0.002, memory: leakBase},
	{name: "notifications", rps: 6, latency: 0.031, spread: 0.50, errors: 0.0012, refused: 0.003, memory: 210 << 20, queue: true},
	{name: "reporting", rps: 0.7, latency: 0.430, spread: 0.80, errors: 0.0020, refused: 0.006, memory: 880 << 20, queue: true},
}

// bounds are the upper bounds of the latency histogram's buckets in seconds;
// the last bucket has none.
var (
	bounds     = []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5}
	boundNames = []string{"0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf"}
	codes      = []string{"2xx", "4xx", "5xx"}
)

// plain returns the schema of a metric whose name is not split.
func plain(name string, typ model.Type) model.Column {
	return model.Column{Name: name, Measurement: name, Field: "value", Type: typ}
}

var (
	requestSchema = &model.Schema{Kind: model.MetricRow, Columns: []model.Column{plain("http_requests_total", model.TypeInt)}}
	bucketSchema  = &model.Schema{Kind: model.MetricRow, Columns: []model.Column{plain("http_request_duration_seconds_bucket", model.TypeInt)}}
	serviceSchema = &model.Schema{Kind: model.MetricRow, Columns: []model.Column{
		plain("http_errors_total", model.TypeInt),
		plain("http_request_duration_seconds_sum", model.TypeFloat),
		plain("http_request_duration_seconds_count", model.TypeInt),
		plain("process_resident_memory_bytes", model.TypeInt),
	}}
	queueSchema = &model.Schema{Kind: model.MetricRow, Columns: []model.Column{plain("queue_depth", model.TypeInt)}}
)

// minuteOf is what a service did in one minute, as metrics and logs tell it.
type minuteOf struct {
	requests int
	refused  int     // 4xx
	failed   int     // 5xx
	median   float64 // latency in seconds
	outage   float64
	memory   float64 // bytes
	backlog  float64
}

// process is the course of one service: a function of the seed and time, run
// alike by the part that writes metrics and by the part that writes logs.
type process struct {
	*service
	table   *timetable
	season  *season
	rnd     random
	traffic drift
	slow    drift
	heap    drift
	backlog float64
}

func newProcess(seed uint64, t *timetable, s *season, sv *service) *process {
	return &process{
		service: sv, table: t, season: s,
		rnd:     newRandom(seed, "service/"+sv.name),
		traffic: newDrift(0.05, 30),
		slow:    newDrift(0.04, 15),
		heap:    newDrift(0.015, 240),
	}
}

func (p *process) step(minute int64) minuteOf {
	r, t := &p.rnd, p.table
	load := math.Max(0.02, p.season[minuteOfWeek(minute)]*t.growth(minute)*(1+p.traffic.step(r)))
	o := minuteOf{requests: r.poisson(60 * p.rps * load)}
	if p.outage > 0 {
		o.outage = t.outage(minute)
	}
	o.refused = r.poisson(float64(o.requests) * p.refused)
	o.failed = r.poisson(float64(o.requests) * (p.errors + p.outage*o.outage))
	o.failed = min(o.failed, o.requests)
	o.refused = min(o.refused, o.requests-o.failed)
	o.median = p.latency * (1 + 0.25*load*load) * math.Exp(p.slow.step(r)) * (1 + 9*p.outage*o.outage)
	o.memory = p.memory * (1 + p.heap.step(r))
	switch p.name {
	case "checkout":
		o.median *= t.slowdown(minute)
	case "recommendations":
		o.memory += leakGrowth * t.leak(minute)
	case "notifications":
		p.backlog += math.Max(-p.backlog, 40*(load-0.8)+9*r.norm()-0.06*p.backlog)
	case "reporting":
		if m := minute - dayStart(minute); m >= jobsFrom && m < jobsTo {
			p.backlog += 3 + 2*r.norm()
		} else {
			p.backlog *= 0.97
		}
	}
	p.backlog = math.Max(p.backlog, 0)
	o.backlog = p.backlog
	return o
}

// counters are the running totals of one service and where they are written.
type counters struct {
	*process
	codeStreams   []*model.Stream
	bucketStreams []*model.Stream
	stream        *model.Stream
	codes         [3]int64
	buckets       [9]int64
	seconds       float64
	count         int64
}

// serviceMetrics is the part of the estate that the services' metrics make.
type serviceMetrics struct{ list []*counters }

func newServiceMetrics(seed uint64, t *timetable) *serviceMetrics {
	p := &serviceMetrics{}
	s := trafficSeason(0)
	for i := range services {
		sv := &services[i]
		labels := model.FromStrings("service", sv.name)
		c := &counters{process: newProcess(seed, t, s, sv), stream: model.NewStream(labels)}
		for _, code := range codes {
			c.codeStreams = append(c.codeStreams, model.NewStream(labels.With("code", code)))
		}
		if sv.histogram {
			for _, le := range boundNames {
				c.bucketStreams = append(c.bucketStreams, model.NewStream(labels.With("le", le)))
			}
		}
		p.list = append(p.list, c)
	}
	return p
}

func (p *serviceMetrics) name() string { return "services" }

func (p *serviceMetrics) step(minute int64, b *model.Batch) {
	at := minute * nanosPerMinute
	for _, c := range p.list {
		o := c.process.step(minute)
		c.add(o)
		if b != nil {
			c.write(b, at, o)
		}
	}
}

// add counts one minute.
func (c *counters) add(o minuteOf) {
	c.codes[0] += int64(o.requests - o.refused - o.failed)
	c.codes[1] += int64(o.refused)
	c.codes[2] += int64(o.failed)
	c.count += int64(o.requests)
	// The mean of a log-normal distribution is median·exp(σ²/2).
	c.seconds += float64(o.requests) * o.median * math.Exp(c.spread*c.spread/2)
	if !c.histogram {
		return
	}
	below := int64(0)
	for i, bound := range bounds {
		share := 0.5 * math.Erfc(-math.Log(bound/o.median)/(c.spread*math.Sqrt2))
		below = max(below, int64(float64(o.requests)*share+0.5))
		c.buckets[i] += below
	}
	c.buckets[len(bounds)] += int64(o.requests)
}

func (c *counters) write(b *model.Batch, at int64, o minuteOf) {
	for i, st := range c.codeStreams {
		b.Begin(st, requestSchema, at)
		b.Int(c.codes[i])
	}
	for i, st := range c.bucketStreams {
		b.Begin(st, bucketSchema, at)
		b.Int(c.buckets[i])
	}
	b.Begin(c.stream, serviceSchema, at)
	b.Int(c.codes[2])
	b.Float(math.Round(c.seconds*1000) / 1000)
	b.Int(c.count)
	b.Int(int64(o.memory) >> 12 << 12)
	if c.queue {
		b.Begin(c.stream, queueSchema, at)
		b.Int(int64(o.backlog))
	}
}
