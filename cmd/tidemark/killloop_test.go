package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"
)

const (
	killRounds  = 5
	killWriters = 4
	killSamples = 20 // of a batch, beside one log row
)

// killBatch is the n-th batch of a writer in a round: samples with times of
// their own, all of value n, and a row that says n.
func killBatch(round, writer, n int) batch {
	b := batch{key: fmt.Sprintf("%d-%d-%d", round, writer, n)}
	for i := range killSamples {
		at := killStart.Add(time.Duration(n*killSamples+i) * time.Millisecond)
		b.body = fmt.Appendf(b.body, "killed,round=%d,writer=%d value=%d %d\n", round, writer, n, at.UnixNano())
	}
	b.body = fmt.Appendf(b.body, "killedlog,round=%d,writer=%d message=\"%d\" %d\n", round, writer, n, killStart.Add(time.Duration(n)*time.Millisecond).UnixNano())
	return b
}

var killStart = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// TestKillLoop kills the server again and again, at random moments of writing
// with flushes and compactions in between, and asks each time for every batch
// of all rounds: those that were acknowledged are there, and the others are
// there or absent as a whole.
func TestKillLoop(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the server several times")
	}
	dir := t.TempDir()
	args := []string{"--no-self", "--head-bytes", "64KiB", "--enable-admin-api"}
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	acked := make(map[string]bool)
	compactions := 0 // each flushes first
	for round := range killRounds {
		srv := start(t, dir, args...)
		checkKilled(t, srv.url, round, acked)
		if t.Failed() {
			return
		}
		var mu sync.Mutex
		var writers sync.WaitGroup
		for w := range killWriters {
			writers.Go(func() {
				for n := range 1000 {
					b := killBatch(round, w, n)
					ok, err := post(srv.url, b)
					if err != nil { // too much at once: not acknowledged, and not the matter here
						continue
					}
					if !ok {
						return // the server is gone
					}
					mu.Lock()
					acked[b.key] = true
					mu.Unlock()
				}
			})
		}
		compacting := make(chan struct{})
		go func() {
			defer close(compacting)
			for {
				resp, err := http.Post(srv.url+"/tidemark/api/v1/admin/compact", "", nil)
				if err != nil {
					return // the server is gone
				}
				resp.Body.Close()
				if resp.StatusCode < 300 {
					compactions++
				}
				time.Sleep(50 * time.Millisecond)
			}
		}()
		time.Sleep(time.Duration(200+rng.IntN(500)) * time.Millisecond)
		srv.kill()
		writers.Wait()
		<-compacting
		t.Logf("round %d: %d batches acknowledged so far", round, len(acked))
	}
	srv := start(t, dir, args...)
	checkKilled(t, srv.url, killRounds, acked)
	srv.stop()
	srv = start(t, dir, args...)
	checkKilled(t, srv.url, killRounds, acked)
	t.Logf("%d compactions ended before a kill", compactions)
	if len(acked) < killRounds || compactions == 0 {
		t.Skipf("%d batches were acknowledged and %d compactions done, too few to say anything", len(acked), compactions)
	}
}

// checkKilled compares what a server has of the first rounds with what was
// acknowledged.
func checkKilled(t *testing.T, base string, rounds int, acked map[string]bool) {
	t.Helper()
	samples, rows := make(map[string]int), make(map[string]int)
	for round := range rounds {
		var m matrix
		getJSON(t, &m, base, "/api/v1/query", "query", fmt.Sprintf(`killed{round="%d"}[1d]`, round), "time", "2026-03-01T12:00:00Z")
		for _, s := range m.Data.Result {
			for _, p := range s.Values {
				n := int(number(t, p[1]))
				ms := int64(math.Round(number(t, p[0])*1000)) - killStart.UnixMilli()
				if ms/killSamples != int64(n) {
					t.Errorf("round %d: the sample %d ms after the start is of batch %d, want %d", round, ms, n, ms/killSamples)
				}
				samples[fmt.Sprintf("%d-%s-%d", round, s.Metric["writer"], n)]++
			}
		}
		var logs struct {
			Data struct {
				Result []struct {
					Stream map[string]string
					Values [][2]string
				}
			}
		}
		getJSON(t, &logs, base, "/loki/api/v1/query_range", "query", fmt.Sprintf(`{measurement="killedlog", round="%d"}`, round),
			"start", "2026-03-01T00:00:00Z", "end", "2026-03-01T12:00:00Z", "limit", "5000", "direction", "forward")
		for _, s := range logs.Data.Result {
			for _, v := range s.Values {
				n, err := strconv.Atoi(v[1])
				if err != nil {
					t.Fatal(err)
				}
				rows[fmt.Sprintf("%d-%s-%d", round, s.Stream["writer"], n)]++
			}
		}
	}
	bad := 0
	for key := range acked {
		if samples[key] != killSamples || rows[key] != 1 {
			if bad++; bad <= 3 {
				t.Errorf("after %d rounds: acknowledged batch %s: %d samples and %d rows, want %d and 1", rounds, key, samples[key], rows[key], killSamples)
			}
		}
	}
	for key, n := range samples {
		if n != killSamples || rows[key] != 1 {
			if bad++; bad <= 6 {
				t.Errorf("after %d rounds: batch %s: %d samples and %d rows, want it whole or absent", rounds, key, n, rows[key])
			}
		}
	}
	for key := range rows {
		if samples[key] == 0 {
			t.Errorf("after %d rounds: batch %s: a row without samples", rounds, key)
		}
	}
	if bad > 6 {
		t.Errorf("and more: %d batches are wrong", bad)
	}
}
