package exec

import (
	"testing"

	"tidemark/query/funcs"
)

func TestRegistryAndExecutorHaveTheSameFunctions(t *testing.T) {
	registered := map[string]bool{}
	for _, f := range funcs.All() {
		registered[f.Name] = true
		if !Implemented(f) {
			t.Errorf("function %s is in the registry and cannot be executed", f.Name)
		}
	}
	for _, n := range names() {
		if !registered[n] {
			t.Errorf("function %s can be executed and is not in the registry", n)
		}
	}
	for _, n := range funcs.Aggregations {
		switch n {
		case "topk", "bottomk", "limitk", "limit_ratio", "approx_topk", "count_values":
		default:
			if accumulators[n] == nil {
				t.Errorf("aggregation %s cannot be executed", n)
			}
		}
	}
}
