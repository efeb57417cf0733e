package exec

import (
	"context"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"tidemark/query/ast"
	"tidemark/query/funcs"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

// info(v, {…}) adds labels of info metrics, such as target_info, to the series
// of v that have the same job and instance. The second argument says which info
// metrics, by matchers on __name__, and which of their labels; without it all
// labels of target_info are added.

// targetInfo is the info metric that is meant where none is named.
const targetInfo = "target_info"

// identifying are the labels by which series and info metrics are paired.
var identifying = []string{"instance", "job"}

// infoCall is one call of info.
type infoCall struct {
	ev   *evaluator
	pos  ast.Pos
	grid Grid
	// data are the matchers of the second argument but those on __name__, by
	// label; only their labels are added, all where there are none.
	data map[string][]*model.Matcher
	// names are the matchers that info metrics' names satisfy.
	names []*model.Matcher
	// series are the info series by name and identifying labels.
	series map[string]*infoSeries
	order  []string // the metrics' names, sorted
}

// infoSeries are the info series of one metric that have the same identifying
// labels. They follow one another in time.
type infoSeries struct {
	columns []*Column // values are the times of their samples
	// at has for each step the index of the newest one, or -1.
	at []int
}

func info(ev *evaluator, ctx context.Context, call *plan.Call, g Grid, emit func(*Column) error) error {
	c := &infoCall{ev: ev, pos: call.Pos, grid: g, data: map[string][]*model.Matcher{}, series: map[string]*infoSeries{}}
	base, err := ev.collectSorted(ctx, call.Args[0], g)
	if err != nil {
		return err
	}
	var names []*model.Matcher
	if len(call.Args) > 1 && call.Args[1] != nil {
		for _, m := range call.Args[1].(*plan.Matchers).List {
			if m.Name == model.MetricName {
				names = append(names, m)
				continue
			}
			c.data[m.Name] = append(c.data[m.Name], m)
		}
	}
	c.names = infoNames(names)
	present := NewBitmap(g.Len())
	var enrich []*Column
	for _, b := range base {
		present.Or(b.Present)
		if !c.isInfo(b) {
			enrich = append(enrich, b)
		}
	}
	if err := c.fetch(ctx, call, enrich); err != nil {
		return err
	}
	if err := c.choose(present); err != nil {
		return err
	}
	return ev.merged(call.Pos, func(emit func(*Column) error) error {
		for _, b := range base {
			if err := ctx.Err(); err != nil {
				return err
			}
			if c.isInfo(b) {
				if err := emit(b); err != nil {
					return err
				}
				continue
			}
			if err := c.enrich(b, emit); err != nil {
				return err
			}
		}
		return nil
	}, emit)
}

// infoNames returns the matchers of info metrics' names: those given and, where
// none of them says what a name is, one that does.
func infoNames(given []*model.Matcher) []*model.Matcher {
	switch {
	case len(given) == 0:
		return []*model.Matcher{model.MustMatcher(model.MatchEqual, model.MetricName, targetInfo)}
	case slices.ContainsFunc(given, func(m *model.Matcher) bool { return m.Type == model.MatchEqual || m.Type == model.MatchRegexp }):
		return given
	}
	return append([]*model.Matcher{model.MustMatcher(model.MatchRegexp, model.MetricName, ".+_info")}, given...)
}

// isInfo reports whether a series is an info metric itself, and stays as it is.
func (c *infoCall) isInfo(b *Column) bool {
	name := b.Labels.Get(model.MetricName)
	for _, m := range c.names {
		if !m.Matches(name) {
			return false
		}
	}
	return true
}

// fetch reads the info series that have the identifying labels of a series.
func (c *infoCall) fetch(ctx context.Context, call *plan.Call, base []*Column) error {
	// Series are told apart by which of the labels they have, as a label that
	// is missing must be missing in the info metric, too.
	groups := map[[2]bool][2]map[string]bool{}
	for _, b := range base {
		var has [2]bool
		for i, l := range identifying {
			has[i] = b.Labels.Has(l)
		}
		if has == [2]bool{} {
			continue
		}
		g, ok := groups[has]
		if !ok {
			g = [2]map[string]bool{{}, {}}
			groups[has] = g
		}
		for i, l := range identifying {
			if has[i] {
				g[i][b.Labels.Get(l)] = true
			}
		}
	}
	when := c.when(call.Args[0])
	for has, g := range groups {
		ms := slices.Clone(c.names)
		for _, d := range c.data {
			ms = append(ms, d...)
		}
		for i, l := range identifying {
			if !has[i] {
				ms = append(ms, model.MustMatcher(model.MatchEqual, l, ""))
				continue
			}
			m, err := model.NewMatcher(model.MatchRegexp, l, alternatives(g[i]))
			if err != nil {
				return errorAt(c.pos, "info: %v", err)
			}
			ms = append(ms, m)
		}
		sel := &plan.Select{Pos: c.pos, Matchers: ms, When: when}
		err := c.ev.eachInstant(ctx, sel, c.grid, numberTime, func(col *Column) error {
			name := col.Labels.Get(model.MetricName)
			if i, found := slices.BinarySearch(c.order, name); !found {
				c.order = slices.Insert(c.order, i, name)
			}
			key := infoKey(name, col.Labels)
			if c.series[key] == nil {
				c.series[key] = &infoSeries{}
			}
			c.series[key].columns = append(c.series[key].columns, col)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// alternatives returns a regular expression of values.
func alternatives(set map[string]bool) string {
	vs := make([]string, 0, len(set))
	for v := range set {
		vs = append(vs, regexp.QuoteMeta(v))
	}
	sort.Strings(vs)
	return strings.Join(vs, "|")
}

// infoKey is a metric's name with the identifying labels.
func infoKey(name string, ls model.Labels) string {
	return name + "\xff" + ls.Keep(identifying...).Key()
}

// choose finds the newest info series of each kind at each step at which there
// is something to add labels to. Two as new contradict each other.
func (c *infoCall) choose(present Bitmap) error {
	for _, s := range c.series {
		s.at = make([]int, c.grid.Len())
		for i := range s.at {
			s.at[i] = -1
			if !present.Has(i) {
				continue
			}
			for k, col := range s.columns {
				if !col.Present.Has(i) {
					continue
				}
				best := s.at[i]
				if best >= 0 && s.columns[best].Values[i] == col.Values[i] {
					return errorAt(c.pos, "found duplicate series for info metric: existing %s @ %d, new %s @ %d",
						pairsText(s.columns[best].Labels), int64(col.Values[i]*1000), pairsText(col.Labels), int64(col.Values[i]*1000))
				}
				if best < 0 || s.columns[best].Values[i] < col.Values[i] {
					s.at[i] = k
				}
			}
		}
	}
	return nil
}

// enrich emits a series with the labels of its info series. Where those change
// from step to step, so do the labels, and several series come of it.
func (c *infoCall) enrich(b *Column, emit func(*Column) error) error {
	var kinds []*infoSeries
	for _, name := range c.order {
		if s := c.series[infoKey(name, b.Labels)]; s != nil {
			kinds = append(kinds, s)
		}
	}
	type choice struct {
		out  *Column
		drop bool
	}
	choices := map[string]*choice{}
	var order []*choice
	var key []byte
	var failed error
	b.Present.forEach(func(i int) {
		if failed != nil {
			return
		}
		key = key[:0]
		for _, s := range kinds {
			k := s.at[i] + 1
			key = append(key, byte(k), byte(k>>8), byte(k>>16))
		}
		ch := choices[string(key)]
		if ch == nil {
			ch = &choice{}
			choices[string(key)] = ch
			order = append(order, ch)
			var ls model.Labels
			if ls, ch.drop, failed = c.labels(b, kinds, i); failed != nil {
				return
			}
			if ch.out, failed = c.ev.newColumn(ls, len(b.Values)); failed != nil {
				return
			}
			ch.out.Nameless = b.Nameless
		}
		switch h := b.hist(i); {
		case ch.drop:
		case h != nil:
			ch.out.setHist(i, h)
		default:
			ch.out.setNumber(i, b.Values[i])
		}
	})
	c.ev.recycle(b)
	if failed != nil {
		return failed
	}
	for _, ch := range order {
		if ch.out.Present.Empty() {
			c.ev.recycle(ch.out)
			continue
		}
		if err := emit(ch.out); err != nil {
			return err
		}
	}
	return nil
}

// labels returns the labels of a series with those of its info series at a
// step; drop says that the series has none and the query asks for some.
func (c *infoCall) labels(b *Column, kinds []*infoSeries, step int) (_ model.Labels, drop bool, err error) {
	added := map[string]string{}
	found := false
	for _, s := range kinds {
		if s.at[step] < 0 {
			continue
		}
		found = true
		for _, l := range s.columns[s.at[step]].Labels {
			if l.Name == model.MetricName || len(c.data) > 0 && c.data[l.Name] == nil {
				continue
			}
			if v, ok := added[l.Name]; ok && v != l.Value {
				return nil, false, errorAt(c.pos, "conflicting label: %s", l.Name)
			}
			if !b.Labels.Has(l.Name) {
				added[l.Name] = l.Value
			}
		}
	}
	if !found {
		for _, ms := range c.data {
			for _, m := range ms {
				drop = drop || !m.MatchesEmpty()
			}
		}
	}
	ls := b.Labels
	for name, value := range added {
		ls = ls.With(name, value)
	}
	return ls, drop, nil
}

// infoReference is the time that a selector reads at: its own or, within
// subqueries, with their offsets up to the first @.
type infoReference struct {
	fixed  bool
	at     int64 // milliseconds, where fixed
	offset time.Duration
}

func (r infoReference) equal(o infoReference) bool {
	if r.fixed != o.fixed {
		return false
	}
	if r.fixed {
		return r.at-r.offset.Milliseconds() == o.at-o.offset.Milliseconds()
	}
	return r.offset.Milliseconds() == o.offset.Milliseconds()
}

// when returns the time at which info series are read: that of the selectors of
// the first argument where all of them share one, otherwise the evaluation's.
func (c *infoCall) when(n plan.Node) plan.When {
	refs, free := c.references(n, nil)
	if len(refs) == 0 || free {
		return plan.When{}
	}
	for _, r := range refs[1:] {
		if !r.equal(refs[0]) {
			return plan.When{}
		}
	}
	w := plan.When{Offset: refs[0].offset}
	if refs[0].fixed {
		w.At = ast.At{Kind: ast.AtTime, Time: refs[0].at}
	}
	return w
}

// references collects the references of the selectors beneath a vector or a
// range; free says that some vector has no selector.
func (c *infoCall) references(n plan.Node, subqueries []*plan.Subquery) (refs []infoReference, free bool) {
	if t := n.Type(); t != funcs.Vector && t != funcs.Range && t != funcs.Grid {
		return nil, false
	}
	pin := func(r *infoReference, w plan.When) {
		r.offset += w.Offset
		switch w.At.Kind {
		case ast.AtTime:
			r.fixed, r.at = true, w.At.Time
		case ast.AtStart:
			r.fixed, r.at = true, c.ev.Grid.Start
		case ast.AtEnd:
			r.fixed, r.at = true, c.ev.Grid.End
		}
	}
	children := []plan.Node{}
	switch n := n.(type) {
	case *plan.Select:
		var r infoReference
		pin(&r, n.When)
		for i := len(subqueries) - 1; i >= 0 && !r.fixed; i-- {
			pin(&r, subqueries[i].When)
		}
		return []infoReference{r}, false
	case *plan.Subquery:
		subqueries = append(slices.Clone(subqueries), n)
		children = append(children, n.Expr)
	case *plan.Unary:
		children = append(children, n.Expr)
	case *plan.Binary:
		children = append(children, n.LHS, n.RHS)
	case *plan.Aggregate:
		children = append(children, n.Expr)
		if n.Param != nil {
			children = append(children, n.Param)
		}
	case *plan.Call:
		children = n.Args
		if n.Func.Name == "info" {
			children = n.Args[:1]
		}
	}
	for _, ch := range children {
		if ch == nil {
			continue
		}
		r, f := c.references(ch, subqueries)
		refs, free = append(refs, r...), free || f
	}
	return refs, free || len(refs) == 0
}
