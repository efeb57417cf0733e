package salvage

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

var testOptions = Options{
	Merger: pebble.DefaultMerger,
	Level:  pebble.LevelOptions{BlockSize: 4 << 10, FilterPolicy: bloom.FilterPolicy(10)},
}

// testTable returns a table as Pebble writes it, and its entries.
func testTable(t testing.TB, n int) ([]byte, map[string]string) {
	t.Helper()
	fs := vfs.NewMem()
	o := &pebble.Options{FS: fs, Logger: noLogger{}, FormatMajorVersion: pebble.FormatNewest}
	for i := range o.Levels {
		o.Levels[i] = testOptions.Level
	}
	db, err := pebble.Open("db", o)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	want := map[string]string{}
	for i := range n {
		k := fmt.Sprintf("key %08d", i*7)
		v := make([]byte, rng.IntN(300))
		for j := range v {
			v[j] = byte(rng.Uint32() >> 9 & 0x3f)
		}
		if err := db.Set([]byte(k), v, nil); err != nil {
			t.Fatal(err)
		}
		want[k] = string(v)
	}
	if err := db.Flush(); err != nil {
		t.Fatal(err)
	}
	tables, err := db.SSTables()
	if err != nil || len(tables[0]) != 1 {
		t.Fatal(tables, err)
	}
	f, err := fs.Open(fmt.Sprintf("db/%06d.sst", tables[0][0].BackingSSTNum))
	if err != nil {
		t.Fatal(err)
	}
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, st.Size())
	if _, err := f.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return b, want
}

// noLogger says nothing of what goes well.
type noLogger struct{}

func (noLogger) Infof(string, ...any)           {}
func (noLogger) Errorf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }
func (noLogger) Fatalf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }

// entries reads a table.
func entries(t testing.TB, b []byte) map[string]string {
	t.Helper()
	r, err := sstable.NewMemReader(b, sstable.ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.ValidateBlockChecksums(); err != nil {
		t.Fatal(err)
	}
	it, err := r.NewIter(sstable.NoTransforms, nil, nil, sstable.AssertNoBlobHandles)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for kv := it.First(); kv != nil; kv = it.Next() {
		v, _, err := kv.Value(nil)
		if err != nil {
			t.Fatal(err)
		}
		if kv.K.SeqNum() == 0 {
			t.Fatalf("%s has lost its sequence number", kv.K.UserKey)
		}
		out[string(kv.K.UserKey)] = string(v)
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestFlippedBitCostsNothing flips bits all over tables with one index block and
// with many.
func TestFlippedBitCostsNothing(t *testing.T) {
	for _, n := range []int{300, 12000} {
		b, want := testTable(t, n)
		if out, rep, err := Table(slices.Clone(b), testOptions); err != nil || out != nil || !rep.Sound() {
			t.Fatalf("a sound table: %v, %+v", err, rep)
		}
		rng := rand.New(rand.NewPCG(2, uint64(n)))
		for i := range 150 {
			bit := rng.IntN(8 * len(b))
			if i%3 == 0 { // the end has what matters most
				bit = 8*len(b) - 1 - rng.IntN(8*600)
			}
			bad := slices.Clone(b)
			bad[bit/8] ^= 1 << (bit % 8)
			out, rep, err := Table(bad, testOptions)
			if err != nil || rep.Flipped != 1 || len(rep.Lost) > 0 || !bytes.Equal(out, b) {
				t.Fatalf("bit %d of %d: %v, %+v", bit, 8*len(b), err, rep)
			}
		}
		got := entries(t, b)
		if len(got) != len(want) {
			t.Fatalf("%d entries, want %d", len(got), len(want))
		}
	}
}

// TestDamagedBlockIsCutOut overwrites bytes: what is not between the keys that are
// told of is there as it was, and the table as long.
func TestDamagedBlockIsCutOut(t *testing.T) {
	b, want := testTable(t, 3000)
	keys := make([]string, 0, len(want))
	for k := range want {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	rng := rand.New(rand.NewPCG(5, 6))
	whole, cut := 0, 0
	for i := range 200 {
		bad := slices.Clone(b)
		for range 1 + rng.IntN(3) {
			at := rng.IntN(len(b))
			if i%4 == 0 {
				at = len(b) - 1 - rng.IntN(10000)
			}
			for j := range min(1+rng.IntN(9000), len(b)-at) {
				bad[at+j] = byte(rng.Uint32())
			}
		}
		out, rep, err := Table(slices.Clone(bad), testOptions)
		if err != nil || len(out) != len(b) {
			t.Fatalf("%d: %v, %d bytes of %d, %+v", i, err, len(out), len(b), rep)
		}
		got := entries(t, out)
		missing := 0
		for _, k := range keys {
			v, ok := got[k]
			if !ok {
				missing++
				in := rep.Whole
				for _, l := range rep.Lost {
					in = in || (l.After == nil || string(l.After) < k) && (l.Before == nil || k < string(l.Before))
				}
				if !in {
					t.Fatalf("%d: %s is missing, told were %+v", i, k, rep.Lost)
				}
			} else if v != want[k] {
				t.Fatalf("%d: %s is another", i, k)
			}
			delete(got, k)
		}
		if len(got) > 0 {
			t.Fatalf("%d: %d entries of nowhere", i, len(got))
		}
		switch {
		case rep.Whole:
			whole++
		case len(rep.Lost) > 0:
			cut++
			if missing == 0 || missing > len(keys)/3 {
				t.Errorf("%d: %d of %d entries are lost: %+v", i, missing, len(keys), rep.Lost)
			}
		case missing > 0:
			t.Errorf("%d: %d missing and nothing told", i, missing)
		}
	}
	if cut < 50 || whole < 5 {
		t.Errorf("%d cut out, %d lost whole: want more of both", cut, whole)
	}
}

// FuzzTable gives tables that anything happened to.
func FuzzTable(f *testing.F) {
	b, want := testTable(f, 60)
	f.Add([]byte{}, uint8(0))
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, uint8(1))
	f.Add(binary.LittleEndian.AppendUint64(nil, uint64(len(b)-30)<<16|0xffff), uint8(2))
	f.Fuzz(func(t *testing.T, edits []byte, cut uint8) {
		bad := slices.Clone(b)[:len(b)-min(int(cut), len(b))]
		for ; len(edits) >= 4 && len(bad) > 0; edits = edits[4:] {
			at := int(binary.LittleEndian.Uint16(edits)) % len(bad)
			bad[at] ^= edits[2]
			bad[len(bad)-1-at%min(600, len(bad))] ^= edits[3]
		}
		n := len(bad)
		out, _, err := Table(bad, testOptions)
		if err != nil {
			return
		}
		if out == nil {
			out = bad
		}
		if len(out) != n {
			t.Fatalf("%d bytes became %d", n, len(out))
		}
		for k, v := range entries(t, out) {
			if w, ok := want[k]; !ok || w != v {
				t.Fatalf("%q is %q, was %q, %v", k, v, w, ok)
			}
		}
	})
}
