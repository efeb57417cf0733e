package demo

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"
	"time"

	"tidemark/storage/model"
)

// memRow is one stored row.
type memRow struct {
	stream *model.Stream
	schema *model.Schema
	time   int64
	words  []uint64
	text   string
}

// memStore is a store that keeps rows in a slice; failAfter batches it refuses
// the next.
type memStore struct {
	mu        sync.Mutex
	rows      []memRow
	keys      map[string]bool
	batches   int
	failAfter int
	minTime   int64
	tooOld    int
}

func newMemStore() *memStore {
	return &memStore{keys: map[string]bool{}, failAfter: math.MaxInt, minTime: math.MinInt64}
}

var errRefused = errors.New("refused")

func (s *memStore) Append(ctx context.Context, b *model.Batch) (model.AppendResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return model.AppendResult{}, err
	}
	if !b.Valid() {
		return model.AppendResult{}, errors.New("batch is not valid")
	}
	if s.keys[b.RequestKey] {
		return model.AppendResult{Duplicate: true}, nil
	}
	if s.batches >= s.failAfter {
		return model.AppendResult{}, errRefused
	}
	s.batches++
	s.keys[b.RequestKey] = true
	for i := range b.Rows() {
		r := &b.Rows()[i]
		if r.Time < s.minTime {
			s.tooOld++
		}
		m := memRow{stream: r.Stream, schema: r.Schema, time: r.Time, words: append([]uint64(nil), b.Words(r)...)}
		for c, col := range r.Schema.Columns {
			if col.Type == model.TypeText {
				m.text = string(b.TextOf(m.words[c]))
				m.words[c] = 0
			}
		}
		s.rows = append(s.rows, m)
	}
	return model.AppendResult{Position: uint64(s.batches)}, nil
}

func (s *memStore) MinTime() int64 { return s.minTime }

func (s *memStore) View() (model.View, error) { return memView{store: s}, nil }

type memView struct {
	model.View // the methods that the demo does not call
	store      *memStore
}

func (v memView) Close() error { return nil }

func (v memView) Samples(_ context.Context, sel model.SampleSelection, visit func(*model.Series) error) error {
	for _, sr := range v.store.series(sel.Matchers[0].Value, sel.Mint, sel.Maxt) {
		if err := visit(sr); err != nil {
			return err
		}
	}
	return nil
}

// series returns a metric's series in order of appearance; rows of one series
// arrive in order of time.
func (s *memStore) series(name string, mint, maxt int64, labels ...string) []*model.Series {
	want := model.FromStrings(labels...)
	byKey := map[string]*model.Series{}
	var out []*model.Series
	for i := range s.rows {
		r := &s.rows[i]
		if r.time < mint || r.time > maxt {
			continue
		}
		for c := range r.schema.Columns {
			if r.schema.Columns[c].Name != name || !has(r.stream.Labels, want) {
				continue
			}
			sr := byKey[r.stream.Key()]
			if sr == nil {
				sr = &model.Series{Name: name, Labels: r.stream.Labels}
				byKey[r.stream.Key()] = sr
				out = append(out, sr)
			}
			sr.Times = append(sr.Times, r.time)
			sr.Values = append(sr.Values, model.BitsToFloat(r.schema.Columns[c].Type, r.words[c]))
		}
	}
	return out
}

func has(ls, want model.Labels) bool {
	for _, l := range want {
		if ls.Get(l.Name) != l.Value {
			return false
		}
	}
	return true
}

// one returns the only series of a metric with the labels.
func (s *memStore) one(t testing.TB, name string, labels ...string) *model.Series {
	t.Helper()
	list := s.series(name, math.MinInt64, math.MaxInt64, labels...)
	if len(list) != 1 {
		t.Fatalf("%s%v: got %d series, want 1", name, labels, len(list))
	}
	return list[0]
}

// at returns the value at a minute.
func at(t testing.TB, sr *model.Series, minute int64) float64 {
	t.Helper()
	i := minute - sr.Times[0]/nanosPerMinute
	if i < 0 || i >= int64(len(sr.Times)) || sr.Times[i] != minute*nanosPerMinute {
		t.Fatalf("%s%s: no sample at %s", sr.Name, sr.Labels, time.Unix(minute*60, 0).UTC())
	}
	return sr.Values[i]
}

func mean(t testing.TB, sr *model.Series, from, to int64) float64 {
	sum := 0.0
	for m := from; m < to; m++ {
		sum += at(t, sr, m)
	}
	return sum / float64(to-from)
}
