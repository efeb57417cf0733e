package query

import (
	"context"
	"errors"
	"fmt"

	"tidemark/query/exec"
)

// What can go wrong, besides the query's text, whose faults are *ast.Error:
//
//	*ast.Error, ErrRequest   the request is at fault         400 bad_data
//	ErrLimit, ErrExecution   cannot be executed              422 execution
//	ErrTimeout               ran out of time                 503 timeout
//	ErrCanceled              the asker went away             503 canceled
//	ErrBusy                  no slot within the time         503 timeout
//
// Anything else is a fault of the store.
var (
	// ErrRequest marks a request whose parameters make no sense.
	ErrRequest = errors.New("bad request")
	// ErrLimit marks a limit that was met; the error is an *exec.LimitError,
	// which names it.
	ErrLimit = exec.ErrLimit
	// ErrExecution marks a query that cannot be executed on the data it met.
	ErrExecution = exec.ErrExecution
	// ErrTimeout marks a query that met its deadline while it ran.
	ErrTimeout = errors.New("query timed out")
	// ErrCanceled marks a query whose context was cancelled.
	ErrCanceled = errors.New("query was canceled")
	// ErrBusy marks a query that found no free slot before its deadline.
	ErrBusy = errors.New("too many queries at once")
)

// requestError is an ErrRequest with a message of its own.
type requestError struct{ msg string }

func (e *requestError) Error() string        { return e.msg }
func (e *requestError) Is(target error) bool { return target == ErrRequest }

func badRequest(format string, args ...any) error {
	return &requestError{fmt.Sprintf(format, args...)}
}

// contextError turns a context's errors into this package's.
func contextError(err error, where string) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w in %s", ErrTimeout, where)
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%w in %s", ErrCanceled, where)
	}
	return err
}
