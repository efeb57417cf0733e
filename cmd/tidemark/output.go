package main

import (
	"tidemark/cmd/tidemark/internal/render"
)

// recordsOutput is the flag of commands that print records.
type recordsOutput struct {
	Output string `short:"o" help:"Print as ${enum}." enum:"table,json,csv" default:"table"`
}

func (o *recordsOutput) write(c *console, r *render.Records) error {
	return render.WriteRecords(c.out, render.Format(o.Output), r)
}
