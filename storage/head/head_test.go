package head

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"tidemark/storage/model"
)

func wholeTime(int64) model.TimeRange { return model.TimeRange{Mint: -1 << 63, Maxt: 1<<63 - 1} }

func insert(t testing.TB, h *Head, b *model.Batch) {
	t.Helper()
	res, err := h.Resolve(b, Limits{1000, 1000})
	if err != nil {
		t.Fatal(err)
	}
	h.Publish(h.Insert(b, res))
}

// TestArenas writes rows and texts that are longer than a block, and fill
// blocks to their last word.
func TestArenas(t *testing.T) {
	h := New(wholeTime)
	line := &model.Schema{Kind: model.LogRow, Columns: []model.Column{{Field: model.LineField, Type: model.TypeText}}}
	st := model.NewStream(model.FromStrings("a", "b"))
	var want []string
	for i := range 60 {
		var b model.Batch
		for j := range 3 {
			text := strings.Repeat(fmt.Sprint(i%10), []int{0, 1, 1000, textBlock/4 + 1, 2 * textBlock, textBlock/4 - 1, 100_000}[(i+j)%7])
			b.Begin(st, line, int64(len(want)))
			b.TextString(text)
			want = append(want, text)
		}
		insert(t, h, &b)
	}
	wide := &model.Schema{Kind: model.MetricRow}
	for i := range 16000 {
		wide.Columns = append(wide.Columns, model.Column{Name: fmt.Sprint("m", i), Type: model.TypeInt})
	}
	for n := range int64(30) {
		var b model.Batch
		b.Begin(st, wide, n)
		for i := range 16000 {
			b.Int(n*100_000 + int64(i))
		}
		insert(t, h, &b)
	}
	s := h.Snapshot()
	rows, err := s.LogRows(context.Background(), 0, 0, 1e9, nil)
	if err != nil || len(rows) != len(want) {
		t.Fatal(len(rows), err)
	}
	for i := range rows {
		if got := string(s.Line(&rows[i])); got != want[i] {
			t.Fatalf("row %d: %d bytes, want %d", i, len(got), len(want[i]))
		}
	}
	for _, col := range []int{0, 1, 8000, 15999} {
		samples, err := s.Samples(context.Background(), 0, Metrics, fmt.Sprint("m", col), 0, 1e9, nil)
		if err != nil || len(samples) != 30 {
			t.Fatal(len(samples), err)
		}
		for n, sm := range samples {
			if sm.Bits != uint64(n*100_000+col) {
				t.Fatalf("column %d row %d: got %d", col, n, sm.Bits)
			}
		}
	}
	if h.Bytes() < 30*16000*8 {
		t.Fatalf("the head says it takes %d bytes", h.Bytes())
	}
}

// TestNotPublished checks that rows count from Publish on, and only for later
// snapshots.
func TestNotPublished(t *testing.T) {
	h := New(wholeTime)
	var b model.Batch
	b.AddSample("m", model.FromStrings("a", "1"), 1, 1)
	insert(t, h, &b)
	before := h.Snapshot()
	b.AddSample("n", model.FromStrings("a", "2"), 1, 1)
	res, err := h.Resolve(&b, Limits{1000, 1000})
	if err != nil {
		t.Fatal(err)
	}
	end := h.Insert(&b, res)
	unpublished := h.Snapshot()
	h.Publish(end)
	after := h.Snapshot()
	for i, s := range []*Snapshot{before, unpublished, after} {
		got, err := s.Samples(context.Background(), 1, Metrics, "n", 0, 10, nil)
		if err != nil || len(got) != i/2 || s.HasRange(1, Metrics, "n", 0, 10) != (i == 2) {
			t.Errorf("snapshot %d: %v, %v", i, got, err)
		}
	}
}

// TestResolveChangesNothing refuses a batch in the middle.
func TestResolveChangesNothing(t *testing.T) {
	h := New(wholeTime)
	var b model.Batch
	for i := range 3 {
		b.AddSample("m", model.FromStrings("a", fmt.Sprint(i)), 1, 1)
	}
	empty := h.Hash()
	if _, err := h.Resolve(&b, Limits{2, 10}); err == nil {
		t.Fatal("the limit did not count")
	}
	if h.Hash() != empty || h.Stats().Streams != 0 {
		t.Fatal("a refused batch changed the head")
	}
	insert(t, h, &b)
	if h.Stats().Streams != 3 {
		t.Fatal(h.Stats())
	}
}

// TestManySchemas gives one stream more schemas than are searched in a row.
func TestManySchemas(t *testing.T) {
	h := New(wholeTime)
	st := model.NewStream(model.FromStrings("a", "b"))
	for round := range int64(3) {
		var b model.Batch
		for i := range 50 {
			sc := &model.Schema{Kind: model.MetricRow, Columns: []model.Column{{Name: "m", Field: fmt.Sprint(i), Type: model.TypeInt}}}
			b.Add(st, sc, int64(i), model.Int(round))
		}
		insert(t, h, &b)
	}
	got, err := h.Snapshot().Samples(context.Background(), 0, Metrics, "m", 0, 100, nil)
	if err != nil || len(got) != 50 {
		t.Fatal(len(got), err)
	}
	for _, s := range got {
		if s.Bits != 2 {
			t.Fatalf("time %d: %d, want the last round's", s.Time, s.Bits)
		}
	}
}

// TestReadWhileWriting has readers follow a writer; run with -race.
func TestReadWhileWriting(t *testing.T) {
	h := New(wholeTime)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		wg.Go(func() {
			last := 0
			for {
				s := h.Snapshot()
				n := 0
				for st := range s.Len() {
					got, err := s.Samples(context.Background(), uint32(st), Metrics, "m", 0, 1e9, nil)
					if err != nil {
						t.Error(err)
					}
					n += len(got)
				}
				if n < last || n%10 != 0 {
					t.Errorf("%d samples after %d: batches have 10", n, last)
				}
				last = n
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for i := range 400 {
		var b model.Batch
		for j := range 10 {
			b.AddSample("m", model.FromStrings("a", fmt.Sprint((i+j)%37)), int64(i*10+j), 1)
		}
		insert(t, h, &b)
	}
	close(stop)
	wg.Wait()
}

// TestSchemasOfStreams: many streams meet many schemas, each in another order,
// and every row keeps its own.
func TestSchemasOfStreams(t *testing.T) {
	const schemas, streams = 40, 5
	h := New(wholeTime)
	all := make([]*model.Schema, schemas)
	for i := range all {
		all[i] = &model.Schema{Kind: model.LogRow, Columns: []model.Column{{Field: model.LineField, Type: model.TypeText}, {Field: fmt.Sprint("f", i), Type: model.TypeInt}}}
	}
	for round := range 3 {
		for k := range schemas {
			for s := range streams {
				var b model.Batch
				i := (k*7 + s*11) % schemas
				b.Begin(model.NewStream(model.FromStrings("s", fmt.Sprint(s))), all[i], int64(round*schemas+k))
				b.TextString("x")
				b.Int(int64(i))
				insert(t, h, &b)
			}
		}
	}
	snap := h.Snapshot()
	for s := range uint32(streams) {
		rows, err := snap.LogRows(context.Background(), s, 0, 1e9, nil)
		if err != nil || len(rows) != 3*schemas {
			t.Fatalf("stream %d: got %d rows, %v", s, len(rows), err)
		}
		for i := range rows {
			cols, words := snap.Fields(&rows[i])
			if want := fmt.Sprint("f", words[0]); cols[0].Field != want {
				t.Fatalf("stream %d, time %d: got the field %s, want %s", s, rows[i].Time, cols[0].Field, want)
			}
		}
	}
}
