// Package query is the query engine: text in, series or log rows out. It
// parses (query/parse), plans (query/plan) and executes (query/exec) under
// limits and a deadline.
package query
