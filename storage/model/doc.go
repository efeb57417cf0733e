// Package model holds the values every layer of Tidemark shares, and nothing
// that performs I/O.
//
// # The record
//
// A record is a label set, a time and typed fields. Its numbers are metrics,
// its text is a log:
//
//	cpu,host=a usage_user=3 T         metric row  cpu_usage_user{host="a"} 3
//	mem,host=a value=7 T              metric row  mem{host="a"} 7
//	nginx,host=a msg="GET /",ms=4 T   log row     {host="a",measurement="nginx"} "GET /" ms=4
//	                                  and, read from the same bytes, nginx_ms{host="a"} 4
//
// # Words
//
//   - Labels: a sorted set of indexed name/value pairs.
//   - Stream: an interned label set that rows are appended to.
//   - Schema: the kind and the typed columns of a row; rows of one stream may
//     use several schemas over time.
//   - Row: a stream, a schema, a time and one value per column.
//   - Batch: rows that are written atomically.
//   - Series: a full metric name with a label set, read back as samples.
//   - View: one consistent cut of a store, from which queries read.
//
// Times are int64 nanoseconds since the Unix epoch, negative ones included.
// Ranges (mint, maxt) are inclusive at both ends.
package model
