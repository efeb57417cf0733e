// Package logpipe runs the pipeline of a log query over rows: it filters
// lines, extracts labels from them and turns a label or a field into a
// number. It is pure: a row in, a row or nothing out; it reads no store and
// knows no windows.
//
// # Labels of a row
//
// A row begins with the labels of its stream. Its typed fields join them only
// where the query names them (in a label filter, keep, unwrap or a grouping),
// so that an unread field never splits a series. Parsers add what they find:
// a name that the row has already gets the suffix _extracted, a name that is
// none is made one by replacing what does not belong with underscores, and an
// empty value is no label. Rows with equal labels share one *Set.
//
// # Errors of a row
//
// A line that a parser cannot read, a label that is not the number a filter
// compares, or a value that unwrap cannot convert marks the row with the
// label __error__ (JSONParserErr, LogfmtParserErr, LabelFilterErr,
// SampleExtractionErr) and lets it pass, so that the query decides:
// | __error__="" drops such rows. The names are Loki's.
package logpipe
