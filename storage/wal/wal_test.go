package wal

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/storage/model"
)

func open(t *testing.T, fs vfs.FS, o ReplayOptions) (*Segments, []string, error) {
	t.Helper()
	if err := fs.MkdirAll("wal", 0o755); err != nil {
		t.Fatal(err)
	}
	var got []string
	l, err := OpenSegments(fs, "wal", o, func(seg, pos uint64, rec []byte) error {
		got = append(got, fmt.Sprintf("%d/%d %.20s", seg, pos, rec))
		return nil
	})
	return l, got, err
}

func mustOpen(t *testing.T, fs vfs.FS, o ReplayOptions) (*Segments, []string) {
	t.Helper()
	l, got, err := open(t, fs, o)
	if err != nil {
		t.Fatal(err)
	}
	return l, got
}

func appendAll(t *testing.T, l *Segments, recs ...string) {
	t.Helper()
	for _, r := range recs {
		pos, err := l.Append([]byte(r))
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Wait(pos); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSegmentsReplayRotateForget(t *testing.T) {
	fs := vfs.NewMem()
	l, got := mustOpen(t, fs, ReplayOptions{})
	if len(got) != 0 {
		t.Fatalf("a new log has %v", got)
	}
	big := strings.Repeat("x", 100_000)
	appendAll(t, l, "a", "b", big)
	if last, err := l.Rotate(); err != nil || last != 3 {
		t.Fatal(last, err)
	}
	if _, err := l.Rotate(); err != nil { // an empty segment
		t.Fatal(err)
	}
	appendAll(t, l, "d")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l, got = mustOpen(t, fs, ReplayOptions{After: 1})
	if want := "[1/2 b 1/3 xxxxxxxxxxxxxxxxxxxx 4/4 d]"; fmt.Sprint(got) != want {
		t.Fatalf("got %v, want %s", got, want)
	}
	appendAll(t, l, "e")
	if err := l.Forget(3); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := fs.List("wal")
	if err != nil || len(names) != 2 {
		t.Fatalf("after forgetting 3: %v, %v", names, err)
	}
	l, got = mustOpen(t, fs, ReplayOptions{After: 3})
	if want := "[4/4 d 5/5 e]"; fmt.Sprint(got) != want {
		t.Fatalf("got %v, want %s", got, want)
	}
	if s := l.Stats(); s.SegmentBytes == 0 {
		t.Fatal("no bytes on disk")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	// Everything applied elsewhere: positions go on all the same.
	l, got = mustOpen(t, fs, ReplayOptions{After: 9})
	if len(got) != 0 || l.Last() != 9 {
		t.Fatalf("got %v, last %d", got, l.Last())
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func segmentBytes(t *testing.T, fs *vfs.MemFS, name string) []byte {
	t.Helper()
	f, err := fs.Open("wal/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(f); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func withSegment(t *testing.T, name string, data []byte) *vfs.MemFS {
	t.Helper()
	fs := vfs.NewMem()
	if err := fs.MkdirAll("wal", 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := fs.Create("wal/"+name, diskCategory)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(append([]byte(nil), data...)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return fs
}

const firstSegment = "00000000000000000001.wal"

// TestTornTail cuts a log at every length: what is left is a prefix of the
// records, without an error.
func TestTornTail(t *testing.T) {
	fs := vfs.NewMem()
	l, _ := mustOpen(t, fs, ReplayOptions{})
	appendAll(t, l, "one", "two", "three", "four")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	data := segmentBytes(t, fs, firstSegment)
	most := 0
	for n := 0; n <= len(data); n++ {
		l, got := mustOpen(t, withSegment(t, firstSegment, data[:n]), ReplayOptions{})
		for i, g := range got {
			if want := fmt.Sprintf("1/%d %s", i+1, []string{"one", "two", "three", "four"}[i]); g != want {
				t.Fatalf("cut at %d: got %s, want %s", n, g, want)
			}
		}
		if len(got) < most {
			t.Fatalf("cut at %d: %d records, a shorter log had %d", n, len(got), most)
		}
		most = len(got)
		if l.Last() != uint64(len(got)) {
			t.Fatalf("cut at %d: last is %d of %d", n, l.Last(), len(got))
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if most != 4 {
		t.Fatalf("the whole log has %d records", most)
	}
}

// TestDamage flips bytes of a log of acknowledged records. Damage before
// the last record is an error, or is reported where somebody asks to be told: then
// every record is either replayed or told of as damaged. Never are other records
// than the written ones replayed, nor out of order.
func TestDamage(t *testing.T) {
	recs := []string{"one", "two", "three", strings.Repeat("4", 34_000), "five", "six", strings.Repeat("7", 4_000), "eight", "nine"}
	fs := vfs.NewMem()
	l, _ := mustOpen(t, fs, ReplayOptions{})
	appendAll(t, l, recs...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	data := segmentBytes(t, fs, firstSegment)
	for i := 0; i < len(data); i++ {
		if i > 60 && i < len(data)-60 && i != blockSize+28 { // Pebble looks for flipped bits in large chunks, which takes a second
			continue
		}
		bad := append([]byte(nil), data...)
		bad[i] ^= 0x41
		l, got, err := open(t, withSegment(t, firstSegment, bad), ReplayOptions{})
		for j, g := range got {
			if want := fmt.Sprintf("1/%d %.20s", j+1, recs[j]); g != want {
				t.Fatalf("byte %d: got %s, want %s", i, g, want)
			}
		}
		if err == nil {
			// Without an error no record may be missing but the last two: that
			// the last is lost cannot be told from a torn tail, and the one
			// before it only by the last.
			if len(got) < len(recs)-2 {
				t.Fatalf("byte %d: %d of %d records and no error", i, len(got), len(recs))
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if !errors.Is(err, ErrDamaged) {
			t.Fatalf("byte %d: %v", i, err)
		}
		lost := map[uint64]bool{}
		l, again, err := open(t, withSegment(t, firstSegment, bad), ReplayOptions{Damaged: func(d Damage) error {
			for p := d.First; p <= d.Last; p++ {
				lost[p] = true
			}
			return nil
		}})
		if err != nil || len(lost) == 0 || len(lost) > 2 { // a flipped length may hide the next one
			t.Fatalf("byte %d: salvaging: %v, %d of %d records lost", i, err, len(lost), len(recs))
		}
		for j, rec := range recs {
			if lost[uint64(j+1)] {
				continue
			}
			if want := fmt.Sprintf("1/%d %.20s", j+1, rec); len(again) == 0 || again[0] != want {
				if j >= len(recs)-1 {
					continue
				}
				t.Fatalf("byte %d: salvaged %q, want %s", i, again, want)
			}
			again = again[1:]
		}
		if len(again) > 0 {
			t.Fatalf("byte %d: salvaged %q, too", i, again)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFlippedBit flips single bits of a log: it is read as if none was flipped.
func TestFlippedBit(t *testing.T) {
	recs := []string{"one", "two", strings.Repeat("3", 34_000), "four", "five"}
	fs := vfs.NewMem()
	l, _ := mustOpen(t, fs, ReplayOptions{})
	appendAll(t, l, recs...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	data := segmentBytes(t, fs, firstSegment)
	for bit := 0; bit < 8*len(data); bit++ {
		if i := bit / 8; i > 50 && i < len(data)-60 && bit != 8*(blockSize+40) { // Pebble looks for flipped bits in large chunks, which takes a second
			continue
		}
		bad := append([]byte(nil), data...)
		bad[bit/8] ^= 1 << (bit % 8)
		mended := 0
		l, got := mustOpen(t, withSegment(t, firstSegment, bad), ReplayOptions{Damaged: func(d Damage) error {
			if !d.Mended || d.First != d.Last {
				t.Errorf("bit %d: %+v", bit, d)
			}
			mended++
			return nil
		}})
		if len(got) != len(recs) || mended != 1 && bit < 8*(len(data)-11) { // the last chunk may be the writer's mark of the end
			t.Fatalf("bit %d of %d: %d records, mended %d times", bit, 8*len(data), len(got), mended)
		}
		for j, g := range got {
			if want := fmt.Sprintf("1/%d %.20s", j+1, recs[j]); g != want {
				t.Fatalf("bit %d: got %s, want %s", bit, g, want)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMissingSegment(t *testing.T) {
	fs := vfs.NewMem()
	l, _ := mustOpen(t, fs, ReplayOptions{})
	appendAll(t, l, "a", "b")
	if _, err := l.Rotate(); err != nil {
		t.Fatal(err)
	}
	appendAll(t, l, "c")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := fs.Remove("wal/" + firstSegment); err != nil {
		t.Fatal(err)
	}
	if _, _, err := open(t, fs, ReplayOptions{}); !errors.Is(err, ErrDamaged) {
		t.Fatalf("got %v, want ErrDamaged", err)
	}
	l, got := mustOpen(t, fs, ReplayOptions{After: 2})
	if fmt.Sprint(got) != "[3/3 c]" {
		t.Fatal(got)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestGroupCommit lets many writers wait at once: they share syncs.
func TestGroupCommit(t *testing.T) {
	l, _ := mustOpen(t, vfs.NewMem(), ReplayOptions{})
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				mu.Lock()
				pos, err := l.Append([]byte("x"))
				mu.Unlock()
				if err == nil {
					err = l.Wait(pos)
				}
				if err != nil || l.Durable() < pos {
					t.Errorf("position %d: %v, durable %d", pos, err, l.Durable())
				}
			}
		})
	}
	wg.Wait()
	if s := l.Stats(); s.Syncs == 0 || s.Syncs > 1600 {
		t.Fatalf("%d syncs for 1600 records", s.Syncs)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func testRecord() (*Record, *model.Batch) {
	b := &model.Batch{RequestKey: "key"}
	st := model.NewStream(model.FromStrings("a", "b", "c", "d"))
	metric := &model.Schema{Kind: model.MetricRow, Columns: []model.Column{
		{Name: "m_f", Measurement: "m", Field: "f", Type: model.TypeFloat},
		{Name: "m_i", Measurement: "m", Field: "i", Type: model.TypeInt},
		{Name: "m_b", Measurement: "m", Field: "b", Type: model.TypeBool},
		{Name: "m_t", Measurement: "m", Field: "t", Type: model.TypeText}}}
	log := &model.Schema{Kind: model.LogRow, Columns: []model.Column{{Field: model.LineField, Type: model.TypeText}}}
	b.Add(st, metric, -5, model.Float(1.5), model.Int(-1<<63), model.Bool(true), model.Text("x"))
	b.Add(st, log, 1<<62, model.Text("line"))
	b.Add(st, metric, -1<<63, model.Float(0), model.Int(1<<63-1), model.Bool(false), model.Text(""))
	return &Record{Received: -7, RequestKey: "key", Streams: []*model.Stream{st}, Schemas: []*model.Schema{metric, log},
		Batch: b, StreamRefs: []uint32{0, 0, 0}, SchemaRefs: []uint32{0, 1, 0}}, b
}

func printBatch(b *model.Batch) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%q\n", b.RequestKey)
	rows := b.Rows()
	for i := range rows {
		r := &rows[i]
		fmt.Fprintf(&s, "%s %d %d", r.Stream.Labels, r.Schema.Kind, r.Time)
		for c, w := range b.Words(r) {
			col := r.Schema.Columns[c]
			v := model.Value{Type: col.Type, Bits: w}
			if col.Type == model.TypeText {
				v = model.Text(string(b.TextOf(w)))
			}
			fmt.Fprintf(&s, " %v=%s", col, v)
		}
		s.WriteByte('\n')
	}
	return s.String()
}

func TestRecordRoundTrip(t *testing.T) {
	rec, batch := testRecord()
	enc := AppendRecord(nil, rec)
	var d Decoder
	var got model.Batch
	meta, err := d.Decode(enc, &got)
	if err != nil {
		t.Fatal(err)
	}
	if meta.Received != -7 || printBatch(&got) != printBatch(batch) {
		t.Fatalf("got %+v\n%s\nwant\n%s", meta, printBatch(&got), printBatch(batch))
	}
	// The next record of the segment refers to what this one defined.
	second := *rec
	rec.Streams, rec.Schemas, rec.RequestKey = nil, nil, ""
	batch.RequestKey = ""
	if _, err := d.Decode(AppendRecord(nil, rec), &got); err != nil || printBatch(&got) != printBatch(batch) {
		t.Fatalf("second record: %v", err)
	}
	// It cannot define them again, nor skip numbers.
	for _, first := range []uint32{0, 2} {
		d := Decoder{streams: d.streams, schemas: d.schemas}
		second.FirstStream, second.FirstSchema = first, 2
		if _, err := d.Decode(AppendRecord(nil, &second), &got); !errors.Is(err, ErrBadRecord) {
			t.Fatalf("first stream %d of 1: %v", first, err)
		}
	}
	for n := range enc {
		if _, err := new(Decoder).Decode(enc[:n], &got); !errors.Is(err, ErrBadRecord) {
			t.Fatalf("cut at %d: got %v, want ErrBadRecord", n, err)
		}
	}
}

// TestRecordsBehindDamage decodes records of a segment of which some are missing:
// rows that refer to what those defined are left out, and no row is taken for
// another's.
func TestRecordsBehindDamage(t *testing.T) {
	schema := func(name string) *model.Schema {
		return &model.Schema{Kind: model.MetricRow, Columns: []model.Column{{Name: name, Measurement: name, Field: "value", Type: model.TypeInt}}}
	}
	var recs [][]byte
	var streams []*model.Stream
	var schemas []*model.Schema
	rows := make([][]string, 6) // of each record: who they need
	for i := range 6 {
		r := &Record{FirstStream: uint32(len(streams)), FirstSchema: uint32(len(schemas)), Batch: &model.Batch{}}
		if i != 4 { // it defines nothing
			streams = append(streams, model.NewStream(model.FromStrings("n", fmt.Sprint(i))))
			r.Streams = streams[len(streams)-1:]
		}
		if i%2 == 0 && i != 4 {
			schemas = append(schemas, schema(fmt.Sprint("m", i)))
			r.Schemas = schemas[len(schemas)-1:]
		}
		for s, st := range streams {
			sc := s % len(schemas)
			r.Batch.Add(st, schemas[sc], int64(i), model.Int(int64(s)))
			r.StreamRefs, r.SchemaRefs = append(r.StreamRefs, uint32(s)), append(r.SchemaRefs, uint32(sc))
		}
		rows[i] = strings.SplitAfter(strings.TrimPrefix(printBatch(r.Batch), "\"\"\n"), "\n")
		rows[i] = rows[i][:len(rows[i])-1]
		recs = append(recs, AppendRecord(nil, r))
	}
	for without := range 1 << 6 {
		var d Decoder
		var b model.Batch
		for i, rec := range recs {
			if without>>i&1 == 1 {
				d.Lost()
				continue
			}
			m, err := d.Decode(rec, &b)
			if err != nil {
				t.Fatalf("without %b: record %d: %v", without, i, err)
			}
			got := strings.SplitAfter(strings.TrimPrefix(printBatch(&b), "\"\"\n"), "\n")
			got = got[:len(got)-1]
			if m.Rows != len(rows[i]) || m.LostRows+len(got) != m.Rows {
				t.Fatalf("without %b: record %d: %d rows, %d lost, %d read", without, i, m.Rows, m.LostRows, len(got))
			}
			for _, g := range got {
				if !slices.Contains(rows[i], g) {
					t.Fatalf("without %b: record %d: read %s, want one of %s", without, i, g, rows[i])
				}
			}
			if without&(1<<i-1) == 0 && m.LostRows > 0 {
				t.Fatalf("without %b: record %d lost %d rows", without, i, m.LostRows)
			}
		}
	}
}

func FuzzRecord(f *testing.F) {
	rec, _ := testRecord()
	f.Add(AppendRecord(nil, rec))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, data []byte) {
		var d Decoder
		var b model.Batch
		meta, err := d.Decode(data, &b)
		if err != nil {
			if !errors.Is(err, ErrBadRecord) {
				t.Fatal(err)
			}
			return
		}
		if !b.Valid() {
			t.Fatal("a decoded batch is not valid")
		}
		// What decodes encodes to something that decodes to the same.
		again := &Record{Received: meta.Received, RequestKey: b.RequestKey, Streams: meta.Streams, Schemas: meta.Schemas, Batch: &b}
		rows := b.Rows()
		for i := range rows {
			for j, s := range meta.Streams {
				if s == rows[i].Stream {
					again.StreamRefs = append(again.StreamRefs, uint32(j))
				}
			}
			for j, s := range meta.Schemas {
				if s == rows[i].Schema {
					again.SchemaRefs = append(again.SchemaRefs, uint32(j))
				}
			}
		}
		var c model.Batch
		if _, err := new(Decoder).Decode(AppendRecord(nil, again), &c); err != nil || printBatch(&c) != printBatch(&b) {
			t.Fatalf("%v:\n%s\n%s", err, printBatch(&c), printBatch(&b))
		}
	})
}
