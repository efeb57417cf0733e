package exec

import "tidemark/query/ast"

// isStartReset reports whether start times say that a counter began anew
// between two samples: the later one counts since a time at or after the
// earlier one. Zero is an unknown start, as is one that is not before its
// sample. A start exactly at the earlier sample is a reset where that one has a
// start of its own: so delta samples look, one after another.
func isStartReset(prevStart, prevTime, start, time int64) bool {
	switch {
	case start == 0 || start == prevStart || start >= time || start < prevTime:
		return false
	case start > prevTime:
		return true
	}
	return prevStart != 0 && prevStart < prevTime
}

// startsOverlap reports whether a sample claims to count since before the
// sample before it, and not since when that one does.
func startsOverlap(prevStart, prevTime, start int64) bool {
	return start != 0 && start < prevTime && start != prevStart
}

func (ev *evaluator) warnOverlap(pos ast.Pos, name string) {
	ev.warn(pos, "sample has start time that overlaps with previous sample timestamp for metric %q", name)
}
