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
