package csv

import (
	"fmt"
	"io"
)

// recorder keeps what was read since a mark, so that a refused record can be
// shown as it was, and ends a record that would take all memory: one with a
// quote that is never closed.
type recorder struct {
	r     io.Reader
	buf   []byte // from offset base on
	base  int64
	limit int // of a record, the reader's own buffer beside
}

// readAhead bounds what the CSV reader takes at once beyond a record.
const readAhead = 64 << 10

func (r *recorder) Read(p []byte) (int, error) {
	if len(r.buf) > r.limit+readAhead {
		return 0, fmt.Errorf("record has more than %d bytes: want at most that many (MaxLineBytes), and every quote closed", r.limit)
	}
	n, err := r.r.Read(p[:min(len(p), readAhead)])
	r.buf = append(r.buf, p[:n]...)
	return n, err
}

// between returns the bytes of a range of offsets, at most n of them.
func (r *recorder) between(from, to int64, n int) []byte {
	to = min(to, from+int64(n), r.base+int64(len(r.buf)))
	if from < r.base || to <= from {
		return nil
	}
	return r.buf[from-r.base : to-r.base]
}

// mark forgets what was before an offset; it moves memory only now and then.
func (r *recorder) mark(offset int64) {
	if n := offset - r.base; n >= readAhead/2 {
		r.buf = r.buf[:copy(r.buf, r.buf[n:])]
		r.base = offset
	}
}
