package postings

import (
	"context"
	"fmt"
	"math/rand"
	"slices"
	"testing"

	"tidemark/storage/model"
)

func TestExpand(t *testing.T) {
	f := func(expr string, literals []string, prefix string) {
		t.Helper()
		lits, listed, p := expand(expr)
		if !slices.Equal(lits, literals) || listed != (literals != nil) || p != prefix {
			t.Errorf("%s: got %q %v prefix %q, want %q prefix %q", expr, lits, listed, p, literals, prefix)
		}
	}
	f("a", []string{"a"}, "")
	f("foo|far", []string{"foo", "far"}, "")
	f("a(b|c)d?", []string{"ab", "abd", "ac", "acd"}, "")
	f("x[0-2]", []string{"x0", "x1", "x2"}, "")
	f("", []string{""}, "")
	f("abc.*", nil, "abc")
	f("ab(c|d).+", nil, "ab")
	f("(?i)abc", nil, "")
	f("a|b.*", nil, "")
	f(".*abc", nil, "")
	f("[a-z]{9}", nil, "")
	if got := Prefix("foo|far"); got != "f" {
		t.Errorf("prefix %q", got)
	}
}

// TestSelect compares bitmap algebra with a look at each label set.
func TestSelect(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	var sets []model.Labels
	idx := NewMem(func(id uint32) model.Labels { return sets[id] })
	for i := range 300 {
		ls := model.FromStrings("a", fmt.Sprint("v", rng.Intn(12)), "b", []string{"", "x", "y", "xy", "ä\n"}[rng.Intn(5)])
		if i%7 == 0 {
			ls = nil
		}
		sets = append(sets, ls)
		idx.Add(uint32(i), ls)
	}
	values := []string{"", ".*", ".+", "v1", "v1|v2", "v1.*", "v[3-5]", "x?", "x|", "(?i)X", "y|z", "[^x]*", "v1\\d", "a||b", "ä.", "^x$", "x"}
	for range 3000 {
		var ms []*model.Matcher
		for range 1 + rng.Intn(3) {
			ms = append(ms, model.MustMatcher(model.MatchType(rng.Intn(4)), []string{"a", "b", "none"}[rng.Intn(3)], values[rng.Intn(len(values))]))
		}
		got, err := Select(context.Background(), idx, ms)
		if err != nil {
			t.Fatal(err)
		}
		var want []uint32
		for i, ls := range sets {
			if model.MatchesAll(ms, ls) {
				want = append(want, uint32(i))
			}
		}
		if !slices.Equal(got.IDs(), want) {
			t.Fatalf("%v: got %v, want %v", ms, got.IDs(), want)
		}
	}
	all, _ := idx.All()
	if all.Len() != 300 {
		t.Fatal("selecting changed the index")
	}
}

func TestMerger(t *testing.T) {
	m, err := Merger.Merge([]byte("key"), Of(1, 70000).Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := m.MergeNewer(Of(2).Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := m.MergeOlder(Of(1, 3).Bytes()); err != nil {
		t.Fatal(err)
	}
	v, _, err := m.Finish(true)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Decode(v)
	if err != nil || !slices.Equal(s.IDs(), []uint32{1, 2, 3, 70000}) {
		t.Fatal(s.IDs(), err)
	}
	if err := m.MergeNewer([]byte("nonsense")); err == nil {
		t.Fatal("nonsense was merged")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(Of().Bytes())
	f.Add(Of(1, 2, 3, 1<<31).Bytes())
	big := &Set{}
	for i := range uint32(9000) {
		big.Add(i * 3)
	}
	f.Add(big.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Decode(data)
		n, err2 := Cardinality(data)
		if err != nil {
			return
		}
		if err2 != nil || n != s.Len() {
			t.Fatalf("%v: %d ids by the header, %d in the set", err2, n, s.Len())
		}
		again, err := Decode(s.Clone().Bytes())
		if err != nil || !again.Equal(s) || again.Len() != s.Len() {
			t.Fatalf("%v: %d ids became %d", err, s.Len(), again.Len())
		}
	})
}

// TestTable compares with a map, with hashes of which many are equal.
func TestTable(t *testing.T) {
	rng := rand.New(rand.NewSource(2))
	for range 50 {
		var table Table
		want := map[uint64][]uint32{}
		for i := range uint32(rng.Intn(3000)) {
			hash := uint64(rng.Intn(200)) << 32
			if rng.Intn(2) == 0 {
				hash = rng.Uint64()
			}
			table.Put(hash, i)
			want[hash>>32] = append(want[hash>>32], i)
		}
		n := 0
		for half, refs := range want {
			var got []uint32
			for p := table.Find(half << 32); p.OK(); p = table.Next(p) {
				got = append(got, p.Ref())
			}
			slices.Sort(got)
			if !slices.Equal(got, refs) {
				t.Fatalf("hash %x has %v, want %v", half, got, refs)
			}
			n += len(refs)
		}
		if table.Len() != n || table.Find(0xdeadbeef_00000001).OK() && want[0xdeadbeef] == nil {
			t.Fatalf("%d numbers, want %d", table.Len(), n)
		}
	}
}
