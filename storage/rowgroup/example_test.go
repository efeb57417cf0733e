package rowgroup_test

import (
	"fmt"

	"tidemark/storage/model"
	"tidemark/storage/rowgroup"
)

// Rows of two label sets share a group; a reader asks for one of them.
func Example() {
	b := rowgroup.NewBuilder()
	b.StartSet(4)
	b.Row(1000, []byte("GET /"), []rowgroup.Field{rowgroup.FieldOf("ms", model.Float(0.5))})
	b.Row(1000, []byte("GET /a"), nil)
	b.StartSet(9)
	b.Row(990, []byte("bye"), []rowgroup.Field{rowgroup.FieldOf("ms", model.Int(2))})
	encoded := b.Append(nil)

	g, err := rowgroup.Open(encoded)
	if err != nil {
		fmt.Println(err)
		return
	}
	run, _ := g.Run(4)
	lines, err := g.Lines(run.First, run.Count, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	ms, err := g.Column("ms", run.First, run.Count, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, line := range lines {
		fmt.Printf("%q ms=%s (%s)\n", line, ms[i], ms[i].Type)
	}
	for _, c := range g.Columns() {
		fmt.Println(c.Name, c.Type, c.Present)
	}
	// Output:
	// "GET /" ms=0.5 (float)
	// "GET /a" ms= (none)
	// ms float 1
	// ms int 1
}
