package main

import (
	"strings"
	"testing"
)

// The last evaluation of the script is wrong on purpose.
func TestRunner(t *testing.T) {
	var out strings.Builder
	if code := runAll([]string{"testdata"}, &out); code != 1 || !strings.HasSuffix(out.String(), "sample.logqltest: 6 of 7\npassed 6 of 7\n") {
		t.Errorf("code %d, output\n%s", code, out.String())
	}
	if !strings.Contains(out.String(), `sample.logqltest:22: count_over_time({app="a"}[1m])`) {
		t.Errorf("the failure is not named:\n%s", out.String())
	}
	out.Reset()
	if code := runAll([]string{t.TempDir()}, &out); code != 2 || !strings.Contains(out.String(), "usage") {
		t.Errorf("code %d, output\n%s", code, out.String())
	}
}

func TestPoints(t *testing.T) {
	for text, want := range map[string]int{"6": 1, "_": 1, "2+3x2": 3, "4x3": 4, "1-1x2": 3, "_x2": 3, "NaN": 1, "+Inf": 1} {
		if ps, err := points(text); err != nil || len(ps) != want {
			t.Errorf("%s: got %v, %v", text, ps, err)
		}
	}
	if _, err := points("x"); err == nil {
		t.Error("x is no point")
	}
}
