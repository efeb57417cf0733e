package ingest

import (
	"fmt"
	"strconv"

	"tidemark/storage/model"
)

// LineError says why one record of a request or file was refused.
type LineError struct {
	// Line is the number, from 1, of the physical line on which the record
	// starts.
	Line int
	// Place, where not empty, says where the record is in a format that has
	// no lines, such as "series 3"; Line is then its number in the request.
	Place string
	// Column is the place of the error, in bytes from 1, counted from the
	// start of that line (beyond its end where the record spans lines). In a
	// CSV file it is counted within the record's line that has the error.
	Column int
	// Text is the record as received, cut to Limits.MaxErrorText.
	Text string
	// Reason names the value and what was expected.
	Reason string
}

// Error prints the error as "line 3, column 17: reason", or with Place.
func (e LineError) Error() string {
	if e.Place != "" {
		return e.Place + ": " + e.Reason
	}
	return "line " + strconv.Itoa(e.Line) + ", column " + strconv.Itoa(e.Column) + ": " + e.Reason
}

// Report says what became of the records of a request, or of one block of a
// stream.
type Report struct {
	// Lines counts records: blank lines and comments are none.
	// Lines = Accepted + Rejected.
	Lines, Accepted, Rejected int
	// MetricRows and LogRows split Accepted by kind; Values counts the
	// columns of both (the line of a log row included).
	MetricRows, LogRows, Values int
	// TooOld counts the rejected records that were only refused for a time
	// before Params.MinTime.
	TooOld int
	// Errors lists the first Limits.MaxErrors refused records in their order.
	Errors []LineError
}

// Add adds the counts of o and as many of its errors as maxErrors allows in
// all.
func (r *Report) Add(o Report, maxErrors int) {
	r.Lines += o.Lines
	r.Accepted += o.Accepted
	r.Rejected += o.Rejected
	r.MetricRows += o.MetricRows
	r.LogRows += o.LogRows
	r.Values += o.Values
	r.TooOld += o.TooOld
	if n := min(len(o.Errors), maxErrors-len(r.Errors)); n > 0 {
		r.Errors = append(r.Errors, o.Errors[:n]...)
	}
}

// Err returns nil where every record was accepted, else an error with the
// first refusal and the count of the others.
func (r *Report) Err() error {
	switch {
	case r.Rejected == 0:
		return nil
	case len(r.Errors) == 0:
		return fmt.Errorf("%d of %d lines refused", r.Rejected, r.Lines)
	}
	return fmt.Errorf("%d of %d lines refused, the first: %w", r.Rejected, r.Lines, r.Errors[0])
}

// Block is what a decoder of streams hands to its visitor: the rows of one
// stretch of input, to be appended as one batch.
type Block struct {
	// Batch is valid until the visitor returns; its memory is reused.
	Batch *model.Batch
	// Report is about this block alone; its line numbers are the stream's.
	Report Report
	// Read counts the bytes consumed of the stream so far, for progress.
	Read int64
}
