package shape

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func show(line string) string {
	var p Parsed
	Parse([]byte(line), &p)
	return string(AppendText(nil, p.Template))
}

func TestShapeOfLine(t *testing.T) {
	f := func(line, want string) {
		t.Helper()
		if got := show(line); got != want {
			t.Errorf("%q\n got %q\nwant %q", line, got, want)
		}
	}
	f("", "")
	f("plain words, nothing else.", "plain words, nothing else.")
	f("took 15 ms", "took <int> ms")
	f("took 15ms or 2.5KB", "took <int>ms or <dec>KB")
	f("code=-5, max=9223372036854775808", "code=<int>, max=<digits>")
	f("id 007 -007", "id <digits> -<digits>")
	f("at 0x00ff and 00645a8e DEADBEE1", "at 0x<hex> and <hex> <HEX>")
	f("trace 123e4567-e89b-12d3-a456-426614174000 done", "trace <uuid> done")
	f("from /10.1.2.3:443 to 10.1.2.4.", "from /<ip4>:<int> to <ip4>.")
	f("peer [2001:db8::1]:80 and ::1 x", "peer [<ip6>]:<int> and <ip6> x")
	f("mac 00:11:43:e3:ba:c3 up", "mac <mac> up")
	f("at 12:30:01.250 and 2024-01-02T03:04:05.678Z.", "at <time> and <time>.")
	f("2015-10-18 18:07:32,190 INFO x", "<time> INFO x")
	f("[Mon Dec 05 07:47:21 2005] [notice] ok", "[<time>] [notice] ok")
	f("Jul  1 08:16:53 host sshd[123]: x", "<time> host sshd[<int>]: x")
	f("Fri Jul 01 08:16:53 PDT 2005", "<time>")
	f("10/Oct/2000:13:55:36 -0700", "<time>")
	f("open /var/log/x.log: Input/output error", "open <path>: Input/output error")
	f(`C:\Users\x failed`, "<path> failed")
	f("GET http://a.b/c?d=e, then", "GET http://<url>, then")
	f("core.2275 node-17 broadcast_9 jetty-6.1.26", "core.<int> node-<int> broadcast_<int> jetty-<id>")
	f("eth0 and L2 cache, an14 rdd_2_1 msra-sa-41", "eth0 and L2 cache, <id> <id> msra-sa-<int>")
	f("proxy.example.co.uk:80 via db.prod.internal", "<host>:<int> via <host>")
	f("org.apache.Foo at java.io.File", "org.apache.Foo at java.io.File")
	f("ok=true none=null", "ok=<bool> none=<bool>")
	f("a\x00b", "a\x00b")
	f("std::string ::x", "std::string ::x")
	f("PRO/1000 load/store", "PRO/<int> load/store")
	f("1:02:03 and 2000-2002 17##4 r24=1 v2.0 v9", "<time> and <int>-<int> <int>##<int> r24=<int> <id> <id>")
	f("Srv@1f2e3d4c bob7@x9.org", "Srv@<hex> <id>")
}

func roundTrip(t interface{ Fatalf(string, ...any) }, p *Parsed, line []byte) {
	Parse(line, p)
	back, err := Append(nil, p.Template, p.Vars)
	if err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	if !bytes.Equal(back, line) {
		t.Fatalf("round trip\n got %q\nwant %q\ntemplate %q", back, line, p.Template)
	}
	if len(p.Vars) > MaxVars || len(p.Template) > MaxTemplate+2*MaxVars {
		t.Fatalf("%d variables, template of %d bytes: limits are %d and %d", len(p.Vars), len(p.Template), MaxVars, MaxTemplate)
	}
	kinds, err := Kinds(nil, p.Template)
	if err != nil || len(kinds) != len(p.Vars) {
		t.Fatalf("%q: kinds %v, %v; want %d", line, kinds, err, len(p.Vars))
	}
	for i, v := range p.Vars {
		if v.Kind != kinds[i] {
			t.Fatalf("%q: variable %d is %v, template says %v", line, i, v.Kind, kinds[i])
		}
		if err := keeps(v); err != "" {
			t.Fatalf("%q: %v variable %q: %s", line, v.Kind, v.Text, err)
		}
	}
}

func TestRoundTripProperty(t *testing.T) {
	var p Parsed
	part := rapid.SampledFrom([]string{" ", ":", "::", "/", "\\", ".", "-", "_", "0", "1", "12", "2024-01-02", "T", "12:30", ":59", ",123", "Z",
		"0x", "ff", "FF", "a", "Jan", "Mon", " ", "10.0.0.1", "255", "\x00", "\x00i", "@", "=", "http", "://", "\xff", "µ", "[", ")", "%", "9223372036854775807", "C:", "true", "com", "ms"})
	rapid.Check(t, func(t *rapid.T) {
		roundTrip(t, &p, []byte(strings.Join(rapid.SliceOf(part).Draw(t, "parts"), "")))
		roundTrip(t, &p, rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
	})
}

func TestLimitsEndInRest(t *testing.T) {
	var p Parsed
	for _, line := range []string{
		strings.Repeat("17 ", 10*MaxVars),
		strings.Repeat("word ", MaxTemplate),
		strings.Repeat("\x00", 2*MaxTemplate),
		strings.Repeat("x", MaxTemplate+1),
		strings.Repeat("x", MaxTemplate) + " 17",
	} {
		roundTrip(t, &p, []byte(line))
		if last := p.Vars[len(p.Vars)-1]; last.Kind != Rest {
			t.Errorf("%.20q…: last kind %v, want rest", line, last.Kind)
		}
	}
}

func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("2015-10-18 18:07:32,190 INFO [x] /10.1.2.3:80 a_1 0xff"))
	f.Add([]byte("\x00i\x00\x00 ::1 00:11:22:33:44:55"))
	f.Fuzz(func(t *testing.T, line []byte) {
		var p Parsed
		roundTrip(t, &p, line)
		id := p.ID()
		Parse(line, &p)
		if p.ID() != id {
			t.Fatalf("%q: two ids", line)
		}
	})
}

func FuzzTemplate(f *testing.F) {
	f.Add([]byte("a\x00ib"), 1)
	f.Fuzz(func(t *testing.T, template []byte, n int) {
		vars := make([]Var, uint(n)%8)
		_, errAppend := Append(nil, template, vars)
		kinds, errKinds := Kinds(nil, template)
		if (errAppend == nil) != (errKinds == nil && len(kinds) == len(vars)) {
			t.Fatalf("%q with %d variables: Append says %v, Kinds %v, %v", template, len(vars), errAppend, kinds, errKinds)
		}
		AppendText(nil, template)
	})
}

// rawFiles are the real logs, absent outside the project's data set.
func rawFiles(t testing.TB) map[string][]byte {
	paths, _ := filepath.Glob("../../../shared/data/loghub2k/raw/*.log.gz")
	if len(paths) == 0 {
		t.Skip("../../../shared/data/loghub2k is absent")
	}
	out := map[string][]byte{}
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		if out[filepath.Base(path)], err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	return out
}

func TestRealFilesComeBackExactly(t *testing.T) {
	for name, data := range rawFiles(t) {
		var p Parsed
		shapes, lines := map[string]bool{}, 0
		var back []byte
		r := bufio.NewReader(bytes.NewReader(data))
		for {
			line, err := r.ReadBytes('\n')
			if err != nil && err != io.EOF {
				t.Fatal(err)
			}
			if len(line) > 0 {
				lines++
				roundTrip(t, &p, line)
				shapes[string(p.Template)] = true
				if back, err = Append(back, p.Template, p.Vars); err != nil {
					t.Fatal(err)
				}
			}
			if len(line) == 0 {
				break
			}
		}
		if !bytes.Equal(back, data) {
			t.Errorf("%s: %d bytes came back, want %d equal ones", name, len(back), len(data))
		}
		t.Logf("%s: %d lines, %d shapes", name, lines, len(shapes))
	}
}

func TestParseDoesNotAllocate(t *testing.T) {
	line := []byte("2015-10-18 18:07:32,190 INFO [main] org.x.Y: took 15 ms for /10.0.0.1:80 id=abc123 path=/a/b/c")
	var p Parsed
	Parse(line, &p)
	if n := testing.AllocsPerRun(100, func() { Parse(line, &p); _ = p.ID() }); n != 0 {
		t.Errorf("%v allocations a line, want 0", n)
	}
}

func BenchmarkParse(b *testing.B) {
	for name, data := range rawFiles(b) {
		lines := bytes.Split(data, []byte("\n"))
		b.Run(strings.TrimSuffix(name, ".log.gz"), func(b *testing.B) {
			var p Parsed
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				for _, l := range lines {
					Parse(l, &p)
				}
			}
		})
	}
}
