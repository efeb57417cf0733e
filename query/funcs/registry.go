// Package funcs is the registry of the language's functions: for each a typed
// signature and a document, from which the parser's suggestions, the type
// checker, completion and the reference derive. It does not evaluate.
package funcs

import (
	"slices"
	"sort"
)

// Type is the static type of an expression or a parameter.
type Type uint8

// Types.
const (
	None     Type = iota
	Scalar        // one number per step
	Str           // a string literal
	Vector        // one number per series and step: an "instant vector"
	Range         // samples of a window: a metric range, a subquery or an unwrapped log range
	LogRange      // log rows of a window
	Rows          // log rows, a log query's own answer
	Duration      // a duration literal, a string of one or a number of seconds
	Tuple         // scalars in parentheses; one scalar counts as a tuple of one
	Bool          // true or false, written as 0/1 or "true"/"false"
	Grid          // an answer with its own times, such as a forecast in an instant query
	Matchers      // matchers of labels in braces, which select nothing by themselves
)

// String returns the type's name as error messages use it.
func (t Type) String() string {
	return [...]string{"none", "scalar", "string", "instant vector", "range vector", "log range",
		"log rows", "duration", "scalar tuple", "boolean", "series", "label matchers"}[t]
}

// Param is one parameter.
type Param struct {
	Name string
	// Types lists the accepted types, the documented one first.
	Types []Type
	// Default is the printed default of an optional parameter.
	Default  string
	Optional bool
	// NamedOnly parameters are given as name=value; the others by place or
	// by name.
	NamedOnly bool
	// OneOf lists the values that a string parameter accepts; empty means any.
	OneOf []string
	Doc   string
}

// Func is one function.
type Func struct {
	Name   string
	Family string // math, over_time, counter, histogram, label, time, analysis, log
	Params []Param
	// Variadic says that the last positional parameter may repeat.
	Variadic bool
	Returns  Type
	// Pairs functions take two ranges and a matching: on(…) or ignoring(…).
	Pairs bool
	// Groups functions of series take by(…) or without(…).
	Groups bool
	// Table functions answer with labels that hold computed numbers or times,
	// so only as the outermost expression of an instant query.
	Table bool
	// Doc is one sentence, then details; Example is a valid query.
	Doc, Example string
}

var registry = map[string]*Func{}

// register adds functions; a duplicate name is a fault of this package.
func register(fs ...*Func) {
	for _, f := range fs {
		if registry[f.Name] != nil {
			panic("funcs: duplicate " + f.Name)
		}
		registry[f.Name] = f
	}
}

// Lookup returns the function of that name, or nil.
func Lookup(name string) *Func { return registry[name] }

// All returns every function, sorted by name.
func All() []*Func {
	out := make([]*Func, 0, len(registry))
	for _, f := range registry {
		out = append(out, f)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

// Aggregations are the vector aggregations; those in ParamAggregations take a
// parameter before the vector.
var (
	Aggregations      = []string{"sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "topk", "bottomk", "quantile", "count_values", "limitk", "limit_ratio", "approx_topk"}
	ParamAggregations = []string{"topk", "bottomk", "quantile", "count_values", "limitk", "limit_ratio", "approx_topk"}
)

// IsAggregation reports whether name is a vector aggregation.
func IsAggregation(name string) bool { return slices.Contains(Aggregations, name) }
