package parse_test

import (
	"strings"
	"testing"

	"tidemark/query/ast"
	"tidemark/query/parse"
)

// The queries of a dashboard, from the shortest to a panel's usual one, and a
// long chain, which shows that time is linear.
func BenchmarkParse(b *testing.B) {
	for _, c := range []struct{ name, text string }{
		{"selector", `up{job="api"}`},
		{"rate", `sum by (service) (rate(http_requests_total{job="api", code=~"5.."}[5m]))`},
		{"ratio", `sum by (service) (rate(http_requests_total{job="api", code=~"5.."}[5m])) / on (service) group_left () sum by (service) (rate(http_requests_total{job="api"}[5m])) > 0.05`},
		{"logs", `sum by (level) (count_over_time({app="api"} |= "timeout" | json | status >= 500 and took > 1.5s [5m]))`},
		{"chain", strings.Repeat("a + ", 5000) + "a"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := parse.Parse(c.text, ast.Native); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Lexing alone is what a query costs that a cache of trees knows.
func BenchmarkLex(b *testing.B) {
	const text = `sum by (service) (rate(http_requests_total{job="api", code=~"5.."}[5m]))`
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parse.Lex(text); err != nil {
			b.Fatal(err)
		}
	}
}
