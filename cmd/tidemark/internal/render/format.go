package render

import (
	"fmt"
	"io"
	"strings"

	"tidemark/query"
)

// Format is one of the forms an answer can be printed in.
type Format string

// Formats.
const (
	Table Format = "table"
	JSON  Format = "json"
	CSV   Format = "csv"
	Chart Format = "chart"
)

// Options say how to print. The zero value of a field means its default.
type Options struct {
	// Width and Height are the columns and rows that a chart may take, its
	// legend not counted; default 100 by 20.
	Width, Height int
	// Color says whether series are told apart by colour (ANSI sequences) or,
	// by default, by letters.
	Color bool
	// MaxSeries bounds the series that a chart draws; default 10.
	MaxSeries int
}

func (o Options) withDefaults() Options {
	def := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	def(&o.Width, 100)
	def(&o.Height, 20)
	def(&o.MaxSeries, 10)
	return o
}

// Write prints an answer in a format. A chart of something that has no course
// over time (a vector, log rows) is a table.
func Write(w io.Writer, f Format, r *query.Result, o Options) error {
	o = o.withDefaults()
	var b strings.Builder
	switch f {
	case Table:
		table(&b, r)
	case JSON:
		if err := writeJSON(&b, r); err != nil {
			return err
		}
	case CSV:
		if err := writeCSV(&b, r); err != nil {
			return err
		}
	case Chart:
		if lines := drawable(r); lines != nil {
			chart(&b, lines, o)
		} else {
			table(&b, r)
		}
	default:
		return fmt.Errorf("output format %q: want table, json, csv or chart", f)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
