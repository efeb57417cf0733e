package query_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"tidemark/query"
	"tidemark/storage"
	"tidemark/storage/model"
)

// A program embeds the whole database: it opens a folder, appends records,
// asks a question and closes.
func Example() {
	dir, err := os.MkdirTemp("", "tidemark")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := storage.Open(dir, storage.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	var b model.Batch
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for i := range 10 {
		t := now.Add(time.Duration(i-9) * time.Minute).UnixNano()
		b.AddSample("requests_total", model.FromStrings("service", "api"), t, float64(i*30))
		b.AddLine(model.FromStrings("service", "api"), t, fmt.Sprintf("request %d timed out", i))
	}
	if _, err := db.Append(context.Background(), &b); err != nil { // on disk, and visible
		log.Fatal(err)
	}

	engine := query.NewEngine(db, query.Options{})
	for _, text := range []string{
		`rate(requests_total[5m])`,
		`count_over_time({service="api"} |= "timed out" [5m])`,
	} {
		res, err := engine.Query(context.Background(), query.Request{Text: text, Instant: true, End: now})
		if err != nil {
			log.Fatal(err)
		}
		for _, s := range res.Series {
			fmt.Println(s.Labels, s.Points[0].V)
		}
	}
	// Output:
	// {service="api"} 0.5
	// {service="api"} 5
}
