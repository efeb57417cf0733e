package querytest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidemark/query"
	"tidemark/query/histogram"
	"tidemark/storage/model"
)

// Histograms stand in scripts as {{schema:1 sum:2 count:3 buckets:[1 2]}}. fold
// makes a word of each, so that lines can be cut at blanks and braces.
func fold(s string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, "{{")
		if i < 0 {
			return b.String() + s
		}
		n := strings.Index(s[i:], "}}")
		if n < 0 {
			return b.String() + s
		}
		b.WriteString(s[:i])
		b.WriteString("⟨" + strings.Join(strings.Fields(s[i+2:i+n]), ";") + "⟩")
		s = s[i+n+2:]
	}
}

// isHistogram reports whether a folded word is a histogram.
func isHistogram(w string) bool { return strings.HasPrefix(w, "⟨") }

// parseHistogram reads a folded histogram.
func parseHistogram(w string) (*model.Histogram, error) {
	h := &model.Histogram{}
	text := strings.TrimSuffix(strings.TrimPrefix(w, "⟨"), "⟩")
	var offset, nOffset int32
	var buckets, nBuckets []float64
	for text != "" {
		name, rest, ok := strings.Cut(text, ":")
		if !ok {
			return nil, fmt.Errorf("want name:value in a histogram, got %q", text)
		}
		value, list := "", strings.HasPrefix(rest, "[")
		if list {
			value, rest, ok = strings.Cut(rest[1:], "]")
			if !ok {
				return nil, fmt.Errorf("want ] in a histogram after %q", rest)
			}
			rest = strings.TrimPrefix(rest, ";")
		} else {
			value, rest, _ = strings.Cut(rest, ";")
		}
		text = rest
		if name == "counter_reset_hint" {
			i := slices.Index([]string{"unknown", "reset", "not_reset", "gauge"}, value)
			if i < 0 {
				return nil, fmt.Errorf("want a counter reset hint, got %q", value)
			}
			h.Hint = model.ResetHint(i)
			continue
		}
		var nums []float64
		for _, f := range strings.Split(value, ";") {
			v, err := strconv.ParseFloat(f, 64)
			if err != nil {
				return nil, fmt.Errorf("want a number for %s in a histogram, got %q", name, f)
			}
			nums = append(nums, v)
		}
		switch name {
		case "schema":
			h.Schema = int8(nums[0])
		case "count":
			h.Count = nums[0]
		case "sum":
			h.Sum = nums[0]
		case "z_bucket":
			h.ZeroCount = nums[0]
		case "z_bucket_w":
			h.ZeroThreshold = nums[0]
		case "custom_values":
			h.Custom = nums
		case "offset":
			offset = int32(nums[0])
		case "n_offset":
			nOffset = int32(nums[0])
		case "buckets":
			buckets = nums
		case "n_buckets":
			nBuckets = nums
		default:
			return nil, fmt.Errorf("unknown part %q of a histogram", name)
		}
	}
	for i, c := range buckets {
		h.Positive.Add(offset+int32(i), c)
	}
	for i, c := range nBuckets {
		h.Negative.Add(nOffset+int32(i), c)
	}
	return h, nil
}

// alikeHistograms compares histograms as alike compares numbers. A hint counts
// where it is stated.
func alikeHistograms(got, want *model.Histogram) bool {
	buckets := func(g, w model.Buckets) bool {
		return slices.Equal(g.Index, w.Index) && slices.EqualFunc(g.Count, w.Count, nearby)
	}
	return got.Schema == want.Schema && nearby(got.Count, want.Count) && nearby(got.Sum, want.Sum) &&
		nearby(got.ZeroCount, want.ZeroCount) && nearby(got.ZeroThreshold, want.ZeroThreshold) &&
		slices.EqualFunc(got.Custom, want.Custom, nearby) && buckets(got.Positive, want.Positive) && buckets(got.Negative, want.Negative) &&
		(want.Hint == model.ResetUnknown || got.Hint == want.Hint)
}

// add writes the value as a sample of a metric.
func (v value) add(b *model.Batch, name string, ls model.Labels, t int64) {
	column := model.Column{Name: name, Measurement: name, Field: "value", Type: model.TypeFloat}
	if v.h != nil {
		column.Type = model.TypeHistogram
	}
	sc := &model.Schema{Kind: model.MetricRow, Columns: []model.Column{column}}
	if v.since > 0 {
		sc.Columns = append(sc.Columns, model.Column{Type: model.TypeStart})
	}
	b.Begin(model.NewStream(ls), sc, t)
	if v.h != nil {
		b.Histogram(v.h)
	} else {
		b.Float(v.v)
	}
	if v.since > 0 {
		b.Start(int64(v.since))
	}
}

// cutSince parts a word such as 5^90s: a value, and since when it counts.
func cutSince(w string) (head string, since time.Duration, err error) {
	head, at, ok := strings.Cut(w, "^")
	if !ok {
		return w, 0, nil
	}
	since, err = time.ParseDuration(at)
	if err == nil && since <= 0 {
		err = fmt.Errorf("want a time after 0, got %s", since)
	}
	return head, since, err
}

// histogramWords prints histograms beside numbers: at(i) is where point i
// stands in words.
func histogramWords(words []string, ps []query.HistogramPoint, at func(t int64) int) error {
	for _, p := range ps {
		i := at(p.T)
		if i < 0 || i >= len(words) {
			return fmt.Errorf("point at %d is outside of the query", p.T)
		}
		words[i] = histogram.Notation(p.H)
	}
	return nil
}
