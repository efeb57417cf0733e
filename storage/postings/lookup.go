package postings

import (
	"context"

	"tidemark/storage/model"
)

// Index says which ids have which labels. Sets that it returns are not changed
// by the caller; a nil set is empty.
type Index interface {
	// All returns every id.
	All() (*Set, error)
	// Get returns the ids that have the label with the value, which is not
	// empty.
	Get(name, value string) (*Set, error)
	// Values calls f for the values of the label that begin with prefix, in
	// any order; get returns the ids of the value and is valid during the call.
	Values(name, prefix string, f func(value string, get func() (*Set, error)) error) error
}

// Select returns the ids whose labels satisfy every matcher. The set is the
// caller's.
//
// Matchers that an absent label fails are intersected: equality and regular
// expressions that spell out all they match look the values up, others scan
// the distinct values that have the expression's literal prefix. Matchers that
// an absent label satisfies are subtracted: what is removed are the values
// that fail. So the cost is that of the labels' distinct values at most, and
// not of the ids.
func Select(ctx context.Context, idx Index, ms []*model.Matcher) (*Set, error) {
	var res *Set
	for _, m := range ms {
		if m.MatchesEmpty() {
			continue
		}
		s, err := union1(ctx, idx, m, true)
		if err != nil {
			return nil, err
		}
		if res == nil {
			res = s
		} else {
			res = And(res, s)
		}
		if res.Empty() {
			return &Set{}, nil
		}
	}
	if res == nil {
		all, err := idx.All()
		if err != nil {
			return nil, err
		}
		res = all
	}
	for _, m := range ms {
		if !m.MatchesEmpty() || res.Empty() {
			continue
		}
		s, err := union1(ctx, idx, m, false)
		if err != nil {
			return nil, err
		}
		res = AndNot(res, s)
	}
	return res.Clone(), nil
}

// union1 returns the ids that have a value of the label that the matcher
// accepts (want) or refuses (!want).
func union1(ctx context.Context, idx Index, m *model.Matcher, want bool) (*Set, error) {
	// The values, where they can be listed, and a prefix that they share.
	var literals []string
	listed, prefix := false, ""
	switch {
	case m.Type == model.MatchEqual && want, m.Type == model.MatchNotEqual && !want:
		literals, listed = []string{m.Value}, true
	case m.Type == model.MatchRegexp && !want && m.Value == ".*":
		return nil, nil
	case m.Type == model.MatchRegexp && want, m.Type == model.MatchNotRegexp && !want:
		literals, listed, prefix = expand(m.Value)
	}
	var sets []*Set
	if listed {
		for _, v := range literals {
			if v == "" {
				continue
			}
			s, err := idx.Get(m.Name, v)
			if err != nil {
				return nil, err
			}
			if !s.Empty() {
				sets = append(sets, s)
			}
		}
	} else {
		n := 0
		err := idx.Values(m.Name, prefix, func(v string, get func() (*Set, error)) error {
			if n++; n%1024 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			if m.Matches(v) != want {
				return nil
			}
			s, err := get()
			if err == nil && !s.Empty() {
				sets = append(sets, s)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	switch len(sets) {
	case 0:
		return nil, nil
	case 1:
		return sets[0], nil
	}
	return Or(sets...), nil
}
