package ast

import "strings"

// Error is a fault of a query's text, with its place. It is what parsing and
// planning return; Error() prints everything, the parts serve editors.
type Error struct {
	Pos      Pos
	Token    string   // what was met, "" at none
	Message  string   // what is wrong, without place
	Expected []string // what would have been right, may be empty
	Suggest  string   // the nearest known name, may be empty
}

// Error prints line:column, the message, what was expected and a suggestion.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Pos.String())
	b.WriteString(": ")
	b.WriteString(e.Message)
	if len(e.Expected) > 0 {
		b.WriteString(", expected ")
		b.WriteString(strings.Join(e.Expected, " or "))
	}
	if e.Suggest != "" {
		b.WriteString("; did you mean `" + e.Suggest + "`?")
	}
	return b.String()
}
