package ingest

// Metadata is what a source tells of a metric beside its samples. Strings are
// copies.
type Metadata struct {
	// Name is that of the metric or of its family: http_requests_total,
	// http_request_duration_seconds of buckets, sum and count.
	Name string
	// Type is Prometheus's word: counter, gauge, histogram, gaugehistogram, summary,
	// info, stateset or unknown.
	Type string
	Help string
	Unit string
}

// MaxHelp bounds a help text in bytes; what is longer is cut.
const MaxHelp = 1 << 10

// MetricTypes are the types by the numbers that remote write gives them.
var MetricTypes = [...]string{"unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset"}
