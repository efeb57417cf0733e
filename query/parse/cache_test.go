package parse

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"tidemark/query/ast"
)

// TestShapeCache parses texts of the same shapes with other literals, in other
// places, and compares what comes with what the grammar says anew.
func TestShapeCache(t *testing.T) {
	texts := func(i int) []string {
		pad := strings.Repeat(" ", i%5) + strings.Repeat("\n", i%3)
		return []string{
			fmt.Sprintf(`%ssum by (a, "b%d") (rate(m{x="%d", y=~"z%d.*"}[%dm]))`, pad, i, i, i, i+1),
			fmt.Sprintf(`topk(%d, %sm > %d) or -m offset %ds`, i, pad, i, i+1),
			fmt.Sprintf(`m @ %d + on (a) group_left (b) n%s`, i, pad),
			fmt.Sprintf(`{app="a%d"} |= "x%d" | json | took > %dms %s| line_format "{{.a}}%d"`, i, i, i+1, pad, i),
			fmt.Sprintf(`m{%sa="%d"`, pad, i), // no query at all
		}
	}
	c := &shapeCache{young: make(map[string]*exprG)}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 50 {
				for _, text := range texts(i*4 + w) {
					ts, err := Lex(text)
					if err != nil {
						continue
					}
					want, at1 := match(ts.List)
					got, at2 := c.match(ts)
					if at1 != at2 {
						t.Errorf("%s: fault at %d, want %d", text, at2, at1)
						continue
					}
					if want == nil {
						continue
					}
					a, err1 := (&lowering{ts: ts, dialect: ast.Native}).expr(want)
					b, err2 := (&lowering{ts: ts, dialect: ast.Native}).expr(got)
					if err1 != nil || err2 != nil {
						t.Errorf("%s: %v, %v", text, err1, err2)
						continue
					}
					if x, y := ast.Print(a, ast.Native), ast.Print(b, ast.Native); x != y || a.Position() != b.Position() {
						t.Errorf("%s: got %s, want %s", text, y, x)
					}
				}
			}
		})
	}
	wg.Wait()
	if n := len(c.young) + len(c.old); n > 12*5*5 {
		t.Errorf("%d shapes are kept", n)
	}
	// Shapes that never come back are forgotten.
	for i := range 3000 {
		ts, err := Lex(fmt.Sprintf("m%d + n", i))
		if err != nil {
			t.Fatal(err)
		}
		c.match(ts)
	}
	if n := len(c.young) + len(c.old); n > 2*halfTokens/4 {
		t.Errorf("%d shapes are kept", n)
	}
}
