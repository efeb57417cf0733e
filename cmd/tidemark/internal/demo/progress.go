package demo

import (
	"context"
	"fmt"
	"math"

	"tidemark/storage/model"
)

// The row that every batch ends with; see the package comment.
const (
	originMetric = "tidemark_demo_origin"
	seedMetric   = "tidemark_demo_seed"
	lengthMetric = "tidemark_demo_minutes"
	partLabel    = "part"
)

var progressSchema = &model.Schema{Kind: model.MetricRow, Columns: []model.Column{
	{Name: originMetric, Measurement: "tidemark_demo", Field: "origin", Type: model.TypeInt},
	{Name: seedMetric, Measurement: "tidemark_demo", Field: "seed", Type: model.TypeInt},
	{Name: lengthMetric, Measurement: "tidemark_demo", Field: "minutes", Type: model.TypeInt},
}}

// state is what a store says about the demo data in it.
type state struct {
	found  bool
	origin int64 // minutes
	seed   uint64
	length int64            // minutes of history before the origin
	until  map[string]int64 // part -> end of its data, exclusive, nanoseconds
}

// readState finds the last progress row of each part. It looks back from now
// in growing steps, so that a store that ran yesterday answers at once.
func readState(ctx context.Context, v model.View, now int64) (*state, error) {
	const day = minutesPerDay * nanosPerMinute
	for _, back := range []int64{2 * day, 30 * day, 400 * day, 0} {
		mint := now - back
		if back == 0 || mint > now {
			mint = math.MinInt64
		}
		s, err := readStateFrom(ctx, v, mint)
		if err != nil {
			return nil, err
		}
		if s.found && len(s.until) == len(partNames) || mint == math.MinInt64 {
			return s, nil
		}
	}
	panic("unreachable")
}

func readStateFrom(ctx context.Context, v model.View, mint int64) (*state, error) {
	s := &state{until: map[string]int64{}}
	newest := int64(math.MinInt64)
	for _, metric := range []string{originMetric, seedMetric, lengthMetric} {
		sel := model.SampleSelection{
			Matchers: []*model.Matcher{model.MustMatcher(model.MatchEqual, model.MetricName, metric)},
			Mint:     mint, Maxt: math.MaxInt64,
		}
		err := v.Samples(ctx, sel, func(sr *model.Series) error {
			if len(sr.Times) == 0 {
				return nil
			}
			last := len(sr.Times) - 1
			value := int64(sr.Values[last])
			if sr.Exact != nil {
				value = int64(sr.Exact[last])
			}
			switch metric {
			case originMetric:
				s.found = true
				s.until[sr.Labels.Get(partLabel)] = sr.Times[last]
				if sr.Times[last] >= newest {
					newest, s.origin = sr.Times[last], value
				}
			case seedMetric:
				s.seed = uint64(value)
			case lengthMetric:
				s.length = value
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read demo progress %s: %w", metric, err)
		}
	}
	return s, nil
}
