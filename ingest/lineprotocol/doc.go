// Package lineprotocol decodes InfluxDB line protocol into batches of the
// record model, in one pass over the bytes.
//
// It opens no connection, keeps no data and knows no clock: the server says
// what time it is, and appends the batch. It refuses rather than guesses: what
// is not accepted below is refused, line by line, with the place and what was
// expected, and the lines beside it are decoded.
//
// # Syntax
//
//	record  = key " " fields [" " time] end
//	key     = measurement {"," tag "=" value}
//	fields  = name "=" value {"," name "=" value}
//	end     = ["\r"] "\n" | end of input
//
//	case                            what happens
//	------------------------------  ------------------------------------------
//	blank line, # after blanks      skipped; they are no records
//	spaces around the three parts   allowed, tabs only before the record
//	escapes                         measurement: \, and \space; keys, tags and
//	                                field names also \=; strings: \" and \\;
//	                                any other backslash stands for itself
//	newline within a string         part of the text
//	string without an end           refused; reading goes on at the next line.
//	                                The same where a string holds a newline and
//	                                neither comma, space nor line end follows
//	float                           [-]1 1. .5 1e5 1E+5 within float64
//	integer 5i                      int64, exact, else refused
//	unsigned 5u                     up to 2^63-1, exact; larger is refused
//	                                because no column type keeps it exactly
//	boolean                         t T true True TRUE f F false False FALSE
//	NaN, infinity, +1               refused
//	repeated tag                    refused
//	repeated field                  the last one counts
//	no measurement, tag key, tag    refused
//	value, field key or field
//	tags time and __name__          refused: reserved
//	fields time and _line           refused: reserved
//	names, tag values not UTF-8     refused; texts of fields may be any bytes
//	order of tags                   has no meaning
//	no time                         Params.Now, rounded down to the precision
//	time                            [-]digits, ±9223372036854775806 ns after
//	                                scaling, else refused
//	time before Params.MinTime      refused
//	text after the time             refused
//
// # From records to rows
//
//	record                                         row
//	---------------------------------------------  -------------------------------
//	a text in a message field (ingest.Options)     log row: that text is the line
//	else a number (booleans are numbers)           metric row; texts are states
//	else one text                                  log row: that text is the line
//	else several texts                             log row: the line is the texts
//	                                               as logfmt, which stay columns
//
// The text that is the line is no column beside; its name is not kept.
// Numbers of log rows are columns that are also read as metrics. Full metric
// names, the labels measurement, db and tenant, and what happens to tags of
// these names, are in package ingest.
//
// # Speed
//
// The bytes of the key part lead, through the raw-key cache, to an interned
// stream and to the fields seen with it last: a record with the same fields
// costs comparisons of names, and the reading of its numbers. Two spellings of
// one key (tags in another order) are two entries with equal streams. See
// cache.go for how it is bounded and shared.
package lineprotocol
