package model

import "errors"

// Deletion says what is to be deleted.
type Deletion struct {
	// Selectors are alternatives: what satisfies all matchers of any of them is
	// deleted. Each must have a matcher that an absent label fails.
	Selectors [][]*Matcher
	// Mint and Maxt bound the times, inclusive.
	Mint, Maxt int64
	// Scope is ScopeMetrics for columns of metric rows, to which a matcher of
	// __name__ applies; ScopeLogs for log rows, with the numbers in them, to
	// which none may apply; or ScopeAll for both.
	Scope Scope
}

// Check reports what is wrong with a deletion.
func (d *Deletion) Check() error {
	if len(d.Selectors) == 0 {
		return errors.New("delete: no selector")
	}
	if d.Mint > d.Maxt {
		return errors.New("delete: the range ends before it begins")
	}
	if d.Scope > ScopeLogs {
		return errors.New("delete: unknown scope")
	}
	for _, ms := range d.Selectors {
		selective := false
		for _, m := range ms {
			selective = selective || !m.MatchesEmpty()
		}
		if !selective {
			return errors.New("delete: a selector must have a matcher that does not match the empty value")
		}
	}
	return nil
}

// DeletesMetric reports whether samples of a metric are deleted, within the
// range. Labels are without __name__.
func (d *Deletion) DeletesMetric(name string, ls Labels) bool {
	return d.Scope != ScopeLogs && d.matches(name, ls)
}

// DeletesLogs reports whether log rows of a stream are deleted, within the
// range.
func (d *Deletion) DeletesLogs(ls Labels) bool { return d.Scope != ScopeMetrics && d.matches("", ls) }

func (d *Deletion) matches(name string, ls Labels) bool {
next:
	for _, ms := range d.Selectors {
		for _, m := range ms {
			v := name
			if m.Name != MetricName {
				v = ls.Get(m.Name)
			}
			if !m.Matches(v) {
				continue next
			}
		}
		return true
	}
	return false
}
