package gencache

import (
	"fmt"
	"sync"
	"testing"
)

func TestCacheStaysWithinItsBound(t *testing.T) {
	const most = 10_000
	c := New[int](most)
	for i := range 1000 {
		key := fmt.Appendf(nil, "key %d", i)
		if got := c.Put(key, i, 50); got != i {
			t.Fatalf("put %d, got %d", i, got)
		}
		if got, ok := c.Get(key); !ok || got != i {
			t.Fatalf("key %d has %d, %v", i, got, ok)
		}
		// What is used again and again stays.
		if got, ok := c.Get([]byte("key 0")); !ok || got != 0 {
			t.Fatalf("after %d keys, the one in use is gone: %d, %v", i, got, ok)
		}
		if n, size := c.Stats(); size > most || n > most/150 {
			t.Fatalf("%d entries of %d bytes", n, size)
		}
	}
	if _, ok := c.Get([]byte("key 5")); ok {
		t.Error("a key not used for long is still there")
	}
	if c.Put([]byte("key 0"), 7, 50) != 0 {
		t.Error("a second value replaced the first")
	}
	if c.Put([]byte("huge"), 8, most) != 8 {
		t.Error("a value too large to keep was not returned")
	}
	if _, ok := c.Get([]byte("huge")); ok {
		t.Error("a value beyond the bound was kept")
	}
}

func TestCacheConcurrently(t *testing.T) {
	c := New[int](4000)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 2000 {
				k := i % 37
				key := fmt.Appendf(nil, "%d", k)
				if v, ok := c.Get(key); ok && v != k {
					t.Errorf("key %d has %d", k, v)
				}
				if v := c.Put(key, k, 40); v != k {
					t.Errorf("key %d put, got %d", k, v)
				}
			}
		})
	}
	wg.Wait()
}
