// Package otlp decodes metrics and logs of the OpenTelemetry protocol, as
// protobuf or JSON over HTTP, into batches of the record model. What follows is
// about metrics; DecodeLogs tells what becomes of log records.
//
// It opens no connection, keeps no data and knows no clock: a server gives it
// bodies and appends batches. A data point that breaks a rule below is
// rejected and named, and the points beside it are decoded; a body that
// cannot be read is refused whole. JSON is first rewritten as protobuf, so
// that there is one set of rules.
//
// # From data points to samples
//
//	data point             samples
//	---------------------  ---------------------------------------------------
//	gauge                  name
//	sum, cumulative        name; with suffix _total where monotonic
//	histogram, cumulative  name_bucket{le}, cumulated, le="+Inf" the count;
//	                       name_count; name_sum where there is a sum
//	summary                name{quantile}; name_sum; name_count
//	exponential histogram, name, a native histogram; scales 9 to 52 become 8,
//	cumulative             by adding buckets up; beyond, rejected
//	delta, or no           rejected: a sum of changes cannot be told from a
//	temporality            running total later; configure senders to cumulate
//	no recorded value      the stale marker in each of the above; buckets only
//	                       where the point has bounds
//
// Times are kept to the nanosecond; a point without one is rejected. Integers
// become float64, exact up to 2^53. The start time of sums, histograms and
// summaries is kept, unless it is after the point's. Exemplars, minimum and
// maximum of histograms, and descriptions are not kept.
//
// # Names
//
// They follow OpenTelemetry's compatibility rules for Prometheus, with
// underscores and suffixes:
//
//	metric names   runs of bytes other than letters, digits and : become one
//	               underscore; the unit follows, by its full name (ms:
//	               milliseconds, By: bytes, By/s: bytes_per_second), unless
//	               the name has it; units in braces are none; then _total for
//	               monotonic sums, _ratio for gauges of unit 1; a digit in
//	               front gets an underscore before it
//	label names    runs of bytes other than letters and digits become one
//	               underscore, those of __reserved__ stay; a digit in front
//	               gets key_ before it
//	label values   texts as they are; booleans and numbers printed; bytes in
//	               base64; lists and maps as JSON
//	equal names    attributes that end with the same name are one label, their
//	               values joined by ; in the order of the original names
//
// # Labels
//
//	label                     from
//	------------------------  -----------------------------------------------
//	job                       service.name, after service.namespace and /
//	instance                  service.instance.id
//	otel_scope_name, _version the scope's name and version
//	otel_scope_schema_url     the schema URL of the scope's metrics
//	otel_scope_<attribute>    the scope's attributes
//	others                    the data point's attributes, and the resource's
//	                          named in Options.ResourceAttributes
//	le, quantile              the sample's place in a histogram or summary
//
// An attribute whose name one of these takes becomes exported_<name>. All other
// attributes of the resource are labels of target_info{job,instance} 1, written
// at the time of the resource's last accepted point, where there is a job or
// an instance; queries join it by these two. The label tenant is as in package
// ingest.
package otlp
