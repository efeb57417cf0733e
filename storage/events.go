package storage

import (
	"fmt"
	"time"
)

// EventKind says what happened.
type EventKind uint8

// Kinds of events.
const (
	// EventReplay reports progress of reading the write-ahead log at Open:
	// Done of Total bytes.
	EventReplay EventKind = iota + 1
	// EventFlushBegin and EventFlushEnd bracket the flush of a generation of
	// Total rows; Duration is set at the end.
	EventFlushBegin
	EventFlushEnd
	// EventRetention reports a dropped partition in Detail.
	EventRetention
	// EventCorruption reports bytes on disk that are not what was written.
	EventCorruption
	// EventWriteFailure reports that the store refuses writes from now on.
	EventWriteFailure
	// EventBackgroundError reports a failure that will be tried again.
	EventBackgroundError
	// EventEncodingFault reports that what an encoder wrote did not decode to
	// what it was given, which is an error of this program. Detail says what
	// was encoded. Nothing was lost: it is written in a plain encoding.
	EventEncodingFault
	// EventCompactionBegin and EventCompactionEnd bracket a pass over the
	// partition in Detail; at the end Detail says what became of it.
	EventCompactionBegin
	EventCompactionEnd
	// EventSpace reports that writes are refused for want of disk space, with
	// Err, or in Detail that they are taken again or the ballast was given up.
	EventSpace
	// EventReopened reports that a failure was got over: writes are taken again.
	EventReopened
)

// String returns the kind's name.
func (k EventKind) String() string {
	switch k {
	case EventReplay:
		return "replay"
	case EventFlushBegin:
		return "flush begin"
	case EventFlushEnd:
		return "flush end"
	case EventRetention:
		return "retention"
	case EventCorruption:
		return "corruption"
	case EventWriteFailure:
		return "write failure"
	case EventBackgroundError:
		return "background error"
	case EventEncodingFault:
		return "encoding fault"
	case EventCompactionBegin:
		return "compaction begin"
	case EventCompactionEnd:
		return "compaction end"
	case EventSpace:
		return "disk space"
	case EventReopened:
		return "reopened"
	}
	return fmt.Sprintf("event(%d)", uint8(k))
}

// Event is something that an operator may want to know.
type Event struct {
	Kind        EventKind
	Done, Total int64
	Duration    time.Duration
	Detail      string
	Err         error
}

// String prints the event in one line.
func (e Event) String() string {
	s := e.Kind.String()
	if e.Total > 0 {
		s += fmt.Sprintf(" %d/%d", e.Done, e.Total)
	}
	if e.Detail != "" {
		s += " " + e.Detail
	}
	if e.Duration > 0 {
		s += " in " + e.Duration.Round(time.Millisecond).String()
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}
