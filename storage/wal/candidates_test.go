package wal

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// BenchmarkCandidates compares the ways to keep the log that were considered;
// DESIGN.md has the outcome. Each run logs generations of records, writes what
// a flush makes of a generation (an eighth of its bytes) to a Pebble of the
// store's kind, forgets the generation, and at last replays one that was left by a crash.
// Run it with -benchtime 1x; it needs a gigabyte of disk.
func BenchmarkCandidates(b *testing.B) {
	for _, size := range []int{20 << 10, 250 << 10} { // a remote write request; 10,000 lines
		for _, writers := range []int{1, 4} {
			for _, c := range []struct {
				name string
				open func(b *testing.B, dir string, main *pebble.DB) candidate
			}{{"segments", openSegmentsCandidate}, {"second-pebble", openSecondPebble}, {"main-pebble", openMainPebble}} {
				b.Run(fmt.Sprintf("%s/record=%dKiB/writers=%d", c.name, size>>10, writers), func(b *testing.B) {
					for range b.N {
						runCandidate(b, c.open, size, writers)
					}
				})
			}
		}
	}
}

// candidate is a log as far as the comparison needs it.
type candidate interface {
	append(rec []byte) (pos uint64, wait func() error, err error)
	rotate() (last uint64, err error)
	forget(pos uint64) error
	close() error
	// replay reads what was not forgotten and returns its size.
	replay(dir string) (bytes int64, err error)
}

func storePebble(b *testing.B, dir string) *pebble.DB {
	b.Helper()
	db, err := pebble.Open(dir, &pebble.Options{FormatMajorVersion: pebble.FormatNewest, MemTableSize: 64 << 20, MemTableStopWritesThreshold: 4, L0StopWritesThreshold: 24, Logger: quiet{}})
	if err != nil {
		b.Fatal(err)
	}
	return db
}

type quiet struct{}

func (quiet) Infof(string, ...any)        {}
func (quiet) Errorf(f string, a ...any)   { panic(fmt.Sprintf(f, a...)) }
func (q quiet) Fatalf(f string, a ...any) { q.Errorf(f, a...) }

const (
	generationBytes = 64 << 20
	generations     = 5
)

func runCandidate(b *testing.B, open func(*testing.B, string, *pebble.DB) candidate, size, writers int) {
	dir := b.TempDir()
	main := storePebble(b, dir+"/main")
	if err := os.Mkdir(dir+"/log", 0o755); err != nil {
		b.Fatal(err)
	}
	l := open(b, dir+"/log", main)
	record := make([]byte, size) // as compressible as rows are: small numbers among random bytes
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range record {
		record[i] = byte(rng.Uint32() % 64)
	}
	cpu, written, began := cpuTime(b), writtenBytes(), time.Now()
	var logged int64
	var seq uint64
	for g := range generations {
		var mu sync.Mutex
		var wg sync.WaitGroup
		left := generationBytes / size
		for range writers {
			wg.Go(func() {
				for {
					mu.Lock()
					if left == 0 {
						mu.Unlock()
						return
					}
					left--
					_, wait, err := l.append(record)
					logged += int64(size)
					mu.Unlock()
					if err == nil {
						err = wait()
					}
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		if g == generations-1 {
			break // the crash comes before its flush
		}
		last, err := l.rotate()
		if err != nil {
			b.Fatal(err)
		}
		batch := main.NewBatch()
		for range generationBytes / 8 / 4096 {
			seq++
			value := record[:4096]
			_ = batch.Set(binary.BigEndian.AppendUint64([]byte("chunk"), seq*0x9e3779b97f4a7c15), value, nil)
		}
		if err := batch.Commit(pebble.Sync); err != nil {
			b.Fatal(err)
		}
		if err := l.forget(last); err != nil {
			b.Fatal(err)
		}
	}
	took := time.Since(began)
	// What the log put off counts, too.
	if err := l.close(); err != nil {
		b.Fatal(err)
	}
	if err := main.Close(); err != nil {
		b.Fatal(err)
	}
	cpu, written = cpuTime(b)-cpu, writtenBytes()-written
	began = time.Now()
	replayed, err := l.replay(dir)
	if err != nil {
		b.Fatal(err)
	}
	if want := int64(generationBytes / size * size); replayed != want {
		b.Fatalf("replayed %d bytes, want %d", replayed, want)
	}
	mb := float64(logged) / 1e6
	b.ReportMetric(mb/took.Seconds(), "MB/s")
	b.ReportMetric(float64(cpu.Microseconds())/mb, "cpu-µs/MB")
	b.ReportMetric(float64(written)/float64(logged), "written/logged")
	b.ReportMetric(float64(time.Since(began).Milliseconds()), "replay-ms")
	b.ReportMetric(0, "ns/op")
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// writtenBytes is what the process gave to the disk, or 0 where nobody counts.
func writtenBytes() int64 {
	text, _ := os.ReadFile("/proc/self/io")
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "write_bytes: "); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
			return n
		}
	}
	return 0
}

// segmentsCandidate is the log as it is.
type segmentsCandidate struct {
	*Segments
	dir       string
	forgotten uint64
}

func openSegmentsCandidate(b *testing.B, dir string, _ *pebble.DB) candidate {
	l, err := OpenSegments(vfs.Default, dir, ReplayOptions{}, nil)
	if err != nil {
		b.Fatal(err)
	}
	return &segmentsCandidate{Segments: l, dir: dir}
}

func (s *segmentsCandidate) append(rec []byte) (uint64, func() error, error) {
	pos, err := s.Append(rec)
	return pos, func() error { return s.Wait(pos) }, err
}
func (s *segmentsCandidate) rotate() (uint64, error) { return s.Rotate() }
func (s *segmentsCandidate) forget(pos uint64) error {
	s.forgotten = pos
	return s.Forget(pos)
}
func (s *segmentsCandidate) close() error { return s.Close() }
func (s *segmentsCandidate) replay(string) (n int64, err error) {
	l, err := OpenSegments(vfs.Default, s.dir, ReplayOptions{After: s.forgotten}, func(_, _ uint64, rec []byte) error {
		n += int64(len(rec))
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, l.Close()
}

// pebbleCandidate has a key for each record.
type pebbleCandidate struct {
	db   *pebble.DB
	open func() (*pebble.DB, error)
	own  bool
	next uint64
}

// openSecondPebble holds four generations in memtables and never compacts, so
// that a generation forgotten in time is not written again.
func openSecondPebble(b *testing.B, dir string, _ *pebble.DB) candidate {
	open := func() (*pebble.DB, error) {
		return pebble.Open(dir, &pebble.Options{FormatMajorVersion: pebble.FormatNewest, MemTableSize: 4 * generationBytes, MemTableStopWritesThreshold: 4,
			DisableAutomaticCompactions: true, L0StopWritesThreshold: 1000, Logger: quiet{}})
	}
	db, err := open()
	if err != nil {
		b.Fatal(err)
	}
	return &pebbleCandidate{db: db, open: open, own: true}
}

func openMainPebble(b *testing.B, dir string, main *pebble.DB) candidate {
	return &pebbleCandidate{db: main, open: func() (*pebble.DB, error) { return storePebble(b, dir+"/../main"), nil }}
}

func logKey(pos uint64) []byte { return binary.BigEndian.AppendUint64([]byte("log"), pos) }

func (p *pebbleCandidate) append(rec []byte) (uint64, func() error, error) {
	p.next++
	batch := p.db.NewBatch()
	if err := batch.Set(logKey(p.next), rec, nil); err != nil {
		return 0, nil, err
	}
	err := p.db.ApplyNoSyncWait(batch, pebble.Sync)
	return p.next, func() error {
		if err := batch.SyncWait(); err != nil {
			return err
		}
		return batch.Close()
	}, err
}
func (p *pebbleCandidate) rotate() (uint64, error) { return p.next, nil }
func (p *pebbleCandidate) forget(pos uint64) error {
	return p.db.DeleteRange(logKey(0), logKey(pos+1), pebble.NoSync)
}
func (p *pebbleCandidate) close() error {
	if p.own {
		return p.db.Close()
	}
	return nil
}
func (p *pebbleCandidate) replay(string) (n int64, err error) {
	db, err := p.open()
	if err != nil {
		return 0, err
	}
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: logKey(0), UpperBound: []byte("loh")})
	if err != nil {
		return 0, err
	}
	for ok := it.First(); ok; ok = it.Next() {
		n += int64(len(it.Value()))
	}
	if err := it.Close(); err != nil {
		return 0, err
	}
	return n, db.Close()
}
