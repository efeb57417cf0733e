// Command lokidiff asks a server that speaks Loki's protocol the questions of a
// file and keeps its answers, so that a test can hold another server to them.
//
//	go run ./bench/lokidiff -url http://127.0.0.1:3100 server/testdata/lokidiff
//
// It pushes the data that package data makes, asks every query of queries.txt
// in the folder, log queries in a range and metric queries at one time and
// over a range, and writes answers.json there. Run against Loki it makes the
// fixture of TestLokiDifferential in package server, which asks Tidemark the
// same.
//
//	go run ./bench/lokidiff -url http://127.0.0.1:3100 -other http://127.0.0.1:8433 -random 500 -seed 7
//
// asks two servers queries that data.Random makes and prints those whose answers
// differ.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tidemark/bench/lokidiff/data"
)

func main() {
	server := flag.String("url", "http://127.0.0.1:3100", "the server to ask")
	other := flag.String("other", "", "another server to ask the same, and to compare with")
	random := flag.Int("random", 500, "with -other and no folder: how many random queries to ask")
	seed := flag.Uint64("seed", 1, "seed of random queries")
	flag.Parse()
	var err error
	switch {
	case *other == "":
		err = keep(*server, flag.Arg(0))
	case flag.Arg(0) == "":
		err = compare(*server, *other, strings.Join(data.Random(*seed, *random), "\n"))
	default:
		var text []byte
		if text, err = os.ReadFile(filepath.Join(flag.Arg(0), "queries.txt")); err == nil {
			err = compare(*server, *other, string(text))
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "lokidiff:", err)
		os.Exit(1)
	}
}

// newSet is rows of the last minutes, because Loki shows others late.
func newSet() data.Set {
	return data.Set{Start: time.Now().Add(-6 * time.Minute).Truncate(time.Minute)}
}

// push sends the rows of a set and waits until they are shown.
func push(server string, set data.Set) error {
	res, err := http.Post(server+"/loki/api/v1/push", "application/json", bytes.NewReader(set.Push()))
	if err != nil {
		return err
	}
	body, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("push: %s %s", res.Status, body)
	}
	time.Sleep(2 * time.Second)
	return nil
}

// ask returns the answer to a question, and what the server said.
func ask(server string, set data.Set, q data.Question) (answer []string, body []byte, err error) {
	res, err := http.Get(server + q.Path + "?" + q.Params.Encode())
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	if body, err = io.ReadAll(res.Body); err != nil {
		return nil, nil, err
	}
	return set.Answer(res.StatusCode, body), body, nil
}

// keep writes the answers to a folder's questions.
func keep(server, folder string) error {
	text, err := os.ReadFile(filepath.Join(folder, "queries.txt"))
	if err != nil {
		return err
	}
	set := newSet()
	if err := push(server, set); err != nil {
		return err
	}
	answers := map[string][]string{}
	for _, q := range set.Questions(string(text)) {
		if answers[q.Name], _, err = ask(server, set, q); err != nil {
			return err
		}
	}
	out, err := json.MarshalIndent(answers, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "answers.json"), append(out, '\n'), 0o644)
}

// compare asks two servers and prints where their answers differ.
func compare(one, two, text string) error {
	set := newSet()
	for _, s := range []string{one, two} {
		if err := push(s, set); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	questions := set.Questions(text)
	differ := map[string]bool{}
	refused := 0
	for _, q := range questions {
		a, said, err := ask(one, set, q)
		if err != nil {
			return err
		}
		b, told, err := ask(two, set, q)
		if err != nil {
			return err
		}
		if len(a) > 0 && a[0] == "refused" {
			refused++
		}
		if slices.Equal(a, b) {
			continue
		}
		differ[q.Name] = true
		fmt.Printf("%s\n  one %.700q\n  two %.700q\n", q.Name, a, b)
		if a[0] == "refused" {
			fmt.Printf("  one said %.300s\n", said)
		}
		if b[0] == "refused" {
			fmt.Printf("  two said %.300s\n", told)
		}
	}
	fmt.Printf("%d of %d questions answered alike, %d of them refused by the first\n", len(questions)-len(differ), len(questions), refused)
	return nil
}
