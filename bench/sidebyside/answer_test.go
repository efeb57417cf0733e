//go:build linux

package main

import (
	"strings"
	"testing"
	"time"

	"tidemark/bench/gen"
)

func TestAnswers(t *testing.T) {
	parse := func(body string, names bool, renamed string) answer {
		t.Helper()
		a, err := parseAnswer([]byte(`{"status":"success","data":{"resultType":"x","result":`+body+`}}`), names, renamed)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	want := parse(`[{"metric":{"h":"1"},"values":[[10,"1"],[20,"2.5"]]},{"metric":{"h":"2"},"values":[[10,"NaN"]]}]`, false, "")
	if want.points() != 3 {
		t.Errorf("%d points", want.points())
	}
	for _, c := range []struct{ body, diff string }{
		{`[{"metric":{"h":"2","__name__":"m"},"values":[[10,"NaN"]]},{"metric":{"h":"1"},"values":[[10,"1.0000000000001"],[20,"2.5"]]}]`, ""},
		{`[{"metric":{"h":"1"},"values":[[10,"1"],[20,"2.5"]]}]`, "missing"},
		{`[{"metric":{"h":"1"},"values":[[10,"1"],[20,"2.6"]]},{"metric":{"h":"2"},"values":[[10,"NaN"]]}]`, "is 2.6, want 2.5"},
		{`[{"metric":{"h":"1"},"values":[[10,"1"],[30,"2.5"]]},{"metric":{"h":"2"},"values":[[10,"NaN"]]}]`, "no point at 20"},
		{`[{"metric":{"h":"1"},"values":[[10,"1"],[20,"2.5"]]},{"metric":{"h":"2"},"values":[[10,"1"]]}]`, "want NaN"},
		{`[{"metric":{"h":"1"},"values":[[10,"1"]]},{"metric":{"h":"2"},"values":[[10,"NaN"]]}]`, "1 points, want 2"},
		{`[{"metric":{"h":"1"},"values":[[10,"1"],[20,"2.5"]]},{"metric":{"h":"2"},"values":[[10,"NaN"]]},{"metric":{},"values":[]}]`, "not wanted"},
	} {
		got := want.difference(parse(c.body, false, ""))
		if c.diff == "" && got != "" || !strings.Contains(got, c.diff) {
			t.Errorf("%s: difference %q, want %q", c.body, got, c.diff)
		}
	}
	a := parse(`[{"metric":{"metric":"m"},"value":[1,"1"]}]`, false, "")
	if d := a.difference(parse(`[{"metric":{"__name__":"m"},"value":[1,"1"]}]`, false, "metric")); d != "" {
		t.Error("the name as a label:", d)
	}
	if d := a.difference(parse(`[{"metric":{"__name__":"m"},"value":[1,"1"]}]`, true, "metric")); d == "" {
		t.Error("a name that counts was dropped")
	}
	for _, bad := range []string{`[{"metric":{"a":"b"},"value":[1,"1"]},{"metric":{"a":"b"},"value":[1,"1"]}]`, `[{"metric":{},"value":[1,"x"]}]`} {
		if _, err := parseAnswer([]byte(`{"status":"success","data":{"result":`+bad+`}}`), false, ""); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

// TestSuite asks the same of every system, within the workload.
func TestSuite(t *testing.T) {
	o := &options{workload: gen.Config{Shape: gen.CPUOnly, Hosts: 10, Steps: 400, Interval: 10 * time.Second, Start: gen.DefaultStart, Seed: 5}}
	a, b := suite(o), suite(o)
	if len(a) < 15 {
		t.Fatalf("%d queries", len(a))
	}
	plain := system{name: "any"}
	for i, q := range a {
		if len(q.instances) < 5 {
			t.Errorf("%s has %d instances", q.name, len(q.instances))
		}
		for j := range q.instances {
			in := &q.instances[j]
			if in.path(&plain) != b[i].instances[j].path(&plain) {
				t.Fatalf("%s: the same seed gave another query", q.name)
			}
			if in.end.After(o.workload.End()) || in.step > 0 && in.start.Before(o.workload.Start) {
				t.Errorf("%s asks from %s to %s, beyond the data", q.name, in.start, in.end)
			}
		}
	}
}
