package ingest

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"tidemark/storage/model"
)

// SeriesLabels takes a series' labels, as the protocols of Prometheus give
// them, apart into the metric's name and its other labels: sorted, those with
// an empty value dropped. pairs is reordered, and own shares its memory. The
// reason says why the series is refused, or is "".
//
// Any order is accepted, although Prometheus asks senders to sort. A label
// twice, a missing or empty __name__, and names and values that are not UTF-8
// are refused; any other UTF-8 is a name.
func (l *Limits) SeriesLabels(pairs []model.Label) (name string, own model.Labels, reason string) {
	if !slices.IsSortedFunc(pairs, compareNames) {
		slices.SortStableFunc(pairs, compareNames)
	}
	own = pairs[:0]
	last, seen := "", false
	for _, p := range pairs {
		if r := l.checkName("label name", p.Name); r != "" {
			return "", nil, r
		}
		if seen && p.Name == last {
			return "", nil, fmt.Sprintf("label %q is given twice", excerpt(p.Name))
		}
		last, seen = p.Name, true
		switch {
		case p.Name == model.MetricName:
			if r := l.checkName("metric name", p.Value); r != "" {
				return "", nil, r
			}
			name = p.Value
		case p.Value == "":
		case len(p.Value) > l.MaxLabelValueBytes:
			return "", nil, fmt.Sprintf("value of label %q has %d bytes: want at most %d (MaxLabelValueBytes)", excerpt(p.Name), len(p.Value), l.MaxLabelValueBytes)
		case !utf8.ValidString(p.Value):
			return "", nil, fmt.Sprintf("value of label %q is not UTF-8: %q", excerpt(p.Name), excerpt(p.Value))
		case len(own) == l.MaxLabels:
			return "", nil, fmt.Sprintf("more than %d labels: want at most that many (MaxLabels)", l.MaxLabels)
		default:
			own = append(own, p)
		}
	}
	if name == "" {
		return "", nil, fmt.Sprintf("missing label %s: want the metric's name", model.MetricName)
	}
	return name, own, ""
}

func compareNames(a, b model.Label) int { return strings.Compare(a.Name, b.Name) }

// CacheStats are counters of a decoder's cache of series since it was made.
type CacheStats struct {
	// Hits and Misses count accepted records by whether the bytes that name
	// their series were known.
	Hits, Misses, Evictions uint64
	// Entries and Bytes are held now; CapBytes is the bound.
	Entries, Bytes, CapBytes int64
}

// Add adds the figures of o.
func (s *CacheStats) Add(o CacheStats) {
	s.Hits += o.Hits
	s.Misses += o.Misses
	s.Evictions += o.Evictions
	s.Entries += o.Entries
	s.Bytes += o.Bytes
	s.CapBytes += o.CapBytes
}
