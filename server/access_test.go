package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/query/ast"
	"tidemark/storage/model"
)

func TestToken(t *testing.T) {
	h := start(t, Options{Token: "s3cret"})
	basic := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	cases := []struct {
		name, target, authorization string
		ok                          bool
	}{
		{"none", "/write", "", false},
		{"bearer", "/write", "Bearer s3cret", true},
		{"bearer, any case", "/write", "bearer s3cret", true},
		{"wrong", "/write", "Bearer s3cre", false},
		{"longer", "/write", "Bearer s3cretx", false},
		{"empty", "/write", "Bearer ", false},
		{"no scheme", "/write", "s3cret", false},
		{"influx 2", "/api/v2/write", "Token s3cret", true},
		{"influx 1 as 2", "/api/v2/write", "Token user:s3cret", true},
		{"basic", "/write", basic("anyone:s3cret"), true},
		{"basic, wrong", "/write", basic("s3cret:anyone"), false},
		{"basic, broken", "/write", "Basic %%%", false},
		{"basic, no colon", "/write", basic("s3cret"), false},
		{"influx 1", "/write?u=me&p=s3cret", "", true},
		{"influx 1, wrong", "/write?u=me&p=other", "", false},
		{"p is for influx only", "/api/v1/query?query=up&p=s3cret", "", false},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			method := "POST"
			if strings.HasPrefix(tc.target, "/api/v1") {
				method = "GET"
			}
			r := h.do(method, tc.target, "m v=1 1", "Authorization", tc.authorization)
			if tc.ok {
				if r.status != 204 {
					t.Errorf("answer is %d %s", r.status, r.body)
				}
				return
			}
			if r.status != 401 || !strings.HasPrefix(r.body, `{"`) || strings.Contains(r.body, "s3cret") {
				t.Errorf("answer is %d %s", r.status, r.body)
			}
			if got := r.header.Values("WWW-Authenticate"); !slices.Equal(got, []string{`Bearer realm="tidemark"`, `Basic realm="tidemark"`}) {
				t.Errorf("WWW-Authenticate is %q", got)
			}
		})
	}
	for _, rt := range routeTable() {
		path := strings.Replace(rt.path, "{name}", "x", 1)
		open := slices.Contains([]string{"/", "/licenses.md", "/assets/x", "/-/healthy", "/-/ready", "/ping", "/health"}, path)
		if r := h.get(path); (r.status == 401) == open {
			t.Errorf("%s without a token gives %d, open is %v", path, r.status, open)
		}
	}
	// A stranger's large body is refused before it is read, and as a stranger's.
	if r := h.do("POST", "/write", strings.Repeat("x", 2<<20)); r.status != 401 {
		t.Errorf("a stranger's large body gives %d", r.status)
	}
	if r := h.do("POST", "/write", strings.Repeat("#\n", 1<<20), "Authorization", "Bearer s3cret"); r.status != 204 {
		t.Errorf("a large body with the token gives %d %s", r.status, r.body)
	}
	if r := h.do("POST", "/write?p=s3cret", strings.Repeat("#\n", 1<<20)); r.status != 204 {
		t.Errorf("a large body with p= gives %d %s", r.status, r.body)
	}
}

func TestTenants(t *testing.T) {
	h := start(t, Options{})
	h.do("POST", "/write", "m,tenant=b v=1 1", "X-Scope-OrgID", "a")
	h.do("POST", "/write", "m v=1 1")
	if got := h.sink.all(); !slices.Equal(got, []string{`{exported_tenant="b", tenant="a"} m_v=float(1) @1`, `{} m_v=float(1) @1`}) {
		t.Errorf("written %q: want the header's tenant, and the line's own under another name", got)
	}
	targets := []string{
		"/api/v1/query?query=up", "/api/v1/query_range?query=up&start=1&end=2&step=1", "/loki/api/v1/query?query=x", "/loki/api/v1/query_range?query=x",
		"/tidemark/api/v1/query?query=x", "/tidemark/api/v1/query_range?query=x", "/api/v1/labels", "/api/v1/label/a/values", "/api/v1/series?match[]=up",
		"/loki/api/v1/labels", "/loki/api/v1/label/a/values", "/loki/api/v1/series", "/loki/api/v1/index/stats?query=x", "/query?q=SHOW+DATABASES",
	}
	is := func(ms []*model.Matcher, tenant string) bool {
		if tenant == "" {
			return len(ms) == 0
		}
		return len(ms) == 1 && ms[0].Type == model.MatchEqual && ms[0].Name == "tenant" && ms[0].Matches(tenant) && !ms[0].Matches("") && !ms[0].Matches(tenant+"x")
	}
	for _, tenant := range []string{"a", ""} {
		h.engine.asked, h.engine.metas = nil, nil
		for _, target := range targets {
			before := len(h.engine.asked) + len(h.engine.metas)
			if r := h.get(target, "X-Scope-OrgID", tenant); r.status != 200 {
				t.Errorf("%s gives %d %s", target, r.status, r.body)
			}
			if len(h.engine.asked)+len(h.engine.metas) == before {
				t.Errorf("%s does not reach the engine", target)
			}
		}
		for _, q := range h.engine.asked {
			if !is(q.Enforce, tenant) {
				t.Errorf("tenant %q: %+v enforces %v", tenant, q, q.Enforce)
			}
		}
		for _, q := range h.engine.metas {
			if !is(q.Enforce, tenant) {
				t.Errorf("tenant %q: %+v enforces %v", tenant, q, q.Enforce)
			}
		}
	}
	for _, bad := range []string{"a|b", "a b", "é", strings.Repeat("x", 151), `x"}`} {
		if r := h.get("/api/v1/labels", "X-Scope-OrgID", bad); r.status != 400 {
			t.Errorf("tenant %q gives %d", bad, r.status)
		}
		if r := h.do("POST", "/write", "m v=1 1", "X-Scope-OrgID", bad); r.status != 400 {
			t.Errorf("tenant %q may write: %d", bad, r.status)
		}
	}
	off := start(t, Options{NoTenancy: true})
	off.get("/api/v1/query?query=up", "X-Scope-OrgID", "a|b")
	off.do("POST", "/write", "m v=1 1", "X-Scope-OrgID", "a")
	if len(off.engine.asked[0].Enforce) != 0 || off.sink.all()[0] != "{} m_v=float(1) @1" {
		t.Errorf("without tenancy the header counts: %+v, %q", off.engine.asked, off.sink.all())
	}
}

func TestCORS(t *testing.T) {
	h := start(t, Options{})
	if r := h.get("/api/v1/labels", "Origin", "http://x"); r.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("CORS is on by default")
	}
	if r := h.do("OPTIONS", "/api/v1/query", ""); r.status != 405 {
		t.Errorf("OPTIONS gives %d without CORS", r.status)
	}
	on := start(t, Options{CORSOrigin: "https://grafana.example", Token: "t"})
	r := on.do("OPTIONS", "/api/v1/query", "", "Origin", "https://grafana.example")
	if r.status != 204 || r.header.Get("Access-Control-Allow-Origin") != "https://grafana.example" || !strings.Contains(r.header.Get("Access-Control-Allow-Headers"), "Authorization") {
		t.Errorf("preflight gives %d %v", r.status, r.header)
	}
	// A page must be able to read why it was refused.
	if r := on.get("/api/v1/labels"); r.status != 401 || r.header.Get("Access-Control-Allow-Origin") == "" {
		t.Errorf("refusal is %d %v", r.status, r.header)
	}
}

func TestTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "tidemark"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name, kind string, der []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	srv, err := New(Options{Sink: &fakeSink{}, Engine: &fakeEngine{}, CertFile: file("c.pem", "CERTIFICATE", der), KeyFile: file("k.pem", "EC PRIVATE KEY", keyDER)})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skip("no loopback to listen on: ", err)
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ln) }()
	pool := x509.NewCertPool()
	cert, _ := x509.ParseCertificate(der)
	pool.AddCert(cert)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	resp, err := client.Get("https://" + ln.Addr().String() + "/-/healthy")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 || resp.TLS == nil {
		t.Errorf("answer is %d, TLS %v", resp.StatusCode, resp.TLS != nil)
	}
	client.CloseIdleConnections()
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestDialects keeps every API asking in its own dialect.
func TestDialects(t *testing.T) {
	h := start(t, Options{})
	for i, tc := range []struct {
		target string
		want   ast.Dialect
	}{{"/api/v1/query?query=x", ast.PromQL}, {"/loki/api/v1/query?query=x", ast.LogQL}, {"/tidemark/api/v1/query?query=x", ast.Native}} {
		h.get(tc.target)
		if got := h.engine.asked[i].Dialect; got != tc.want {
			t.Errorf("%s asks in %s, want %s", tc.target, got, tc.want)
		}
	}
}
