package promtool

import (
	"bufio"
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// build builds a program into dir.
func build(t *testing.T, dir, from, name string, args ...string) string {
	t.Helper()
	out := filepath.Join(dir, name)
	cmd := exec.Command("go", append(append([]string{"build", "-o", out}, args[:len(args)-1]...), args[len(args)-1])...)
	cmd.Dir = from
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, msg)
	}
	return out
}

var listens = regexp.MustCompile(`listens on (\S+),`)

// start runs our server on a free port and returns its address.
func start(t *testing.T, program, dir string) string {
	t.Helper()
	cmd := exec.Command(program, "serve", "--data", filepath.Join(dir, "data"), "--listen", "127.0.0.1:0", "--no-self")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if m := listens.FindStringSubmatch(lines.Text()); m != nil {
				address <- m[1]
			}
		}
	}()
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		<-drained
		if err := cmd.Wait(); err != nil {
			t.Errorf("server: %v", err)
		}
	})
	select {
	case a := <-address:
		return a
	case <-time.After(time.Minute):
		t.Fatal("the server does not listen after a minute")
		return ""
	}
}

func TestPromtool(t *testing.T) {
	dir := t.TempDir()
	promtool := build(t, dir, ".", "promtool", "-tags", "remove_all_sd", "github.com/prometheus/prometheus/cmd/promtool")
	address := start(t, build(t, dir, "../..", "tidemark", "./cmd/tidemark"), dir)

	run := func(stdin string, args ...string) (string, error) {
		cmd := exec.Command(promtool, args...)
		cmd.Stdin = strings.NewReader(stdin)
		var out, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &stderr
		err := cmd.Run()
		return out.String() + stderr.String(), err
	}
	want := func(text string, args ...string) {
		t.Helper()
		got, err := run("", args...)
		if err != nil || strings.TrimSpace(got) != strings.TrimSpace(text) {
			t.Errorf("promtool %s: %v\n%s\nwant\n%s", strings.Join(args, " "), err, got, text)
		}
	}

	// Its remote write brings the data: now, so that times are the server's own.
	const metrics = `# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{code="200",job="api"} 10
http_requests_total{code="500",job="api"} 4
# HELP temperature_celsius Warmth.
# TYPE temperature_celsius gauge
temperature_celsius{room="kitchen"} 21.5
`
	if out, err := run(metrics, "push", "metrics", address, "--label", "via=promtool"); err != nil {
		t.Fatalf("push metrics: %v\n%s", err, out)
	}
	// Others lie at known times.
	resp, err := http.Post(address+"/api/v1/import/prometheus", "text/plain", strings.NewReader(
		"up{job=\"api\",instance=\"a\"} 1 1700000000000\nup{job=\"api\",instance=\"b\"} 0 1700000000000\nup{job=\"api\",instance=\"a\"} 0 1700000060000\n"))
	if err != nil || resp.StatusCode/100 != 2 {
		t.Fatalf("import: %v %v", resp, err)
	}
	resp.Body.Close()

	for _, q := range []struct{ text, want string }{
		{`sum by (via) (http_requests_total)`, `{via="promtool"} => 14 @[0]`},
		{`temperature_celsius`, `temperature_celsius{room="kitchen", via="promtool"} => 21.5 @[0]`},
	} {
		got, err := run("", "query", "instant", address, q.text)
		got = regexp.MustCompile(`@\[[0-9.]+\]`).ReplaceAllString(strings.TrimSpace(got), "@[0]")
		if err != nil || got != q.want {
			t.Errorf("query instant %s: %v\n%s\nwant\n%s", q.text, err, got, q.want)
		}
	}
	want(`up{instance="a", job="api"} => 1 @[1700000000]
up{instance="b", job="api"} => 0 @[1700000000]`, "query", "instant", "--time", "1700000000", address, "up")
	want(`scalar: 3 @[1700000000]`, "query", "instant", "--time", "1700000000", address, "1+2")
	want(`[{"metric":{"__name__":"up","instance":"a","job":"api"},"value":[1700000000,"1"]}]`,
		"query", "-o", "json", "instant", "--time", "1700000000", address, `up{instance="a"}`)
	want("", "query", "range", "--start", "1700000000", "--end", "1700000060", "--step", "60s", address, "nothing")
	want(`{job="api"} =>
1 @[1700000000]
0 @[1700000060]`, "query", "range", "--start", "1700000000", "--end", "1700000060", "--step", "60s", address, "sum by (job) (up)")
	want(`{__name__="up", instance="a", job="api"}
{__name__="up", instance="b", job="api"}`, "query", "series", "--match", "up", "--start", "1700000000", "--end", "1700000060", address)
	want("a\nb", "query", "labels", "--start", "1700000000", "--end", "1700000060", address, "instance")
	want("http_requests_total\ntemperature_celsius", "query", "labels", "--match", `{via="promtool"}`, address, "__name__")

	if out, err := run("", "query", "instant", address, "sum(("); err == nil || !strings.Contains(out, "1:6") {
		t.Errorf("a wrong query: %v\n%s\nwant an error with its place", err, out)
	}
	for _, probe := range []string{"healthy", "ready"} {
		if out, err := run("", "check", probe, "--url", address); err != nil {
			t.Errorf("check %s: %v\n%s", probe, err, out)
		}
	}
	// What the server tells of itself has to please the linter.
	resp, err = http.Get(address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var own bytes.Buffer
	if _, err := own.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	if out, err := run(own.String(), "check", "metrics"); err != nil {
		t.Errorf("check metrics of /metrics: %v\n%s", err, out)
	}
}
