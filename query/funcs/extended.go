package funcs

import "slices"

// extended lists the functions that take an anchored or a smoothed range,
// sorted.
var extended = map[string][]string{
	"anchored": {"changes", "delta", "increase", "rate", "resets"},
	"smoothed": {"delta", "increase", "rate"},
}

// Extended returns the functions that take a range with the modifier, anchored
// or smoothed.
func Extended(modifier string) []string { return extended[modifier] }

// Extends reports whether the function takes a range with the modifier. Without
// a modifier every function does.
func (f *Func) Extends(modifier string) bool {
	return modifier == "" || slices.Contains(extended[modifier], f.Name)
}
