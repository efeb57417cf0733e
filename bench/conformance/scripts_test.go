package conformance

import (
	"testing"

	"github.com/prometheus/prometheus/promql/promqltest"
	promstorage "github.com/prometheus/prometheus/storage"
)

// evaluations is the number of evaluations of the suite at the pinned version.
const evaluations = 2243

// TestScripts runs the suite twice, on data in the head and on data flushed to
// chunks. Every evaluation is a subtest and must pass.
func TestScripts(t *testing.T) {
	exprs, err := promqltest.GetBuiltInExprs()
	if err != nil {
		t.Fatal(err)
	}
	if len(exprs) != evaluations {
		t.Errorf("the suite has %d evaluations, want %d: state the new number where the pinned version changes", len(exprs), evaluations)
	}
	for _, kind := range []string{"head", "flushed"} {
		passed := t.Run(kind, func(t *testing.T) {
			promqltest.RunBuiltinTestsWithStorage(t, &Engine{}, func(tb testing.TB) promstorage.Storage {
				s, err := Open(kind == "flushed")
				if err != nil {
					tb.Fatal(err)
				}
				return s
			})
		})
		if passed {
			t.Logf("%s: %d of %d evaluations pass", kind, len(exprs), len(exprs))
		}
	}
}
