package exec

import (
	"testing"

	"tidemark/query/ast"
	"tidemark/storage/model"
)

// TestAppendGroup compares the key of a group with that of its labels.
func TestAppendGroup(t *testing.T) {
	for _, ls := range []model.Labels{
		nil,
		model.FromStrings("__name__", "m", "a", "1", "b", "2", "c", "3"),
		model.FromStrings("B", "0", "__name__", "m", "b", "2"),
		model.FromStrings("a", "1"),
	} {
		for _, by := range [][]string{nil, {"a"}, {"b", "a"}, {"__name__", "c"}, {"nosuch"}} {
			for _, without := range []bool{false, true} {
				gr := ast.Grouping{Without: without, Labels: by}
				if got, want := string(appendGroup(nil, &gr, ls)), groupLabels(gr, ls).Key(); got != want {
					t.Errorf("%v of %s: got %q, want %q", gr, ls, got, want)
				}
			}
		}
	}
}
