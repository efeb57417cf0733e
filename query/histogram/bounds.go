package histogram

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"tidemark/storage/model"
)

// Bound returns the upper bound of an exponential bucket, 2^(index·2^-schema).
// The last bucket of finite numbers ends at the largest of them, so that the
// one above holds infinity alone.
func Bound(schema int8, index int32) float64 {
	if schema <= 0 {
		exp := int(index) << -schema
		if exp == 1024 {
			return math.MaxFloat64
		}
		return math.Ldexp(1, exp)
	}
	steps := int32(1) << schema
	exp := int(index >> schema)
	frac := index & (steps - 1)
	if frac == 0 && exp == 1024 {
		return math.MaxFloat64
	}
	return math.Ldexp(math.Exp2(float64(frac)/float64(steps)), exp)
}

// customBound returns the upper bound of a custom bucket; index -1 is the lower
// bound of the first.
func customBound(bounds []float64, index int32) float64 {
	switch {
	case index < 0:
		return math.Inf(-1)
	case int(index) >= len(bounds):
		return math.Inf(1)
	}
	return bounds[index]
}

// Bucket is a bucket with its bounds.
type Bucket struct {
	Lower, Upper             float64
	LowerClosed, UpperClosed bool
	Count                    float64
}

// String prints the bucket as an interval and a count.
func (b Bucket) String() string {
	open, end := "(", ")"
	if b.LowerClosed {
		open = "["
	}
	if b.UpperClosed {
		end = "]"
	}
	return fmt.Sprintf("%s%g,%g%s:%v", open, b.Lower, b.Upper, end, b.Count)
}

// positive returns bucket i of the positive ones.
func positive(h *model.Histogram, i int) Bucket {
	idx := h.Positive.Index[i]
	b := Bucket{Count: h.Positive.Count[i], UpperClosed: true}
	if h.Schema == model.CustomSchema {
		b.Lower, b.Upper = customBound(h.Custom, idx-1), customBound(h.Custom, idx)
		b.LowerClosed = idx == 0
		return b
	}
	b.Lower, b.Upper = Bound(h.Schema, idx-1), Bound(h.Schema, idx)
	return b
}

// negative returns bucket i of the negative ones.
func negative(h *model.Histogram, i int) Bucket {
	idx := h.Negative.Index[i]
	return Bucket{Lower: -Bound(h.Schema, idx), Upper: -Bound(h.Schema, idx-1), LowerClosed: true, Count: h.Negative.Count[i]}
}

// zeroBucket returns the bucket around zero.
func zeroBucket(h *model.Histogram) Bucket {
	return Bucket{Lower: -h.ZeroThreshold, Upper: h.ZeroThreshold, LowerClosed: true, UpperClosed: true, Count: h.ZeroCount}
}

// Buckets appends the populated buckets in ascending order. Those that overlap
// with the zero bucket end at its bound.
func Buckets(dst []Bucket, h *model.Histogram) []Bucket {
	for i := h.Negative.Len() - 1; i >= 0; i-- {
		b := negative(h, i)
		if b.Upper < 0 && b.Upper > -h.ZeroThreshold {
			b.Upper = -h.ZeroThreshold
		}
		dst = append(dst, b)
	}
	if h.ZeroCount > 0 {
		dst = append(dst, zeroBucket(h))
	}
	for i := range h.Positive.Len() {
		b := positive(h, i)
		if b.Lower > 0 && b.Lower < h.ZeroThreshold {
			b.Lower = h.ZeroThreshold
		}
		dst = append(dst, b)
	}
	return dst
}

// String prints a histogram as {count:…, sum:…, its buckets}.
func String(h *model.Histogram) string {
	var b strings.Builder
	fmt.Fprintf(&b, "{count:%g, sum:%g", h.Count, h.Sum)
	for i := h.Negative.Len() - 1; i >= 0; i-- {
		b.WriteString(", " + negative(h, i).String())
	}
	if h.ZeroCount != 0 {
		b.WriteString(", " + zeroBucket(h).String())
	}
	for i := range h.Positive.Len() {
		b.WriteString(", " + positive(h, i).String())
	}
	b.WriteByte('}')
	return b.String()
}

// hints are the names of counter reset hints in notation.
var hints = [...]string{"unknown", "reset", "not_reset", "gauge"}

// Notation prints a histogram as scripts write it, {{schema:1 sum:2 count:3
// buckets:[1 2]}}, which is Prometheus's notation.
func Notation(h *model.Histogram) string {
	parts := []string{"schema:" + strconv.Itoa(int(h.Schema))}
	num := func(name string, v float64) {
		if v != 0 {
			parts = append(parts, name+":"+strconv.FormatFloat(v, 'g', -1, 64))
		}
	}
	list := func(name string, vs []float64) {
		texts := make([]string, len(vs))
		for i, v := range vs {
			texts[i] = strconv.FormatFloat(v, 'g', -1, 64)
		}
		parts = append(parts, name+":["+strings.Join(texts, " ")+"]")
	}
	num("count", h.Count)
	num("sum", h.Sum)
	num("z_bucket", h.ZeroCount)
	num("z_bucket_w", h.ZeroThreshold)
	if len(h.Custom) > 0 {
		list("custom_values", h.Custom)
	}
	if h.Hint != model.ResetUnknown {
		parts = append(parts, "counter_reset_hint:"+hints[h.Hint])
	}
	side := func(prefix string, b model.Buckets) {
		if b.Len() == 0 {
			return
		}
		if b.Index[0] != 0 {
			parts = append(parts, prefix+"offset:"+strconv.Itoa(int(b.Index[0])))
		}
		dense := make([]float64, b.Index[b.Len()-1]-b.Index[0]+1)
		for i, idx := range b.Index {
			dense[idx-b.Index[0]] = b.Count[i]
		}
		list(prefix+"buckets", dense)
	}
	side("", h.Positive)
	side("n_", h.Negative)
	return "{{" + strings.Join(parts, " ") + "}}"
}
