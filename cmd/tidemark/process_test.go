package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Tests of the program as its user meets it: built once, started as a process.

var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "tidemark")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "tidemark")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return path, err
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path)) // a leftover in the temporary folder harms nobody
	}
	os.Exit(code)
}

func program(t *testing.T) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// cleanEnvironment is the environment without what the person who runs the
// tests has set up for the program.
func cleanEnvironment(t *testing.T, more ...string) []string {
	t.Helper()
	env := append(os.Environ(), "XDG_CONFIG_HOME="+t.TempDir())
	for _, name := range []string{serverVariable, tokenVariable, tokenFileVariable, tlsCAVariable, configVariable} {
		env = append(env, name+"=")
	}
	return append(env, more...)
}

// call runs the program to its end.
func call(t *testing.T, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.Command(program(t), args...)
	cmd.Env = cleanEnvironment(t)
	cmd.Stdin = strings.NewReader(stdin)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	timer := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errOut.String(), cmd.ProcessState.ExitCode()
}

// must is call for what has to succeed.
func must(t *testing.T, args ...string) string {
	t.Helper()
	out, errOut, code := call(t, "", args...)
	if code != exitOK {
		t.Fatalf("tidemark %s: exit code %d: %s", strings.Join(args, " "), code, errOut)
	}
	return out
}

// instance is a running server.
type instance struct {
	t      *testing.T
	cmd    *exec.Cmd
	url    string
	done   chan struct{}
	stderr lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

var listens = regexp.MustCompile(`listens on (\S+),`)

// start starts a server on a free port and waits until it listens.
func start(t *testing.T, dir string, args ...string) *instance {
	t.Helper()
	s := &instance{t: t, done: make(chan struct{})}
	s.cmd = exec.Command(program(t), append([]string{"serve", "--data", dir, "--listen", "127.0.0.1:0"}, args...)...)
	s.cmd.Stderr = &s.stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	url := make(chan string, 1)
	read := make(chan struct{})
	go func() {
		defer close(read)
		sc := bufio.NewScanner(out)
		for sc.Scan() {
			if m := listens.FindStringSubmatch(sc.Text()); m != nil {
				url <- m[1]
			}
		}
	}()
	go func() { <-read; _ = s.cmd.Wait(); close(s.done) }()
	t.Cleanup(s.kill)
	select {
	case s.url = <-url:
	case <-s.done:
		t.Fatalf("the server ended: %s", s.stderr.String())
	case <-time.After(30 * time.Second):
		t.Fatalf("the server does not listen: %s", s.stderr.String())
	}
	return s
}

func (s *instance) kill() {
	_ = s.cmd.Process.Kill() // it may have ended by itself
	<-s.done
}

// stop ends the server as an operator does and checks the exit code.
func (s *instance) stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	select {
	case <-s.done:
	case <-time.After(30 * time.Second):
		s.t.Fatalf("the server does not stop: %s", s.stderr.String())
	}
	if code := s.cmd.ProcessState.ExitCode(); code != exitOK {
		s.t.Fatalf("stopped with exit code %d, want 0: %s", code, s.stderr.String())
	}
}

func (s *instance) write(body string) {
	s.t.Helper()
	resp, err := http.Post(s.url+"/write", "text/plain", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		text, _ := io.ReadAll(resp.Body)
		s.t.Fatalf("write: %s: %s", resp.Status, text)
	}
}

func (s *instance) ready() {
	s.t.Helper()
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(50 * time.Millisecond) {
		resp, err := http.Get(s.url + "/-/ready")
		if err != nil {
			s.t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return
		}
	}
	s.t.Fatalf("the server is never ready: %s", s.stderr.String())
}

// value asks for one number.
func value(t *testing.T, query string, where ...string) float64 {
	t.Helper()
	out := must(t, append([]string{"query", query, "-o", "csv"}, where...)...)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 2 {
		t.Fatalf("%s: got %q, want one number", query, out)
	}
	v, err := strconv.ParseFloat(lines[1][strings.LastIndexByte(lines[1], ',')+1:], 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestWriteQueryStopAndStartAgain(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir, "--no-self")
	s.write("cpu,host=a usage=3.5\nnginx,host=a msg=\"GET / 200\",ms=12i\n")
	const line = "GET / 200"
	look := func(where ...string) {
		t.Helper()
		if got := value(t, `cpu_usage{host="a"}`, where...); got != 3.5 {
			t.Errorf("cpu_usage is %v, want 3.5", got)
		}
		if got := value(t, `nginx_ms`, where...); got != 12 {
			t.Errorf("nginx_ms is %v, want 12", got)
		}
		if out := must(t, append([]string{"query", `{measurement="nginx"}`}, where...)...); !strings.Contains(out, line) {
			t.Errorf("log rows: got %q, want the line %q", out, line)
		}
	}
	look("--server", s.url)
	s.stop()
	look("--data", dir)
	s = start(t, dir, "--no-self")
	look("--server", s.url)
	s.stop()
}

func TestAcknowledgedWritesSurviveKill(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir, "--no-self")
	now := time.Now().Add(-time.Minute)
	for i := range 50 {
		s.write(fmt.Sprintf("m,host=a value=%d %d\nlog,host=a message=\"row %d\" %d\n", i, now.Add(time.Duration(i)*time.Second).UnixNano(), i, now.UnixNano()))
	}
	s.kill()
	s = start(t, dir, "--no-self")
	if got := value(t, `sum_over_time(m[5m])`, "--server", s.url); got != 49*50/2 {
		t.Errorf("sum of the samples is %v, want %v", got, 49*50/2)
	}
	if got := value(t, `sum(count_over_time({measurement="log"}[5m]))`, "--server", s.url); got != 50 {
		t.Errorf("%v log rows, want 50", got)
	}
	s.stop()
}

// A demo killed while it fills goes on where it was; its answers are there.
func TestDemo(t *testing.T) {
	dir := t.TempDir()
	args := []string{"--demo", "--demo-weeks", "1", "--demo-log-weeks", "1"}
	s := start(t, dir, args...)
	time.Sleep(300 * time.Millisecond)
	s.kill()
	s = start(t, dir, args...)
	s.ready()
	// The first week ends at the minute of the first start.
	minutes := value(t, `max(tidemark_demo_origin)`, "--server", s.url)
	at := strconv.FormatInt(int64(minutes)*60-1, 10)
	if got := value(t, `count_over_time(cpu_usage_user{host="web-eu-1"}[1w])`, "--server", s.url, "--time", at); got != 7*24*60 {
		t.Errorf("a host has %v samples in its first week, want %d", got, 7*24*60)
	}
	if got := value(t, `sum(count_over_time({service="deployer"}[1w]))`, "--server", s.url, "--time", at); got < 1 || got > 3 {
		t.Errorf("%v deployments are logged, want one to three", got)
	}
	if got := value(t, `sum(count_over_time({service=~".+", level="error"} |= "db-eu-1:5432" [1w]))`, "--server", s.url, "--time", at); got < 500 {
		t.Errorf("%v lines name the host of the outage, want hundreds", got)
	}
	// What the server says to try has an answer.
	for _, q := range demoCommands {
		args := append([]string{q.command, q.argument, "--server", s.url}, strings.Fields(q.flags)...)
		if out := must(t, args...); strings.Contains(out, "no data") || strings.Contains(out, "nothing fills") || strings.TrimSpace(out) == "" {
			t.Errorf("%s: %s: no answer\n%s", q.what, strings.Join(args, " "), out)
		}
	}
	s.stop()
}

func TestOwnFigures(t *testing.T) {
	s := start(t, t.TempDir())
	must(t, "query", "1", "--server", s.url)
	for begun := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		out := must(t, "query", `mem_used_percent`, "--server", s.url, "-o", "csv")
		logs := must(t, "query", `{service="tidemark"}`, "--server", s.url)
		if strings.Contains(out, "mem_used_percent") && strings.Contains(logs, "serving") {
			break
		}
		if time.Since(begun) > 25*time.Second {
			t.Fatalf("the host's memory and the server's log are not recorded: %q, %q", out, logs)
		}
	}
	s.stop()
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir, "--no-self")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(empty, []byte(" \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	newer := t.TempDir()
	if err := os.WriteFile(filepath.Join(newer, "FORMAT"), []byte("tidemark store 99\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	taken := strings.TrimPrefix(s.url, "http://")
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"folder in use":     {[]string{"serve", "--data", dir, "--listen", "127.0.0.1:0"}, 1, "in use"},
		"query of it":       {[]string{"query", "1", "--data", dir}, 1, "--server"},
		"folder is a file":  {[]string{"serve", "--data", file, "--listen", "127.0.0.1:0"}, 1, "not writable"},
		"newer format":      {[]string{"serve", "--data", newer, "--listen", "127.0.0.1:0"}, 1, "newer format"},
		"port in use":       {[]string{"serve", "--data", t.TempDir(), "--listen", taken}, 1, "in use"},
		"open to all":       {[]string{"serve", "--data", t.TempDir(), "--listen", "0.0.0.0:0"}, 2, "--insecure"},
		"no port":           {[]string{"serve", "--listen", "127.0.0.1"}, 2, "host:port"},
		"half of TLS":       {[]string{"serve", "--tls-cert", file}, 2, "--tls-key"},
		"not a certificate": {[]string{"serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--tls-cert", file, "--tls-key", file}, 1, "certificate"},
		"empty token":       {[]string{"serve", "--auth-token-file", empty}, 2, "token file"},
		"no token file":     {[]string{"serve", "--auth-token-file", file + "x"}, 1, "no such file"},
		"retention":         {[]string{"serve", "--retention", "30 parsecs"}, 2, "30 parsecs"},
		"no command":        {[]string{"nonsense"}, 2, "nonsense"},
		"no server":         {[]string{"query", "1", "--server", "http://127.0.0.1:1"}, exitUnreachable, "127.0.0.1:1"},
		"no store":          {[]string{"query", "1", "--data", file + "x"}, 1, "holds no store"},
		"start after end":   {[]string{"query", "1", "--start", "now", "--end", "-1h"}, 2, "before"},
		"time":              {[]string{"query", "1", "--time", "soon"}, 2, "soon"},
		"no file":           {[]string{"import", file + "x", "--server", s.url}, 1, "no such file"},
		"precision":         {[]string{"import", file, "--precision", "fortnight"}, 2, "fortnight"},
	} {
		t.Run(name, func(t *testing.T) {
			out, errOut, code := call(t, "", c.args...)
			if code != c.code {
				t.Errorf("exit code %d, want %d (%s%s)", code, c.code, out, errOut)
			}
			if !strings.Contains(errOut, c.want) || strings.Count(errOut, "\n") != 1 {
				t.Errorf("standard error: got %q, want one line with %q", errOut, c.want)
			}
		})
	}
	s.stop()
}

func TestQueryErrorShowsThePlace(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir, "--no-self")
	const text = "sum(\n  anomoly_score(up[1d])\n)"
	const want = "tidemark: 2:3: unknown function `anomoly_score`; did you mean `anomaly_score`?\n" +
		"    anomoly_score(up[1d])\n    ^^^^^^^^^^^^^\n"
	if _, errOut, code := call(t, "", "query", text, "--server", s.url); code != exitError || errOut != want {
		t.Errorf("by the server: code %d\n%s\nwant\n%s", code, errOut, want)
	}
	for _, dialect := range []string{"promql", "logql"} {
		if _, errOut, code := call(t, "", "query", "rate(", "--server", s.url, "--dialect", dialect); code != exitError || !strings.Contains(errOut, "\n  rate(\n") {
			t.Errorf("%s: code %d, %q, want the query with a mark", dialect, code, errOut)
		}
	}
	s.write("up value=1\n")
	s.stop()
	if _, errOut, code := call(t, text, "query", "-", "--data", dir); code != exitError || errOut != want {
		t.Errorf("by the folder: code %d\n%s\nwant\n%s", code, errOut, want)
	}
}

func TestTokenAndTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := certificate(t)
	token := filepath.Join(dir, "token")
	if err := os.WriteFile(token, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, filepath.Join(dir, "data"), "--no-self", "--tls-cert", cert, "--tls-key", key, "--auth-token-file", token)
	if !strings.HasPrefix(s.url, "https://") {
		t.Errorf("URL %s: want https", s.url)
	}
	if out := must(t, "query", "40 + 2", "--server", s.url, "--tls-ca", cert, "--token-file", token); out != "42\n" {
		t.Errorf("got %q, want 42", out)
	}
	if _, errOut, code := call(t, "", "query", "1", "--server", s.url, "--tls-ca", cert); code != exitUnreachable || !strings.Contains(errOut, "--token-file") {
		t.Errorf("without a token: code %d, %q", code, errOut)
	}
	if _, errOut, code := call(t, "", "query", "1", "--server", s.url, "--token-file", token); code != exitUnreachable || !strings.Contains(errOut, "certificate") {
		t.Errorf("without the authority: code %d, %q", code, errOut)
	}
	s.stop()
}

// certificate writes a certificate for 127.0.0.1 that is its own authority.
func certificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "tidemark test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}
