// Package remoteread is the wire format of Prometheus's remote read: it decodes
// requests and encodes answers, and knows nothing of HTTP nor of where the
// samples come from.
//
// A request is a protocol buffer message, compressed as a block of snappy:
//
//	ReadRequest    1 repeated Query, 2 repeated response type
//	Query          1 start ms, 2 end ms, 3 repeated LabelMatcher, 4 ReadHints
//	LabelMatcher   1 type (0 = 1 != 2 =~ 3 !~), 2 name, 3 value
//	ReadHints      1 step ms, 2 function, 3 start ms, 4 end ms, 5 grouping, 6 by, 7 range ms
//
// The first response type of the list that is known here is used; without a
// list it is Samples. Both times are inclusive. Of the hints, start and end narrow
// the times, and the function "series" asks for labels alone.
//
// # Samples
//
// One message, compressed as a block of snappy:
//
//	ReadResponse   1 repeated QueryResult, one for each query
//	QueryResult    1 repeated TimeSeries
//	TimeSeries     1 repeated Label, 2 repeated Sample, 4 repeated Histogram
//	Label          1 name, 2 value
//	Sample         1 value (double), 2 time ms
//
// A block of snappy begins with its length, so that the whole answer has to be
// there before its first byte is sent: MaxSamplesAnswer bounds it.
//
// # Streamed chunks
//
// A sequence of frames, each with a part of one series, series in the order of
// their labels:
//
//	+---------------+-------------------------+---------+
//	| length        | CRC-32C of the message  | message |
//	| uvarint       | 4 bytes, big endian     |         |
//	+---------------+-------------------------+---------+
//
//	ChunkedReadResponse  1 repeated ChunkedSeries, 2 index of the query
//	ChunkedSeries        1 repeated Label, 2 repeated Chunk
//	Chunk                1 first time ms, 2 last time ms, 3 encoding, 4 bytes
//
// Chunks are those of Prometheus's own files, at most chunkSamples samples each:
// numbers as exclusive ors (encoding 1; Pelkonen et al., "Gorilla", VLDB 2015),
// histograms of whole counts (2) and of floats (3), as
// https://github.com/prometheus/prometheus/blob/main/tsdb/docs/format/chunks.md
// describes them. A chunk has one kind of sample, and one layout where it has
// histograms: the buckets that any of them has. A histogram that does not continue
// the one before begins a chunk.
package remoteread
