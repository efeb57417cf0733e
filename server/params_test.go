package server

import (
	"encoding/json"
	"math"
	"strconv"
	"testing"
	"time"
	"unicode/utf8"

	"tidemark/storage/model"
)

func TestParseTimes(t *testing.T) {
	const bad = math.MinInt64 + 7
	f := func(name string, parse timeFormat) func(string, int64) {
		return func(s string, want int64) {
			t.Helper()
			got, err := parse(s)
			if err != nil {
				got = bad
			}
			if got != want {
				t.Errorf("%s(%q) is %d, %v; want %d", name, s, got, err, want)
			}
		}
	}
	p := f("parsePromTime", parsePromTime)
	p("0", 0)
	p("1700000000", 1_700_000_000e9)
	p("1700000000.123", 1_700_000_000_123e6)
	p("1700000000.12345", 1_700_000_000_123e6)
	p("-1.5", -1_500_000_000)
	p("1e9", 1e18)
	p("2023-11-14T22:13:20Z", 1_700_000_000e9)
	p("2023-11-14T23:13:20.000000001+01:00", 1_700_000_000e9+1)
	p("1650-01-01T00:00:00Z", bad)
	p("2300-01-01T00:00:00Z", bad)
	p("9223372036", bad)
	p("9223372034", 9_223_372_034e9)
	p("-9223372034", -9_223_372_034e9)
	p("", bad)
	p("now", bad)
	p("NaN", bad)
	p("Inf", bad)
	p(promMinTime, math.MinInt64)
	p(promMaxTime, math.MaxInt64)

	l := f("parseLokiTime", parseLokiTime)
	l("0", 0)
	l("1700000000", 1_700_000_000e9)
	l("17000000000", 17_000_000_000)
	l("1700000000000000001", 1_700_000_000_000_000_001)
	l("-1700000000000000001", -1_700_000_000_000_000_001)
	l("1700000000.5", 1_700_000_000_500e6)
	l("1.7e9", 1_700_000_000e9)
	l("9223372036854775807", math.MaxInt64)
	l("9223372036854775808", bad)
	l("9223372036", bad)
	l("2023-11-14T22:13:20.5Z", 1_700_000_000_500e6)
	l("", bad)
	l("x", bad)
}

func TestParseDuration(t *testing.T) {
	const bad = time.Duration(math.MinInt64 + 7)
	f := func(s string, want time.Duration) {
		t.Helper()
		got, err := parseDuration(s)
		if err != nil {
			got = bad
		}
		if got != want {
			t.Errorf("parseDuration(%q) is %s, %v; want %s", s, got, err, want)
		}
	}
	f("15", 15*time.Second)
	f("0.001", time.Millisecond)
	f("-2", -2*time.Second)
	f("1e3", 1000*time.Second)
	f("5m", 5*time.Minute)
	f("1h30m", 90*time.Minute)
	f("1y2w3d4h5m6s7ms", 365*24*time.Hour+17*24*time.Hour+4*time.Hour+5*time.Minute+6*time.Second+7*time.Millisecond)
	f("0s", 0)
	f("", bad)
	f("m", bad)
	f("5", 5*time.Second)
	f("5x", bad)
	f("5m1h", bad)
	f("5m5m", bad)
	f("1.5h", bad)
	f("5 m", bad)
	f("-5m", bad)
	f("293y", bad)
	f("292y", 292*365*24*time.Hour)
	f("9223372036854775808s", bad)
	f("1e10", bad)
	f("NaN", bad)
	f("-Inf", bad)
}

func TestUnescapeLabel(t *testing.T) {
	for in, want := range map[string]string{
		"job": "job", "U__": "", "U__http_2e_code": "http.code", "U__a__b": "a_b", "U___1F600_": "\U0001F600",
		"U__a_": "U__a_", "U__a_zz_": "U__a_zz_", "U__a_110000_": "U__a_110000_", "U__a_2e2e2e2e_": "U__a_2e2e2e2e_", "__name__": "__name__", "U__d800_d800_": "U__d800_d800_",
	} {
		if got := unescapeLabel(in); got != want {
			t.Errorf("unescapeLabel(%q) is %q, want %q", in, got, want)
		}
	}
}

func TestSpanCheckCannotOverflow(t *testing.T) {
	for _, sp := range []span{
		{math.MinInt64, math.MaxInt64, 1}, {math.MinInt64, math.MaxInt64, time.Hour}, {0, 11001, 1}, {1, 0, 1}, {0, 1, 0}, {0, 1, -5},
	} {
		if sp.check() == nil {
			t.Errorf("%+v is accepted", sp)
		}
	}
	for _, sp := range []span{{0, 0, 1}, {0, 11000, 1}, {math.MinInt64, math.MaxInt64, math.MaxInt64}, {math.MaxInt64 - 1, math.MaxInt64, 1}} {
		if err := sp.check(); err != nil {
			t.Errorf("%+v: %v", sp, err)
		}
	}
}

// FuzzParameters: whatever is sent, parsing ends, and what it accepts lies
// within bounds and agrees with itself.
func FuzzParameters(f *testing.F) {
	for _, s := range []string{"", "0", "1700000000.5", "1e999", "-1", "NaN", promMinTime, "2023-11-14T22:13:20Z", "1h30m", "1y1y", "999999999999y", "U__a_2e_b", "U___", "9223372036854775807", "9223372036854775807ms"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, parse := range []timeFormat{parsePromTime, parseLokiTime} {
			if ns, err := parse(s); err == nil && s != promMinTime && s != promMaxTime {
				// Printed as RFC 3339 it reads back as the same time.
				text := time.Unix(0, ns).UTC().Format(time.RFC3339Nano)
				if again, err := parse(text); err != nil || again != ns {
					t.Errorf("%q is %d, and as %s %d, %v", s, ns, text, again, err)
				}
			}
		}
		if d, err := parseDuration(s); err == nil {
			sp := span{start: 0, end: math.MaxInt64, step: d}
			if sp.check() == nil && d <= 0 {
				t.Errorf("a step of %s is accepted", d)
			}
		}
		if name := unescapeLabel(s); utf8.ValidString(s) && !utf8.ValidString(name) {
			t.Errorf("unescapeLabel(%q) is %q, not UTF-8", s, name)
		}
	})
}

// FuzzJSON: strings and label sets are encoded as encoding/json reads them.
func FuzzJSON(f *testing.F) {
	f.Add("", int64(0), 0.0)
	f.Add("a\"\\\n\r\t\x00\x7f\xff\u2028é", int64(-1001), math.Inf(1))
	f.Add("x", int64(math.MinInt64), 1e21)
	f.Fuzz(func(t *testing.T, s string, ms int64, v float64) {
		var got string
		if err := json.Unmarshal(appendString(nil, s), &got); err != nil || got != string([]rune(s)) {
			t.Errorf("appendString(%q) is %s, read as %q, %v", s, appendString(nil, s), got, err)
		}
		if s != "" {
			var m map[string]string
			if err := json.Unmarshal(appendLabels(nil, model.Labels{{Name: s, Value: s}}), &m); err != nil || m[got] != got {
				t.Errorf("appendLabels(%q) is read as %q, %v", s, m, err)
			}
		}
		sec := string(appendMillis(nil, ms))
		if n, err := strconv.ParseFloat(sec, 64); err != nil || math.Abs(n*1000-float64(ms)) > math.Abs(float64(ms))*1e-15+1e-9 {
			t.Errorf("appendMillis(%d) is %s", ms, sec)
		}
		if n, err := strconv.ParseFloat(string(appendFloat(nil, v)), 64); err != nil || n != v && !(math.IsNaN(n) && math.IsNaN(v)) {
			t.Errorf("appendFloat(%v) is %s", v, appendFloat(nil, v))
		}
	})
}
