package keys

import (
	"bytes"
	"errors"
	"math"
	"sort"
	"strings"
	"testing"

	"tidemark/storage/model"
)

func TestDay(t *testing.T) {
	const day = int64(86400e9)
	for _, c := range []struct{ t, start, end int64 }{
		{0, 0, day - 1},
		{day - 1, 0, day - 1},
		{day, day, 2*day - 1},
		{-1, -day, -1},
		{-day, -day, -1},
		{-day - 1, -2 * day, -day - 1},
		{math.MaxInt64, math.MaxInt64 / day * day, math.MaxInt64},
		{math.MinInt64, math.MinInt64, math.MinInt64/day*day - 1},
		{math.MinInt64 / day * day, math.MinInt64 / day * day, (math.MinInt64/day+1)*day - 1},
	} {
		p := Day(c.t)
		if r := p.Range(); p.Start != c.start || r.Mint != c.start || r.Maxt != c.end || Day(r.Maxt) != p {
			t.Errorf("Day(%d) = %d to %d, want %d to %d", c.t, p.Start, r.Maxt, c.start, c.end)
		}
	}
}

// TestExample is the example of the package's documentation.
func TestExample(t *testing.T) {
	want := []byte("\x10\x80\x00\x00\x00\x00\x00\x00\x00\x00\x01\x51\x80\x10\x00\x00\x00\x07\x00\x00\x00\x02\x01\x80\x00\x00\x00\x3b\x9a\xca\x00\x00\x00\x00\x00\x00\x00\x00\x09")
	if got := Day(1).Chunk(Chunk{Metric: 7, Set: 2, Type: model.TypeFloat, Start: 1e9, Position: 9}); !bytes.Equal(got, want) {
		t.Fatalf("got %x", got)
	}
}

// TestOrder checks that keys sort as what they stand for.
func TestOrder(t *testing.T) {
	words := []string{"", "\x00", "\x00\x00", "\x00\x01", "\x00\xff", "\x01", "a", "a\x00", "a\x00b", "a\x01", "ab", "b", "\xff", "\xff\xff"}
	sort.Strings(words)
	p := Day(-5)
	for _, a := range words {
		for _, b := range words {
			if got, want := bytes.Compare(p.Posting(a, "x"), p.Posting(b, "x")), strings.Compare(a, b); got != want {
				t.Errorf("names %q and %q compare as %d, want %d", a, b, got, want)
			}
			if got, want := bytes.Compare(p.Posting("n", a), p.Posting("n", b)), strings.Compare(a, b); got != want {
				t.Errorf("values %q and %q compare as %d, want %d", a, b, got, want)
			}
			lo, hi := p.Postings("n", a)
			k := p.Posting("n", b)
			if in := bytes.Compare(k, lo) >= 0 && bytes.Compare(k, hi) < 0; in != strings.HasPrefix(b, a) {
				t.Errorf("value %q in the range of prefix %q: %v", b, a, in)
			}
		}
	}
	times := []int64{math.MinInt64, -86400e9, -1, 0, 1, 86400e9, math.MaxInt64}
	for i := 1; i < len(times); i++ {
		if bytes.Compare(Day(times[i-1]).Prefix(), Day(times[i]).Prefix()) > 0 {
			t.Errorf("partitions of %d and %d are out of order", times[i-1], times[i])
		}
		a, b := Chunk{Metric: 1, Set: 1, Type: 1, Start: times[i-1], Position: 9}, Chunk{Metric: 1, Set: 1, Type: 1, Start: times[i], Position: 3}
		if bytes.Compare(p.Chunk(a), p.Chunk(b)) >= 0 {
			t.Errorf("chunks at %d and %d are out of order", times[i-1], times[i])
		}
	}
	if lo, hi := p.Bounds(); bytes.Compare(p.RowGroup(RowGroup{Position: math.MaxUint64}), hi) >= 0 || bytes.Compare(p.Labels(0), lo) < 0 {
		t.Error("a partition's keys are not within its bounds")
	}
	if _, hi := Day(-1).Bounds(); bytes.Compare(hi, Day(0).Prefix()) > 0 {
		t.Error("bounds of neighbouring partitions overlap")
	}
}

func TestRoundTrips(t *testing.T) {
	p := Day(-1e18)
	name, value, err := p.ReadPosting(p.Posting("a\x00b", "\x00\x01\xff"))
	if err != nil || name != "a\x00b" || value != "\x00\x01\xff" {
		t.Error("posting", name, value, err)
	}
	c := Chunk{Metric: 1, Set: math.MaxUint32, Type: model.TypeText, Start: -77, Position: 1 << 60}
	if got, err := p.ReadChunk(p.Chunk(c)); err != nil || got != c {
		t.Error("chunk", got, err)
	}
	g := RowGroup{Position: 5, Seq: 7, FirstSet: 6, LastSet: 8, Mint: math.MinInt64, Maxt: 9, Rows: 10}
	if got, err := p.ReadRowGroup(p.RowGroup(g)); err != nil || got != g {
		t.Error("row group", got, err)
	}
	if pos, seq, part, err := p.ReadRowGroupPart(p.RowGroupPart(1<<63, 4, 65535)); err != nil || pos != 1<<63 || seq != 4 || part != 65535 {
		t.Error("part of a row group", pos, seq, part, err)
	}
	if id, field, err := p.ReadLogField(p.LogField(9, "x\x00y")); err != nil || id != 9 || field != "x\x00y" {
		t.Error("log field", id, field, err)
	}
	if h, id, err := p.ReadHash(p.Hash(1<<63, 4)); err != nil || h != 1<<63 || id != 4 {
		t.Error("hash", h, id, err)
	}
	if n, m, f, err := ReadLogName(LogName("n", "", "f\x00")); err != nil || n != "n" || m != "" || f != "f\x00" {
		t.Error("log name", n, m, f, err)
	}
	if got, err := ReadPartitionMark(PartitionMark(p)); err != nil || got != p {
		t.Error("partition", got, err)
	}
	info := NameInfo{ID: 3, Measurement: "cpu", Field: "usage", Type: model.TypeInt}
	if got, err := ReadNameInfo(info.Value()); err != nil || got != info {
		t.Error("name info", got, err)
	}
	if got, err := ReadTombstone(Tombstone(1 << 60)); err != nil || got != 1<<60 {
		t.Error("tombstone", got, err)
	}
	u := Upkeep{Position: 1 << 50, Flushes: 7, Time: -9, Settled: true}
	if got, err := ReadUpkeep(u.Value()); err != nil || got != u {
		t.Error("upkeep", got, err)
	}
	r := model.TimeRange{Mint: -3, Maxt: 5}
	if got, err := ReadFlushValue(FlushValue(r)); err != nil || got != r {
		t.Error("flush", got, err)
	}
	if rec, pos, err := ReadRequestValue(RequestValue(-4, 5)); err != nil || rec != -4 || pos != 5 {
		t.Error("request", rec, pos, err)
	}
}

// FuzzRead decodes arbitrary bytes as every kind of key: what is accepted is
// exactly what its maker makes.
func FuzzRead(f *testing.F) {
	p := Day(12345)
	for _, k := range [][]byte{
		p.Posting("a\x00", "b"), p.Chunk(Chunk{Metric: 1}), p.RowGroup(RowGroup{Position: 1}), p.LogField(1, "f"), p.Hash(1, 2),
		p.Labels(1), p.MetricSets(1), p.StateSets(1), p.Flush(1), PartitionMark(p), Name("n"), Metric(1), LogName("a", "b", "c"), Request("r"),
		NameInfo{ID: 1, Field: "f"}.Value(), FlushValue(model.TimeRange{}), RequestValue(1, 2), Upkeep{Position: 3, Settled: true}.Value(), Tombstone(5),
	} {
		f.Add(k)
	}
	f.Fuzz(func(t *testing.T, k []byte) {
		check := func(what string, again []byte, err error) {
			if err == nil && !bytes.Equal(again, k) {
				t.Fatalf("%s: %x was read and is made as %x", what, k, again)
			}
			if err != nil && !errors.Is(err, ErrBadKey) {
				t.Fatalf("%s: %v", what, err)
			}
		}
		n, v, err := p.ReadPosting(k)
		check("posting", p.Posting(n, v), err)
		c, err := p.ReadChunk(k)
		check("chunk", p.Chunk(c), err)
		g, err := p.ReadRowGroup(k)
		check("row group", p.RowGroup(g), err)
		pos0, seq, part, err := p.ReadRowGroupPart(k)
		check("part of a row group", p.RowGroupPart(pos0, seq, part), err)
		id, fd, err := p.ReadLogField(k)
		check("log field", p.LogField(id, fd), err)
		h, id, err := p.ReadHash(k)
		check("hash", p.Hash(h, id), err)
		id, err = p.ReadLabels(k)
		check("labels", p.Labels(id), err)
		id, err = p.ReadMetricSets(k)
		check("metric sets", p.MetricSets(id), err)
		id, err = p.ReadStateSets(k)
		check("state sets", p.StateSets(id), err)
		pos, err := p.ReadFlush(k)
		check("flush", p.Flush(pos), err)
		m, err := ReadPartitionMark(k)
		check("partition", PartitionMark(m), err)
		n, err = ReadName(k)
		check("name", Name(n), err)
		id, err = ReadMetric(k)
		check("metric", Metric(id), err)
		a, b, d, err := ReadLogName(k)
		check("log name", LogName(a, b, d), err)
		n, err = ReadRequest(k)
		check("request", Request(n), err)
		pos, err = ReadTombstone(k)
		check("tombstone", Tombstone(pos), err)
		u, err := ReadUpkeep(k)
		check("upkeep", u.Value(), err)
		r, err := ReadFlushValue(k)
		check("flush value", FlushValue(r), err)
		rec, pos, err := ReadRequestValue(k)
		check("request value", RequestValue(rec, pos), err)
		if _, err := ReadNameInfo(k); err != nil && !errors.Is(err, ErrBadKey) {
			t.Fatal(err)
		}
	})
}
