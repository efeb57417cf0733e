package loglevel

import "testing"

func TestDetect(t *testing.T) {
	for line, want := range map[string]string{
		`level=warn msg="an error"`:                      Warn,
		`msg="x" LVL=Err`:                                Error,
		`severity=debug level=info`:                      Info, // by rank, not by place
		`ts=1 level=odd it is fatal`:                     Fatal,
		`{"level":"WARNING","msg":"error"}`:              Warn,
		`{"a":{"level":"dbg"}}`:                          Debug,
		`{"a":{"b":{"level":"debug"}},"m":"an [error]"}`: Debug, // too deep for a name, but the first word that is one
		`{"a":{"b":{"level":"debug"}},"m":"an error "}`:  Debug,
		`{"level":3,"msg":"ok"}`:                         Unknown,
		`[ERROR] broken`:                                 Error,
		`misc:error is none, (info) is`:                  Info,
		`errors and warnings`:                            Unknown,
		`critical: disk`:                                 Critical,
		`INFO then ERROR`:                                Info,
		``:                                               Unknown,
		`{`:                                              Unknown,
		`=`:                                              Unknown,
		`trace`:                                          Trace,
	} {
		if got := Detect(line); got != want {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
}

func TestNormalize(t *testing.T) {
	for v, want := range map[string]string{"WRN": Warn, "Information": Info, "err": Error, "5": "5", "notice": "notice", "": "", "CRITICAL": Critical} {
		if got := Normalize(v); got != want {
			t.Errorf("%q: got %q, want %q", v, got, want)
		}
	}
	for n, want := range map[int]string{0: Unknown, 1: Trace, 8: Debug, 9: Info, 13: Warn, 20: Error, 24: Fatal, 25: Unknown, -1: Unknown} {
		if got := OfSeverity(n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}

func FuzzDetect(f *testing.F) {
	for _, s := range []string{`level=warn`, `{"level":"x"}`, `{"a":{"b":[{}]}}`, `a="\`, `{"`, `[error]`} {
		f.Add(s)
	}
	known := map[string]bool{Trace: true, Debug: true, Info: true, Warn: true, Error: true, Critical: true, Fatal: true, Unknown: true}
	f.Fuzz(func(t *testing.T, line string) {
		if l := Detect(line); !known[l] {
			t.Fatalf("level %q", l)
		}
	})
}

func BenchmarkDetect(b *testing.B) {
	for name, line := range map[string]string{
		"logfmt": `ts=2026-11-20T12:00:00Z caller=main.go:12 level=info msg="request served" path=/api/v1/items ms=12 trace=af32be`,
		"json":   `{"ts":"2026-11-20T12:00:00Z","level":"info","msg":"request served","path":"/api/v1/items","ms":12}`,
		"text":   `10.0.0.1 - - [20/Nov/2026:12:00:00 +0000] "GET /api/v1/items HTTP/1.1" 200 512 "-" "curl/8.0"`,
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(line)))
			b.ReportAllocs()
			for range b.N {
				Detect(line)
			}
		})
	}
}
