package series

import (
	"fmt"
	"sync"
	"testing"

	"tidemark/ingest"
	"tidemark/storage/model"
)

func labels(i int) model.Labels { return model.FromStrings("host", fmt.Sprint("h", i)) }

func TestCacheSharesAndKeepsApart(t *testing.T) {
	c := NewCache(ingest.Options{}.WithDefaults(), 1<<20)
	a, b := c.Origin("", "a"), c.Origin("", "b")
	if c.Origin("", "a") != a || a == b {
		t.Fatal("origins are not interned")
	}
	if c.Find(a, []byte("k")) != nil {
		t.Fatal("an empty cache finds a key")
	}
	cpu := c.Add(a, "cpu/1", "cpu", labels(1))
	mem := c.Add(a, "mem/1", "mem", labels(1))
	other := c.Add(a, "cpu/2", "cpu", labels(2))
	if cpu.Stream != mem.Stream || cpu.Schema == mem.Schema || cpu.Schema != other.Schema || cpu.Stream == other.Stream {
		t.Error("want one stream per label set and one schema per metric")
	}
	if c.Find(a, []byte("cpu/1")) != cpu || c.Find(b, []byte("cpu/1")) != nil {
		t.Error("a key is found for its own origin only")
	}
	if got := cpu.Stream.Labels.String(); got != `{host="h1", tenant="a"}` {
		t.Errorf("stream is %s", got)
	}
	if n := testing.AllocsPerRun(100, func() { c.Find(a, []byte("cpu/1")) }); n != 0 {
		t.Errorf("finding allocates %v times", n)
	}
}

// TestCacheIsBounded churns through many times what fits; what is in use the
// whole time stays.
func TestCacheIsBounded(t *testing.T) {
	const capBytes = 256 << 10
	c := NewCache(ingest.Options{}.WithDefaults(), capBytes)
	o := c.Origin("", "")
	kept := c.Add(o, "kept", "up", labels(-1))
	for i := range 20000 {
		key := fmt.Sprint("key ", i)
		if c.Find(o, []byte(key)) != nil {
			t.Fatalf("%s is found before it was added", key)
		}
		s := c.Add(o, key, "up", labels(i))
		if c.Find(o, []byte(key)) != s {
			t.Fatalf("%s is not found after it was added", key)
		}
		if c.Find(o, []byte("kept")) != kept {
			t.Fatalf("a key in use was forgotten after %d others", i)
		}
		// Growing doubles a table at once.
		if st := c.Stats(); st.Bytes > capBytes*3/2 || st.CapBytes != capBytes {
			t.Fatalf("%d bytes are held of %d", st.Bytes, st.CapBytes)
		}
	}
	if st := c.Stats(); st.Evictions == 0 || st.Entries > 5000 {
		t.Errorf("after churn: %+v", st)
	}
	if s := c.Add(o, string(make([]byte, capBytes)), "up", nil); s == nil || c.Find(o, make([]byte, capBytes)) != nil {
		t.Error("a key that takes the whole bound is kept")
	}
}

func TestCacheConcurrently(t *testing.T) {
	c := NewCache(ingest.Options{}.WithDefaults(), 64<<10)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			o := c.Origin("", fmt.Sprint("t", w%2))
			for i := range 5000 {
				n := (i*7 + w) % 900
				key := fmt.Sprint("key ", n)
				s := c.Find(o, []byte(key))
				if s == nil {
					s = c.Add(o, key, "up", labels(n))
				}
				if got, want := s.Stream.Labels.Get("host"), fmt.Sprint("h", n); got != want {
					t.Errorf("%s leads to %s, want %s", key, got, want)
					return
				}
			}
		})
	}
	wg.Wait()
}
