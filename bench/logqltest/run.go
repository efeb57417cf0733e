package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidemark/query"
	"tidemark/query/ast"
	"tidemark/storage"
	"tidemark/storage/model"
)

// result is what became of one evaluation.
type result struct {
	line  int
	query string
	err   error // nil: passed
}

// run runs a script against stores of their own, in a temporary folder. The
// error tells of a script that cannot be read.
func run(text string) ([]result, error) {
	var out []result
	var data []entry
	var db *storage.DB
	dir, err := os.MkdirTemp("", "logqltest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	defer func() {
		if db != nil {
			db.Close()
		}
	}()
	stale := true
	for _, c := range commands(text) {
		switch c.name {
		case "clear":
			data, stale = nil, true
		case "load":
			for _, l := range c.body {
				rs, err := rows(l)
				if err != nil {
					return out, fmt.Errorf("line %d: %w", c.line, err)
				}
				data = append(data, rs...)
			}
			stale = true
		case "eval":
			e, err := parseEval(c)
			if err != nil {
				return out, fmt.Errorf("line %d: %w", c.line, err)
			}
			if stale {
				if db != nil {
					db.Close()
				}
				if db, err = load(filepath.Join(dir, strconv.Itoa(c.line)), data); err != nil {
					return out, fmt.Errorf("line %d: %w", c.line, err)
				}
				stale = false
			}
			out = append(out, result{c.line, e.query, e.check(db)})
		default:
			return out, fmt.Errorf("line %d: unknown command %q", c.line, c.name)
		}
	}
	return out, nil
}

// load writes rows into a new store.
func load(dir string, data []entry) (*storage.DB, error) {
	db, err := storage.Open(dir, storage.Options{})
	if err != nil {
		return nil, err
	}
	var b model.Batch
	for _, r := range data {
		sc := &model.Schema{Kind: model.LogRow, Columns: []model.Column{{Field: model.LineField, Type: model.TypeText}}}
		if len(r.meta) > 0 {
			sc.Columns = append(sc.Columns, model.Column{Field: model.MetadataField, Type: model.TypeBool})
		}
		for _, m := range r.meta {
			sc.Columns = append(sc.Columns, model.Column{Field: m.Name, Type: model.TypeText})
		}
		b.Begin(model.NewStream(r.labels), sc, r.time)
		b.TextString(r.line)
		if len(r.meta) > 0 {
			b.Bool(true)
		}
		for _, m := range r.meta {
			b.TextString(m.Value)
		}
	}
	if b.Len() > 0 {
		_, err = db.Append(context.Background(), &b)
	}
	return db, err
}

// check asks and compares.
func (e *eval) check(db *storage.DB) error {
	end := epoch.Add(e.end)
	eng := query.NewEngine(db, query.Options{Now: func() time.Time { return end }})
	res, err := eng.Query(context.Background(), query.Request{
		Text: e.query, Dialect: ast.LogQL, Instant: e.instant, Start: epoch.Add(e.start), End: end, Step: e.step,
	})
	if e.fails {
		switch {
		case err == nil:
			return fmt.Errorf("got an answer, want an error")
		case !strings.Contains(err.Error(), e.message):
			return fmt.Errorf("got error %q, want one with %q", err, e.message)
		case e.match != "" && !regexp.MustCompile(e.match).MatchString(err.Error()):
			return fmt.Errorf("got error %q, want one like %q", err, e.match)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("got error %q", err)
	}
	got := e.answer(res)
	if len(got) != len(e.series) {
		return fmt.Errorf("got %d series, want %d: %s", len(got), len(e.series), describe(got))
	}
	left := got
	for i, want := range e.series {
		k := 0
		if !e.ordered {
			k = slices.IndexFunc(left, func(s series) bool { return equalLabels(s.labels, want.labels) })
		}
		if k < 0 || !equalLabels(left[k].labels, want.labels) || !equalPoints(left[k].points, want.points) {
			return fmt.Errorf("series %d: got %s, want %s", i+1, describe(got), describe(e.series))
		}
		left = slices.Delete(slices.Clone(left), k, k+1)
	}
	return nil
}

// answer is a result with a point for every step.
func (e *eval) answer(res *query.Result) []series {
	steps := 1
	if !e.instant {
		steps = int((e.end-e.start)/e.step) + 1
	}
	dense := func(ps []query.Point) []point {
		out := make([]point, steps)
		for _, p := range ps {
			i := 0
			if !e.instant {
				i = int((p.T - epoch.Add(e.start).UnixMilli()) / e.step.Milliseconds())
			}
			out[i] = point{true, p.V}
		}
		return out
	}
	if res.Kind == query.KindScalar {
		return []series{{points: dense(res.Points)}}
	}
	var out []series
	for _, s := range res.Series {
		if len(s.Points) > 0 {
			out = append(out, series{s.Labels, dense(s.Points)})
		}
	}
	return out
}

func equalLabels(a, b []model.Label) bool {
	order := func(ls []model.Label) []model.Label {
		ls = slices.Clone(ls)
		slices.SortFunc(ls, func(a, b model.Label) int { return strings.Compare(a.Name, b.Name) })
		return ls
	}
	return slices.Equal(order(a), order(b))
}

func equalPoints(a, b []point) bool {
	return slices.EqualFunc(a, b, func(x, y point) bool {
		if x.there != y.there {
			return false
		}
		return !x.there || x.v == y.v || math.IsNaN(x.v) && math.IsNaN(y.v) || math.Abs(x.v-y.v) <= 1e-9*math.Max(math.Abs(x.v), math.Abs(y.v))
	})
}

func describe(ss []series) string {
	var out []string
	for _, s := range ss {
		w := model.Labels(s.labels).String()
		for _, p := range s.points {
			if p.there {
				w += fmt.Sprint(" ", p.v)
			} else {
				w += " _"
			}
		}
		out = append(out, w)
	}
	return strings.Join(out, "; ")
}
