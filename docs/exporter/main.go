// Command exporter writes a few records to Tidemark as a program of yours may:
// in batches, under a key that makes a retry harmless, and again until the
// server has them.
//
//	go run ./docs/exporter http://127.0.0.1:8433
package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

func main() {
	server := "http://127.0.0.1:8433"
	if len(os.Args) > 1 {
		server = os.Args[1]
	}
	var batch bytes.Buffer
	for room, celsius := range map[string]float64{"attic": 31.5, "cellar": 12.25} {
		fmt.Fprintf(&batch, "climate,room=%s celsius=%g %d\n", room, celsius, time.Now().UnixNano())
	}
	if err := send(server, batch.Bytes(), 3); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("written")
}

// errRefused says that sending the same again is of no use.
var errRefused = errors.New("refused")

// send posts a batch until it is acknowledged, which means on disk. The key
// stays the same, so that a batch whose acknowledgement was lost is not written
// twice.
func send(server string, batch []byte, attempts int) error {
	key := rand.Text()
	for attempt := 1; ; attempt++ {
		err := post(server, key, batch)
		if err == nil || errors.Is(err, errRefused) {
			return err
		}
		fmt.Printf("attempt %d: %v\n", attempt, err)
		if attempt == attempts {
			return fmt.Errorf("kept for later: %d bytes", len(batch))
		}
		time.Sleep(time.Duration(attempt) * 100 * time.Millisecond)
	}
}

func post(server, key string, batch []byte) error {
	req, err := http.NewRequest(http.MethodPost, server+"/write", bytes.NewReader(batch))
	if err != nil {
		return err
	}
	req.Header.Set("Idempotency-Key", key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err // nobody is there: later
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	switch {
	case err != nil:
		return err
	case resp.StatusCode == http.StatusNoContent:
		return nil
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode/100 == 5:
		return fmt.Errorf("%s: %s", resp.Status, answer) // overloaded, or its disk is full: later
	}
	return fmt.Errorf("%w: %s: %s", errRefused, resp.Status, answer) // bad lines are named; the good ones are stored
}
