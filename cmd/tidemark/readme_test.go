package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// step is one command of a transcript with what it prints.
type step struct {
	file    string
	line    int
	command string
	output  []string
}

// readTranscripts returns the commands of the README's console blocks in order.
func readTranscripts(t *testing.T, path string) []step {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var steps []step
	inside := false
	for i, l := range strings.Split(string(text), "\n") {
		switch {
		case strings.HasPrefix(l, "```"):
			inside = l == "```console"
		case !inside:
		case strings.HasPrefix(l, "$ "):
			steps = append(steps, step{file: filepath.Base(path), line: i + 1, command: l[2:]})
		case len(steps) == 0:
			t.Fatalf("%s:%d: output before the first command", path, i+1)
		default:
			s := &steps[len(steps)-1]
			s.output = append(s.output, l)
		}
	}
	return steps
}

// matches reports whether output is as the transcript has it. Runs of spaces
// are alike; … stands for any text within a line, and alone on a line for any
// lines.
func (s *step) matches(output string) bool {
	var re strings.Builder
	re.WriteString(`^`)
	for _, l := range s.output {
		if l == "…" {
			re.WriteString(`(?:[^\n]*\n)*`)
			continue
		}
		parts := strings.Split(l, "…")
		for i, p := range parts {
			if i > 0 {
				re.WriteString(`[^\n]*`)
			}
			for j, word := range regexp.MustCompile(` +`).Split(p, -1) {
				if j > 0 {
					re.WriteString(` *`)
				}
				re.WriteString(regexp.QuoteMeta(word))
			}
		}
		re.WriteString(` *\n`)
	}
	re.WriteString(`$`)
	return regexp.MustCompile(re.String()).MatchString(output)
}

// TestReadmeTranscripts replays the three users' stories of the README and the
// quick start, as one shell session, against a server that their first command
// starts.
func TestReadmeTranscripts(t *testing.T) {
	if testing.Short() {
		t.Skip("the whole demo is filled; left out of -short runs")
	}
	for _, tool := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the transcripts need %s: %v", tool, err)
		}
	}
	steps := readTranscripts(t, "../../README.md")
	if len(steps) < 15 {
		t.Fatalf("the README has %d commands in transcripts, want the three stories", len(steps))
	}
	steps = append(steps, readTranscripts(t, "../../docs/quick-start.md")...)
	srv := start(t, t.TempDir(), "--demo")
	srv.ready()

	// One session, so that variables live on; a mark ends each output.
	const mark = "=== end of output ==="
	var script strings.Builder
	fmt.Fprintf(&script, "PATH=%s:$PATH\n", filepath.Dir(program(t)))
	for _, s := range steps {
		fmt.Fprintf(&script, "%s\necho; echo '%s'\n", strings.ReplaceAll(s.command, "http://127.0.0.1:8433", srv.url), mark)
	}
	cmd := exec.Command("bash", "-c", script.String()+"\nexit 0")
	cmd.Dir = "../.."
	cmd.Env = cleanEnvironment(t, serverVariable+"="+srv.url)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	outputs := strings.Split(strings.ReplaceAll(string(out), "\r", ""), mark+"\n")
	if len(outputs) != len(steps)+1 {
		t.Fatalf("%d outputs of %d commands:\n%s", len(outputs)-1, len(steps), out)
	}
	for i, s := range steps {
		// The mark's echo adds a line end where the output lacked one, or an
		// empty line where it did not.
		got := strings.TrimSuffix(outputs[i], "\n")
		if got != "" && !strings.HasSuffix(got, "\n") {
			got += "\n"
		}
		if !s.matches(got) {
			t.Errorf("%s:%d: $ %s\nprints\n%s\nwant\n%s", s.file, s.line, s.command, got, strings.Join(s.output, "\n"))
		}
	}
}

func TestTranscriptMatching(t *testing.T) {
	f := func(want, output string, ok bool) {
		t.Helper()
		s := step{output: strings.Split(want, "\n")}
		if want == "" {
			s.output = nil
		}
		if s.matches(output) != ok {
			t.Errorf("%q against %q: got %v, want %v", want, output, !ok, ok)
		}
	}
	f("", "", true)
	f("", "something\n", false)
	f("a b", "a    b\n", true)
	f("a b", "a b\nc\n", false)
	f("a … c", "a b c\n", true)
	f("a … c", "a b d\n", false)
	f("a\n…", "a\nb\nc\n", true)
	f("…\nz", "a\nb\n", false)
}

// TestReadmeTelegraf speaks to a server as Telegraf's InfluxDB output does with
// the configuration that the README shows: it creates the database, then writes
// compressed batches.
func TestReadmeTelegraf(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	config := regexp.MustCompile("(?s)```toml\n\\[\\[outputs.influxdb\\]\\]\n  urls = \\[\"([^\"]+)\"\\]\n  database = \"([^\"]+)\"\n```").FindStringSubmatch(string(text))
	if config == nil {
		t.Fatal("the README shows no configuration of Telegraf's InfluxDB output with urls and database")
	}
	if config[1] != defaultServer {
		t.Errorf("the configuration names %s, a server listens on %s", config[1], defaultServer)
	}
	srv := start(t, t.TempDir(), "--no-self")
	send := func(method, path, encoding string, body []byte, status int) {
		t.Helper()
		req, err := http.NewRequest(method, srv.url+path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("User-Agent", "Telegraf/1.32.0 Go/1.23.1")
		req.Header.Set("Content-Type", "text/plain; charset=utf-8")
		if encoding != "" {
			req.Header.Set("Content-Encoding", encoding)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != status {
			t.Errorf("%s %s: %s, want %d", method, path, resp.Status, status)
		}
	}
	send("POST", "/query?"+url.Values{"q": {`CREATE DATABASE "` + config[2] + `"`}}.Encode(), "", nil, http.StatusOK)
	var body bytes.Buffer
	z := gzip.NewWriter(&body)
	fmt.Fprintf(z, "cpu,cpu=cpu-total,host=box usage_user=3.5,usage_idle=96.5 %d\nmem,host=box used_percent=41i %[1]d\n", time.Now().UnixNano())
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	send("POST", "/write?consistency=any&db="+config[2], "gzip", body.Bytes(), http.StatusNoContent)
	out := must(t, "query", `cpu_usage_user{db="`+config[2]+`"} or mem_used_percent`, "--server", srv.url)
	if !strings.Contains(out, "3.5") || !strings.Contains(out, "41") {
		t.Errorf("got\n%s\nwant both metrics", out)
	}
}
