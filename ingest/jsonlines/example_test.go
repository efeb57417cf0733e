package jsonlines_test

import (
	"fmt"

	"tidemark/ingest/jsonlines"
	"tidemark/storage/model"
)

func Example() {
	d, err := jsonlines.NewDecoder(jsonlines.Options{})
	if err != nil {
		panic(err)
	}
	var b model.Batch
	rep := d.Decode([]byte(`{"_time":"2023-11-14T22:13:20Z","_msg":"GET /","app":"api","http":{"status":200}}
{"_msg":
`), jsonlines.Params{StreamFields: []string{"app"}}, &b)
	row := &b.Rows()[0]
	for i, word := range b.Words(row) {
		c := row.Schema.Columns[i]
		if c.Type == model.TypeText {
			fmt.Printf("%s %s: %s\n", row.Stream.Labels, c.Field, b.TextOf(word))
		} else {
			fmt.Printf("%s %s: %s\n", row.Stream.Labels, c.Field, model.Value{Type: c.Type, Bits: word})
		}
	}
	fmt.Println(rep.Err())
	// Output:
	// {app="api"} _line: GET /
	// {app="api"} http.status: 200
	// 1 of 2 lines refused, the first: line 2, column 9: the text ends: want a value
}
