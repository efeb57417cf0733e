package querytest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tidemark/query"
	"tidemark/query/ast"
	"tidemark/query/exec"
	"tidemark/query/histogram"
	"tidemark/storage/model"
)

// Store is what a script needs of a store. A database's handle satisfies it.
type Store interface {
	exec.Source
	Append(ctx context.Context, b *model.Batch) (model.AppendResult, error)
}

// Run runs a script: its commands one after the other, each evaluation a
// subtest of its own. A fresh store is asked for at the beginning and by every
// clear.
func Run(t *testing.T, file, script string, fresh func() Store) {
	r := &runner{fresh: fresh}
	r.clear()
	lines := strings.Split(script, "\n")
	for i := 0; i < len(lines); i++ {
		head := strings.TrimSpace(lines[i])
		if head == "" || strings.HasPrefix(head, "#") {
			continue
		}
		at := fmt.Sprintf("%s:%d", file, i+1)
		var body []string
		for i+1 < len(lines) && (strings.HasPrefix(lines[i+1], " ") || strings.HasPrefix(lines[i+1], "\t")) {
			i++
			if l := strings.TrimSpace(lines[i]); l != "" && !strings.HasPrefix(l, "#") {
				body = append(body, l)
			}
		}
		var err error
		switch word, rest, _ := strings.Cut(head, " "); word {
		case "clear":
			r.clear()
		case "load":
			err = r.load(rest, body)
		case "rows":
			err = r.rows(rest, body)
		case "eval":
			t.Run(at, func(t *testing.T) {
				if err := r.eval(rest, body); err != nil {
					t.Errorf("%s: %s\n%v", at, head, err)
				}
			})
		default:
			err = fmt.Errorf("unknown command %q, expected clear, load, rows or eval", word)
		}
		if err != nil {
			t.Fatalf("%s: %v", at, err)
		}
	}
}

type runner struct {
	fresh func() Store
	store Store
}

func (r *runner) clear() { r.store = r.fresh() }

// load writes series: the values of each line at 0, step, 2·step …
func (r *runner) load(arg string, body []string) error {
	step, err := time.ParseDuration(arg)
	if err != nil {
		return err
	}
	b := &model.Batch{}
	for _, line := range body {
		ls, rest, err := cutLabels(fold(line))
		if err != nil {
			return err
		}
		vs, err := values(rest)
		if err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
		name := ls.Get(model.MetricName)
		for i, v := range vs {
			if v.some {
				v.add(b, name, ls.Without(model.MetricName), int64(i)*int64(step))
			}
		}
	}
	_, err = r.store.Append(context.Background(), b)
	return err
}

// rows writes log rows: each line's text n times at 0, step, 2·step …, with
// $i replaced by the number of the row.
func (r *runner) rows(arg string, body []string) error {
	step, err := time.ParseDuration(arg)
	if err != nil {
		return err
	}
	b := &model.Batch{}
	for _, line := range body {
		ls, rest, err := cutLabels(line)
		if err != nil {
			return err
		}
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return fmt.Errorf("%s: want a quoted line after the labels", line)
		}
		text, _ := strconv.Unquote(quoted)
		n, start := 1, time.Duration(0)
		var names []string
		var fields []string
		for _, w := range strings.Fields(rest[len(quoted):]) {
			switch {
			case w[0] == 'x':
				if n, err = strconv.Atoi(w[1:]); err != nil {
					return err
				}
			case w[0] == '@':
				if start, err = time.ParseDuration(w[1:]); err != nil {
					return err
				}
			default:
				name, v, ok := strings.Cut(w, "=")
				if !ok {
					return fmt.Errorf("%s: want x<count>, @<time> or field=value, got %s", line, w)
				}
				names, fields = append(names, name), append(fields, v)
			}
		}
		st := model.NewStream(ls)
		for i := range n {
			put := func(s string) string { return strings.ReplaceAll(s, "$i", strconv.Itoa(i)) }
			sc := &model.Schema{Kind: model.LogRow, Columns: []model.Column{{Field: model.LineField, Type: model.TypeText}}}
			vals := []model.Value{model.Text(put(text))}
			for k, f := range fields {
				v := fieldValue(put(f))
				sc.Columns = append(sc.Columns, model.Column{Field: names[k], Type: v.Type})
				vals = append(vals, v)
			}
			b.Add(st, sc, int64(start)+int64(i)*int64(step), vals...)
		}
	}
	_, err = r.store.Append(context.Background(), b)
	return err
}

// fieldValue reads 7i as an integer, true as a boolean, 1.5 as a float and
// anything else as text.
func fieldValue(s string) model.Value {
	if n, err := strconv.ParseInt(strings.TrimSuffix(s, "i"), 10, 64); err == nil && strings.HasSuffix(s, "i") {
		return model.Int(n)
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return model.Float(f)
	}
	if s == "true" || s == "false" {
		return model.Bool(s == "true")
	}
	return model.Text(s)
}

// cutLabels reads name{a="b"} in front of a line.
func cutLabels(s string) (model.Labels, string, error) {
	i := strings.IndexAny(s, "{ ")
	if i < 0 {
		return nil, "", fmt.Errorf("%s: want labels and something after them", s)
	}
	var ls []model.Label
	if i > 0 {
		ls = append(ls, model.Label{Name: model.MetricName, Value: s[:i]})
	}
	s = s[i:]
	if s[0] == ' ' {
		return model.NewLabels(ls...), strings.TrimSpace(s), nil
	}
	for s = s[1:]; ; {
		s = strings.TrimLeft(s, " ,")
		if strings.HasPrefix(s, "}") {
			return model.NewLabels(ls...), strings.TrimSpace(s[1:]), nil
		}
		name, rest, ok := strings.Cut(s, "=")
		quoted, err := strconv.QuotedPrefix(rest)
		if !ok || err != nil {
			return nil, "", fmt.Errorf("%s: want label=\"value\"", s)
		}
		value, _ := strconv.Unquote(quoted)
		ls = append(ls, model.Label{Name: name, Value: value})
		s = rest[len(quoted):]
	}
}

// value is one value of a sequence, or a gap.
type value struct {
	v     float64
	some  bool
	h     *model.Histogram // a native histogram instead of v
	since time.Duration    // since when it counts, 0 where that is unknown
}

// values reads a sequence: 1 2.5 NaN Inf stale _ 0+10x5 7x3 _x4, folded
// histograms, and values that count since some time.
func values(s string) ([]value, error) {
	var out []value
	for _, w := range strings.Fields(s) {
		w, since, err := cutSince(w)
		if err != nil {
			return nil, err
		}
		if isHistogram(w) {
			h, err := parseHistogram(w)
			if err != nil {
				return nil, err
			}
			out = append(out, value{some: true, h: h, since: since})
			continue
		}
		head, count, times := strings.Cut(w, "x")
		n := 0
		if times {
			var err error
			if n, err = strconv.Atoi(count); err != nil || n < 0 || n > 1e6 {
				return nil, fmt.Errorf("want a count after x, got %q", w)
			}
		}
		switch {
		case head == "_":
			for range max(n, 1) {
				out = append(out, value{})
			}
			continue
		case head == "stale":
			out = append(out, value{v: math.Float64frombits(model.StaleNaNBits), some: true})
			continue
		}
		first, step := head, "0"
		if i := strings.LastIndexAny(head, "+-"); times && i > 0 && head[i-1] != 'e' {
			first, step = head[:i], head[i:]
		}
		a, err := strconv.ParseFloat(first, 64)
		if err != nil {
			return nil, fmt.Errorf("want a value, got %q", w)
		}
		d, err := strconv.ParseFloat(step, 64)
		if err != nil {
			return nil, fmt.Errorf("want a step, got %q", w)
		}
		for i := range n + 1 {
			out = append(out, value{v: a + float64(i)*d, some: true, since: since})
		}
	}
	return out, nil
}

// eval runs one evaluation and compares.
func (r *runner) eval(head string, body []string) error {
	req := query.Request{Direction: model.Backward}
	words := strings.Fields(head)
	take := func() string {
		if len(words) == 0 {
			return ""
		}
		w := words[0]
		words = words[1:]
		head = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(head), w))
		return w
	}
	var bad error
	when := func() time.Duration {
		w := take()
		if f, err := strconv.ParseFloat(w, 64); err == nil {
			return time.Duration(f * 1e9)
		}
		d, err := time.ParseDuration(w)
		if err != nil {
			bad = fmt.Errorf("want a duration, got %q", w)
		}
		return d
	}
	if i := slices.Index([]string{"native", "promql", "logql"}, words[0]); i >= 0 {
		req.Dialect = ast.Dialect(i)
		take()
	}
	req.Instant = take() == "instant"
	for len(words) > 0 && bad == nil {
		switch words[0] {
		case "at":
			take()
			req.End = time.Unix(0, int64(when()))
			req.Start = req.End
			continue
		case "from":
			take()
			req.Start = time.Unix(0, int64(when()))
			continue
		case "to":
			take()
			req.End = time.Unix(0, int64(when()))
			continue
		case "step":
			take()
			req.Step = when()
			continue
		case "limit":
			take()
			req.Limit, bad = strconv.Atoi(take())
			continue
		case "forward":
			take()
			req.Direction = model.Forward
			continue
		}
		break
	}
	if bad != nil {
		return bad
	}
	req.Text = head
	e := query.NewEngine(r.store, query.Options{Now: func() time.Time { return req.End }})
	res, err := e.Query(context.Background(), req)
	return compare(res, err, req, body)
}

// compare holds an answer against a script's expectations.
func compare(res *query.Result, err error, req query.Request, body []string) error {
	var want []string
	ordered := false
	for _, l := range body {
		word, rest, _ := strings.Cut(l, " ")
		switch word {
		case "error":
			if err == nil {
				return fmt.Errorf("expected an error with %q, got an answer", rest)
			}
			if !strings.Contains(err.Error(), rest) {
				return fmt.Errorf("expected an error with %q, got %v", rest, err)
			}
			return nil
		case "warn", "info":
			if err != nil {
				return err
			}
			have := res.Warnings
			if word == "info" {
				have = res.Infos
			}
			if !slices.ContainsFunc(have, func(w string) bool { return strings.Contains(w, rest) }) {
				return fmt.Errorf("expected %s %q, got %q", word, rest, have)
			}
		case "ordered":
			ordered = true
		default:
			want = append(want, l)
		}
	}
	if err != nil {
		return err
	}
	got, err := printed(res, req)
	if err != nil {
		return err
	}
	var faults []error
	if len(got) != len(want) {
		faults = append(faults, fmt.Errorf("got %d results, want %d", len(got), len(want)))
	}
	if !ordered {
		slices.Sort(want)
		slices.Sort(got)
	}
	for i := range max(len(got), len(want)) {
		g, w := "", ""
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if !alike(g, w) {
			faults = append(faults, fmt.Errorf("  got  %s\n  want %s", g, w))
		}
	}
	return errors.Join(faults...)
}

// printed prints an answer as scripts state it.
func printed(res *query.Result, req query.Request) ([]string, error) {
	steps := 1
	if !req.Instant && req.Step > 0 {
		steps = int(req.End.Sub(req.Start)/req.Step) + 1
	}
	sequence := func(ps []query.Point, hs []query.HistogramPoint) (string, error) {
		out := make([]string, steps)
		for i := range out {
			out[i] = "_"
		}
		at := func(t int64) int {
			if steps == 1 {
				return 0
			}
			return int((t - req.Start.UnixMilli()) / req.Step.Milliseconds())
		}
		for _, p := range ps {
			i := at(p.T)
			if i < 0 || i >= steps {
				return "", fmt.Errorf("point at %d is outside of the query", p.T)
			}
			out[i] = number(p.V)
		}
		if err := histogramWords(out, hs, at); err != nil {
			return "", err
		}
		return strings.Join(out, " "), nil
	}
	var out []string
	switch res.Kind {
	case query.KindScalar:
		s, err := sequence(res.Points, nil)
		return []string{s}, err
	case query.KindString:
		return []string{strconv.Quote(res.Text)}, nil
	case query.KindVector:
		for _, s := range res.Series {
			v, err := sequence(s.Points, s.Histograms)
			if err != nil {
				return nil, err
			}
			out = append(out, labelsText(s.Labels)+" "+v)
		}
	case query.KindMatrix:
		for _, s := range res.Series {
			v, err := "", error(nil)
			if req.Instant {
				var ps []string
				for _, p := range s.Points {
					ps = append(ps, number(p.V)+"@"+number(float64(p.T)/1000))
				}
				for _, p := range s.Histograms {
					ps = append(ps, histogram.Notation(p.H)+"@"+number(float64(p.T)/1000))
				}
				v = strings.Join(ps, " ")
			} else if v, err = sequence(s.Points, s.Histograms); err != nil {
				return nil, err
			}
			out = append(out, labelsText(s.Labels)+" "+v)
		}
	case query.KindStreams:
		for _, s := range res.Streams {
			for _, e := range s.Entries {
				out = append(out, fmt.Sprintf("%s %s %q", labelsText(s.Labels), number(float64(e.T)/1e9), e.Line))
			}
		}
	}
	return out, nil
}

func labelsText(ls model.Labels) string {
	var b strings.Builder
	b.WriteString(ls.Get(model.MetricName) + "{")
	sep := ""
	for _, l := range ls.Without(model.MetricName) {
		b.WriteString(sep + l.Name + "=" + strconv.Quote(l.Value))
		sep = ", "
	}
	return b.String() + "}"
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// alike compares text, with numbers equal to nine digits and sequences such
// as 1x3 spelled out.
func alike(got, want string) bool {
	if got == want {
		return true
	}
	gl, gr := cutSequence(fold(got))
	wl, wr := cutSequence(fold(want))
	if strings.ReplaceAll(gl, " ", "") != strings.ReplaceAll(wl, " ", "") {
		return false
	}
	g, err := values(gr)
	if err != nil {
		return false
	}
	w, err := values(wr)
	if err != nil || len(g) != len(w) {
		return false
	}
	for i := range g {
		if g[i].some != w[i].some || (g[i].h == nil) != (w[i].h == nil) || g[i].some && !nearby(g[i].v, w[i].v) {
			return false
		}
		if g[i].h != nil && !alikeHistograms(g[i].h, w[i].h) {
			return false
		}
	}
	return true
}

// cutSequence parts a printed series after its labels.
func cutSequence(s string) (labels, rest string) {
	i := strings.LastIndexByte(s, '}')
	return s[:i+1], s[i+1:]
}

func nearby(a, b float64) bool {
	switch {
	case math.IsNaN(a) || math.IsNaN(b):
		return math.IsNaN(a) && math.IsNaN(b)
	case a == b:
		return true
	}
	return math.Abs(a-b) <= 1e-9*math.Max(math.Abs(a), math.Abs(b))
}
