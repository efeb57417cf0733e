package plan

import (
	"math"
	"slices"
	"strings"

	"tidemark/query/ast"
)

// MaxContext bounds the rows before and after each hit of stream_context.
const MaxContext = 1000

// splitEnds parts a pipeline into the stages that work row by row and those
// that work on the answer. A label filter behind the first of the latter is one
// of them.
func splitEnds(stages []ast.Stage) (rows, ends []ast.Stage) {
	n := slices.IndexFunc(stages, ast.Ends)
	if n < 0 {
		return stages, nil
	}
	return stages[:n], stages[n:]
}

// checkEnds checks what ends a log query:
//
//	patterns
//	stream_context
//	sort and limit, any number of them
//	stats, uniq or top, then sort, limit and filters of the table
func checkEnds(s *ast.Selector, ends []ast.Stage) error {
	if len(ends) == 0 {
		return nil
	}
	for _, st := range s.Stages {
		if u, ok := st.(*ast.Unwrap); ok {
			return fault(u, "`unwrap` makes samples of rows for a function around it; `stats` takes fields as they are, as in `stats avg(%s)`", u.Label)
		}
	}
	first, rest := ends[0], ends[1:]
	table := ast.Tabulates(first)
	if s.Range > 0 && !table {
		if _, ok := first.(*ast.Patterns); ok {
			return fault(first, "`patterns` ends a log query; of a range take `pattern_count_over_time(…)`")
		}
		return fault(first, "`%s` ends a log query, whose range is that of the request", word(first))
	}
	switch st := first.(type) {
	case *ast.Patterns, *ast.Context:
		if len(rest) > 0 {
			return fault(rest[0], "`%s` ends a log query, nothing may follow it", word(st))
		}
		if c, ok := st.(*ast.Context); ok && (c.Before > MaxContext || c.After > MaxContext) {
			return fault(c, "stream_context: want at most %d rows before and after (MaxContext), got %d and %d", MaxContext, c.Before, c.After)
		}
	}
	columns := []string(nil)
	if table {
		var err error
		if columns, err = tableColumns(first); err != nil {
			return err
		}
	}
	for _, st := range rest {
		switch st := st.(type) {
		case *ast.Sort:
			for _, k := range st.Keys {
				if table && !slices.Contains(columns, k.Name) {
					e := faultAt(k.Pos, "the table has no column `%s`", k.Name)
					e.Token, e.Expected = k.Name, []string{"one of " + strings.Join(columns, ", ")}
					return e
				}
			}
		case *ast.Limit:
		case *ast.LabelFilter:
			if !table {
				return fault(st, "a filter must stand before `%s`, which works on the answer", word(first))
			}
			if err := checkCond(st.Cond, ast.Native); err != nil {
				return err
			}
			if err := checkColumns(st.Cond, columns); err != nil {
				return err
			}
		default:
			return fault(st, "only `sort`, `limit` and filters of a table may follow `%s`", word(first))
		}
	}
	return nil
}

// word names a stage that ends a query.
func word(st ast.Stage) string {
	switch st.(type) {
	case *ast.Patterns:
		return "patterns"
	case *ast.Context:
		return "stream_context"
	case *ast.Sort:
		return "sort"
	case *ast.Limit:
		return "limit"
	case *ast.Uniq:
		return "uniq"
	case *ast.Top:
		return "top"
	}
	return "stats"
}

// StatsFuncs are the functions of stats: whether they need a field, and whether
// a parameter before it.
var StatsFuncs = map[string]struct{ Field, Param bool }{
	"count": {}, "count_distinct": {Field: true}, "sum": {Field: true}, "avg": {Field: true}, "min": {Field: true}, "max": {Field: true},
	"median": {Field: true}, "quantile": {Field: true, Param: true}, "stddev": {Field: true}, "first": {Field: true}, "last": {Field: true},
}

// tableColumns checks a stage that makes a table and returns the names of what
// its rows have.
func tableColumns(st ast.Stage) ([]string, error) {
	var by, names []string
	switch st := st.(type) {
	case *ast.Uniq:
		by, names = st.By, []string{"count"}
	case *ast.Top:
		by, names = st.By, []string{"count"}
	case *ast.Stats:
		by = st.By
		for i := range st.Funcs {
			if err := checkStatsFunc(&st.Funcs[i]); err != nil {
				return nil, err
			}
			names = append(names, st.Funcs[i].Column())
		}
	}
	if _, ok := st.(*ast.Stats); !ok && len(by) == 0 {
		return nil, fault(st, "`%s` wants labels or fields in its `by (…)`", word(st))
	}
	for i, n := range names {
		if slices.Contains(names[:i], n) || slices.Contains(by, n) {
			return nil, fault(st, "two columns are called `%s`; give one another name, as in `… as other`", n)
		}
	}
	return append(slices.Clone(by), names...), nil
}

func checkStatsFunc(f *ast.StatsFunc) error {
	want, ok := StatsFuncs[f.Func]
	if !ok {
		var known []string
		for n := range StatsFuncs {
			known = append(known, n)
		}
		slices.Sort(known)
		return &ast.Error{Pos: f.Pos, Token: f.Func, Message: "`stats` has no function `" + f.Func + "`",
			Expected: []string{"one of " + strings.Join(known, ", ")}, Suggest: ast.Nearest(f.Func, known)}
	}
	switch {
	case want.Field && f.Field == "":
		return faultAt(f.Pos, "`%s` wants a label or field, as in `%s(ms)`", f.Func, f.Func)
	case want.Param && !(f.Param >= 0 && f.Param <= 1):
		return faultAt(f.Pos, "`%s` wants a number from 0 to 1 and a field, as in `%s(0.95, ms)`", f.Func, f.Func)
	case !want.Param && !math.IsNaN(f.Param):
		return faultAt(f.Pos, "`%s` takes no number, only a label or field", f.Func)
	}
	switch f.Conv {
	case "", "duration", "duration_seconds", "bytes":
		return nil
	}
	return &ast.Error{Pos: f.Pos, Token: f.Conv, Message: "unknown conversion `" + f.Conv + "`",
		Expected: []string{"duration", "duration_seconds", "bytes"}, Suggest: ast.Nearest(f.Conv, []string{"duration", "duration_seconds", "bytes"})}
}

// checkColumns checks that a filter of a table names its columns only.
func checkColumns(c ast.Cond, columns []string) error {
	name := ""
	switch c := c.(type) {
	case *ast.CondBinary:
		if err := checkColumns(c.LHS, columns); err != nil {
			return err
		}
		return checkColumns(c.RHS, columns)
	case *ast.CondMatch:
		name = c.Name
	case *ast.CondNumber:
		name = c.Name
	case *ast.CondIP:
		name = c.Name
	}
	if !slices.Contains(columns, name) {
		e := faultAt(c.Position(), "the table has no column `%s`", name)
		e.Token, e.Expected = name, []string{"one of " + strings.Join(columns, ", ")}
		return e
	}
	return nil
}

// buildEnds makes a node of what ends a log query; the stages were checked.
func buildEnds(sel *SelectLogs, ends []ast.Stage) Node {
	after := ends[1:]
	switch st := ends[0].(type) {
	case *ast.Patterns:
		return &Patterns{Pos: st.Pos, Logs: sel}
	case *ast.Context:
		return &Context{Pos: st.Pos, Logs: sel, Before: st.Before, After: st.After}
	case *ast.Stats:
		return &Table{Pos: st.Pos, Logs: sel, By: st.By, Funcs: st.Funcs, After: after}
	case *ast.Uniq:
		return &Table{Pos: st.Pos, Logs: sel, By: st.By, Funcs: counted(st.Pos), Present: true, After: after}
	case *ast.Top:
		return &Table{Pos: st.Pos, Logs: sel, By: st.By, Funcs: counted(st.Pos), Present: true, Top: st.N, After: after}
	}
	return &Arranged{Pos: ends[0].Position(), Logs: sel, Stages: ends}
}

// counted is the column of uniq and top.
func counted(p ast.Pos) []ast.StatsFunc {
	return []ast.StatsFunc{{Pos: p, Func: "count", Param: math.NaN()}}
}
