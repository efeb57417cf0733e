package storage

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"tidemark/storage/head"
	"tidemark/storage/model"
	"tidemark/storage/postings"
)

var _ model.CardinalityView = (*view)(nil)

// Cardinality implements model.CardinalityView: O(names + labels with a value)
// of the newest partition and of the heads. Bitmaps are counted by their
// headers, but for the pairs that are listed.
func (v *view) Cardinality(ctx context.Context, limit int) (*model.Cardinality, error) {
	if err := v.enter(); err != nil {
		return nil, err
	}
	defer v.leave()
	c := &counting{ctx: ctx, limit: limit, series: map[string]int64{}, values: map[string]int64{}, bytes: map[string]int64{}, pairs: map[model.Label]int64{}}
	out := &model.Cardinality{Mint: math.MaxInt64, Maxt: math.MinInt64}
	add := func(r model.TimeRange) { out.Mint, out.Maxt = min(out.Mint, r.Mint), max(out.Maxt, r.Maxt) }
	parts, err := v.partitions(minInt64, maxInt64)
	if err == nil && len(parts) > 0 {
		p := parts[len(parts)-1]
		add(p.Range())
		err = c.disk(v, diskIndex{v.snap, p})
	}
	for _, h := range v.heads {
		if err == nil && !h.Empty() {
			for _, d := range h.Days() {
				add(d)
			}
			err = c.head(h)
		}
	}
	if err = v.finish("cardinality", err); err != nil {
		return nil, err
	}
	for _, n := range c.series {
		out.Series += n
	}
	for _, n := range c.values {
		out.LabelPairs += n
	}
	pairs := make(map[string]int64, len(c.pairs))
	for l, n := range c.pairs {
		pairs[l.Name+"="+l.Value] = n
	}
	out.SeriesByName, out.ValuesByLabel = largest(c.series, limit), largest(c.values, limit)
	out.BytesByLabel, out.SeriesByPair = largest(c.bytes, limit), largest(pairs, limit)
	return out, nil
}

// largest returns the entries with the greatest counts, equal ones by name.
func largest(m map[string]int64, limit int) []model.Count {
	out := make([]model.Count, 0, len(m))
	for name, n := range m {
		out = append(out, model.Count{Name: name, Value: n})
	}
	slices.SortFunc(out, func(a, b model.Count) int {
		return cmp.Or(cmp.Compare(b.Value, a.Value), cmp.Compare(a.Name, b.Name))
	})
	return out[:min(len(out), limit)]
}

// counting is one call of Cardinality; each map has the greatest count of any
// place.
type counting struct {
	ctx                   context.Context
	limit                 int
	series, values, bytes map[string]int64
	pairs                 map[model.Label]int64
	n                     int
}

func (c *counting) tick() error {
	if c.n++; c.n%1024 == 0 {
		return c.ctx.Err()
	}
	return nil
}

// pair is a label with a value and how many label sets have it.
type pair struct {
	model.Label
	sets int
	ids  *postings.Set
}

// top is the pairs that most label sets have. Those are taken for the ones that
// most series have; as many again are looked at, since the number of a label set's
// metrics differs.
type top struct {
	pairs []pair
	keep  int
}

func (t *top) add(p pair) {
	if len(t.pairs) >= 4*t.keep {
		t.cut()
		if last := t.pairs[len(t.pairs)-1]; p.sets <= last.sets {
			return
		}
	}
	t.pairs = append(t.pairs, p)
}

func (t *top) cut() {
	slices.SortFunc(t.pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(b.sets, a.sets), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value))
	})
	t.pairs = t.pairs[:min(len(t.pairs), t.keep)]
}

// labels counts a place's labels and returns the most frequent ones.
func (c *counting) labels(names func(func(string) error) error, values func(name string, f func(value string, sets func() (int, error)) error) error) ([]pair, error) {
	t := top{keep: max(1, 2*c.limit)}
	err := names(func(name string) error {
		n, bytes := int64(0), int64(0)
		err := values(name, func(value string, sets func() (int, error)) error {
			if err := c.tick(); err != nil {
				return err
			}
			n++
			bytes += int64(len(value))
			count, err := sets()
			t.add(pair{Label: model.Label{Name: name, Value: value}, sets: count})
			return err
		})
		c.values[name], c.bytes[name] = max(c.values[name], n), max(c.bytes[name], bytes)
		return err
	})
	t.cut()
	return t.pairs, err
}

func (c *counting) disk(v *view, x diskIndex) error {
	pairs, err := c.labels(x.names, func(name string, f func(string, func() (int, error)) error) error {
		lo, hi := x.p.Postings(name, "")
		return x.scan(lo, hi, func(it *pebble.Iterator) error {
			_, value, err := x.p.ReadPosting(it.Key())
			if err != nil {
				return corrupt("posting", err)
			}
			return f(value, func() (int, error) {
				val, err := it.ValueAndErr()
				if err != nil {
					return 0, err
				}
				n, err := postings.Cardinality(val)
				return n, corrupt("posting", err)
			})
		})
	})
	if err != nil {
		return err
	}
	for i := range pairs {
		if pairs[i].ids, err = x.Get(pairs[i].Name, pairs[i].Value); err != nil {
			return err
		}
	}
	ofPairs := make([]int64, len(pairs))
	count := func(metric uint32, it *pebble.Iterator) error {
		if err := c.tick(); err != nil {
			return err
		}
		set, err := setAt(it, "metric sets")
		if err != nil {
			return err
		}
		name, _, err := v.metricByID(metric)
		if err != nil {
			return err
		}
		c.series[name] = max(c.series[name], int64(set.Len()))
		for i := range pairs {
			ofPairs[i] += int64(postings.Common(set, pairs[i].ids))
		}
		return nil
	}
	lo, hi := x.p.AllMetricSets()
	err = x.scan(lo, hi, func(it *pebble.Iterator) error {
		id, err := x.p.ReadMetricSets(it.Key())
		if err != nil {
			return corrupt("metric sets", err)
		}
		return count(id, it)
	})
	if err != nil {
		return err
	}
	lo, hi = x.p.AllLogFields()
	err = x.scan(lo, hi, func(it *pebble.Iterator) error {
		id, _, err := x.p.ReadLogField(it.Key())
		if err != nil {
			return corrupt("log field", err)
		}
		return count(id, it)
	})
	for i := range pairs {
		c.pairs[pairs[i].Label] = max(c.pairs[pairs[i].Label], ofPairs[i])
	}
	return err
}

func (c *counting) head(h *head.Snapshot) error {
	pl := &headPlace{h, minInt64, maxInt64}
	pairs, err := c.labels(pl.names, func(name string, f func(string, func() (int, error)) error) error {
		return pl.values(c.ctx, name, func(value string, set *postings.Set) error {
			return f(value, func() (int, error) { return set.Len(), nil })
		})
	})
	if err != nil {
		return err
	}
	for i := range pairs {
		m := &model.Matcher{Type: model.MatchEqual, Name: pairs[i].Name, Value: pairs[i].Value}
		if pairs[i].ids, err = h.Select(c.ctx, []*model.Matcher{m}); err != nil {
			return err
		}
	}
	ofPairs := make([]int64, len(pairs))
	for _, class := range []head.Class{head.Metrics, head.LogMetrics} {
		var names []string
		h.Names(class, func(n string) { names = append(names, n) })
		for _, name := range names {
			if err := c.tick(); err != nil {
				return err
			}
			set := h.NameSets(name, class)
			c.series[name] = max(c.series[name], int64(set.Len()))
			for i := range pairs {
				ofPairs[i] += int64(postings.Common(set, pairs[i].ids))
			}
		}
	}
	for i := range pairs {
		c.pairs[pairs[i].Label] = max(c.pairs[pairs[i].Label], ofPairs[i])
	}
	return nil
}
