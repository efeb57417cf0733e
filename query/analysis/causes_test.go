package analysis

import "testing"

// signal is one whose comparison moved by an effect and a shift.
func signal(node string, kin bool, effect, shift float64) Signal {
	return Signal{Node: node, Kin: kin, Comparison: Comparison{Effect: effect, Shift: shift}}
}

func TestTheDeepestChangedNodeIsFirst(t *testing.T) {
	edges := []Edge{{"web", "api"}, {"api", "db"}, {"api", "cache"}, {"web", "mail"}, {"job", "db"}, {"lone", "x"}}
	got := RankCauses([]Signal{
		signal("web", true, 40, 1.0),
		signal("api", true, 60, 0.95),
		signal("db", true, 30, 0.9),
		signal("cache", true, 1, 0.01),
		signal("mail", true, 0.5, 0.01),
		signal("job", true, 30, 0.9), // calls db, too, but nobody calls it
		signal("lone", true, 500, 9), // cannot be reached
	}, CauseOptions{Target: "web", Sign: 1, Edges: edges})
	if got[0].Node != "db" {
		t.Errorf("first is %+v", got[0])
	}
	for _, c := range got {
		if c.Node == "lone" && c.Path != 0 {
			t.Errorf("unreachable: %+v", c)
		}
	}
}

func TestTheOtherDirectionIsNoCause(t *testing.T) {
	got := RankCauses([]Signal{signal("web", true, -20, -5), signal("a", true, 90, 50), signal("b", true, -9, -4)},
		CauseOptions{Target: "web", Sign: -1, Edges: []Edge{{"web", "a"}, {"web", "b"}}})
	if got[0].Node != "b" {
		t.Errorf("got %+v", got)
	}
}

func TestWithoutEdgesChangeEventsAndLeadRank(t *testing.T) {
	s := []Signal{signal("a", false, 50, 1), signal("b", false, 40, 1), signal("c", false, 30, 1)}
	if got := RankCauses(s, CauseOptions{Target: "t", Sign: 1}); got[0].Node != "a" {
		t.Errorf("got %+v", got)
	}
	if got := RankCauses(s, CauseOptions{Target: "t", Sign: 1, Events: map[string]bool{"b": true}}); got[0].Node != "b" || !got[0].Event {
		t.Errorf("event: %+v", got)
	}
	s[2].Lead = 60_000
	if got := RankCauses(s, CauseOptions{Target: "t", Sign: 1}); got[0].Node != "a" && got[0].Node != "c" {
		t.Errorf("lead: %+v", got)
	}
	if got := RankCauses(nil, CauseOptions{Target: "t"}); got != nil {
		t.Errorf("nothing: %+v", got)
	}
}

func TestCircularCallsEnd(t *testing.T) {
	got := RankCauses([]Signal{signal("a", true, 9, 9), signal("b", true, 9, 9), signal("c", true, 9, 9)},
		CauseOptions{Target: "a", Sign: 1, Edges: []Edge{{"a", "b"}, {"b", "c"}, {"c", "a"}, {"a", "a"}, {"a", "b"}}})
	if len(got) != 3 {
		t.Errorf("got %+v", got)
	}
}

// grid is a table of two dimensions with a rate of failures each.
func failures(rate func(a, b int32) float64) []Cell {
	var cells []Cell
	for a := range int32(4) {
		for b := range int32(3) {
			cells = append(cells, Cell{Values: []int32{a, b}, Observed: 1000 * rate(a, b), Expected: 10, Size: 1000})
		}
	}
	return cells
}

func TestAttributeFindsTheCombination(t *testing.T) {
	for _, c := range []struct {
		name string
		rate func(a, b int32) float64
		want [][]int32
	}{
		{"one value", func(a, _ int32) float64 { return []float64{.01, .01, .3, .01}[a] }, [][]int32{{2, -1}}},
		{"two values", func(a, b int32) float64 {
			if a == 1 && b == 2 {
				return .5
			}
			return .01
		}, [][]int32{{1, 2}}},
		{"two causes", func(a, _ int32) float64 { return []float64{.3, .01, .32, .01}[a] }, [][]int32{{2, -1}, {0, -1}}},
		{"nothing", func(a, b int32) float64 { return .01 }, nil},
	} {
		got := Attribute(failures(c.rate), AttributionOptions{})
		ok := len(got) == len(c.want)
		for i := range min(len(got), len(c.want)) {
			for d := range got[i].Values {
				ok = ok && got[i].Values[d] == c.want[i][d]
			}
		}
		if !ok {
			t.Errorf("%s: got %+v, want %v", c.name, got, c.want)
		}
	}
	if got := Attribute(nil, AttributionOptions{}); got != nil {
		t.Errorf("no cells: %v", got)
	}
	// A fall is explained as well.
	cells := failures(func(a, b int32) float64 { return .01 })
	cells[4].Observed, cells[4].Expected = 5, 900
	if got := Attribute(cells, AttributionOptions{}); len(got) == 0 || got[0].Values[0] != cells[4].Values[0] {
		t.Errorf("a fall: %+v", got)
	}
}
