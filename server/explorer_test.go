package server

import (
	"regexp"
	"strings"
	"testing"
)

// TestExplorer: the page and all that it names are served, without a token,
// compressed where the browser takes it, and kept as long as they may be.
func TestExplorer(t *testing.T) {
	h := start(t, Options{Token: "secret"})
	root := h.get("/")
	if root.status != 200 || !strings.HasPrefix(root.header.Get("Content-Type"), "text/html") {
		t.Fatalf("the page is %d %v", root.status, root.header)
	}
	if p := root.header.Get("Content-Security-Policy"); !strings.Contains(p, "default-src 'self'") {
		t.Errorf("policy %q", p)
	}
	if c := root.header.Get("Cache-Control"); c != "no-cache" {
		t.Errorf("the page may be kept: %q", c)
	}
	refs := regexp.MustCompile(`(?:src|href)="\./([^"]+)"`).FindAllStringSubmatch(root.body, -1)
	if len(refs) < 2 {
		t.Fatalf("the page names %d files", len(refs))
	}
	for _, m := range refs {
		plain := h.get("/" + m[1])
		if plain.status != 200 || !strings.Contains(plain.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s is %d %v", m[1], plain.status, plain.header)
		}
		zipped := h.do("GET", "/"+m[1], "", "Accept-Encoding", "gzip")
		if zipped.header.Get("Content-Encoding") != "gzip" || len(zipped.body) >= len(plain.body) {
			t.Errorf("%s: %d bytes plain, %d as %q", m[1], len(plain.body), len(zipped.body), zipped.header.Get("Content-Encoding"))
		}
	}
	if r := h.get("/licenses.md"); r.status != 200 || !strings.Contains(r.body, "MIT") {
		t.Errorf("the notices are %d %.80q", r.status, r.body)
	}
	for _, path := range []string{"/assets/none.js", "/assets/..%2findex.html", "/assets/"} {
		if r := h.get(path); r.status != 404 {
			t.Errorf("%s is %d", path, r.status)
		}
	}
	if r := h.get("/api/v1/labels"); r.status != 401 {
		t.Errorf("data without a token: %d", r.status)
	}
}

func TestCheckQuery(t *testing.T) {
	h := start(t, Options{})
	h.get("/tidemark/api/v1/check_query?query=sum(up)").want(t, 200, `{"status":"success","data":{"valid":true,"type":"instant vector"}}`)
	h.get("/tidemark/api/v1/check_query?query=%7Bapp%3D%22a%22%7D").want(t, 200, `{"status":"success","data":{"valid":true,"type":"log rows"}}`)
	h.get("/tidemark/api/v1/check_query?query=summ(up)").want(t, 200,
		`{"status":"success","data":{"valid":false,"message":"unknown function `+"`summ`"+`","line":1,"column":1,"offset":0,"token":"summ","expected":[],"suggest":"sum"}}`)
	if r := h.get("/tidemark/api/v1/check_query"); r.status != 400 {
		t.Errorf("without a query: %d %s", r.status, r.body)
	}
}
