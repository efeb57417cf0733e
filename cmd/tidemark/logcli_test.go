package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestLogcli runs Loki's own command line client against the server. The client
// is not part of this module: LOGCLI names the binary, or it is found on the
// path. It is built by
//
//	go install github.com/grafana/loki/v3/cmd/logcli@latest
func TestLogcli(t *testing.T) {
	cli := os.Getenv("LOGCLI")
	if cli == "" {
		var err error
		if cli, err = exec.LookPath("logcli"); err != nil {
			t.Skip("logcli is not built: set LOGCLI to the binary of github.com/grafana/loki/v3/cmd/logcli")
		}
	}
	s := start(t, t.TempDir(), "--no-self")
	defer s.stop()
	now := time.Now()
	var rows []string
	for i := range 10 {
		rows = append(rows, fmt.Sprintf(`["%d","level=info n=%d took=%dms"]`, now.Add(time.Duration(i-20)*time.Second).UnixNano(), i, i))
	}
	resp, err := http.Post(s.url+"/loki/api/v1/push", "application/json", strings.NewReader(`{"streams":[{"stream":{"app":"api","env":"prod"},"values":[`+strings.Join(rows, ",")+`]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	f := func(want string, args ...string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		cmd := exec.CommandContext(ctx, cli, append([]string{"--quiet", "--addr", s.url}, args...)...)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("logcli %s: %v\n got %s\nwant %s", strings.Join(args, " "), err, out, want)
		}
	}
	f("app\nenv\nservice_name", "labels")
	f("prod", "labels", "env")
	f(`{app="api", env="prod", service_name="api"}`, "series", `{env="prod"}`)
	f(`level=info n=9 took=9ms`, "query", "--limit", "3", `{app="api"} | logfmt | n > 5`)
	f(`level=info n=0 took=0ms`, "query", "--forward", "--limit", "1", `{app="api"}`)
	f(`"10"`, "instant-query", `sum(count_over_time({app="api"}[1h]))`)
	f(`entries: 10`, "stats", `{env="prod"}`)
	f(`"env": "prod"`, "volume", `{env="prod"}`)
	f(`"service_name": "api"`, "volume_range", "--step", "60s", "--targetLabels", "service_name", `{env="prod"}`)
	f(`label: took`, "detected-fields", `{app="api"}`)

	// A tail never ends by itself.
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	out, _ := exec.CommandContext(ctx, cli, "--quiet", "--addr", s.url, "query", "--tail", `{app="api"}`).CombinedOutput()
	if !strings.Contains(string(out), "n=9 took=9ms") {
		t.Errorf("tail gives %s", out)
	}
}
