package main

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"

	"tidemark/query"
	"tidemark/storage/model"
)

// wireHistogram is [seconds,{"count":…,"sum":…,"buckets":[[kind,lower,upper,count]…]}].
// The wire has bounds in the place of a schema, so it becomes one of custom
// buckets, which begins and ends where the bounds do.
type wireHistogram query.HistogramPoint

// UnmarshalJSON reads a histogram at a time.
func (p *wireHistogram) UnmarshalJSON(b []byte) error {
	bad := func(what string) error {
		return fmt.Errorf("histogram %s: %s", clip(string(b), 60), what)
	}
	var pair []json.RawMessage
	if err := json.Unmarshal(b, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return bad("want [seconds, histogram]")
	}
	var at wirePoint
	if err := at.UnmarshalJSON([]byte(`[` + string(pair[0]) + `,"0"]`)); err != nil {
		return err
	}
	var body struct {
		Count, Sum string
		Buckets    [][]any
	}
	if err := json.Unmarshal(pair[1], &body); err != nil {
		return bad(err.Error())
	}
	number := func(v any) (f float64, ok bool) {
		s, ok := v.(string)
		f, err := strconv.ParseFloat(s, 64)
		return f, ok && err == nil
	}
	h := &model.Histogram{Schema: model.CustomSchema}
	var ok1, ok2 bool
	if h.Count, ok1 = number(body.Count); !ok1 {
		return bad("count: want a number")
	}
	if h.Sum, ok2 = number(body.Sum); !ok2 {
		return bad("sum: want a number")
	}
	type bucket struct{ lower, upper, count float64 }
	buckets := make([]bucket, 0, len(body.Buckets))
	for _, w := range body.Buckets {
		if len(w) != 4 {
			return bad("bucket: want [kind, lower, upper, count]")
		}
		lower, ok1 := number(w[1])
		upper, ok2 := number(w[2])
		count, ok3 := number(w[3])
		if !ok1 || !ok2 || !ok3 || !(lower <= upper) {
			return bad("bucket: want numbers, the lower bound first")
		}
		buckets = append(buckets, bucket{lower, upper, count})
		for _, v := range []float64{lower, upper} {
			if !math.IsInf(v, 0) {
				h.Custom = append(h.Custom, v)
			}
		}
	}
	slices.Sort(h.Custom)
	h.Custom = slices.Compact(h.Custom)
	slices.SortFunc(buckets, func(a, b bucket) int {
		switch {
		case a.upper < b.upper:
			return -1
		case a.upper > b.upper:
			return 1
		}
		return 0
	})
	for _, k := range buckets {
		at, _ := slices.BinarySearch(h.Custom, k.upper) // infinity lies behind all
		h.Positive.Add(int32(at), k.count)
	}
	*p = wireHistogram{T: at.T, H: h}
	return nil
}
