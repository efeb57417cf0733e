package storage

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/storage/keys"
	"tidemark/storage/model"
)

// Loss is a part of what was stored that could not be read any more and was
// cut out. It is kept in the file LOSSES of the store's folder, beside the index
// and not in it: a line for each,
//
//	<crc32c of the rest, 8 hex digits> <JSON>
//
// so that the loss outlives whatever else is damaged. It is forgotten when
// retention has passed what it is about, or by DB.ForgetLosses.
type Loss struct {
	Found time.Time `json:"found"`
	// What was cut out, and why: "block at 40960 of table 000012.sst: ...".
	What string `json:"what"`
	// Mint and Maxt are the bounds, inclusive, of the times of what is missing.
	Mint int64 `json:"mint"`
	Maxt int64 `json:"maxt"`
	// Metrics and Logs say of which kind samples or rows may be missing.
	Metrics bool `json:"metrics,omitempty"`
	Logs    bool `json:"logs,omitempty"`
	// Names, where not empty, are the metrics that alone are concerned.
	Names []string `json:"names,omitempty"`
	// Index says that keys of the index are missing; First and Last bound them,
	// where that is known.
	Index bool   `json:"index,omitempty"`
	First []byte `json:"first,omitempty"`
	Last  []byte `json:"last,omitempty"`
	// Reindex says that bitmaps and dictionaries of the index have yet to be made
	// anew from what is left.
	Reindex bool `json:"reindex,omitempty"`
}

const (
	lossesName = "LOSSES"
	// maxLosses bounds the losses that are kept apart: further ones are added to
	// the last, which then stands for all of them.
	maxLosses = 1000
)

// String tells of the loss in one line, for whoever asks for what is missing.
func (l *Loss) String() string {
	what := "samples and log rows"
	switch {
	case l.Metrics && len(l.Names) > 0:
		what = "samples of " + strings.Join(l.Names, ", ")
	case l.Metrics && !l.Logs:
		what = "samples"
	case l.Logs && !l.Metrics:
		what = "log rows"
	}
	return fmt.Sprintf("%s%s may be missing: lost at %s: %s", what, l.span(), l.Found.UTC().Format(time.RFC3339), l.What)
}

// Times returns the bounds of the times of what is missing; ok is false where they
// are not known.
func (l *Loss) Times() (from, to time.Time, ok bool) {
	return time.Unix(0, l.Mint), time.Unix(0, l.Maxt), l.Mint != minInt64 && l.Maxt != maxInt64
}

func (l *Loss) span() string {
	at := func(t int64) string { return time.Unix(0, t).UTC().Format(time.RFC3339Nano) }
	switch {
	case l.Mint == minInt64 && l.Maxt == maxInt64:
		return ""
	case l.Mint == minInt64:
		return " until " + at(l.Maxt)
	case l.Maxt == maxInt64:
		return " from " + at(l.Mint) + " on"
	}
	return " between " + at(l.Mint) + " and " + at(l.Maxt)
}

// touches reports whether an answer about a range of time may lack what was lost.
// names are the matchers of the metric name.
func (l *Loss) touches(mint, maxt int64, metrics, logs bool, names []*model.Matcher) bool {
	if l.Maxt < mint || l.Mint > maxt {
		return false
	}
	if logs && l.Logs {
		return true
	}
	return metrics && l.Metrics && (len(l.Names) == 0 || slices.ContainsFunc(l.Names, func(n string) bool { return matchesAll(names, n) }))
}

// Losses returns what was cut out of the store, in the order in which it was found.
func (db *DB) Losses() []Loss {
	if l := db.losses.Load(); l != nil {
		return slices.Clone(*l)
	}
	return nil
}

// ForgetLosses ends the warnings about what was lost up to now. What is lost
// stays lost.
func (db *DB) ForgetLosses() error {
	if err := db.changeLosses(func(ls []Loss) []Loss {
		return slices.DeleteFunc(ls, func(l Loss) bool { return !l.Reindex })
	}); err != nil {
		return fmt.Errorf("forget losses: %w", err)
	}
	return nil
}

// addLosses records losses durably, but for those that are known. It comes
// before what is damaged is taken away.
func (db *DB) addLosses(more ...Loss) error {
	added := 0
	err := db.changeLosses(func(ls []Loss) []Loss {
		for _, m := range more {
			if slices.ContainsFunc(ls, func(l Loss) bool { return l.What == m.What && l.Mint == m.Mint && l.Maxt == m.Maxt }) {
				continue
			}
			added++
			if len(ls) >= maxLosses {
				last := &ls[len(ls)-1]
				last.What = fmt.Sprintf("many places; the last is %s", m.What)
				last.Mint, last.Maxt, last.Names = min(last.Mint, m.Mint), max(last.Maxt, m.Maxt), nil
				last.Metrics, last.Logs, last.Reindex = last.Metrics || m.Metrics, last.Logs || m.Logs, last.Reindex || m.Reindex
				continue
			}
			ls = append(ls, m)
		}
		return ls
	})
	if err != nil {
		return fmt.Errorf("record a loss: %w", err)
	}
	db.n.losses.Add(int64(added))
	return nil
}

// changeLosses replaces the list, in the file first.
func (db *DB) changeLosses(change func([]Loss) []Loss) error {
	db.lossesMu.Lock()
	defer db.lossesMu.Unlock()
	old := db.Losses()
	ls := change(slices.Clone(old))
	if len(ls) == 0 && len(old) == 0 {
		return nil
	}
	if err := writeLosses(db.opts.FS, db.dir, ls); err != nil {
		return err
	}
	db.losses.Store(&ls)
	return nil
}

// forgetOldLosses drops those that retention has passed.
func (db *DB) forgetOldLosses() error {
	minTime := db.MinTime()
	old := func(l Loss) bool { return l.Maxt < minTime }
	if !slices.ContainsFunc(db.Losses(), old) {
		return nil
	}
	return db.changeLosses(func(ls []Loss) []Loss { return slices.DeleteFunc(ls, old) })
}

// lossOfLog is a loss of records whose times nothing tells.
func (db *DB) lossOfLog(format string, args ...any) Loss {
	return Loss{Found: db.opts.Now(), What: fmt.Sprintf(format, args...), Mint: minInt64, Maxt: maxInt64, Metrics: true, Logs: true}
}

const (
	damagedName = "damaged"
	// maxDamaged bounds the damaged files that are kept.
	maxDamaged = 16
)

// indexLost says that keys of the index were lost that may have been of no partition.
func (db *DB) indexLost() bool {
	return slices.ContainsFunc(db.Losses(), func(l Loss) bool {
		_, inside := keys.ReadPrefix(l.First)
		return l.Index && !inside
	})
}

// keepDamaged keeps a file that is about to be replaced or removed, for those who
// can make more of it, in the folder "damaged". It need not succeed.
func (db *DB) keepDamaged(path string) {
	fsys := db.opts.FS
	dir := fsys.PathJoin(db.dir, damagedName)
	if err := fsys.MkdirAll(dir, 0o755); err != nil {
		return
	}
	if names, err := fsys.List(dir); err != nil || len(names) >= maxDamaged {
		return
	}
	_ = fsys.Link(path, fsys.PathJoin(dir, fsys.PathBase(path)))
}

// loadLosses reads the file.
func (db *DB) loadLosses() error {
	ls, err := readLosses(db.opts.FS, db.dir, db.opts.Now())
	if err != nil {
		return err
	}
	db.losses.Store(&ls)
	return nil
}

// readLosses reads the file of a folder. A line that cannot be read is a loss of
// its own, which may be about anything.
func readLosses(fsys vfs.FS, dir string, now time.Time) ([]Loss, error) {
	f, err := fsys.Open(fsys.PathJoin(dir, lossesName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxManifest))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	var out []Loss
	for line := range bytes.Lines(b) {
		sum, text, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
		var l Loss
		if string(sum) != lossSum(text) || json.Unmarshal(text, &l) != nil {
			l = Loss{Found: now, What: "a line of the file " + lossesName + " cannot be read", Mint: minInt64, Maxt: maxInt64, Metrics: true, Logs: true}
		}
		out = append(out, l)
	}
	return out, nil
}

func lossSum(text []byte) string {
	var b [4]byte
	sum := crc32.Checksum(text, castagnoli)
	b[0], b[1], b[2], b[3] = byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum)
	return hex.EncodeToString(b[:])
}

// writeLosses replaces the file of a folder.
func writeLosses(fsys vfs.FS, dir string, ls []Loss) error {
	var b bytes.Buffer
	for i := range ls {
		text, err := json.Marshal(&ls[i])
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s %s\n", lossSum(text), text)
	}
	return replaceFile(fsys, dir, lossesName, b.Bytes())
}

// replaceFile writes a file of a folder so that a crash leaves the old or the new one.
func replaceFile(fsys vfs.FS, dir, name string, content []byte) error {
	path := fsys.PathJoin(dir, name)
	f, err := fsys.Create(path+".tmp", category)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := fsys.Rename(path+".tmp", path); err != nil {
		return err
	}
	return syncDir(fsys, dir)
}

// noteLosses remembers the losses that an answer may lack.
func (v *view) noteLosses(mint, maxt int64, metrics, logs bool, names []*model.Matcher) {
	for i := range v.losses {
		if l := &v.losses[i]; l.touches(max(mint, v.minTime), maxt, metrics, logs, names) {
			v.touchedMu.Lock()
			if v.touched == nil {
				v.touched = make(map[int]struct{})
			}
			v.touched[i] = struct{}{}
			v.touchedMu.Unlock()
		}
	}
}

var _ model.Warner = (*view)(nil)

// Warnings implements model.Warner.
func (v *view) Warnings() []string {
	v.touchedMu.Lock()
	defer v.touchedMu.Unlock()
	out := make([]string, 0, len(v.touched))
	for i := range v.touched {
		out = append(out, v.losses[i].String())
	}
	slices.Sort(out)
	return slices.Compact(out)
}
