package exec

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tidemark/query/ast"
	"tidemark/query/funcs"
	"tidemark/query/logpipe"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

func TestTopRowsAgreesWithSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		top := &topRows{limit: rapid.IntRange(1, 20).Draw(t, "limit"), backward: rapid.Bool().Draw(t, "backward")}
		ev := &evaluator{Params: Params{MaxRows: 1000, MaxRowBytes: 1 << 20}}
		set := &logpipe.Set{}
		var all []heldRow
		for i := range rapid.IntRange(0, 200).Draw(t, "n") {
			h := heldRow{time: rapid.Int64Range(0, 50).Draw(t, "t"), seq: int64(i), set: set, line: fmt.Sprint(i)}
			all = append(all, h)
			if top.worse(h.time) {
				continue
			}
			if err := top.add(h, ev); err != nil {
				t.Fatal(err)
			}
		}
		slices.SortFunc(all, top.compare)
		var want, got []string
		for _, h := range all[:min(len(all), top.limit)] {
			want = append(want, h.line)
		}
		for _, s := range top.streams(false) {
			for _, e := range s.Entries {
				got = append(got, e.Line)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestRowLimitsNameThemselves(t *testing.T) {
	ev := &evaluator{Params: Params{MaxRows: 3, MaxRowBytes: 10}}
	add := func(limit, n int, line string) (err error) {
		top := &topRows{limit: limit}
		for i := 0; i < n && err == nil; i++ {
			err = top.add(heldRow{time: int64(i), set: &logpipe.Set{}, line: line}, ev)
		}
		return err
	}
	if err := add(10, 10, ""); err == nil || err.(*LimitError).Limit != "max-rows" {
		t.Errorf("rows: %v", err)
	}
	if err := add(10, 3, "0123456789"); err == nil || err.(*LimitError).Limit != "max-row-bytes" {
		t.Errorf("bytes: %v", err)
	}
	if err := add(1, 3, "0123456789"); err != nil {
		t.Errorf("a limit of one row holds one row: %v", err)
	}
}

func TestLabelsNamedAroundALogSelection(t *testing.T) {
	sel := &plan.SelectLogs{Range: 1, Matchers: []*model.Matcher{}}
	count := &plan.Call{Func: funcs.Lookup("count_over_time"), Args: []plan.Node{sel}}
	f := func(n plan.Node, want string) {
		t.Helper()
		into := map[*plan.SelectLogs]naming{}
		nameLabels(n, nil, into)
		if got := fmt.Sprintf("%+v", into[sel]); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	by := func(op string, n plan.Node, labels ...string) plan.Node {
		return &plan.Aggregate{Op: op, Expr: n, Grouping: ast.Grouping{Labels: labels}}
	}
	f(count, "{names:[] only:[] grouped:false values:[]}")
	f(by("sum", count, "x"), "{names:[] only:[x] grouped:true values:[]}")
	f(by("max", count, "x"), "{names:[x] only:[] grouped:false values:[]}")
	f(by("sum", by("max", count, "y"), "x"), "{names:[y] only:[] grouped:false values:[]}")
	f(by("sum", by("topk", count, "y"), "x"), "{names:[x y] only:[] grouped:false values:[]}")
	f(&plan.Aggregate{Op: "sum", Expr: count, Grouping: ast.Grouping{Without: true, Labels: []string{"x"}}}, "{names:[] only:[] grouped:false values:[]}")
	f(&plan.Binary{Op: "+", LHS: count, RHS: &plan.Const{}, Matching: &ast.Matching{On: true, Labels: []string{"h"}}}, "{names:[h] only:[] grouped:false values:[]}")
}
