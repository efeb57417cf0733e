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
	"time"

	"tidemark/bench/lokidiff/data"
)

func main() {
	server := flag.String("url", "http://127.0.0.1:3100", "the server to ask")
	flag.Parse()
	if err := run(*server, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "lokidiff:", err)
		os.Exit(1)
	}
}

func run(server, folder string) error {
	text, err := os.ReadFile(filepath.Join(folder, "queries.txt"))
	if err != nil {
		return err
	}
	set := data.Set{Start: time.Now().Add(-6 * time.Minute).Truncate(time.Minute)}
	res, err := http.Post(server+"/loki/api/v1/push", "application/json", bytes.NewReader(set.Push()))
	if err != nil {
		return err
	}
	body, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("push: %s %s", res.Status, body)
	}
	time.Sleep(2 * time.Second) // Loki shows entries a moment later
	answers := map[string]json.RawMessage{}
	for _, q := range set.Questions(string(text)) {
		res, err := http.Get(server + q.Path + "?" + q.Params.Encode())
		if err != nil {
			return err
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			return err
		}
		a := set.Answer(res.StatusCode, body)
		if answers[q.Name], err = json.Marshal(a); err != nil {
			return err
		}
	}
	out, err := json.MarshalIndent(answers, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "answers.json"), append(out, '\n'), 0o644)
}
