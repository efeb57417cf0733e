// Package remotewrite decodes requests of Prometheus remote write, 1.0 and
// 2.0, into batches of the record model, in one pass over the bytes.
//
// It opens no connection, keeps no data and knows no clock: a server gives it
// bodies and appends batches. It refuses rather than guesses: a series that
// breaks a rule below is refused with its name and what was expected, and the
// series beside it are decoded; a body that is no protobuf is refused whole.
//
// # Messages
//
// Both are protocol buffers in one block of snappy. Only what is listed is
// read; other fields are skipped by their wire type.
//
//	1.0 prometheus.WriteRequest       2.0 io.prometheus.write.v2.Request
//	--------------------------------  ------------------------------------
//	1 timeseries                      4 symbols, the first one empty
//	    1 labels {1 name, 2 value}    5 timeseries
//	    2 samples                         1 labels_refs, pairs of symbols
//	    3 exemplars                       2 samples
//	    4 histograms                      3 histograms
//	3 metadata                            4 exemplars
//	                                      5 metadata
//	sample {1 value, 2 ms}            sample {1 value, 2 ms, 3 start ms}
//
// A native histogram is the same in both, but for 17:
//
//	1 count, 2 of floats; 3 sum; 4 schema; 5 zero_threshold; 6 zero_count, 7
//	of floats; 8 to 10 buckets below and 11 to 13 above zero, each spans
//	{1 offset, 2 length}, deltas of integers, counts of floats; 14 reset_hint;
//	15 ms; 16 custom_values; 17 start ms
//
// # Rules
//
//	case                            what happens
//	------------------------------  ------------------------------------------
//	label __name__                  the metric; missing or empty: refused
//	labels out of order             accepted
//	a label twice                   refused
//	a label with an empty value     the same as no label
//	names, values not UTF-8         refused; any UTF-8 is a name
//	values                          float64 bit for bit: stale markers
//	                                (0x7ff0000000000002) and other NaNs too
//	time                            milliseconds, kept as nanoseconds; refused
//	                                beyond ±9,223,372,036,854 ms
//	time before Params.MinTime      the sample is refused
//	native histogram                as sent; one of integers that counts beyond
//	                                2^53 becomes one of floats; schemas 9 to 52
//	                                become 8, by adding buckets up; buckets
//	                                that contradict each other or the count:
//	                                refused
//	start time                      kept, unless it is after the sample's time
//	exemplar                        not kept; see below
//	metadata                        not kept
//	series without any sample       1.0: nothing; 2.0: refused, as the
//	                                specification demands
//	symbols[0] not empty, or a      the request is refused: references cannot
//	reference beyond symbols        be trusted
//
// The specification forbids to answer 2xx where data known to the receiver
// was not written, so refused samples make a request fail. Exemplars are a kind
// of data that this receiver does not know: they do not, or else a sender
// configured to send them would count every request as failed; the header
// X-Prometheus-Remote-Write-Exemplars-Written tells it 0. Prometheus as a
// receiver decides the same where it cannot store an exemplar.
//
// The label tenant, and what happens to a label of that name, are in package
// ingest.
//
// # Speed
//
// Senders write the metric first, and the samples of one target next to each
// other. So the metric and the other labels are looked up each by themselves:
// labels equal to those before, and the metric that followed last time, cost a
// comparison of bytes at hand. For 1.0 the bytes are used where they lie; for
// 2.0 references are compared, and symbols put together where they are new to
// the request, because references mean nothing beyond it. Neighbours of one
// label set and time become one row (package ingest/internal/series). Series
// written in another way are known by all of their labels. In steady state
// nothing is allocated.
package remotewrite
