package chunk

import (
	"bytes"
	"sync"
	"testing"
)

// TestConcurrentUse encodes and decodes in several goroutines at a time: they
// share scratch memory, which must not show.
func TestConcurrentUse(t *testing.T) {
	all := shapes()
	want := map[string][]byte{}
	for name, c := range all {
		want[name] = Append(nil, c)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var c Column
			for name := range all {
				b := Append(nil, all[name])
				if !bytes.Equal(b, want[name]) {
					t.Errorf("%s: other bytes", name)
				}
				c.Reset()
				if err := Decode(b, &c); err != nil {
					t.Errorf("%s: %v", name, err)
				} else if d := diff(&c, all[name]); d != "" {
					t.Errorf("%s: %s", name, d)
				}
			}
		})
	}
	wg.Wait()
}
