package conformance

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/promqltest"
	promstorage "github.com/prometheus/prometheus/storage"
)

// evaluations is the number of evaluations of the suite at the pinned version;
// recorded is how many of them have passed, in either store, on the record.
const (
	evaluations = 2243
	recorded    = 1804
)

var report = flag.Bool("failures", false, "print the evaluations that fail, with their reasons")

// child is set in the environment of the process that runs the suite itself.
const child = "TIDEMARK_CONFORMANCE_STORE"

// TestSuite is the suite itself, for a child process of TestScripts: an
// evaluation that fails fails its test, and TestScripts counts.
func TestSuite(t *testing.T) {
	kind := os.Getenv(child)
	if kind == "" {
		t.Skip("run by TestScripts")
	}
	promqltest.RunBuiltinTestsWithStorage(t, &Engine{}, func(tb testing.TB) promstorage.Storage {
		s, err := Open(kind == "flushed")
		if err != nil {
			tb.Fatal(err)
		}
		return s
	})
}

// TestScripts runs the suite twice, on data in the head and on data flushed to
// chunks, prints what passes by file and fails where that is less than what
// is on record.
func TestScripts(t *testing.T) {
	for _, kind := range []string{"head", "flushed"} {
		t.Run(kind, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run", "^TestSuite$", "-test.v", "-test.timeout", "5m")
			cmd.Env = append(os.Environ(), child+"="+kind)
			out, err := cmd.CombinedOutput()
			got := count(out)
			if got.total == 0 {
				t.Fatalf("the suite did not run: %v\n%s", err, tail(out))
			}
			t.Log(got)
			if got.total != evaluations && got.passed == got.total {
				t.Errorf("got %d evaluations, want %d: did the pinned version change, or a script end early?", got.total, evaluations)
			}
			if got.passed < recorded {
				t.Errorf("%d evaluations pass, fewer than the %d on record", got.passed, recorded)
			}
			if got.passed > recorded {
				t.Logf("%d evaluations pass: raise the record, which is %d", got.passed, recorded)
			}
			if *report {
				t.Logf("%s", failures(out))
			}
		})
	}
}

// tally is the outcome of one run.
type tally struct {
	passed, total int
	files         map[string][2]int // passed, total
}

// count reads the verdicts of a verbose test run.
func count(out []byte) tally {
	c := tally{files: map[string][2]int{}}
	sc := bufio.NewScanner(bytes.NewReader(out))
	sc.Buffer(nil, 1<<24)
	for sc.Scan() {
		verdict, name, ok := strings.Cut(strings.TrimSpace(sc.Text()), ": ")
		pass := verdict == "--- PASS"
		if !ok || !pass && verdict != "--- FAIL" {
			continue
		}
		file, _, ok := scriptOf(name)
		if !ok {
			continue
		}
		f := c.files[file]
		f[1]++
		c.total++
		if pass {
			f[0]++
			c.passed++
		}
		c.files[file] = f
	}
	return c
}

// String prints the tally as a table.
func (c tally) String() string {
	names := make([]string, 0, len(c.files))
	for n := range c.files {
		names = append(names, n)
	}
	slices.Sort(names)
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d evaluations pass\n", c.passed, evaluations)
	for _, n := range names {
		f := c.files[n]
		fmt.Fprintf(&b, "%-22s %s of %d\n", n, strconv.Itoa(f[0]), f[1])
	}
	return b.String()
}

func tail(out []byte) []byte {
	if len(out) > 4000 {
		out = out[len(out)-4000:]
	}
	return out
}

// failures extracts the reasons of failed evaluations.
func failures(out []byte) string {
	var b strings.Builder
	for _, l := range strings.Split(string(out), "\n") {
		if s := strings.TrimSpace(l); strings.HasPrefix(s, "Error:") || strings.Contains(s, "(line ") || strings.HasPrefix(s, "--- FAIL") {
			b.WriteString(s)
			b.WriteByte('\n')
		}
	}
	return b.String()
}
