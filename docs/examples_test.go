package docs_test

import (
	"context"
	"fmt"
	"log"
	"math"
	"os"
	"time"

	"tidemark/ingest/lineprotocol"
	"tidemark/query"
	"tidemark/storage"
	"tidemark/storage/model"
)

// The bodies of these examples stand in embedding.md.

// temporary opens a store in a folder of its own.
func temporary() (db *storage.DB, remove func()) {
	dir, err := os.MkdirTemp("", "tidemark")
	if err != nil {
		log.Fatal(err)
	}
	if db, err = storage.Open(dir, storage.Options{}); err != nil {
		log.Fatal(err)
	}
	return db, func() {
		if err := db.Close(); err != nil {
			log.Fatal(err)
		}
		os.RemoveAll(dir)
	}
}

// A batch that is sent again under its key changes nothing.
func Example_retries() {
	db, remove := temporary()
	defer remove()

	var b model.Batch
	b.RequestKey = "orders of Friday, part 3"
	b.AddLine(model.FromStrings("job", "nightly"), time.Now().UnixNano(), "backup done")
	for range 2 {
		res, err := db.Append(context.Background(), &b)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("already written:", res.Duplicate)
	}
	// Output:
	// already written: false
	// already written: true
}

// Eight weeks of a disk that fills by one percent a day.
func Example_forecast() {
	db, remove := temporary()
	defer remove()

	var b model.Batch
	now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	for h := range 8 * 7 * 24 {
		t := now.Add(-time.Duration(h) * time.Hour)
		b.AddSample("disk_used_percent", model.FromStrings("host", "a"), t.UnixNano(), 70-float64(h)/24)
	}
	if _, err := db.Append(context.Background(), &b); err != nil {
		log.Fatal(err)
	}

	engine := query.NewEngine(db, query.Options{})
	res, err := engine.Query(context.Background(), query.Request{
		Text: `time_to(disk_used_percent[8w], 100, q=0.5) / 86400`, Instant: true, End: now,
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range res.Series {
		fmt.Printf("%s is full in %.0f days\n", s.Labels.Get("host"), math.Round(s.Points[0].V))
	}
	for _, w := range res.Warnings { // such as too little history
		fmt.Println(w)
	}
	// Output:
	// a is full in 30 days
}

// Line protocol in, and what was refused of it.
func Example_lineProtocol() {
	db, remove := temporary()
	defer remove()

	decoder, err := lineprotocol.NewDecoder(lineprotocol.Options{}) // keep it: it remembers series
	if err != nil {
		log.Fatal(err)
	}
	body := []byte("cpu,host=a user=3 1700000000\ncpu,host=a user=oops 1700000001\n")
	var b model.Batch
	report := decoder.Decode(body, lineprotocol.Params{Precision: lineprotocol.Second}, &b)
	for _, e := range report.Errors {
		fmt.Printf("line %d, column %d: %s\n", e.Line, e.Column, e.Reason)
	}
	if _, err := db.Append(context.Background(), &b); err != nil {
		log.Fatal(err)
	}
	// Output:
	// line 2, column 17: field "user" has value "oops": want a number such as 1.5, an integer such as 15i, t or f, or a quoted string
}
