package server

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"tidemark/bench/lokidiff/data"
)

// TestLokiDifferential asks what bench/lokidiff asked Loki, and wants what Loki
// answered. The rows and the questions are in bench/lokidiff/data; Loki's
// answers are kept in testdata/lokidiff. What answers say of errors in detail
// is not compared.
func TestLokiDifferential(t *testing.T) {
	text, err := os.ReadFile("testdata/lokidiff/queries.txt")
	if err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile("testdata/lokidiff/answers.json")
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string][]string{}
	if err := json.Unmarshal(kept, &answers); err != nil {
		t.Fatal(err)
	}
	set := data.Set{Start: testNow.Truncate(time.Minute).Add(-10 * time.Minute)}
	h := startReal(t)
	if r := h.do("POST", "/loki/api/v1/push", string(set.Push()), "Content-Type", "application/json"); r.status != 204 {
		t.Fatalf("push: %d %s", r.status, r.body)
	}
	asked := 0
	for _, q := range set.Questions(string(text)) {
		want, ok := answers[q.Name]
		if !ok {
			t.Errorf("%s: Loki was not asked", q.Name)
			continue
		}
		asked++
		r := h.do(http.MethodGet, q.Path+"?"+q.Params.Encode(), "")
		if got := set.Answer(r.status, []byte(r.body)); !slices.Equal(got, want) {
			t.Errorf("%s\n got %.600q\nwant %.600q", q.Name, got, want)
		}
	}
	if asked < 200 {
		t.Errorf("only %d questions", asked)
	}
}
