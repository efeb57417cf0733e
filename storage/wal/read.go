package wal

import "github.com/cockroachdb/pebble/v2/vfs"

// ReadSegments passes the records of a log to visit, in order, and changes
// nothing, unlike OpenSegments. rec is valid during the call. What damage hides
// is an error of kind ErrDamaged.
func ReadSegments(fs vfs.FS, dir string, visit func(segment, pos uint64, rec []byte) error) error {
	l := &Segments{fs: fs, dir: dir}
	segs, err := l.list()
	if err != nil {
		return err
	}
	for _, s := range segs {
		r := replay{l: l, seg: s, want: s.first, o: &ReplayOptions{}, visit: visit}
		if err := r.run(); err != nil {
			return err
		}
	}
	return nil
}
