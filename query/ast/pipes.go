package ast

// The stages that LogQL does not have. Shape works row by row like a parser;
// the others end a log query: see Ends.

// Shape gives each row the labels shape and shape_id: the constant text of its
// line with typed placeholders, and the hash of that.
type Shape struct{ Pos }

// Context answers, beside each row that got so far, with the rows Before and
// After it in the same stream.
type Context struct {
	Pos
	Before, After int
}

// Sort arranges rows, or the rows of a table, by Keys.
type Sort struct {
	Pos
	Keys []SortKey
}

// SortKey is a label, a field or a column of a table.
type SortKey struct {
	Pos
	Name string
	Desc bool
}

// Limit keeps the first N rows.
type Limit struct {
	Pos
	N int
}

// Stats makes a table of rows: a row for each set of values of By, and a column
// for each of Funcs.
type Stats struct {
	Pos
	Funcs []StatsFunc
	By    []string
}

// StatsFunc is one column of a table: Func of the values of Field, which is
// empty where rows are counted. Conv is as in Unwrap, and Param the first
// argument of quantile. As is the name given to the column, or empty.
type StatsFunc struct {
	Pos
	Func, Field, Conv, As string
	Param                 float64
}

// Column returns the name of the column.
func (f *StatsFunc) Column() string {
	switch {
	case f.As != "":
		return f.As
	case f.Field == "":
		return f.Func
	}
	return f.Func + "_" + f.Field
}

// Uniq makes a table of the different sets of values of By among rows, with
// their counts.
type Uniq struct {
	Pos
	By []string
}

// Top is Uniq of the N sets that most rows have.
type Top struct {
	Pos
	N  int
	By []string
}

func (*Shape) stage()   {}
func (*Context) stage() {}
func (*Sort) stage()    {}
func (*Limit) stage()   {}
func (*Stats) stage()   {}
func (*Uniq) stage()    {}
func (*Top) stage()     {}

// Ends reports whether a stage belongs to the end of a pipeline: what works on
// the rows of the whole answer and not on each by itself.
func Ends(st Stage) bool {
	switch st.(type) {
	case *Patterns, *Context, *Sort, *Limit, *Stats, *Uniq, *Top:
		return true
	}
	return false
}

// Tabulates reports whether a stage makes a table of rows.
func Tabulates(st Stage) bool {
	switch st.(type) {
	case *Stats, *Uniq, *Top:
		return true
	}
	return false
}
