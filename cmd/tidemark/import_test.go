package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidemark/ingest/lineprotocol"
	"tidemark/storage/model"
)

func writeFile(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// everywhere runs a test against a server and against a folder.
func everywhere(t *testing.T, f func(t *testing.T, where ...string)) {
	t.Run("folder", func(t *testing.T) { f(t, "--data", t.TempDir()) })
	t.Run("server", func(t *testing.T) {
		s := start(t, t.TempDir(), "--no-self")
		f(t, "--server", s.url)
		s.stop()
	})
}

const importTime = "1763640060" // a minute after the first row below

func TestImportLineProtocol(t *testing.T) {
	var b strings.Builder
	const n = 60_000 // several pieces
	for i := range n {
		fmt.Fprintf(&b, "weather,city=c%d temperature=%d,note=\"two\nlines, \\\"quoted\\\"\" 1763640000\n", i%600, i%600)
	}
	b.WriteString("events,city=c1 message=\"a log row\" 1763640000\n")
	file := writeFile(t, "weather.lp.gz", gzipped(t, b.String()))
	everywhere(t, func(t *testing.T, where ...string) {
		args := append([]string{"import", "--precision", "s", "--db", "climate", file}, where...)
		for range 2 { // the second run writes nothing anew
			if out := must(t, args...); !strings.Contains(out, fmt.Sprint(n+1, " records written")) {
				t.Errorf("got %q, want %d records", out, n+1)
			}
		}
		at := append([]string{"--time", importTime}, where...)
		if got := value(t, `sum(weather_temperature{db="climate"})`, at...); got != 599*600/2 {
			t.Errorf("sum is %v, want %v", got, 599*600/2)
		}
		if got := value(t, `sum(count_over_time({measurement="events"}[5m]))`, at...); got != 1 {
			t.Errorf("%v log rows, want 1", got)
		}
	})
}

func TestImportTellsRefusedLines(t *testing.T) {
	text := strings.Repeat("ok value=1 1763640000000000000\n", 3) + "bad value=\nok value=2 1763640001000000000\n,nothing value=1\n"
	file := writeFile(t, "some.lp", []byte(text))
	everywhere(t, func(t *testing.T, where ...string) {
		out, errOut, code := call(t, "", append([]string{"import", file}, where...)...)
		if code != exitError || !strings.Contains(out, "4 records written") || !strings.Contains(out, "2 refused") {
			t.Errorf("code %d, %q, want 1 and four of six records", code, out)
		}
		for _, place := range []string{file + ":4:", file + ":6:"} {
			if !strings.Contains(errOut, place) {
				t.Errorf("standard error %q: want the place %s", errOut, place)
			}
		}
		out, errOut, code = call(t, "", append([]string{"import", "--max-errors", "1", file}, where...)...)
		if code != exitError || strings.Count(errOut, file) != 1 || !strings.Contains(errOut, "1 more") {
			t.Errorf("code %d, %q %q, want one line and the count of the others", code, out, errOut)
		}
	})
}

func TestImportCSV(t *testing.T) {
	file := writeFile(t, "usage.csv", []byte("when;host;cpu load;note\n2025-11-20 13:00:00;a,b;1.5;fine\n2025-11-20 13:00:00;\"c d\";2.25;\n2025-11-20 13:00:00;e;;\"two \"\"words\"\"\"\n"))
	everywhere(t, func(t *testing.T, where ...string) {
		must(t, append([]string{"import", file, "--separator", ";", "--time-column", "when", "--time-format", "2006-01-02 15:04:05",
			"--location", "Europe/Oslo", "--label", "host", "--db", "x"}, where...)...)
		at := append([]string{"--time", importTime}, where...)
		if got := value(t, `{__name__="usage_cpu load", host="a,b", db="x"}`, at...); got != 1.5 {
			t.Errorf("got %v, want 1.5", got)
		}
		if got := value(t, `sum({__name__="usage_cpu load"})`, at...); got != 3.75 {
			t.Errorf("got %v, want 3.75", got)
		}
		if out := must(t, append([]string{"query", `{measurement="usage", host="e"}`}, at...)...); !strings.Contains(out, `two "words"`) {
			t.Errorf("log row: got %q, want its text", out)
		}
	})
}

func TestImportFromStandardInput(t *testing.T) {
	dir := t.TempDir()
	if _, errOut, code := call(t, "m value=7 1763640000000000000\n", "import", "-", "--data", dir); code != exitOK {
		t.Fatalf("code %d: %s", code, errOut)
	}
	if got := value(t, "m", "--data", dir, "--time", importTime); got != 7 {
		t.Errorf("got %v, want 7", got)
	}
}

// What is printed as line protocol is decoded to the same rows.
func TestAppendLineProtocolRoundTrip(t *testing.T) {
	dec, err := lineprotocol.NewDecoder(lineprotocol.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const text = `a\ b\,c,k\=1=v\ 1\,2 f\ 1=1.5,i=-9223372036854775808i,b=true,s="x \"y\" \\z" 12
log,h=ø message="line, = ' '",n=1e-300 -5
`
	var first, second model.Batch
	for _, step := range []struct {
		in  []byte
		out *model.Batch
	}{{[]byte(text), &first}, {nil, &second}} {
		if step.in == nil {
			step.in = appendLineProtocol(nil, &first)
		}
		if rep := dec.Decode(step.in, lineprotocol.Params{Precision: lineprotocol.Nanosecond}, step.out); rep.Rejected > 0 {
			t.Fatalf("%s: %v", step.in, rep.Errors)
		}
	}
	if first.Len() != 2 || second.Len() != 2 {
		t.Fatalf("got %d and %d rows, want 2", first.Len(), second.Len())
	}
	for i := range first.Rows() {
		a, b := &first.Rows()[i], &second.Rows()[i]
		if a.Time != b.Time || a.Stream.Key() != b.Stream.Key() || len(a.Schema.Columns) != len(b.Schema.Columns) {
			t.Fatalf("row %d: got %s at %d, want %s at %d", i, b.Stream.Labels, b.Time, a.Stream.Labels, a.Time)
		}
		for c, w := range first.Words(a) {
			v := second.Words(b)[c]
			if a.Schema.Columns[c] != b.Schema.Columns[c] {
				t.Errorf("row %d column %d: got %+v, want %+v", i, c, b.Schema.Columns[c], a.Schema.Columns[c])
			}
			if a.Schema.Columns[c].Type == model.TypeText {
				if got, want := string(second.TextOf(v)), string(first.TextOf(w)); got != want {
					t.Errorf("row %d column %d: got %q, want %q", i, c, got, want)
				}
			} else if v != w {
				t.Errorf("row %d column %d: got %x, want %x", i, c, v, w)
			}
		}
	}
}

// A file of plain lines becomes log rows with the times that the lines tell.
func TestImportLines(t *testing.T) {
	text := "2025-11-20T12:00:00Z level=info one \"quoted\" \\ back\n\tsecond line of it\n2025-11-20T12:00:30Z level=error two\n"
	file := writeFile(t, "access.log.gz", gzipped(t, text))
	everywhere(t, func(t *testing.T, where ...string) {
		for range 2 { // the second run writes nothing anew
			if out := must(t, append([]string{"import", "--stream", "app=web", "--stream", "host=h1", file}, where...)...); !strings.Contains(out, "3 records written") {
				t.Errorf("got %q, want 3 records", out)
			}
		}
		at := append([]string{"--time", importTime}, where...)
		if got := value(t, `sum(count_over_time({measurement="access", app="web", host="h1"}[5m]))`, at...); got != 3 {
			t.Errorf("%v rows, want 3", got)
		}
		if got := value(t, `sum(count_over_time({app="web"} |= "quoted\" \\ back" [5m]))`, at...); got != 1 {
			t.Errorf("%v rows with the text, want 1", got)
		}
		if got := value(t, `sum(count_over_time({app="web"} | logfmt | level="error" [45s]))`, at...); got != 1 {
			t.Errorf("%v errors in the last 45 s, want 1", got)
		}
	})
}
