package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/storage/keys"
	"tidemark/storage/postings"
	"tidemark/storage/salvage"
)

// mender cuts out of the index what cannot be read. It runs in a goroutine of its
// own, one pass at a time, when a query, a flush or a compaction has met damage
// (Mend), when Pebble says that it has, or when it is asked to look at everything
// (Repair).
//
// A pass looks at the tables that are under suspicion, all of them where none is,
// and makes those readable that are not (package salvage). What is lost with that is
// recorded before the tables take the places of the damaged ones, for which the
// engine is closed and opened again. Then the index is made consistent with what
// is left of it (reindex.go). Where all tables are sound, a value is not what it
// should be, and every value is looked at.
type mender struct {
	db       *DB
	requests chan mendRequest
	wake     chan struct{}
	ctx      context.Context
	cancel   context.CancelFunc
	done     chan struct{}

	mu      sync.Mutex
	suspect map[string]struct{} // files of tables

	// When a look at everything found nothing, and when something was mended last;
	// the loop's.
	nothing, mended time.Time
}

type mendRequest struct {
	all  bool // look at everything
	done chan mendResult
}

type mendResult struct {
	mended bool
	err    error
}

const (
	// mendPause is how long nothing is looked for once everything was looked at and
	// found sound, whatever errors are told of.
	mendPause = time.Minute
	// mendNews is how long an error may be one of before something was mended.
	mendNews = 10 * time.Second
)

func (m *mender) start() {
	m.requests, m.wake, m.done = make(chan mendRequest), make(chan struct{}, 1), make(chan struct{})
	go m.loop()
}

// end stops what runs and waits for it.
func (m *mender) end() {
	m.cancel()
	<-m.done
}

// suspicion notes a table that Pebble could not read.
func (m *mender) suspicion(path string) {
	m.mu.Lock()
	if m.suspect == nil {
		m.suspect = make(map[string]struct{})
	}
	m.suspect[path[strings.LastIndexAny(path, `/\`)+1:]] = struct{}{}
	m.mu.Unlock()
	m.want()
}

// want has a pass made soon.
func (m *mender) want() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// wantMend has damage cut out that background work has met.
func (db *DB) wantMend(err error) {
	if errors.Is(damaged(err), ErrCorrupt) && db.mender.wake != nil {
		db.mender.want()
	}
}

func (m *mender) loop() {
	defer close(m.done)
	for {
		var req mendRequest
		select {
		case <-m.ctx.Done():
			return
		case req = <-m.requests:
		case <-m.wake:
		}
		mended, err := m.pass(req.all)
		if err != nil && m.ctx.Err() == nil {
			m.db.opts.EventListener(Event{Kind: EventBackgroundError, Detail: "repair", Err: err})
		}
		if mended {
			m.mended = time.Now()
		}
		if req.done != nil {
			req.done <- mendResult{mended || !req.all && err == nil && time.Since(m.mended) < mendNews, err}
		}
	}
}

// Mend is told of an error that a view answered with. Where that tells of damage,
// it cuts the damage out, records the loss, and returns true once a new view can
// answer with the rest, and a warning. It also returns true where the view was
// closed because the engine was opened anew meanwhile.
func (db *DB) Mend(ctx context.Context, err error) bool {
	if errors.Is(err, ErrClosed) {
		db.state.RLock()
		defer db.state.RUnlock()
		return !db.state.closed && db.state.broken == nil
	}
	if !errors.Is(damaged(err), ErrCorrupt) {
		return false
	}
	mended, err := db.mender.ask(ctx, mendRequest{})
	return mended && err == nil
}

// Repair reads everything in the index, as Verify does, cuts out what cannot be
// read, and records the loss; it reports whether there was anything. It takes time
// proportional to what the store holds.
func (db *DB) Repair(ctx context.Context) (repaired bool, err error) {
	repaired, err = db.mender.ask(ctx, mendRequest{all: true})
	if err != nil {
		err = fmt.Errorf("repair: %w", damaged(err))
	}
	return repaired, err
}

func (m *mender) ask(ctx context.Context, req mendRequest) (bool, error) {
	req.done = make(chan mendResult, 1)
	select {
	case m.requests <- req:
	case <-m.done:
		return false, ErrClosed
	case <-ctx.Done():
		return false, ctx.Err()
	}
	select {
	case res := <-req.done:
		return res.mended, res.err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// pass looks for damage and cuts it out.
func (m *mender) pass(all bool) (mended bool, err error) {
	if err := m.db.writable(); err != nil {
		return false, err
	}
	m.mu.Lock()
	suspect := m.suspect
	m.suspect = nil
	m.mu.Unlock()
	if all || len(suspect) == 0 {
		if !all && (time.Since(m.nothing) < mendPause || time.Since(m.mended) < mendNews) {
			return false, nil
		}
		if suspect, err = m.allTables(); err != nil {
			return false, err
		}
		all = true
	}
	mended, err = m.tables(suspect, all)
	if err != nil || !all {
		return mended, err
	}
	values, err := m.values()
	if !mended && !values && err == nil {
		m.nothing = time.Now()
	}
	return mended || values, err
}

// allTables returns the files of all tables.
func (m *mender) allTables() (map[string]struct{}, error) {
	m.db.engine.RLock()
	defer m.db.engine.RUnlock()
	if m.db.pdb == nil {
		return nil, ErrClosed
	}
	levels, err := m.db.pdb.SSTables()
	if err != nil {
		return nil, err
	}
	out := make(map[string]struct{})
	for _, level := range levels {
		for i := range level {
			out[fmt.Sprintf("%06d.sst", level[i].BackingSSTNum)] = struct{}{}
		}
	}
	return out, nil
}

// mendedTable is a table that takes the place of a damaged one.
type mendedTable struct{ name, tmp string }

// tables makes the tables readable that are not.
func (m *mender) tables(names map[string]struct{}, all bool) (bool, error) {
	db := m.db
	mended, lossy, err := m.prepare(names)
	defer func() { m.discard(mended) }()
	if err == nil && lossy && !all {
		// Making the index consistent reads much of it, and must meet no more damage.
		var rest map[string]struct{}
		if rest, err = m.allTables(); err == nil {
			for name := range names {
				delete(rest, name)
			}
			var more []mendedTable
			more, _, err = m.prepare(rest)
			mended = append(mended, more...)
		}
	}
	if err != nil || len(mended) == 0 {
		return false, err
	}
	if err := db.reopen(func() error { return m.replace(mended) }); err != nil {
		db.fail(err)
		return false, err
	}
	db.opts.EventListener(Event{Kind: EventReopened, Detail: fmt.Sprintf("%d damaged tables of the index were replaced", len(mended))})
	return true, nil
}

// prepare writes the tables that are to take the places of damaged ones, and records
// what is lost with those. lossy says that the index has to be made consistent.
func (m *mender) prepare(names map[string]struct{}) (mended []mendedTable, lossy bool, err error) {
	for name := range names {
		if err := m.ctx.Err(); err != nil {
			return mended, lossy, err
		}
		t, losses, err := m.table(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a compaction has removed it
		}
		if err != nil {
			return mended, lossy, fmt.Errorf("table %s: %w", name, err)
		}
		if t == nil {
			continue
		}
		mended = append(mended, *t)
		if err := m.db.addLosses(losses...); err != nil {
			return mended, lossy, err
		}
		for i := range losses {
			lossy = lossy || losses[i].Reindex
		}
	}
	return mended, lossy, nil
}

// replace puts tables in the places of damaged ones; the engine is closed.
func (m *mender) replace(mended []mendedTable) error {
	fsys, index := m.db.opts.FS, m.db.opts.FS.PathJoin(m.db.dir, "index")
	for _, t := range mended {
		path := fsys.PathJoin(index, t.name)
		if _, err := fsys.Stat(path); err != nil {
			continue
		}
		m.db.keepDamaged(path)
		if err := fsys.Rename(t.tmp, path); err != nil {
			return err
		}
	}
	return syncDir(fsys, index)
}

// discard removes tables that were not put anywhere.
func (m *mender) discard(mended []mendedTable) {
	for _, t := range mended {
		_ = m.db.opts.FS.Remove(t.tmp)
	}
}

// closed makes the tables of a closed engine readable. It reports whether any was
// not.
func (m *mender) closed() (bool, error) {
	fsys, index := m.db.opts.FS, m.db.opts.FS.PathJoin(m.db.dir, "index")
	files, err := fsys.List(index)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	names := make(map[string]struct{})
	for _, f := range files {
		if strings.HasSuffix(f, ".sst") {
			names[f] = struct{}{}
		}
	}
	mended, _, err := m.prepare(names)
	defer func() { m.discard(mended) }()
	if err != nil || len(mended) == 0 {
		return false, err
	}
	return true, m.replace(mended)
}

// table writes what can be read of a table beside it, and returns nil where the
// table is sound.
func (m *mender) table(name string) (*mendedTable, []Loss, error) {
	fsys := m.db.opts.FS
	path := fsys.PathJoin(m.db.dir, "index", name)
	b, err := readFile(fsys, path)
	if err != nil {
		return nil, nil, err
	}
	out, rep, err := salvage.Table(b, salvage.Options{Merger: postings.Merger, Level: tableOptions()})
	if err != nil || rep.Sound() {
		return nil, nil, err
	}
	m.db.opts.EventListener(Event{Kind: EventCorruption, Detail: "table " + name,
		Err: fmt.Errorf("%w: %d bits were flipped back, entries are lost in %d places", ErrCorrupt, rep.Flipped, len(rep.Lost))})
	var losses []Loss
	for _, l := range rep.Lost {
		if rep.Whole {
			l.After, l.Before = m.bounds(name)
		}
		losses = append(losses, m.db.lossOfKeys(l.After, l.Before, fmt.Sprintf("table %s of the index: %s", name, firstLine(l.Why))))
	}
	t := &mendedTable{name, fsys.PathJoin(m.db.dir, "mend-"+name+".tmp")}
	f, err := fsys.Create(t.tmp, category)
	if err != nil {
		return nil, nil, err
	}
	_, err = f.Write(out)
	return t, losses, errors.Join(err, f.Sync(), f.Close())
}

// bounds returns the keys that a table spans, as far as they are known.
func (m *mender) bounds(name string) (first, last []byte) {
	m.db.engine.RLock()
	defer m.db.engine.RUnlock()
	if m.db.pdb == nil {
		return nil, nil
	}
	levels, err := m.db.pdb.SSTables()
	if err != nil {
		return nil, nil
	}
	for _, level := range levels {
		for i := range level {
			t := &level[i]
			if fmt.Sprintf("%06d.sst", t.BackingSSTNum) != name {
				continue
			}
			if a := t.Smallest.UserKey; first == nil || string(a) < string(first) {
				first = a
			}
			if b := t.Largest.UserKey; string(b) > string(last) {
				last = b
			}
		}
	}
	return first, last
}

func readFile(fsys vfs.FS, path string) ([]byte, error) {
	f, err := fsys.Open(path)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(f)
	return b, errors.Join(err, f.Close())
}

// tableOptions are those of the index's tables.
func tableOptions() pebble.LevelOptions {
	// Chunks are compressed already: larger blocks only save index entries.
	return pebble.LevelOptions{BlockSize: 16 << 10, FilterPolicy: bloom.FilterPolicy(10)}
}

// maxLossNames bounds Loss.Names.
const maxLossNames = 16

// lossOfKeys is the loss of what lies between two keys, of which nil is none.
func (db *DB) lossOfKeys(first, last []byte, what string) Loss {
	l := Loss{Found: db.opts.Now(), What: what, Mint: minInt64, Maxt: maxInt64, Metrics: true, Logs: true, Index: true, First: first, Last: last, Reindex: true}
	from, p := keys.KindOf(first)
	to, q := keys.KindOf(last)
	if from == keys.KindRequest && to == keys.KindRequest { // a retry may write again
		l.Metrics, l.Logs, l.Reindex = false, false, false
		return l
	}
	inPartition := func(p keys.Partition) bool { return p != keys.Partition{} }
	if !inPartition(p) || !inPartition(q) {
		return l
	}
	l.Mint, l.Maxt = p.Range().Mint, q.Range().Maxt
	if p != q {
		return l
	}
	// Of row groups both are concerned: numbers of log rows are metrics, too.
	if from == keys.KindChunk && to == keys.KindChunk {
		l.Logs, l.Reindex = false, false
		a, err := p.ReadChunk(first)
		b, err2 := p.ReadChunk(last)
		if err == nil && err2 == nil {
			l.Names = db.metricNamesOf(a.Metric, b.Metric)
		}
	}
	return l
}

// metricNamesOf returns the names of a range of metric ids, or nil where they are
// many or not all known.
func (db *DB) metricNamesOf(first, last uint32) []string {
	if last < first || last-first >= maxLossNames {
		return nil
	}
	db.engine.RLock()
	defer db.engine.RUnlock()
	if db.pdb == nil {
		return nil
	}
	var out []string
	for id := first; id <= last; id++ {
		v, c, err := db.pdb.Get(keys.Metric(id))
		if err != nil {
			return nil
		}
		out = append(out, string(v))
		if c.Close() != nil {
			return nil
		}
	}
	return out
}

// values looks at every value, and cuts out those that are not what they should be.
func (m *mender) values() (bool, error) {
	db := m.db
	var bad [][]byte
	var why []error
	db.engine.RLock()
	_, err := db.verify(m.ctx, false, func(err error) { why = append(why, err) }, func(key []byte) { bad = append(bad, append([]byte(nil), key...)) })
	db.engine.RUnlock()
	if err != nil || len(bad) == 0 {
		return false, err
	}
	var losses []Loss
	for i, key := range bad {
		l := db.lossOfKeys(key, key, fmt.Sprintf("value of the index: %s", firstLine(why[i])))
		if kind, p := keys.KindOf(key); kind == keys.KindChunk {
			if k, err := p.ReadChunk(key); err == nil {
				l.Mint = k.Start
			}
		}
		losses = append(losses, l)
	}
	if err := db.addLosses(losses...); err != nil {
		return false, err
	}
	db.engine.RLock()
	defer db.engine.RUnlock()
	if err := db.writable(); err != nil {
		return false, err
	}
	b := db.pdb.NewBatch()
	for _, key := range bad {
		if kind, _ := keys.KindOf(key); kind != keys.KindRowGroup { // mended by its parts
			_ = b.Delete(key, nil)
		}
	}
	if err := db.commitBatch(b, pebble.Sync); err != nil {
		return false, err
	}
	db.labels.clear()
	db.shapes.clear()
	return true, db.reindex(m.ctx)
}
