package lineprotocol

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"tidemark/storage/model"
)

// TestKnownKeysAllocateNothing: the promise of Decode's steady state, for
// every type of value and for rows in turn of both kinds.
func TestKnownKeysAllocateNothing(t *testing.T) {
	var body []byte
	for i := range 500 {
		body = fmt.Appendf(body, "cpu,host=h%d,dc=x a=1.25,b=17i,c=t,d=0.30000000000000004,e=\"state\" 17000000000000000%02d\n", i%50, i%100)
		body = fmt.Appendf(body, "log\\ s,host=h%d msg=\"a \\\"quoted\\\" line\",n=%di,why=\"x y\" \n", i%50, i)
		body = fmt.Appendf(body, "ev,host=h%d a=\"x y\",b=\"z\"\r\n", i%50)
	}
	d := newDecoder(t, Options{})
	var b model.Batch
	p := Params{Now: 5, Database: "telegraf", Precision: Nanosecond}
	if n := testing.AllocsPerRun(20, func() {
		b.Reset()
		if rep := d.Decode(body, p, &b); rep.Accepted != 1500 {
			t.Fatal(rep.Err())
		}
	}); n != 0 && !raceEnabled {
		t.Errorf("%v allocations for 1,500 known lines, want none", n)
	}
}

func TestCacheBoundAndCounters(t *testing.T) {
	const bound = 256 << 10
	d := newDecoder(t, Options{CacheBytes: bound})
	var b model.Batch
	for i := range 20_000 {
		b.Reset()
		d.Decode(fmt.Appendf(nil, "m,host=host_%d,region=eu v=1 5\n", i), Params{}, &b)
		if got := b.Rows()[0].Stream.Labels.Get("host"); got != fmt.Sprintf("host_%d", i) {
			t.Fatalf("line %d: host %q", i, got)
		}
		if st := d.CacheStats(); st.Bytes > bound || st.CapBytes != bound {
			t.Fatalf("after %d keys: %+v, want at most %d bytes", i, st, bound)
		}
	}
	st := d.CacheStats()
	if kept := st.Evictions + uint64(st.Entries); st.Misses != 20_000 || st.Hits != 0 || st.Entries == 0 || kept > st.Misses || kept < st.Misses/admitOne {
		t.Errorf("%+v: want 20000 misses, each kept, evicted or not admitted", st)
	}
	// The account is what the entries say.
	var bytes, entries int64
	tab := d.cache.table.Load()
	for i := range tab.buckets {
		for j := range tab.buckets[i].slots {
			if e := tab.buckets[i].slots[j].Load(); e != nil {
				bytes += int64(e.size)
				entries++
			}
		}
	}
	if want := bytes + int64(len(tab.buckets))*bucketBytes; st.Bytes != want || st.Entries != entries {
		t.Errorf("%+v: the table holds %d bytes in %d entries", st, want, entries)
	}
}

// TestCacheKeepsWhatIsUsed: a working set within the bound stays, whatever
// passes by once.
func TestCacheKeepsWhatIsUsed(t *testing.T) {
	d := newDecoder(t, Options{CacheBytes: 1 << 20})
	var b model.Batch
	var set []byte
	for i := range 200 {
		set = fmt.Appendf(set, "m,host=h%d v=1 5\n", i)
	}
	d.Decode(set, Params{}, &b)
	for i := range 10_000 {
		b.Reset()
		d.Decode(fmt.Appendf(nil, "once,id=%d v=1 5\n", i), Params{}, &b)
		if i%100 == 0 {
			d.Decode(set, Params{}, &b)
		}
	}
	before := d.CacheStats().Hits
	d.Decode(set, Params{}, &b)
	if hits := d.CacheStats().Hits - before; hits < 190 {
		t.Errorf("%d of 200 keys in use are still known, want at least 190", hits)
	}
}

// TestMoreKeysThanFit: keys that take turns, twice as many as fit, are still
// found in good part.
func TestMoreKeysThanFit(t *testing.T) {
	d := newDecoder(t, Options{CacheBytes: 1 << 20})
	var b model.Batch
	body := func(n int) (out []byte) {
		for i := range n {
			out = fmt.Appendf(out, "m,host=host_%d v=1 5\n", i)
		}
		return out
	}(20_000)
	d.Decode(body, Params{}, &b)
	keys := 2 * d.CacheStats().Entries
	b.Reset()
	d = newDecoder(t, Options{CacheBytes: 1 << 20})
	for i, n := 0, 0; n < 12*int(keys); n++ {
		end := i + bytes.IndexByte(body[i:], '\n') + 1
		b.Reset()
		d.Decode(body[i:end], Params{}, &b)
		if i = end; (n+1)%int(keys) == 0 {
			i = 0
		}
	}
	if st := d.CacheStats(); float64(st.Hits) < 0.25*float64(st.Hits+st.Misses) {
		t.Errorf("%+v: want a quarter of the keys found, of twice as many as fit", st)
	}
}

// TestEveryEntryIsFound: with room for all, growth loses next to nothing.
func TestEveryEntryIsFound(t *testing.T) {
	d := newDecoder(t, Options{})
	var b model.Batch
	body := func(n int) (out []byte) {
		for i := range n {
			out = fmt.Appendf(out, "m,host=host_%d v=1 5\n", i)
		}
		return out
	}(30_000)
	d.Decode(body, Params{}, &b)
	b.Reset()
	d.Decode(body, Params{}, &b)
	if st := d.CacheStats(); st.Hits < 29_900 || st.Bytes > st.CapBytes {
		t.Errorf("%+v: want nearly all of 30000 keys found again", st)
	}
}

// TestSchemasAreBounded: endless new fields on one key, and endless new
// measurements, make the decoder forget rather than grow.
func TestSchemasAreBounded(t *testing.T) {
	d := newDecoder(t, Options{CacheBytes: 256 << 10})
	var b model.Batch
	most := int64(0)
	for i := range 5_000 {
		b.Reset()
		rep := d.Decode(fmt.Appendf(nil, "m,host=a f%d=1,g=2 5\nm%d v=1 5\nm,host=a v=2 5\n", i, i), Params{}, &b)
		if rep.Accepted != 3 || b.Rows()[0].Schema.Columns[0].Name != fmt.Sprintf("m_f%d", i) || b.Rows()[2].Schema.Columns[0].Name != "m_v" {
			t.Fatalf("round %d: %s", i, dump(&b))
		}
		most = max(most, d.schemas.bytes.Load())
	}
	if most > 256<<10/4+4096 {
		t.Errorf("schemas grew to %d bytes, want at most about %d", most, 256<<10/4)
	}
}

func TestStreamsAndSchemasAreShared(t *testing.T) {
	d := newDecoder(t, Options{})
	var b model.Batch
	d.Decode([]byte("m,h=a v=1 1\nm,h=b v=1 1\nm,h=a v=2 2\nm,h=a w=2 2\n"), Params{}, &b)
	r := b.Rows()
	if r[0].Stream != r[2].Stream || r[0].Stream != r[3].Stream || r[0].Stream == r[1].Stream {
		t.Error("rows of one key do not share its stream")
	}
	if r[0].Schema != r[1].Schema || r[0].Schema != r[2].Schema || r[0].Schema == r[3].Schema {
		t.Error("rows of equal fields do not share their schema")
	}
}

func TestConcurrentDecode(t *testing.T) {
	d := newDecoder(t, Options{CacheBytes: 128 << 10})
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			var b model.Batch
			for round := range 30 {
				b.Reset()
				var body []byte
				for i := range 200 {
					n := (i*7 + g*13 + round*31) % 900
					body = fmt.Appendf(body, "m%d,host=h%d a=%d,b=\"s%d\" %d\n", n%5, n, n, n, n)
					body = fmt.Appendf(body, "m%d,host=h%d msg=\"l%d\",f%d=1 %d\n", n%5, n, n, round%9, n)
				}
				if rep := d.Decode(body, Params{Database: fmt.Sprint(g % 2)}, &b); rep.Accepted != 400 {
					t.Error(rep.Err())
					return
				}
				for _, r := range b.Rows() {
					if want := fmt.Sprintf("h%d", r.Time); r.Stream.Labels.Get("host") != want || r.Stream.Labels.Get("db") != fmt.Sprint(g%2) {
						t.Errorf("time %d has stream %s", r.Time, r.Stream.Labels)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}
