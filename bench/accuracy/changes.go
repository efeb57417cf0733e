package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"time"

	"tidemark/bench/accuracy/score"
	"tidemark/storage/model"
)

func runTCPD(ctx context.Context, s *session) ([]line, error) {
	const others = "bocpd .748/.693, pelt .732/.736, binseg .745/.730, an annotator against the rest .879/.793"
	var annotations map[string]map[string][]int
	if err := readJSON(filepath.Join(s.folder, "annotations.json"), &annotations); err != nil {
		return nil, err
	}
	f, err := open(filepath.Join(s.folder, "series.jsonl"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	pred := map[string][]int{}
	var f1s, covers []float64
	for d := json.NewDecoder(f); ; {
		// The values of each dimension; what is missing is null.
		var sr map[string]json.RawMessage
		if err := d.Decode(&sr); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		var name string
		if err := json.Unmarshal(sr["name"], &name); err != nil {
			return nil, fmt.Errorf("series.jsonl: name: %w", err)
		}
		dims, err := dimensions(sr)
		if err != nil {
			return nil, fmt.Errorf("series.jsonl: %s: %w", name, err)
		}
		n := 0
		for k, values := range dims {
			times := make([]int64, len(values))
			for i := range times {
				times[i] = indexTime(i)
			}
			n = max(n, len(values))
			if err := s.write(ctx, "value", model.FromStrings("series", name, "dim", strconv.Itoa(k)), times, values); err != nil {
				return nil, err
			}
		}
		r, err := s.ask(ctx, indexTime(n-1), changesQuery, name, span(int64(n)*rowInterval))
		if unavailable(err) {
			return []line{notAvailable("F1/covering", others, ".82/.76")}, nil
		}
		if err != nil {
			return nil, err
		}
		found := []int{}
		for _, c := range r.Series {
			at, err := time.Parse(time.RFC3339Nano, c.Labels.Get("at"))
			if err != nil {
				return nil, fmt.Errorf("%s: label at: %w", name, err)
			}
			found = append(found, int((at.UnixMilli()-indexTime(0))/rowInterval))
		}
		sort.Ints(found)
		pred[name] = slices.Compact(found)
		if a := annotations[name]; a != nil {
			var all [][]int
			for _, cps := range a {
				all = append(all, cps)
			}
			f1, cover := score.ChangePoints(all, pred[name], n)
			f1s, covers = append(f1s, f1), append(covers, cover)
		}
	}
	return []line{{"F1/covering", fmt.Sprintf("%.3f/%.3f", mean(f1s), mean(covers)), others, ".82/.76"}}, s.save("pred.json", pred)
}

// dimensions returns the values of a series by dimension: the arrays of
// numbers among its fields but for the time.
func dimensions(sr map[string]json.RawMessage) ([][]float64, error) {
	raw, ok := sr["values"]
	if !ok {
		return nil, fmt.Errorf("fields %q, want values among them", sorted(sr))
	}
	var many [][]*float64
	if err := json.Unmarshal(raw, &many); err != nil {
		var one []*float64
		if err := json.Unmarshal(raw, &one); err != nil {
			return nil, err
		}
		many = [][]*float64{one}
	}
	out := make([][]float64, len(many))
	for k, vs := range many {
		for _, v := range vs {
			if v == nil {
				out[k] = append(out[k], math.NaN())
				continue
			}
			out[k] = append(out[k], *v)
		}
	}
	return out, nil
}
