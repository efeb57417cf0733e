// Package logpipe runs the pipeline of a log query over rows: it filters
// lines, extracts labels from them and turns a label or a field into a
// number. It is pure: a row in, a row or nothing out; it reads no store and
// knows no windows.
//
// # Labels of a row
//
// A row begins with the labels of its stream. Structured metadata joins them
// always, other typed fields only where the query names them (in a label
// filter, keep, unwrap or a grouping), so that an unread field never splits a
// series. Parsers add what they find. A name that the row has already gets the
// suffix _extracted: the name itself belongs to the stream, then to the
// metadata, then to a parser, and the suffixed one to who came last. A name
// that is none is made one by replacing what does not belong with underscores.
// A label may be there with an empty value. Rows with equal labels share one
// *Set. A row without the label detected_level gets it where the query names
// it.
//
// # Stages that LogQL does not have
//
//	shape                                     labels shape and shape_id of the line, row by row
//	stats by (x) count() as n, avg(f), …      a table: a series for each set of values of x and each
//	                                          function, its name that of the column
//	uniq by (x, y)                            a table of the different values and their counts
//	top N by (x)                              the same, the N with most rows
//	sort by (x desc, y)  limit N              rows in another order, and the first of them; also of a table
//	stream_context before N after M           rows, and the N before and M after each of them in its stream,
//	                                          told apart by the label stream_context="hit|near"
//	patterns                                  rows counted by pattern
//
// The functions of stats are count, count_distinct (exact), sum, avg, min, max,
// median, quantile(q, f), stddev, first and last, of a label or field, a text
// being converted by duration(f) or bytes(f) as by unwrap. A field's own number
// is taken as it is. Values that are no numbers do not count, and a warning says
// how many there were. A table is of the rows of a window, as in … | stats
// count() by (x) [1h]; without one, of all rows of an instant query and of each
// step's of a range query. A filter behind a table is one of its rows, as in
// … | stats count() as n by (user) | n > 5. All of these stages but shape end a
// query and are the executor's, not this package's.
//
// # Templates
//
// line_format and label_format run Go's text/template with Loki's functions
// (templateFuncs). What one of them may cost a row is bounded: MaxFormatted in
// bytes, MaxIterations in turns of loops, MaxCommands in length, MaxFormatTime
// in time. A template that fails marks the row with TemplateFormatErr.
//
// # Errors of a row
//
// A line that a parser cannot read, a label that is not the number a filter
// compares, a template that fails, or a value that unwrap cannot convert marks
// the row with the label __error__ (JSONParserErr, LogfmtParserErr,
// LabelFilterErr, TemplateFormatErr, SampleExtractionErr) and lets it pass, so that the query decides:
// | __error__="" drops such rows. The names are Loki's.
package logpipe
