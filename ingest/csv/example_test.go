package csv_test

import (
	"context"
	"fmt"
	"strings"

	"tidemark/ingest"
	"tidemark/ingest/csv"
)

func ExampleScan() {
	file := "timestamp,host,value\n2014-04-01 00:00:00,a,19.5\nyesterday,a,20\n"
	rep, err := csv.Scan(context.Background(), strings.NewReader(file), csv.Options{Measurement: "cpu", Labels: []string{"host"}}, func(b ingest.Block) error {
		for _, r := range b.Batch.Rows() {
			fmt.Println(r.Schema.Columns[0].Name, r.Stream.Labels, r.Time)
		}
		return nil // a program appends b.Batch to its store
	})
	fmt.Println(rep.Accepted, "of", rep.Lines, err)
	fmt.Println(rep.Errors[0])
	// Output:
	// cpu {host="a"} 1396310400000000000
	// 1 of 2 <nil>
	// line 3, column 1: column "timestamp" has "yesterday": want a time in the format given
}
