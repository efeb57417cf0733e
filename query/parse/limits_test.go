package parse_test

import (
	"strings"
	"testing"
	"time"

	"tidemark/query/ast"
	"tidemark/query/parse"
)

// Whatever is too much is refused at once, with an error that names the limit.
func TestLimits(t *testing.T) {
	rep := strings.Repeat
	for _, c := range []struct{ name, text, want string }{
		{"a million brackets", rep("(", 1_000_000) + "1" + rep(")", 1_000_000),
			"1:1: the query is 2000001 bytes long, the limit (MaxLength) is 65536"},
		{"brackets", rep("(", 30_000) + "1" + rep(")", 30_000),
			"1:201: the query nests more than 200 levels deep, the limit (MaxNesting)"},
		{"open brackets", rep("(", 60_000),
			"1:201: the query nests more than 200 levels deep, the limit (MaxNesting)"},
		{"calls", rep("abs(", 10_000) + "up" + rep(")", 10_000),
			"1:804: the query nests more than 200 levels deep, the limit (MaxNesting)"},
		{"signs", rep("-", 60_000) + "1",
			"1:201: the query nests more than 200 levels deep, the limit (MaxNesting)"},
		{"signs apart", rep("- ", 30_000) + "1",
			"1:401: the query nests more than 200 levels deep, the limit (MaxNesting)"},
		{"subqueries", "up" + rep("[1h:]", 10_000),
			"1:1007: the query nests more than 200 levels deep, the limit (MaxNesting)"},
		{"powers", "1" + rep("^1", 20_000),
			"1:16385: the query has more than 16384 tokens, the limit (MaxTokens)"},
		{"conditions", `{a="b"} | ` + rep("(", 10_000),
			"1:211: the query nests more than 200 levels deep, the limit (MaxNesting)"},
		{"arguments", "f(" + rep("1,", 20_000) + "1)",
			"1:16385: the query has more than 16384 tokens, the limit (MaxTokens)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			_, err := parse.Parse(c.text, ast.Native)
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if d := time.Since(start); d > time.Second {
				t.Errorf("took %s", d)
			}
		})
	}
}

// What lies just within the limits is parsed, printed and parsed back.
func TestWithinLimits(t *testing.T) {
	rep := strings.Repeat
	for name, text := range map[string]string{
		"brackets":     rep("(", parse.MaxNesting) + "1" + rep(")", parse.MaxNesting),
		"signs":        rep("-", parse.MaxNesting) + "1",
		"subqueries":   "up" + rep("[1h:]", parse.MaxNesting),
		"sums":         "1" + rep("+1", 8000),
		"powers":       "1" + rep("^1", 8000),
		"conditions":   `{a="b"} | x=1` + rep(",x=1", 4000),
		"alternatives": "a" + rep(" or a", 8000),
	} {
		t.Run(name, func(t *testing.T) {
			e, err := parse.Parse(text, ast.Native)
			if err != nil {
				t.Fatal(err)
			}
			printed := ast.Print(e, ast.Native)
			if len(printed) > parse.MaxLength || name == "conditions" {
				return // the normal form has spaces, and and for commas needs brackets
			}
			again, err := parse.Parse(printed, ast.Native)
			if err != nil || !ast.Equal(e, again) {
				t.Errorf("another tree after printing: %v", err)
			}
		})
	}
}
