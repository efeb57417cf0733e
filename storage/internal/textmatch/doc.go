// Package textmatch decides what a line filter says of all lines of one shape at
// once. A shape is constant text with typed variables; a filter often keeps or
// drops every line that has it, whatever stands in the variables, and then no
// line has to be put together. It is pure, and it refuses to know rows, columns
// and stores.
//
// A text that is searched for lies in a constant, and then in every line, or it
// touches a variable: each way of laying it out over constants and variables is
// a list of conditions on variables, which can be tested column by column. Most
// texts have none, because a number has no letters.
//
// For a regular expression the shape is taken as a language: constants as they
// are, a variable as one or more characters of those that its kind can have. The
// expression's automaton is run over it with sets of states. If every state at
// the end accepts, all lines of the shape match; if none does, none of them; what
// lies between has to be run over the lines. This is abstract interpretation
// with a set of characters as the abstraction of a variable, and never errs,
// because the set has every value that the variable can have.
package textmatch
