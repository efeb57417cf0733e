package storage

import "context"

// progress tells how far something long has come.
type progress struct {
	tell        func(done, total int64)
	done, total int64
}

type progressKey struct{}

// WithProgress returns a context under which Checkpoint, Restore,
// VerifyCheckpoint and DB.Verify call tell, often and from one goroutine, with
// the bytes they have gone over and those that there are; 0 where that is not
// known. A context serves one call.
func WithProgress(ctx context.Context, tell func(done, total int64)) context.Context {
	return context.WithValue(ctx, progressKey{}, &progress{tell: tell})
}

// progressOf returns what WithProgress put into a context, or nil.
func progressOf(ctx context.Context) *progress {
	p, _ := ctx.Value(progressKey{}).(*progress)
	return p
}

// expect says how many bytes there are to go over.
func (p *progress) expect(total int64) {
	if p != nil {
		p.total = total
	}
}

// add says that n more bytes were gone over.
func (p *progress) add(n int64) {
	if p == nil {
		return
	}
	p.done += n
	if p.total > 0 {
		p.done = min(p.done, p.total)
	}
	p.tell(p.done, p.total)
}
