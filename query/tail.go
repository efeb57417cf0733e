package query

import (
	"sync"

	"tidemark/query/ast"
	"tidemark/query/logpipe"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

// Tail follows a log query: it runs the query's selector and pipeline over rows
// as they are written, without reading a store. It is safe for concurrent use.
type Tail struct {
	matchers []*model.Matcher
	pipe     *logpipe.Pipeline

	mu sync.Mutex
	// streams are the runners of streams that match, and nil for others.
	streams map[*model.Stream]*logpipe.Stream
	schemas map[*model.Schema]*tailSchema
	in      logpipe.Input
	fields  []model.Value
	meta    []model.Label
}

// tailSchema is what a Tail needs to know of a schema.
type tailSchema struct {
	fields []int // of each of the pipeline's fields: its column, or -1
	meta   []int // columns of structured metadata
}

// maxTailStreams bounds the streams that a Tail remembers.
const maxTailStreams = 1 << 16

// NewTail prepares to follow a query, which must be a log query; its errors
// are *ast.Error. enforce is added to its matchers.
func NewTail(text string, d ast.Dialect, enforce []*model.Matcher) (*Tail, error) {
	node, err := compile(text, d, ast.Span{})
	if err != nil {
		return nil, err
	}
	sel, ok := node.(*plan.SelectLogs)
	if !ok || sel.Range != 0 {
		return nil, &ast.Error{Pos: node.Position(), Message: "only log queries can be followed", Expected: []string{"a selector and a pipeline, such as `{app=\"api\"} |= \"error\"`"}}
	}
	if d == ast.LogQL {
		sel.Stages = logpipe.LokiFilters(sel.Stages)
	}
	pipe, err := logpipe.Compile(sel.Stages, logpipe.Options{Loki: d == ast.LogQL})
	if err != nil {
		return nil, err
	}
	t := &Tail{matchers: append(append([]*model.Matcher(nil), sel.Matchers...), enforce...), pipe: pipe}
	for i, m := range t.matchers {
		if t.matchers[i], err = model.NewMatcher(m.Type, m.Name, m.Value); err != nil { // an enforced one may be uncompiled
			return nil, err
		}
	}
	t.fields = make([]model.Value, len(pipe.Fields()))
	return t, nil
}

// Rows calls visit for every log row of a batch that the query lets pass, in
// the order of the batch. Labels belong to the caller's entry; nothing refers
// to the batch afterwards.
func (t *Tail) Rows(b *model.Batch, visit func(labels model.Labels, e Entry)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	rows := b.Rows()
	for i := range rows {
		r := &rows[i]
		if r.Schema.Kind != model.LogRow {
			continue
		}
		st := t.stream(r.Stream)
		if st == nil {
			continue
		}
		sc := t.schema(r.Schema)
		words := b.Words(r)
		value := func(c int) model.Value {
			if r.Schema.Columns[c].Type == model.TypeText {
				return model.Text(string(b.TextOf(words[c])))
			}
			return model.Value{Type: r.Schema.Columns[c].Type, Bits: words[c]}
		}
		for k, c := range sc.fields {
			t.fields[k] = model.Value{}
			if c >= 0 {
				t.fields[k] = value(c)
			}
		}
		t.meta = t.meta[:0]
		for _, c := range sc.meta {
			t.meta = append(t.meta, model.Label{Name: r.Schema.Columns[c].Field, Value: value(c).String()})
		}
		t.in = logpipe.Input{Time: r.Time, Line: string(b.TextOf(words[0])), Fields: t.fields, Meta: t.meta}
		if row, ok := st.Run(&t.in); ok {
			visit(row.Set.Stream, Entry{T: r.Time, Line: row.Line, Meta: row.Set.Meta, Parsed: row.Set.Parsed})
		}
	}
}

func (t *Tail) stream(s *model.Stream) *logpipe.Stream {
	if st, ok := t.streams[s]; ok {
		return st
	}
	if t.streams == nil || len(t.streams) >= maxTailStreams {
		t.streams = map[*model.Stream]*logpipe.Stream{}
	}
	for _, m := range t.matchers {
		if !m.Matches(s.Labels.Get(m.Name)) {
			t.streams[s] = nil
			return nil
		}
	}
	st := t.pipe.Stream(s.Labels)
	t.streams[s] = st
	return st
}

func (t *Tail) schema(s *model.Schema) *tailSchema {
	if sc := t.schemas[s]; sc != nil {
		return sc
	}
	sc := &tailSchema{}
	at := map[string]int{}
	for c := 1; c < len(s.Columns); c++ {
		at[s.Columns[c].Field] = c
	}
	for _, n := range t.pipe.Fields() {
		c, ok := at[n]
		if !ok {
			c = -1
		}
		sc.fields = append(sc.fields, c)
	}
	if _, ok := at[model.MetadataField]; ok {
		for c := 1; c < len(s.Columns); c++ {
			if s.Columns[c].Field != model.MetadataField {
				sc.meta = append(sc.meta, c)
			}
		}
	}
	if t.schemas == nil || len(t.schemas) >= maxTailStreams {
		t.schemas = map[*model.Schema]*tailSchema{}
	}
	t.schemas[s] = sc
	return sc
}
