package storage

import (
	"context"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"tidemark/storage/head"
	"tidemark/storage/keys"
	"tidemark/storage/model"
	"tidemark/storage/postings"
)

// LabelNames implements model.View. On disk a label set "may have data in
// range" if its partition overlaps the range; in memory, if its rows span it.
func (v *view) LabelNames(ctx context.Context, sel model.LabelSelection) ([]string, error) {
	found := make(map[string]struct{})
	err := v.eachPlace(ctx, &sel, func(pl place, c *candidates) error {
		if !c.metrics.Empty() || !c.logMetrics.Empty() {
			found[model.MetricName] = struct{}{}
		}
		if len(c.states) > 0 {
			found[model.MeasurementLabel] = struct{}{}
		}
		all, noMeasurement := c.labelled()
		return pl.names(func(name string) error {
			if _, ok := found[name]; ok {
				return nil
			}
			sets := all
			if name == model.MeasurementLabel {
				sets = noMeasurement
			}
			if sets.Empty() {
				return nil
			}
			return pl.values(ctx, name, func(_ string, set *postings.Set) error {
				if set.Intersects(sets) {
					found[name] = struct{}{}
					return model.ErrStop
				}
				return nil
			})
		})
	})
	return sortedKeys(found, sel.Limit), v.finish("label names", err)
}

// LabelValues implements model.View.
func (v *view) LabelValues(ctx context.Context, name string, sel model.LabelSelection) ([]string, error) {
	found := make(map[string]struct{})
	err := v.eachPlace(ctx, &sel, func(pl place, c *candidates) error {
		if name == model.MetricName {
			return pl.metricNames(ctx, c, func(n string) { found[n] = struct{}{} })
		}
		sets, logs := c.labelled()
		if name == model.MeasurementLabel {
			sets = logs
			for m := range c.states {
				found[m] = struct{}{}
			}
		}
		if sets.Empty() {
			return nil
		}
		return pl.values(ctx, name, func(value string, set *postings.Set) error {
			if set.Intersects(sets) {
				found[value] = struct{}{}
			}
			return nil
		})
	})
	return sortedKeys(found, sel.Limit), v.finish("label values", err)
}

func sortedKeys(m map[string]struct{}, limit int) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	if limit > 0 && len(out) > limit {
		out = out[:limit]
	}
	return out
}

// LabelSets implements model.View.
func (v *view) LabelSets(ctx context.Context, sel model.LabelSelection) ([]model.Labels, error) {
	found := make(map[string]model.Labels)
	n := 0
	add := func(ls model.Labels) error {
		if n++; n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		key := ls.Key()
		if _, ok := found[key]; !ok {
			found[key] = ls
		}
		return nil
	}
	err := v.eachPlace(ctx, &sel, func(pl place, c *candidates) error {
		return pl.labelSets(ctx, c, add)
	})
	if err = v.finish("label sets", err); err != nil {
		return nil, err
	}
	out := make([]model.Labels, 0, len(found))
	for _, ls := range found {
		out = append(out, ls)
	}
	slices.SortFunc(out, model.Labels.Compare)
	if sel.Limit > 0 && len(out) > sel.Limit {
		out = out[:sel.Limit]
	}
	return out, nil
}

// place is a partition on disk or a head, as far as questions about labels go.
type place interface {
	// select1 returns what satisfies a selector.
	select1(ctx context.Context, ms []*model.Matcher, scope model.Scope) (*candidates, error)
	names(f func(name string) error) error
	// values calls f for the values of a label; ErrStop ends it.
	values(ctx context.Context, name string, f func(value string, set *postings.Set) error) error
	metricNames(ctx context.Context, c *candidates, f func(name string)) error
	labelSets(ctx context.Context, c *candidates, f func(model.Labels) error) error
}

// candidates are the label sets of a place that satisfy a selector, by what
// they are: a label set may be in several.
type candidates struct {
	nameMs                    []*model.Matcher
	metrics, logMetrics, logs *postings.Set
	// states are those with state columns, by measurement.
	states map[string]*postings.Set
}

func (c *candidates) empty() bool {
	return c.metrics.Empty() && c.logMetrics.Empty() && c.logs.Empty() && len(c.states) == 0
}

// labelled returns the label sets whose labels count, and those of them whose
// label measurement does.
func (c *candidates) labelled() (all, measurement *postings.Set) {
	measurement = postings.Or(c.metrics, c.logs)
	sets := []*postings.Set{measurement, c.logMetrics}
	for _, s := range c.states {
		sets = append(sets, s)
	}
	return postings.Or(sets...), measurement
}

// eachPlace calls f for each place and selector that has candidates in it.
func (v *view) eachPlace(ctx context.Context, sel *model.LabelSelection, f func(place, *candidates) error) error {
	if err := v.enter(); err != nil {
		return err
	}
	defer v.leave()
	mint := max(sel.Mint, v.minTime)
	if mint > sel.Maxt {
		return nil
	}
	v.noteLosses(mint, sel.Maxt, sel.Scope != model.ScopeLogs, sel.Scope != model.ScopeMetrics, nil)
	parts, err := v.partitions(mint, sel.Maxt)
	if err != nil {
		return err
	}
	var places []place
	for _, p := range parts {
		places = append(places, &diskPlace{v, diskIndex{v.snap, p}})
	}
	for _, h := range v.heads {
		if !h.Empty() {
			places = append(places, &headPlace{h, mint, sel.Maxt})
		}
	}
	selectors := sel.Selectors
	if len(selectors) == 0 {
		selectors = [][]*model.Matcher{nil}
	}
	for _, pl := range places {
		for _, ms := range selectors {
			if err := ctx.Err(); err != nil {
				return err
			}
			c, err := pl.select1(ctx, ms, sel.Scope)
			if err != nil {
				return err
			}
			if c.empty() {
				continue
			}
			if err := f(pl, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// selector is a selector's matchers, taken apart.
type selector struct {
	names, labels, logLabels []*model.Matcher
	metrics, logMetrics      bool // may match
	logs, states             bool
	stateMs, setMs           []*model.Matcher
}

func newSelector(ms []*model.Matcher, scope model.Scope) *selector {
	s := &selector{}
	s.names, s.labels = splitName(ms)
	ok := false
	s.logLabels, ok = withoutMeasurement(s.labels)
	s.metrics = scope != model.ScopeLogs
	s.logMetrics = s.metrics && ok
	s.logs = scope != model.ScopeMetrics && matchesAll(s.names, "")
	s.states, s.stateMs, s.setMs = stateMatchers(s.labels)
	s.states = s.states && s.logs
	return s
}

// diskPlace is a partition on disk.
type diskPlace struct {
	v *view
	diskIndex
}

func (d *diskPlace) select1(ctx context.Context, ms []*model.Matcher, scope model.Scope) (*candidates, error) {
	s := newSelector(ms, scope)
	c := &candidates{nameMs: s.names}
	within := func(ms []*model.Matcher, class keys.Class) (*postings.Set, error) {
		have, err := d.classes(class)
		if err != nil || have.Empty() || len(ms) == 0 {
			return have, err
		}
		sel, err := postings.Select(ctx, d.diskIndex, ms)
		if err != nil {
			return nil, err
		}
		return postings.And(sel, have), nil
	}
	var err error
	if s.metrics {
		if c.metrics, err = within(s.labels, keys.ClassMetrics); err != nil {
			return nil, err
		}
	}
	if s.logMetrics {
		if c.logMetrics, err = within(s.logLabels, keys.ClassLogMetrics); err != nil {
			return nil, err
		}
	}
	if len(s.names) > 0 {
		var metrics, logs []*postings.Set
		err := d.eachMetric(ctx, c, func(_ string, m, l *postings.Set) {
			metrics, logs = append(metrics, m), append(logs, l)
		})
		if err != nil {
			return nil, err
		}
		c.metrics, c.logMetrics = postings.Or(metrics...), postings.Or(logs...)
	}
	if s.logs {
		if c.logs, err = within(s.labels, keys.ClassLogs); err != nil {
			return nil, err
		}
	}
	if !s.states {
		return c, nil
	}
	sets, err := within(s.setMs, keys.ClassState)
	if err != nil || sets.Empty() {
		return c, err
	}
	c.states = make(map[string]*postings.Set)
	lo, hi := d.p.AllStateSets()
	err = d.scan(lo, hi, func(it *pebble.Iterator) error {
		id, err := d.p.ReadStateSets(it.Key())
		if err != nil {
			return corrupt("state sets", err)
		}
		have, err := d.set(d.p.StateSets(id))
		if err != nil || !have.Intersects(sets) {
			return err
		}
		_, info, err := d.v.metricByID(id)
		if err == nil && matchesAll(s.stateMs, info.Measurement) {
			c.states[info.Measurement] = postings.Or(c.states[info.Measurement], postings.And(have, sets))
		}
		return err
	})
	return c, err
}

// eachMetric calls f for each metric name that satisfies the selector and has
// candidates, with those.
func (d *diskPlace) eachMetric(ctx context.Context, c *candidates, f func(name string, metrics, logs *postings.Set)) error {
	type sets struct{ metrics, logs *postings.Set }
	one := func(id uint32, name string) error {
		var s sets
		if !c.metrics.Empty() {
			have, err := d.set(d.p.MetricSets(id))
			if err != nil {
				return err
			}
			s.metrics = postings.And(have, c.metrics)
		}
		if !c.logMetrics.Empty() {
			lo, hi := d.p.LogFields(id)
			err := d.scan(lo, hi, func(it *pebble.Iterator) error {
				have, err := setAt(it, "log field")
				if err != nil {
					return err
				}
				s.logs = postings.Or(s.logs, postings.And(have, c.logMetrics))
				return nil
			})
			if err != nil {
				return err
			}
		}
		if !s.metrics.Empty() || !s.logs.Empty() {
			f(name, s.metrics, s.logs)
		}
		return nil
	}
	named, err := d.v.metricNames(ctx, c.nameMs)
	if err != nil {
		return err
	}
	for i := range named {
		if i%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := one(named[i].info.ID, named[i].name); err != nil {
			return err
		}
	}
	return nil
}

func (d *diskPlace) names(f func(string) error) error { return d.diskIndex.names(f) }

func (d *diskPlace) values(ctx context.Context, name string, f func(string, *postings.Set) error) error {
	n := 0
	err := d.Values(name, "", func(value string, get func() (*postings.Set, error)) error {
		if n++; n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		set, err := get()
		if err != nil {
			return err
		}
		return f(value, set)
	})
	if errors.Is(err, model.ErrStop) {
		return nil
	}
	return err
}

func (d *diskPlace) metricNames(ctx context.Context, c *candidates, f func(string)) error {
	if c.metrics.Empty() && c.logMetrics.Empty() {
		return nil
	}
	return d.eachMetric(ctx, c, func(name string, _, _ *postings.Set) { f(name) })
}

func (d *diskPlace) labelSets(ctx context.Context, c *candidates, f func(model.Labels) error) error {
	var err error
	each := func(s *postings.Set, change func(model.Labels) model.Labels) {
		s.Each(func(id uint32) bool {
			var ls *labelSet
			if ls, err = d.v.labelsOf(d.p, id); err == nil {
				err = f(change(ls.labels))
			}
			return err == nil
		})
	}
	if !c.metrics.Empty() || !c.logMetrics.Empty() {
		e := d.eachMetric(ctx, c, func(name string, metrics, logs *postings.Set) {
			if err == nil {
				each(metrics, func(ls model.Labels) model.Labels { return ls.With(model.MetricName, name) })
			}
			if err == nil {
				each(logs, func(ls model.Labels) model.Labels {
					return ls.With(model.MeasurementLabel, "").With(model.MetricName, name)
				})
			}
		})
		if err == nil {
			err = e
		}
	}
	if err == nil {
		each(c.logs, func(ls model.Labels) model.Labels { return ls })
	}
	for m, s := range c.states {
		if err == nil {
			each(s, func(ls model.Labels) model.Labels { return ls.With(model.MeasurementLabel, m) })
		}
	}
	return err
}

// headPlace is a head, within a range of times.
type headPlace struct {
	*head.Snapshot
	mint, maxt int64
}

// within returns the streams of a set that have rows of a class in range.
func (h *headPlace) within(set *postings.Set, c head.Class, name string) *postings.Set {
	out := &postings.Set{}
	set.Each(func(st uint32) bool {
		if h.HasRange(st, c, name, h.mint, h.maxt) {
			out.Add(st)
		}
		return true
	})
	return out
}

func (h *headPlace) select1(ctx context.Context, ms []*model.Matcher, scope model.Scope) (*candidates, error) {
	s := newSelector(ms, scope)
	c := &candidates{nameMs: s.names}
	of := func(ms []*model.Matcher, class head.Class) (*postings.Set, error) {
		sel, err := h.Select(ctx, ms)
		if err != nil {
			return nil, err
		}
		return h.within(postings.And(sel, h.All(class)), class, ""), nil
	}
	var err error
	if s.metrics {
		if c.metrics, err = of(s.labels, head.Metrics); err != nil {
			return nil, err
		}
	}
	if s.logMetrics {
		if c.logMetrics, err = of(s.logLabels, head.LogMetrics); err != nil {
			return nil, err
		}
	}
	if len(s.names) > 0 {
		var metrics, logs []*postings.Set
		h.eachMetric(c, func(_ string, m, l *postings.Set) {
			metrics, logs = append(metrics, m), append(logs, l)
		})
		c.metrics, c.logMetrics = postings.Or(metrics...), postings.Or(logs...)
	}
	if s.logs {
		if c.logs, err = of(s.labels, head.Logs); err != nil {
			return nil, err
		}
	}
	if !s.states {
		return c, nil
	}
	sets, err := of(s.setMs, head.States)
	if err != nil {
		return nil, err
	}
	c.states = make(map[string]*postings.Set)
	for _, st := range sets.IDs() {
		h.Columns(st, func(col head.Column) {
			if col.Class == head.States && col.Mint <= h.maxt && col.Maxt >= h.mint && matchesAll(s.stateMs, col.Measurement) {
				set := c.states[col.Measurement]
				if set == nil {
					set = &postings.Set{}
					c.states[col.Measurement] = set
				}
				set.Add(st)
			}
		})
	}
	return c, nil
}

func (h *headPlace) eachMetric(c *candidates, f func(name string, metrics, logs *postings.Set)) {
	seen := make(map[string]bool)
	add := func(name string) {
		if matchesAll(c.nameMs, name) {
			seen[name] = true
		}
	}
	if eq := equalName(c.nameMs); eq != nil {
		add(*eq)
	} else {
		h.Names(head.Metrics, add)
		h.Names(head.LogMetrics, add)
	}
	for name := range seen {
		metrics := h.within(postings.And(c.metrics, h.NameSets(name, head.Metrics)), head.Metrics, name)
		logs := h.within(postings.And(c.logMetrics, h.NameSets(name, head.LogMetrics)), head.LogMetrics, name)
		if !metrics.Empty() || !logs.Empty() {
			f(name, metrics, logs)
		}
	}
}

func (h *headPlace) names(f func(string) error) error {
	var names []string
	h.LabelNames(func(n string) { names = append(names, n) })
	for _, n := range names {
		if err := f(n); err != nil {
			return err
		}
	}
	return nil
}

func (h *headPlace) values(_ context.Context, name string, f func(string, *postings.Set) error) error {
	var err error
	h.LabelValues(name, func(value string, set *postings.Set) {
		if err == nil {
			err = f(value, set)
		}
	})
	if errors.Is(err, model.ErrStop) {
		return nil
	}
	return err
}

func (h *headPlace) metricNames(_ context.Context, c *candidates, f func(string)) error {
	if !c.metrics.Empty() || !c.logMetrics.Empty() {
		h.eachMetric(c, func(name string, _, _ *postings.Set) { f(name) })
	}
	return nil
}

func (h *headPlace) labelSets(_ context.Context, c *candidates, f func(model.Labels) error) error {
	var err error
	each := func(s *postings.Set, change func(model.Labels) model.Labels) {
		s.Each(func(st uint32) bool {
			if err == nil {
				err = f(change(h.Labels(st)))
			}
			return err == nil
		})
	}
	if !c.metrics.Empty() || !c.logMetrics.Empty() {
		h.eachMetric(c, func(name string, metrics, logs *postings.Set) {
			each(metrics, func(ls model.Labels) model.Labels { return ls.With(model.MetricName, name) })
			each(logs, func(ls model.Labels) model.Labels {
				return ls.With(model.MeasurementLabel, "").With(model.MetricName, name)
			})
		})
	}
	each(c.logs, func(ls model.Labels) model.Labels { return ls })
	for m, s := range c.states {
		each(s, func(ls model.Labels) model.Labels { return ls.With(model.MeasurementLabel, m) })
	}
	return err
}
