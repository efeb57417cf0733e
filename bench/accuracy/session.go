package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"tidemark/query"
	"tidemark/query/analysis"
	"tidemark/query/ast"
	"tidemark/storage"
	"tidemark/storage/model"
)

// session is one benchmark's data and a store to ask about it.
type session struct {
	folder, out string
	dir         string
	db          *storage.DB
	engine      *query.Engine
	schemas     map[string]*model.Schema
	pending     model.Batch // written before the next question
}

func newSession(folder, out string) (*session, error) {
	dir, err := os.MkdirTemp("", "accuracy")
	if err != nil {
		return nil, err
	}
	db, err := storage.Open(dir, storage.Options{})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	// What was forecast is asked as of its own time.
	engine := query.NewEngine(db, query.Options{MaxTimeout: 24 * time.Hour, Timeout: 24 * time.Hour})
	return &session{folder: folder, out: out, dir: dir, db: db, engine: engine, schemas: map[string]*model.Schema{}}, nil
}

func (s *session) close() error { return errors.Join(s.db.Close(), os.RemoveAll(s.dir)) }

// write stores one series before the next question; rows with a value that is not a number are left
// out. Times are in milliseconds.
func (s *session) write(ctx context.Context, metric string, labels model.Labels, times []int64, values []float64) error {
	schema := s.schemas[metric]
	if schema == nil {
		schema = &model.Schema{Kind: model.MetricRow, Columns: []model.Column{{Name: metric, Measurement: metric, Field: "value", Type: model.TypeFloat}}}
		s.schemas[metric] = schema
	}
	stream := model.NewStream(labels)
	for i, t := range times {
		if math.IsNaN(values[i]) {
			continue
		}
		s.pending.Begin(stream, schema, t*int64(time.Millisecond))
		s.pending.Float(values[i])
	}
	if s.pending.Size() > maxPending {
		return s.flush(ctx)
	}
	return nil
}

// maxPending is how many bytes are written at once.
const maxPending = 16 << 20

func (s *session) flush(ctx context.Context) error {
	if s.pending.Len() == 0 {
		return nil
	}
	_, err := s.db.Append(ctx, &s.pending)
	s.pending.Reset()
	return err
}

// ask runs an instant query at a time in milliseconds.
func (s *session) ask(ctx context.Context, at int64, text string, args ...any) (*query.Result, error) {
	text = fmt.Sprintf(text, args...)
	if err := s.flush(ctx); err != nil {
		return nil, err
	}
	r, err := s.engine.Query(ctx, query.Request{Text: text, Instant: true, End: time.UnixMilli(at)})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", text, err)
	}
	return r, nil
}

// maxSteps is how many steps one range query asks for; the engine's limit is
// a little larger.
const maxSteps = 10_000

// askEach asks for the values of the only series at given times, ascending.
// Rows of one time get the same value; those without an answer get NaN.
func (s *session) askEach(ctx context.Context, times []int64, text string, args ...any) ([]float64, error) {
	text = fmt.Sprintf(text, args...)
	if err := s.flush(ctx); err != nil {
		return nil, err
	}
	out := make([]float64, len(times))
	for i := range out {
		out[i] = math.NaN()
	}
	step := int64(0)
	for i := 1; i < len(times); i++ {
		for a, b := step, times[i]-times[i-1]; ; a, b = b, a%b {
			if b == 0 {
				step = a
				break
			}
		}
	}
	step = max(step, 1)
	for lo := 0; lo < len(times); {
		hi := sort.Search(len(times), func(i int) bool { return times[i] > times[lo]+step*maxSteps })
		r, err := s.engine.Query(ctx, query.Request{Text: text, Start: time.UnixMilli(times[lo]), End: time.UnixMilli(times[hi-1]), Step: time.Duration(step) * time.Millisecond})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", text, err)
		}
		if len(r.Series) > 1 {
			return nil, fmt.Errorf("%s: %d series, want one", text, len(r.Series))
		}
		for _, sr := range r.Series {
			k := 0
			for i := lo; i < hi; i++ {
				for k < len(sr.Points) && sr.Points[k].T < times[i] {
					k++
				}
				if k < len(sr.Points) && sr.Points[k].T == times[i] {
					out[i] = sr.Points[k].V
				}
			}
		}
		lo = hi
	}
	return out, nil
}

// unavailable reports whether a query failed because this build does not have
// its function.
func unavailable(err error) bool {
	var e *ast.Error
	return errors.As(err, &e) && strings.HasPrefix(e.Message, "unknown function")
}

// notAvailable is the table's row for such a query.
func notAvailable(measure, others, goal string) line {
	return line{measure, "not available", others, goal}
}

// save writes predictions as JSON, where they are wanted.
func (s *session) save(name string, v any) error {
	if s.out == "" {
		return nil
	}
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.out, name), data, 0o644)
}

// span prints a length in milliseconds as the language writes it.
func span(ms int64) string { return analysis.Span(ms) }
