package exec

import "sync/atomic"

// SampleBytes is what a sample held counts for in bytes: a time and a value. A
// step of a column takes half of that and counts as much, for what hangs on
// it: labels, groups, the presence of steps. What a query reads with (chunks, at most
// one series per worker) is not counted; the block cache has a bound of its own.
const SampleBytes = 16

// Memory is the account of what all queries of an engine hold.
type Memory struct {
	max  int64
	used atomic.Int64
}

// NewMemory returns an account of max bytes.
func NewMemory(max int64) *Memory { return &Memory{max: max} }

// Used returns the bytes held now.
func (m *Memory) Used() int64 { return m.used.Load() }

// hold accounts for n more samples in memory and fails beyond a limit.
func (ev *evaluator) hold(n int) error {
	held := ev.held.Add(int64(n))
	bytes := int64(n) * SampleBytes
	if ev.Peak != nil {
		for p := ev.Peak.Load(); held > p && !ev.Peak.CompareAndSwap(p, held); {
			p = ev.Peak.Load()
		}
	}
	var total int64
	if ev.Memory != nil {
		total = ev.Memory.used.Add(bytes)
	}
	switch {
	case held > ev.MaxSamples:
		return &LimitError{Limit: "max-samples", Max: ev.MaxSamples, What: "samples held in memory"}
	case ev.MaxMemory > 0 && held > ev.MaxMemory/SampleBytes:
		return &LimitError{Limit: "max-memory", Max: ev.MaxMemory, What: "bytes of memory"}
	case ev.Memory != nil && n > 0 && total > ev.Memory.max:
		return &LimitError{Limit: "max-total-memory", Max: ev.Memory.max, What: "bytes of memory together with the other running queries"}
	}
	return nil
}

// release is the reverse of hold.
func (ev *evaluator) release(n int) {
	ev.held.Add(-int64(n))
	if ev.Memory != nil {
		ev.Memory.used.Add(-int64(n) * SampleBytes)
	}
}

// settle gives back what is still held when a query ends.
func (ev *evaluator) settle() { ev.release(int(ev.held.Load())) }
