package server

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"tidemark/ingest"
	"tidemark/storage"
)

// namespace opens the name of every metric of ours.
const namespace = "tidemark"

// serverMetrics are what the server counts itself.
type serverMetrics struct {
	requests      *prometheus.CounterVec
	durations     *prometheus.HistogramVec
	inFlight      prometheus.Gauge
	panics        prometheus.Counter
	bodiesRefused prometheus.Counter
	lines         *prometheus.CounterVec
	rows          *prometheus.CounterVec
	values        prometheus.Counter
	bytes         *prometheus.CounterVec
	duplicates    prometheus.Counter
	queries       *prometheus.CounterVec
	linesStored   prometheus.Counter
	linesBad      prometheus.Counter
	rowsMetric    prometheus.Counter
	rowsLog       prometheus.Counter
	bytesWire     prometheus.Counter
	bytesPlain    prometheus.Counter
}

func newServerMetrics() *serverMetrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	}
	m := &serverMetrics{
		requests: counters("http_requests_total", "HTTP requests answered, by route and status code.", "route", "code"),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: "http_request_duration_seconds",
			Help: "Time from a request's arrival to its answer, by route.", Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}}, []string{"route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "http_requests_in_flight", Help: "HTTP requests being answered."}),
		panics:   counter("http_panics_total", "Requests whose handler panicked; each is a fault of the program."),
		lines:    counters("ingest_lines_total", "Lines received by the write endpoints, by outcome.", "outcome"),
		rows:     counters("ingest_rows_total", "Rows written, by kind.", "kind"),
		values:   counter("ingest_values_total", "Values written: the columns of all rows."),
		bytes:    counters("ingest_bytes_total", "Bytes of write bodies, as received and after decompression.", "form"),
		duplicates: counter("ingest_duplicate_requests_total",
			"Writes acknowledged by their Idempotency-Key without being written again."),
		queries:       counters("queries_total", "Queries asked, by protocol and outcome.", "api", "outcome"),
		bodiesRefused: counter("http_bodies_refused_total", "Request bodies refused because the bodies of others held all the memory they may."),
	}
	m.linesStored, m.linesBad = m.lines.WithLabelValues("stored"), m.lines.WithLabelValues("rejected")
	m.rowsMetric, m.rowsLog = m.rows.WithLabelValues("metric"), m.rows.WithLabelValues("log")
	m.bytesWire, m.bytesPlain = m.bytes.WithLabelValues("received"), m.bytes.WithLabelValues("decoded")
	return m
}

func (m *serverMetrics) register(r *prometheus.Registry) {
	r.MustRegister(m.requests, m.durations, m.inFlight, m.panics, m.bodiesRefused, m.lines, m.rows, m.values, m.bytes, m.duplicates, m.queries)
}

func (m *serverMetrics) observe(route string, code int, d time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(code)).Inc()
	m.durations.WithLabelValues(route).Observe(d.Seconds())
}

// query counts a query's outcome.
func (m *serverMetrics) query(f family, err error) {
	outcome := "ok"
	if err != nil {
		outcome = asAPIError(err).kind
	}
	m.queries.WithLabelValues(f.String(), outcome).Inc()
}

// snapshotCollector turns snapshots, taken when /metrics is read, into
// metrics. It is unchecked: it describes nothing in advance.
type snapshotCollector func(emit func(name, help string, counter bool, value float64))

func (snapshotCollector) Describe(chan<- *prometheus.Desc) {}

func (c snapshotCollector) Collect(ch chan<- prometheus.Metric) {
	c(func(name, help string, counter bool, value float64) {
		kind := prometheus.GaugeValue
		if counter {
			kind = prometheus.CounterValue
		}
		desc := prometheus.NewDesc(namespace+"_"+name, help, nil, nil)
		m, err := prometheus.NewConstMetric(desc, kind, value)
		if err != nil {
			m = prometheus.NewInvalidMetric(desc, err)
		}
		ch <- m
	})
}

// storeCollector shows a store's figures.
func storeCollector(metrics func() storage.Metrics) prometheus.Collector {
	return snapshotCollector(func(emit func(string, string, bool, float64)) {
		for _, m := range metrics().Each() {
			emit(m.Name, m.Help, m.Counter, m.Value)
		}
	})
}

// cacheStats adds up the caches of all decoders.
func (s *Server) cacheStats() ingest.CacheStats {
	st := s.decoder.CacheStats()
	st.Add(s.remoteWrite.CacheStats())
	st.Add(s.expositions.CacheStats())
	st.Add(s.otlp.CacheStats())
	return st
}

// cacheCollector shows the decoders' raw-key caches.
func cacheCollector(stats func() ingest.CacheStats) prometheus.Collector {
	return snapshotCollector(func(emit func(string, string, bool, float64)) {
		st := stats()
		emit("ingest_key_cache_hits_total", "Lines whose series key was found in the cache.", true, float64(st.Hits))
		emit("ingest_key_cache_misses_total", "Lines whose series key had to be parsed.", true, float64(st.Misses))
		emit("ingest_key_cache_evictions_total", "Series keys dropped from the cache.", true, float64(st.Evictions))
		emit("ingest_key_cache_entries", "Series keys in the cache.", false, float64(st.Entries))
		emit("ingest_key_cache_bytes", "Memory of the series key cache.", false, float64(st.Bytes))
		emit("ingest_key_cache_capacity_bytes", "Bound of the series key cache's memory.", false, float64(st.CapBytes))
		if n := st.Hits + st.Misses; n > 0 {
			emit("ingest_key_cache_hit_ratio", "Share of lines since the start whose series key was found in the cache.", false, float64(st.Hits)/float64(n))
		}
	})
}

// newRegistry returns the server's own registry: nothing is registered
// globally, so two servers live in one process. Collectors of the caller that
// clash are reported.
func (s *Server) newRegistry() (*prometheus.Registry, error) {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s.metrics.register(r)
	r.MustRegister(cacheCollector(s.cacheStats))
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Name: "http_body_memory_bytes", Help: "Memory held by the bodies of requests in flight."},
		func() float64 { return float64(s.bodies.used.Load()) }))
	build := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "build_info", Help: "1, with the version as labels.",
		ConstLabels: prometheus.Labels{"version": s.opts.Version, "revision": s.opts.Revision}})
	build.Set(1)
	r.MustRegister(build)
	if s.opts.StoreMetrics != nil {
		r.MustRegister(storeCollector(s.opts.StoreMetrics))
	}
	for _, c := range s.opts.Collectors {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return r, nil
}
