package series

import (
	"sync"

	"tidemark/storage/model"
)

// variants are the other schemas that a metric's rows may have: with the time
// at which its counters began, and with a native histogram as the value.
type variants struct {
	mu sync.RWMutex
	of map[*model.Schema]*[3]*model.Schema // guarded by mu; by the float's schema
}

// maxVariants bounds the metrics whose variants are remembered; beyond it they
// are forgotten, and made again.
const maxVariants = 1 << 14

// Variant returns the schema of a metric's rows that begin with a start time,
// hold a native histogram, or both. sc must have the one float column of a
// metric.
func (c *Cache) Variant(sc *model.Schema, start, histogram bool) *model.Schema {
	if !start && !histogram {
		return sc
	}
	v := &c.variants
	v.mu.RLock()
	all := v.of[sc]
	v.mu.RUnlock()
	if all == nil {
		all = makeVariants(sc)
		v.mu.Lock()
		if known := v.of[sc]; known != nil {
			all = known
		} else {
			if v.of == nil || len(v.of) >= maxVariants {
				v.of = map[*model.Schema]*[3]*model.Schema{}
			}
			v.of[sc] = all
		}
		v.mu.Unlock()
	}
	switch {
	case !histogram:
		return all[0]
	case !start:
		return all[1]
	}
	return all[2]
}

func makeVariants(sc *model.Schema) *[3]*model.Schema {
	begin, value, hist := model.Column{Type: model.TypeStart}, sc.Columns[0], sc.Columns[0]
	hist.Type = model.TypeHistogram
	row := func(cols ...model.Column) *model.Schema {
		return &model.Schema{Kind: model.MetricRow, Columns: cols}
	}
	return &[3]*model.Schema{row(begin, value), row(hist), row(begin, hist)}
}
