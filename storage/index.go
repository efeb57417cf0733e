package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"tidemark/storage/keys"
	"tidemark/storage/model"
	"tidemark/storage/postings"
)

// diskIndex is the label index of a partition on disk: a postings.Index.
type diskIndex struct {
	snap *pebble.Snapshot
	p    keys.Partition
}

var _ postings.Index = diskIndex{}

// set reads a bitmap; nil where there is none.
func (x diskIndex) set(key []byte) (*postings.Set, error) {
	v, c, err := x.snap.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s, err := postings.Decode(v)
	if err = errors.Join(err, c.Close()); err != nil {
		return nil, corrupt(fmt.Sprintf("bitmap %x", key), err)
	}
	return s, nil
}

// setAt reads the bitmap at an iterator; what names it where it is damaged.
func setAt(it *pebble.Iterator, what string) (*postings.Set, error) {
	v, err := it.ValueAndErr()
	if err != nil {
		return nil, err
	}
	s, err := postings.Decode(v)
	return s, corrupt(what, err)
}

// All implements postings.Index.
func (x diskIndex) All() (*postings.Set, error) {
	return x.classes(keys.ClassMetrics, keys.ClassLogs, keys.ClassState)
}

func (x diskIndex) classes(cs ...keys.Class) (*postings.Set, error) {
	var sets []*postings.Set
	for _, c := range cs {
		s, err := x.set(x.p.ClassSets(c))
		if err != nil {
			return nil, err
		}
		if !s.Empty() {
			sets = append(sets, s)
		}
	}
	return postings.Or(sets...), nil
}

// Get implements postings.Index.
func (x diskIndex) Get(name, value string) (*postings.Set, error) {
	return x.set(x.p.Posting(name, value))
}

// Values implements postings.Index.
func (x diskIndex) Values(name, prefix string, f func(string, func() (*postings.Set, error)) error) error {
	lo, hi := x.p.Postings(name, prefix)
	return x.scan(lo, hi, func(it *pebble.Iterator) error {
		_, value, err := x.p.ReadPosting(it.Key())
		if err != nil {
			return corrupt("posting", err)
		}
		return f(value, func() (*postings.Set, error) {
			return setAt(it, "posting")
		})
	})
}

// scan calls f at each key of a range.
func (x diskIndex) scan(lo, hi []byte, f func(*pebble.Iterator) error) (err error) {
	return scan(x.snap, lo, hi, f)
}

func scan(r pebble.Reader, lo, hi []byte, f func(*pebble.Iterator) error) (err error) {
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for it.First(); it.Valid(); it.Next() {
		if err := f(it); err != nil {
			return err
		}
	}
	return nil
}

// names calls f for each label name.
func (x diskIndex) names(f func(name string) error) (err error) {
	lo, hi := x.p.AllPostings()
	it, err := x.snap.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; {
		name, _, err := x.p.ReadPosting(it.Key())
		if err != nil {
			return corrupt("posting", err)
		}
		if err := f(name); err != nil {
			return err
		}
		ok = it.SeekGE(x.p.AfterPostings(name))
	}
	return nil
}

// splitName parts the matchers of metric names from those of labels.
func splitName(ms []*model.Matcher) (names, labels []*model.Matcher) {
	for _, m := range ms {
		if m.Name == model.MetricName {
			names = append(names, m)
		} else {
			labels = append(labels, m)
		}
	}
	return names, labels
}

// withoutMeasurement returns the matchers for the label sets of log rows whose
// fields are read as metrics: such a metric lacks the label measurement, so a
// matcher on it must accept that, and says nothing of the label set. ok is
// false where nothing can match.
func withoutMeasurement(ms []*model.Matcher) (out []*model.Matcher, ok bool) {
	for _, m := range ms {
		if m.Name != model.MeasurementLabel {
			out = append(out, m)
		} else if !m.MatchesEmpty() {
			return nil, false
		}
	}
	return out, true
}

func matchesAll(ms []*model.Matcher, v string) bool {
	for _, m := range ms {
		if !m.Matches(v) {
			return false
		}
	}
	return true
}

// metricNames returns the names in the dictionary that satisfy the matchers,
// with their ids, in order.
func (v *view) metricNames(ctx context.Context, ms []*model.Matcher) ([]namedMetric, error) {
	for _, m := range ms {
		if m.Type == model.MatchEqual {
			if !matchesAll(ms, m.Value) {
				return nil, nil
			}
			info, ok, err := readName(v.snap, m.Value)
			if err != nil || !ok {
				return nil, corrupt("metric name", err)
			}
			return []namedMetric{{m.Value, info}}, nil
		}
	}
	prefix := ""
	for _, m := range ms {
		if m.Type == model.MatchRegexp {
			if p := postings.Prefix(m.Value); len(p) > len(prefix) {
				prefix = p
			}
		}
	}
	var out []namedMetric
	lo, hi := keys.Names(prefix)
	n := 0
	err := scan(v.snap, lo, hi, func(it *pebble.Iterator) error {
		if n++; n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		name, err := keys.ReadName(it.Key())
		if err != nil {
			return corrupt("metric name", err)
		}
		if !matchesAll(ms, name) {
			return nil
		}
		val, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		info, err := keys.ReadNameInfo(val)
		if err != nil {
			return corrupt("metric name", err)
		}
		out = append(out, namedMetric{name, info})
		return nil
	})
	return out, err
}

type namedMetric struct {
	name string
	info keys.NameInfo
}
