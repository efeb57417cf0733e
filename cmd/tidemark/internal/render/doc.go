// Package render prints the answer to a query for people and programs: as a
// table, as JSON, as CSV and as a chart of characters. It reads a
// query.Result and writes text; it asks no terminal anything: widths and
// colours are told to it.
package render
