package main

import (
	"strings"
	"testing"
)

func TestFmtAndCheck(t *testing.T) {
	for _, c := range []struct {
		in   string
		args []string
		code int
		out  string // of standard error where the code is not 0: a part of it
	}{
		{"", []string{"fmt", "sum(rate(up[5m]))by(job)"}, exitOK, "sum by (job) (rate(up[5m]))\n"},
		{"sum(rate(up[5m]))by(job)\n", []string{"fmt", "--width", "20"}, exitOK, "sum by (job) (\n  rate(up[5m])\n)\n"},
		{"sum(rate(up[5m]))by(job)\n", []string{"fmt", "-", "--width", "0"}, exitOK, "sum by (job) (rate(up[5m]))\n"},
		{"", []string{"fmt", "--dialect", "logql", `{app="a"}|="x"|json|ms>5`, "--width", "15"}, exitOK, "{app=\"a\"}\n  |= \"x\"\n  | json\n  | ms > 5\n"},
		{"", []string{"fmt", "sum(("}, exitError, "1:6: "},
		{"", []string{"fmt", "up", "--width", "-1"}, exitUsage, "--width -1: want 0 or more"},
		{"", []string{"check", "rate(up[5m])"}, exitOK, "instant vector\n"},
		{"rate(up)", []string{"check"}, exitError, "range"},
		{"", []string{"check", "ratee(up[5m])"}, exitError, "did you mean `rate`?"},
		{"", []string{"check", "--dialect", "promql", `rate(up[5m]) |= "x"`}, exitError, "1:14: "},
	} {
		out, errOut, code := call(t, c.in, c.args...)
		if c.code != exitOK {
			out = errOut
		}
		if code != c.code || c.code == exitOK && out != c.out || !strings.Contains(out, c.out) {
			t.Errorf("%q: code %d, %q, want %d, %q", c.args, code, out, c.code, c.out)
		}
	}
}
