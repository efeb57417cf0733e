// Package exposition decodes Prometheus's text format, as exporters answer
// scrapes with it, into batches of the record model, in one pass over the
// bytes.
//
// It scrapes nothing, keeps no data and knows no clock: a server says what
// time it is and appends the batch. It refuses rather than guesses, line by
// line, with the place and what was expected; the lines beside are decoded.
//
// # Syntax
//
//	line    = series blanks value [blanks time] [exemplar] end
//	series  = name ["{" [labels] "}"] | "{" quoted ["," labels] "}"
//	labels  = label {"," label} [","]
//	label   = (name | quoted) "=" quoted
//	end     = ["\r"] "\n" | end of input
//
//	case                          what happens
//	----------------------------  --------------------------------------------
//	# HELP, TYPE, UNIT            passed on as metadata, never refused
//	blank line, other comments    skipped
//	blanks                        spaces and tabs, between any two parts
//	unquoted metric name          [a-zA-Z_:][a-zA-Z0-9_:]*
//	unquoted label name           [a-zA-Z_][a-zA-Z0-9_]*
//	quoted name or value          any UTF-8 on one line; \\ \" \n are escapes,
//	                              any other backslash stands for itself
//	label __name__                the metric's name, where none stands before
//	a label twice                 refused
//	a label with an empty value   the same as no label
//	value                         a decimal float64, NaN, Inf, +Inf, -Inf; any
//	                              case; a number too large is refused
//	time                          milliseconds since 1970; in OpenMetrics
//	                              seconds with an optional fraction, kept to
//	                              the nanosecond
//	no time                       Params.Now, truncated to milliseconds
//	time before Params.MinTime    refused
//	exemplar                      "#" and what follows it: ignored
//
// Histograms and summaries are the series they are written as: _bucket with
// le, _sum, _count, quantile.
//
// # Speed
//
// The bytes of a series lead through a cache to its interned stream and
// schema; a known series costs the search for its end, a look-up and the
// reading of a number.
package exposition
