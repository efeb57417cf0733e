package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"tidemark/bench/gen"
	"tidemark/query"
	"tidemark/server"
	"tidemark/storage"
	"tidemark/storage/model"
)

// began is the time of the first generated record.
var began = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// openStore opens a store that ends with the benchmark.
func openStore(b *testing.B) *storage.DB {
	b.Helper()
	db, err := storage.Open(b.TempDir(), storage.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	return db
}

// serve puts a store behind the real server and returns its URL.
func serve(b *testing.B, db *storage.DB) string {
	b.Helper()
	srv, err := server.New(server.Options{Sink: db, Engine: query.NewEngine(db, query.Options{})})
	if err != nil {
		b.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			b.Error(err)
		}
		if err := <-served; err != nil {
			b.Error(err)
		}
	})
	return "http://" + ln.Addr().String()
}

func post(client *http.Client, url string, body []byte) error {
	resp, err := client.Post(url, "text/plain", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusNoContent {
		err = fmt.Errorf("status %d: %s", resp.StatusCode, text)
	}
	return err
}

// cpuOnly is the suite's cpu-only case without an end.
func cpuOnly(b *testing.B, hosts int) *gen.Workload {
	b.Helper()
	g, err := gen.New(gen.Config{Shape: gen.CPUOnly, Hosts: hosts, Seed: 1, Start: began})
	if err != nil {
		b.Fatal(err)
	}
	return g
}

func BenchmarkWrite(b *testing.B) {
	const hosts, lines = 1000, 10_000
	for _, clients := range []int{1, 2} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			url := serve(b, openStore(b)) + "/write"
			// Bodies are made outside the timed part, each once.
			g := cpuOnly(b, hosts)
			bodies := make(chan []byte, b.N)
			size := 0
			for range b.N {
				body, _ := g.AppendLines(nil, lines)
				size = len(body)
				bodies <- body
			}
			close(bodies)
			b.SetBytes(int64(size))
			b.ResetTimer()
			var wg sync.WaitGroup
			for range clients {
				wg.Go(func() {
					client := &http.Client{Transport: &http.Transport{}}
					defer client.CloseIdleConnections()
					for body := range bodies {
						if err := post(client, url, body); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)*lines*10/b.Elapsed().Seconds(), "samples/s")
		})
	}
}

// ask runs a query and fails the benchmark where it has no answer.
func ask(b *testing.B, e *query.Engine, req query.Request) {
	b.Helper()
	res, err := e.Query(context.Background(), req)
	if err != nil {
		b.Fatal(err)
	}
	if len(res.Series)+len(res.Streams) == 0 {
		b.Fatalf("%s: no answer", req.Text)
	}
}

func BenchmarkLogs(b *testing.B) {
	db := openStore(b)
	rng := rand.New(rand.NewPCG(1, 0))
	const rows = 200_000
	for i := 0; i < rows; {
		var batch model.Batch
		for range 10_000 {
			line := fmt.Sprintf(`level=info msg="request served" path=/item/%d status=200 took=%dms trace=%016x`, rng.IntN(500), rng.IntN(900), rng.Uint64())
			if i%10_000 == 77 {
				line = `level=error msg="checksum mismatch" path=/item/13`
			}
			batch.AddLine(model.FromStrings("app", fmt.Sprint("app", i%40)), began.Add(time.Duration(i)*10*time.Millisecond).UnixNano(), line)
			i++
		}
		if _, err := db.Append(context.Background(), &batch); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
	e := query.NewEngine(db, query.Options{})
	for _, c := range []struct {
		name, text string
		instant    bool
	}{
		{"rare-word", `{app=~".+"} |= "mismatch"`, false},
		{"count-all", `sum(count_over_time({app=~".+"}[1h]))`, true},
		{"count-word-by-app", `sum by (app) (count_over_time({app=~".+"} |= "item/13 " [1h]))`, true},
		{"newest-100", `{app="app7"}`, false},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				ask(b, e, query.Request{Text: c.text, Instant: c.instant, Start: began, End: began.Add(time.Hour), Step: time.Minute, Direction: model.Backward})
			}
		})
	}
}
