//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
)

// answer is what a query gave: values by labels and time.
type answer map[string]map[float64]float64

// parseAnswer reads an answer of Prometheus's API. Labels are brought to the
// form of PromQL: renamed is what __name__ is called there, if not dropped.
func parseAnswer(body []byte, names bool, renamed string) (answer, error) {
	type point [2]any
	var r struct {
		Status, Error string
		Data          struct {
			ResultType string
			Result     json.RawMessage
		}
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return nil, fmt.Errorf("%w: %.100s", err, body)
	}
	if r.Status != "success" {
		return nil, fmt.Errorf("status %s: %s", r.Status, r.Error)
	}
	var series []struct {
		Metric map[string]string
		Value  point
		Values []point
	}
	if err := json.Unmarshal(r.Data.Result, &series); err != nil {
		return nil, err
	}
	a := answer{}
	for _, s := range series {
		if name, ok := s.Metric["__name__"]; ok && !names {
			delete(s.Metric, "__name__")
			if renamed != "" {
				s.Metric[renamed] = name
			}
		}
		key := labelText(s.Metric)
		if a[key] != nil {
			return nil, fmt.Errorf("series %s comes twice", key)
		}
		a[key] = map[float64]float64{}
		if s.Values == nil {
			s.Values = []point{s.Value}
		}
		for _, p := range s.Values {
			t, ok := p[0].(float64)
			text, ok2 := p[1].(string)
			v, err := strconv.ParseFloat(text, 64)
			if !ok || !ok2 || err != nil {
				return nil, fmt.Errorf("series %s: bad point %v", key, p)
			}
			a[key][t] = v
		}
	}
	return a, nil
}

func labelText(m map[string]string) string {
	var parts []string
	for k, v := range m {
		parts = append(parts, fmt.Sprintf("%s=%q", k, v))
	}
	sort.Strings(parts)
	return "{" + strings.Join(parts, ", ") + "}"
}

// tolerance is of sums in another order.
const tolerance = 1e-9

// difference says where two answers differ, or nothing.
func (a answer) difference(b answer) string {
	for key, av := range a {
		bv, ok := b[key]
		if !ok {
			return fmt.Sprintf("series %s is missing", key)
		}
		if len(av) != len(bv) {
			return fmt.Sprintf("series %s has %d points, want %d", key, len(bv), len(av))
		}
		for t, v := range av {
			w, ok := bv[t]
			if !ok {
				return fmt.Sprintf("series %s has no point at %v", key, t)
			}
			if !same(v, w) {
				return fmt.Sprintf("series %s at %v is %v, want %v", key, t, w, v)
			}
		}
	}
	for key := range b {
		if _, ok := a[key]; !ok {
			return fmt.Sprintf("series %s is not wanted", key)
		}
	}
	return ""
}

// same compares two values; infinities and NaN are the same as themselves only.
func same(v, w float64) bool {
	if math.IsNaN(v) || math.IsNaN(w) {
		return math.IsNaN(v) && math.IsNaN(w)
	}
	return v == w || math.Abs(v-w) <= tolerance*max(math.Abs(v), 1) && !math.IsInf(v, 0)
}

func (a answer) points() int {
	n := 0
	for _, s := range a {
		n += len(s)
	}
	return n
}
