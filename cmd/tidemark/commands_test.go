package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"tidemark/query"
	"tidemark/storage/model"
)

// estate writes five weeks of a disk that fills, a wave, and some logs.
func estate(now time.Time) string {
	var b strings.Builder
	for t := now.Add(-5 * 7 * 24 * time.Hour); t.Before(now); t = t.Add(30 * time.Minute) {
		days := now.Sub(t).Hours() / 24
		fmt.Fprintf(&b, "disk,host=a used_percent=%g %d\n", 80-days, t.UnixNano())
		fmt.Fprintf(&b, "disk,host=b used_percent=%g %d\n", 20+5*float64(t.Hour()%2), t.UnixNano())
	}
	for i := range 240 {
		t := now.Add(-time.Duration(i) * 30 * time.Second)
		fmt.Fprintf(&b, "app,service=shop,level=info message=\"order %d placed\" %d\n", 1000+i, t.UnixNano())
		if i < 60 {
			fmt.Fprintf(&b, "app,service=shop,level=error message=\"payment of order %d refused\" %d\n", 1000+i, t.UnixNano())
		}
	}
	return b.String()
}

// TestCommands asks every command that reads, of a server and of the folder
// that it leaves.
func TestCommands(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir, "--no-self")
	s.write(estate(time.Now()))
	for _, where := range [][]string{{"--server", s.url}, {"--data", dir}} {
		if where[0] == "--data" {
			s.stop()
		}
		ask := func(want string, args ...string) {
			t.Helper()
			out := must(t, append(args, where...)...)
			for _, w := range strings.Split(want, "|") {
				if !strings.Contains(out, w) {
					t.Errorf("%v %s prints\n%s\nwant %q in it", args, where[0], out, w)
				}
			}
		}
		ask("__name__\nhost\nlevel\nmeasurement\nservice\n", "labels", "--start", "-40d")
		ask("a\nb\n", "labels", "host", "-s", `disk_used_percent`)
		ask("[\n  {\"level\": \"error\"},\n  {\"level\": \"info\"}\n]", "labels", "level", "--kind", "logs", "-o", "json")
		ask(`disk_used_percent{host="a"}`+"\n"+`disk_used_percent{host="b"}`+"\n", "series", "disk_used_percent")
		ask("2\n", "series", `{service="shop"}`, "--count")
		ask("payment of order 1001 refused|order 1000 placed", "logs", `{service="shop"}`, "-n", "5")
		ask("order 1004 placed|order 1003 placed|order 1002 placed", "logs", `{service="shop", level="info"} |= "order 1003 "`, "-C", "1")
		ask("line\n|,order 1000 placed", "logs", `{service="shop", level="info"}`, "-n", "1", "-o", "csv")
		ask("STATUS|payment of order <*> refused|new|order <*> placed|█", "logs", `{service="shop"}`, "--patterns", "--start", "-1h")
		ask("░|q 0.1 to 0.9|100 is reached on ", "forecast", `disk_used_percent{host="a"}`, "--threshold", "100", "--history", "4w")
		ask("resource,host,now,limit,headroom,early,full,late,p,need\ndisk_used_percent,a,", "capacity", "-o", "csv")
		ask("LOG PATTERNS|new payment of order <*> refused|METRICS THAT MOVED|from: rank_changes(", "explain", "--start", "-31m", "--over", `{service="shop"}`, "--over", "disk_used_percent")
		ask(`"patterns": [`, "explain", "--start", "-31m", "-o", "json", "--over", `{service="shop"}`)
		ask("░", "query", `disk_used_percent{host="b"}`, "--start", "-1d", "--with", "baseline", "-o", "chart")
	}
}

// TestExpect is what scripts rely on.
func TestExpect(t *testing.T) {
	s := start(t, t.TempDir(), "--no-self")
	s.write(estate(time.Now()))
	for _, c := range []struct {
		code int
		args []string
	}{
		{exitOK, []string{"query", "last_over_time(disk_used_percent[1h])", "--expect", "some"}},
		{exitUnexpected, []string{"query", "last_over_time(disk_used_percent[1h])", "--expect", "none"}},
		{exitOK, []string{"query", "last_over_time(disk_used_percent[1h]) > 99", "--expect", "none"}},
		{exitUnexpected, []string{"query", "last_over_time(disk_used_percent[1h]) > 99", "--expect", "some"}},
		{exitUnexpected, []string{"logs", `{service="shop"} |= "refused"`, "--expect", "none"}},
		{exitUnexpected, []string{"capacity", "--expect", "none"}},
		{exitOK, []string{"capacity", "--expect", "none", "--before", "+2d"}},
		{exitUsage, []string{"query", "1", "--expect", "everything"}},
		{exitUsage, []string{"capacity", "disk_used_percent"}},
		{exitUsage, []string{"query", "1", "--with", "baseline"}},
		{exitUsage, []string{"logs", "1 + 1"}},
		{exitError, []string{"top", "--kill", "12345"}},
		{exitUsage, []string{"top", "--data", "somewhere", "--server", ""}},
	} {
		args := c.args
		if !slices.Contains(args, "--data") {
			args = append(args, "--server", s.url)
		}
		if out, errOut, code := call(t, "", args...); code != c.code {
			t.Errorf("%v: exit code %d, want %d\n%s%s", c.args, code, c.code, out, errOut)
		}
	}
	s.stop()
}

// TestFollow follows what is written, over a restart of the server.
func TestFollow(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir, "--no-self")
	s.write("app,service=shop message=\"one\"\n")
	cmd := exec.Command(program(t), "logs", `{service="shop"}`, "--follow", "-o", "json", "--server", s.url)
	cmd.Env = cleanEnvironment(t)
	var out, errOut lockedBuffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }() // it may have ended by itself
	wait := func(text string) {
		t.Helper()
		for begun := time.Now(); !strings.Contains(out.String(), text); time.Sleep(20 * time.Millisecond) {
			if time.Since(begun) > 20*time.Second {
				t.Fatalf("no %q within 20 s:\n%s%s", text, out.String(), errOut.String())
			}
		}
	}
	wait(`"line":"one"`)
	s.write("app,service=shop message=\"two\"\n")
	wait(`"line":"two"`)
	addr := strings.TrimPrefix(s.url, "http://")
	s.stop()
	again := start(t, dir, "--no-self", "--listen", addr)
	again.write("app,service=shop message=\"three\"\n")
	wait(`"line":"three"`)
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("Ctrl-C ends following with %v, want 0", err)
	}
	for _, w := range []string{"one", "two", "three"} {
		if n := strings.Count(out.String(), `"line":"`+w+`"`); n != 1 {
			t.Errorf("%s is shown %d times, want once:\n%s", w, n, out.String())
		}
	}
}

// TestWatch asks again and again until it is interrupted.
func TestWatch(t *testing.T) {
	s := start(t, t.TempDir(), "--no-self")
	s.write("up value=1\n")
	cmd := exec.Command(program(t), "query", "up", "--watch", "100ms", "--server", s.url)
	cmd.Env = cleanEnvironment(t)
	var out lockedBuffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); strings.Count(out.String(), "METRIC") < 3; time.Sleep(20 * time.Millisecond) {
		if time.Since(begun) > 20*time.Second {
			_ = cmd.Process.Kill()
			t.Fatalf("want three pictures:\n%s", out.String())
		}
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("Ctrl-C ends a watch with %v, want 0", err)
	}
}

// TestTop sees a query of its own size and the hottest series.
func TestTop(t *testing.T) {
	s := start(t, t.TempDir(), "--no-self")
	s.write(strings.Repeat("hot,host=a value=1\nhot,host=a value=2\n", 1) + estate(time.Now()))
	out := must(t, "top", "--once", "--window", "1d", "--server", s.url)
	for _, want := range []string{"RUNNING QUERIES", "HOTTEST SERIES", `disk_used_percent{host="a"}`, "LARGEST METRICS"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	var picture struct {
		Hottest []struct{ Series string }
		Largest []struct {
			Series int
			Metric string
		}
	}
	if err := json.Unmarshal([]byte(must(t, "top", "-o", "json", "--window", "1d", "--server", s.url)), &picture); err != nil {
		t.Fatal(err)
	}
	if len(picture.Hottest) == 0 || len(picture.Largest) == 0 || picture.Largest[0].Metric != "disk_used_percent" || picture.Largest[0].Series != 2 {
		t.Errorf("got %+v, want disk_used_percent with 2 series first", picture)
	}
}

// TestSettings: a flag comes before the environment, that before the file.
func TestSettings(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, name := range []string{serverVariable, tokenVariable, tokenFileVariable, tlsCAVariable, configVariable} {
		t.Setenv(name, "")
	}
	t.Setenv("XDG_CONFIG_HOME", dir)
	check := func(flags target, server, token string) {
		t.Helper()
		got, err := flags.settings()
		if err != nil || got.Server != server || got.Token != token {
			t.Errorf("got %+v, %v, want server %s, token %s", got, err, server, token)
		}
	}
	check(target{}, defaultServer, "")
	if err := os.Mkdir(filepath.Join(dir, "tidemark"), 0o700); err != nil {
		t.Fatal(err)
	}
	file("tidemark/config.json", `{"server": "http://file", "token": "of-file"}`)
	check(target{}, "http://file", "of-file")
	t.Setenv(configVariable, file("other", `{"server": "http://other", "token_file": "`+file("token", "in-file\n")+`"}`))
	check(target{}, "http://other", "in-file")
	t.Setenv(serverVariable, "http://environment")
	t.Setenv(tokenVariable, "of-environment")
	check(target{}, "http://environment", "of-environment")
	check(target{Server: "http://flag", TokenFile: filepath.Join(dir, "token")}, "http://flag", "in-file")
	for _, bad := range []string{`{"sever": ""}`, `server=x`, `[]`} {
		t.Setenv(configVariable, file("bad", bad))
		if _, err := (&target{}).settings(); err == nil || !strings.Contains(err.Error(), "configuration") {
			t.Errorf("%s: got %v, want an error that names the configuration", bad, err)
		}
	}
	t.Setenv(configVariable, filepath.Join(dir, "missing"))
	if _, err := (&target{}).settings(); err == nil {
		t.Error("a stated file that is missing is no error")
	}
}

func parserOf(t *testing.T) *kong.Kong {
	t.Helper()
	p, err := newParser(new(commandLine), &console{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestComplete(t *testing.T) {
	root := parserOf(t).Model.Node
	names := func(command string) []string {
		if command == "query" {
			return []string{"cpu_user", "cpu_system", "up"}
		}
		return nil
	}
	for line, want := range map[string]string{
		"":                        "backup bench capacity check completion dump explain",
		"ver":                     "verify version",
		"query c":                 "cpu_system cpu_user",
		"query up --out":          "--output",
		"query up --output ":      "auto chart csv json table",
		"query up -o t":           "table",
		"query up --output=j":     "--output=json",
		"logs --fol":              "--follow",
		"completion z":            "zsh",
		"query --start -1h u":     "up",
		"import som":              "",
		"nonsense --what":         "",
		"query --server http up ": "cpu_system cpu_user up",
	} {
		words := strings.Split(line, " ")
		got := strings.Join(complete(root, words[:len(words)-1], words[len(words)-1], names), " ")
		if line == "" && strings.HasPrefix(got, want) {
			continue
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}

// TestCompletionInBash loads the script into a shell.
func TestCompletionInBash(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip(err)
	}
	cmd := exec.Command("bash", "-c", `source <(tidemark completion bash)
COMP_WORDS=(tidemark query --output ""); COMP_CWORD=3; _tidemark; echo "${COMPREPLY[@]}"
COMP_WORDS=(tidemark lo); COMP_CWORD=1; _tidemark; echo "${COMPREPLY[@]}"`)
	cmd.Env = cleanEnvironment(t, "PATH="+filepath.Dir(program(t))+":"+os.Getenv("PATH"), serverVariable+"=http://127.0.0.1:1")
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != "auto chart csv json table\nlogs\n" {
		t.Errorf("got %q, %v", out, err)
	}
}

// Every command and flag has its place in the manual, and nothing in it is
// taken for a request of roff.
func TestManual(t *testing.T) {
	root := parserOf(t).Model.Node
	page := manual(root)
	for _, node := range root.Children {
		if node.Hidden {
			continue
		}
		if !strings.Contains(page, escape(node.Help)) {
			t.Errorf("%s is missing", node.Name)
		}
		for _, f := range node.Flags {
			if !strings.Contains(page, `\-\-`+escape(f.Name)) {
				t.Errorf("%s: --%s is missing", node.Name, f.Name)
			}
		}
	}
	for i, l := range strings.Split(page, "\n") {
		if strings.HasPrefix(l, ".") {
			switch name, _, _ := strings.Cut(l[1:], " "); name {
			case "TH", "SH", "SS", "TP", "PP", "nf", "fi":
			default:
				t.Errorf("line %d: %q is no request that the page uses", i+1, l)
			}
		}
		if strings.HasPrefix(l, "'") {
			t.Errorf("line %d begins with a quote: %q", i+1, l)
		}
	}
	var out bytes.Buffer
	if code := run([]string{"man"}, &console{out: &out, err: &out}); code != exitOK || !strings.HasPrefix(out.String(), ".TH ") {
		t.Errorf("tidemark man: code %d, %.60q", code, out.String())
	}
}

func TestAddends(t *testing.T) {
	for text, want := range map[string]string{
		"up":                               "up",
		"sum(rate(x[5m]))":                 "rate(x[5m])",
		"sum by (a, b) (x)":                "x",
		"sum(x) by (a)":                    "x",
		"topk(5, x)":                       "x",
		"sum(a) / sum(b)":                  "sum(a) / sum(b)",
		`max(max_over_time(x{a="("}[1m]))`: `max_over_time(x{a="("}[1m])`,
		"sum(":                             "sum(",
	} {
		if got := addends(text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestGuessResources(t *testing.T) {
	got := guessResources([]string{"cpu", "disk_used_percent", "x_usage_ratio", "used_percent_total"})
	if len(got) != 2 || got[0] != (resource{"disk_used_percent", 100}) || got[1] != (resource{"x_usage_ratio", 1}) {
		t.Errorf("got %v", got)
	}
}

// Counts add up to what the query counted, and what is gone is listed.
func TestPatternRecords(t *testing.T) {
	end, step := time.Unix(24*60, 0), time.Minute
	series := func(pattern string, v float64, status string) query.Series {
		return query.Series{Labels: model.FromStrings("pattern", pattern, "status", status), Points: []query.Point{{T: end.UnixMilli(), V: v}, {T: end.UnixMilli() - 23*60_000, V: v}}}
	}
	r := patternRecords(
		&query.Result{Series: []query.Series{series("rare", 1, ""), series("common", 4, ""), series("common", 1, "")}},
		&query.Result{Series: []query.Series{series("lost", 9, "gone"), series("rare", 1, "new")}}, end, step, true)
	want := `[[10 0.833  █▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁█ common] [2 0.167 new █▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁█ rare] [0 0 gone ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁ lost]]`
	if got := fmt.Sprint(r.Rows); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

var updateDocs = flag.Bool("update", false, "write docs/command-line.md")

// docs/command-line.md is what the declarations say, and docs/operations.md
// names every flag of the server.
func TestCommandLineReference(t *testing.T) {
	const path = "../../docs/command-line.md"
	root := parserOf(t).Model.Node
	got := reference(root)
	if *updateDocs {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Error("docs/command-line.md is not what the declarations say: go test ./cmd/tidemark -run TestCommandLineReference -update writes it anew")
	}
	operations, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range childOf(root, "serve").Flags {
		if !strings.Contains(string(operations), "--"+f.Name) {
			t.Errorf("docs/operations.md does not name serve --%s", f.Name)
		}
	}
}

// TestExportAndImport moves records to another store by each format, and back
// as JSON lines: what comes out is what went in, to the nanosecond and the type.
func TestExportAndImport(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir, "--no-self")
	s.write("cpu,host=a\\ b user=3i,idle=0.5,up=true 1700000000000000001\n" +
		"cpu,host=a\\ b user=9223372036854775807i 1700000000000000002\n" +
		"app,service=shop message=\"said \\\"no\\\" = 1\",ms=4i,ok=false,who=\"a b\" 1700000000000000003\n")
	resp, err := http.Post(s.url+"/insert/jsonline?_stream_fields=app", "application/json", strings.NewReader(`{"_time":"2023-11-14T22:13:20.000000007Z","_msg":"no measurement","app":"x","n":7}`+"\n"))
	if err != nil || resp.StatusCode/100 != 2 {
		t.Fatal(err, resp.Status)
	}
	resp.Body.Close()
	const metrics, logs = `{__name__=~"cpu.*"}`, `{service="shop"}`
	const want = `{"metric":{"__name__":"cpu_idle","host":"a b"},"times":[1700000000000000001],"values":[0.5]}
{"metric":{"__name__":"cpu_up","host":"a b"},"times":[1700000000000000001],"values":[true]}
{"metric":{"__name__":"cpu_user","host":"a b"},"times":[1700000000000000001,1700000000000000002],"values":[3,9223372036854775807]}
{"stream":{"measurement":"app","service":"shop"},"time":1700000000000000003,"line":"said \"no\" = 1","fields":{"ms":4,"ok":false,"who":"a b"}}
{"stream":{"app":"x"},"time":1700000000000000007,"line":"no measurement","fields":{"n":7}}
`
	sorted := func(text string) string {
		lines := strings.SplitAfter(text, "\n")
		slices.Sort(lines)
		return strings.Join(lines, "")
	}
	export := func(where ...string) string {
		t.Helper()
		return must(t, append([]string{"export", metrics, logs, `{app="x"}`, "--format", "jsonl"}, where...)...)
	}
	if got := export("--server", s.url); sorted(got) != sorted(want) {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
	if got := must(t, "export", "cpu_user", "--format", "csv", "--server", s.url); got != "time,metric,host,value\n2023-11-14T22:13:20.000000001Z,cpu_user,a b,3\n2023-11-14T22:13:20.000000002Z,cpu_user,a b,9223372036854775807\n" {
		t.Errorf("CSV of series: got\n%s", got)
	}
	if got := must(t, "export", logs, "--format", "csv", "--server", s.url); got != "time,measurement,service,line,fields\n2023-11-14T22:13:20.000000003Z,app,shop,\"said \"\"no\"\" = 1\",\"ms=4 ok=false who=\"\"a b\"\"\"\n" {
		t.Errorf("CSV of log rows: got\n%s", got)
	}
	file := filepath.Join(dir, "all.jsonl.gz")
	must(t, "export", metrics, logs, `{app="x"}`, "-f", file, "--server", s.url)
	lp := filepath.Join(dir, "all.lp")
	must(t, "export", metrics, logs, "-f", lp, "--server", s.url)
	if _, errOut, code := call(t, "", "export", "rate(x[5m])", "--server", s.url); code != exitError || !strings.Contains(errOut, "^") {
		t.Errorf("not a selector: code %d, %s", code, errOut)
	}
	s.stop()

	other := start(t, filepath.Join(dir, "other"), "--no-self")
	must(t, "import", file, "--server", other.url)
	if got := export("--server", other.url); sorted(got) != sorted(want) {
		t.Errorf("by a server: got\n%s\nwant\n%s", got, want)
	}
	other.stop()
	folder := filepath.Join(dir, "folder")
	must(t, "import", file, "--data", folder)
	if got := export("--data", folder); sorted(got) != sorted(want) {
		t.Errorf("by a folder: got\n%s\nwant\n%s", got, want)
	}
	plain := filepath.Join(dir, "plain")
	must(t, "import", lp, "--data", plain)
	if got := must(t, "export", metrics, logs, "--format", "jsonl", "--data", plain); sorted(got) != sorted(strings.Join(strings.SplitAfter(want, "\n")[:4], "")) {
		t.Errorf("by line protocol: got\n%s\nwant\n%s", got, want)
	}
	bad := filepath.Join(dir, "bad.jsonl")
	if err := os.WriteFile(bad, []byte("{\"metric\":{\"__name__\":\"x\"},\"times\":[1],\"values\":[]}\nnot JSON\n{\"metric\":{\"__name__\":\"fine\"},\"times\":[1700000000000000001],\"values\":[1.0]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, errOut, code := call(t, "", "import", bad, "--data", plain); code != exitError || !strings.Contains(out, "1 records written") || !strings.Contains(errOut, "bad.jsonl:2:1: not a line of an export") {
		t.Errorf("bad lines: code %d\n%s%s", code, out, errOut)
	}
}

// TestBench measures and counts; what cannot work ends with its error.
func TestBench(t *testing.T) {
	s := start(t, t.TempDir(), "--no-self")
	var rows []struct {
		What             string
		Requests, Errors int
		Rate             float64 `json:"per_second"`
		Values           float64 `json:"values_per_second"`
	}
	measure := func(args ...string) {
		t.Helper()
		rows = nil
		if err := json.Unmarshal([]byte(must(t, append([]string{"bench", "-o", "json", "--duration", "200ms", "--server", s.url}, args...)...)), &rows); err != nil {
			t.Fatal(err)
		}
	}
	measure("--write", "--lines", "20", "--hosts", "7")
	if len(rows) != 1 || rows[0].Requests == 0 || rows[0].Errors != 0 || rows[0].Values < rows[0].Rate*199 || rows[0].Values > rows[0].Rate*201 {
		t.Errorf("got %+v, want requests of 200 values", rows)
	}
	if out := must(t, "series", `{__name__=~"tidemark_bench.*"}`, "--count", "--start", "-2d", "--server", s.url); out != "70\n" {
		t.Errorf("%s series, want 70", out)
	}
	measure("1 + 1", "tidemark_bench_v1", "--workers", "3")
	if len(rows) != 2 || rows[0].What != "1 + 1" || rows[0].Requests == 0 || rows[1].Requests == 0 {
		t.Errorf("got %+v, want two queries", rows)
	}
	for _, args := range [][]string{{"bench"}, {"bench", "1", "--write"}, {"bench", "1", "--workers", "0"}, {"bench", "--write", "--data", "x"}} {
		if _, _, code := call(t, "", args...); code != exitUsage {
			t.Errorf("%v: exit code %d, want 2", args, code)
		}
	}
	if _, errOut, code := call(t, "", "bench", "sum(", "--server", s.url); code != exitError || !strings.Contains(errOut, "^") {
		t.Errorf("a query with an error: code %d, %s", code, errOut)
	}
}
