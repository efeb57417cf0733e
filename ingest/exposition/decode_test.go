package exposition

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tidemark/ingest"
	"tidemark/storage/model"
)

func newDecoder(t testing.TB, opts Options) *Decoder {
	t.Helper()
	d, err := NewDecoder(opts)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// rows prints a batch, a row in a text.
func rows(b *model.Batch) []string {
	var out []string
	rs := b.Rows()
	for i := range rs {
		r := &rs[i]
		out = append(out, fmt.Sprintf("%s%s %v @%d", r.Schema.Columns[0].Name, r.Stream.Labels, math.Float64frombits(b.Words(r)[0]), r.Time))
	}
	return out
}

func TestDecodeTable(t *testing.T) {
	const now = 1_700_000_000_123_456_789
	const nowText = "1700000000123000000"
	d := newDecoder(t, Options{Options: ingest.Options{Limits: ingest.Limits{MaxLineBytes: 300}}})
	f := func(in string, want ...string) {
		t.Helper()
		for range 2 { // the second time from the cache
			var b model.Batch
			rep, err := d.Decode([]byte(in), Params{Now: now, MinTime: 1000}, &b)
			if err != nil {
				t.Fatal(err)
			}
			got := rows(&b)
			for _, e := range rep.Errors {
				got = append(got, e.Error())
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q gives\n  %q\nwant\n  %q", in, got, want)
			}
			if rep.Lines != rep.Accepted+rep.Rejected || rep.Accepted != b.Len() || rep.Rejected != len(rep.Errors) {
				t.Errorf("%q: counts %+v", in, rep)
			}
		}
	}
	f("")
	f("# HELP up Whether.\n# TYPE up gauge\n\n  \t\n#\n# EOF\n")
	f("up 1 1700000000000", `up{} 1 @1700000000000000000`)
	f("up 1", `up{} 1 @`+nowText)
	f("up\t1\t5\r\nup 2 6\r\n", `up{} 1 @5000000`, `up{} 2 @6000000`)
	f(" \tup { a = \"1\" , b=\"2\",} 1 5 ", `up{a="1", b="2"} 1 @5000000`)
	f(`up{} 1 5`, `up{} 1 @5000000`)
	f(`up{b="2",a="1"}1 5`, `up{a="1", b="2"} 1 @5000000`)
	f(`up{a="x\\y\"z\nw\q}, #"} 1 5`, `up{a="x\\y\"z\nw\\q}, #"} 1 @5000000`)
	f(`up{a="ö",b=""} 1 5`, `up{a="ö"} 1 @5000000`)
	f(`a:b_c0 1 5`, `a:b_c0{} 1 @5000000`)
	f(`{"http.requests",host="a","service.name"="b"} 1 5`, `http.requests{host="a", service.name="b"} 1 @5000000`)
	f(`{__name__="x",a="1"} 1 5`, `x{a="1"} 1 @5000000`)
	f(`h_bucket{le="+Inf"} 3 5 # {trace_id="x"} 0.5 1`, `h_bucket{le="+Inf"} 3 @5000000`)
	f(`c_total 3 # {} 1`, `c_total{} 3 @`+nowText)
	f("a NaN 5\nb +Inf 5\nc -inf 5\nd Inf 5\ne 1e-3 5\nf -.5 5\ng 5. 5", "a{} NaN @5000000", "b{} +Inf @5000000", "c{} -Inf @5000000", "d{} +Inf @5000000", "e{} 0.001 @5000000", "f{} -0.5 @5000000", "g{} 5 @5000000")

	const number = `: want a number such as 1.5, NaN or +Inf`
	const millis = `: want milliseconds since 1970 as an integer, within the years 1678 to 2262`
	f("good 1 5\nup\ngood 2 6", `good{} 1 @5000000`, `good{} 2 @6000000`, `line 2, column 3: value ""`+number)
	f("up one", `line 1, column 4: value "one"`+number)
	f("up 0x1", `line 1, column 4: value "0x1"`+number)
	f("up 1_0", `line 1, column 4: value "1_0"`+number)
	f("up 1e999", `line 1, column 4: value "1e999"`+number)
	f("up 1 5.5", `line 1, column 6: time "5.5"`+millis)
	f("up 1 9223372036855", `line 1, column 6: time "9223372036855"`+millis)
	f("up 1 5 6", `line 1, column 8: text after the time: "6"`)
	f("up 1 0", `line 1, column 6: time 1970-01-01T00:00:00Z is older than retention keeps: want one from 1970-01-01T00:00:00.000001Z on`)
	f("0up 1", `line 1, column 1: metric name has "0": want letters, digits, _ and :, no digit first, or the name quoted within braces`)
	f("u-p 1", `line 1, column 2: metric name has "-": want letters, digits, _ and :, no digit first, or the name quoted within braces`)
	f(`up{a="1"`, `line 1, column 1: labels have no end: want a closing brace, and every quote closed`)
	f(`up{a="1} 2`, `line 1, column 1: labels have no end: want a closing brace, and every quote closed`)
	f(`up{a="1\"} 2`, `line 1, column 1: labels have no end: want a closing brace, and every quote closed`)
	f(`up{a} 1`, `line 1, column 5: label "a" has no value: want = after its name`)
	f(`up{a=1} 1`, `line 1, column 6: value of label "a": want it quoted`)
	f(`up{,} 1`, `line 1, column 4: ",": want the name of a label, or a closing brace`)
	f(`up{a:b="1"} 1`, `line 1, column 5: label "a" has no value: want = after its name`)
	f(`up{a="1" b="2"} 1`, `line 1, column 10: "b": want a comma or a closing brace`)
	f(`up{a="1",a="2"} 1`, `line 1, column 1: label "a" is given twice`)
	f(`up{__name__="x"} 1`, `line 1, column 1: label "__name__" is given twice`)
	f(`{a="1"} 1`, `line 1, column 1: missing label __name__: want the metric's name`)
	f(`{} 1`, `line 1, column 1: missing label __name__: want the metric's name`)
	f("up{a=\"\xff\"} 1", `line 1, column 1: value of label "a" is not UTF-8: "\xff"`)
	f("up 1 "+strings.Repeat(" ", 300), `line 1, column 1: line has 305 bytes: want at most 300 (MaxLineBytes)`)
}

func TestOpenMetricsTimes(t *testing.T) {
	d := newDecoder(t, Options{})
	f := func(in, want string) {
		t.Helper()
		var b model.Batch
		rep, _ := d.Decode([]byte("up 1 "+in), Params{OpenMetrics: true}, &b)
		got := "refused"
		if rep.Accepted == 1 {
			got = fmt.Sprint(b.Rows()[0].Time)
		}
		if got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
	f("1700000000", "1700000000000000000")
	f("1700000000.123456789", "1700000000123456789")
	f("1700000000.1234567899", "1700000000123456789")
	f("-0.5", "-500000000")
	f("-1.5", "-1500000000")
	f("1.7e9", "1700000000000000000")
	f("1.5e0", "1500000000")
	f("9223372036", "refused")
	f("1e300", "refused")
	f("NaN", "refused")
	f("1.x", "refused")
	f("-", "refused")
	f(".", "refused")
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

// TestRoundTrip: random series, printed as exporters print them, come out as
// they were, with a cache that is far too small.
func TestRoundTrip(t *testing.T) {
	d := newDecoder(t, Options{CacheBytes: 32 << 10})
	r := rand.New(rand.NewPCG(5, 6))
	alphabet := []rune("aé\\\"\n{}=,# 1")
	text := func() string {
		out := make([]rune, 1+r.IntN(8))
		for i := range out {
			out[i] = alphabet[r.IntN(len(alphabet))]
		}
		return string(out)
	}
	for range 100 {
		var in strings.Builder
		var want []string
		for range r.IntN(50) {
			name := fmt.Sprint("m", r.IntN(10))
			var pairs []model.Label
			printed := name
			for i := range r.IntN(4) {
				l := model.Label{Name: fmt.Sprint("l", i), Value: text()}
				if i == 2 {
					l.Name = text() + "." // needs quotes
				}
				n := l.Name
				if i == 2 {
					n = quote(n)
				}
				pairs = append(pairs, l)
				printed += map[bool]string{true: "{", false: ","}[i == 0] + n + "=" + quote(l.Value)
			}
			if len(pairs) > 0 {
				printed += "}"
			}
			v, ms := math.Float64frombits(r.Uint64()), r.Int64N(4e12)-2e12
			fmt.Fprintf(&in, "%s %s %d\n", printed, strconv.FormatFloat(v, 'g', -1, 64), ms)
			want = append(want, fmt.Sprintf("%s%s %v @%d", name, model.NewLabels(pairs...), v, ms*1e6))
		}
		for range 2 {
			var b model.Batch
			rep, err := d.Decode([]byte(in.String()), Params{}, &b)
			if err != nil || rep.Rejected != 0 {
				t.Fatal(err, rep.Err())
			}
			if got := rows(&b); !slices.Equal(got, want) {
				t.Fatalf("got\n%q\nwant\n%q", got, want)
			}
		}
	}
	if st := d.CacheStats(); st.Evictions == 0 || st.Hits == 0 {
		t.Errorf("the cache saw too little: %+v", st)
	}
}

func TestLimits(t *testing.T) {
	d := newDecoder(t, Options{MaxSamples: 3, Options: ingest.Options{Limits: ingest.Limits{MaxErrors: 1, MaxErrorText: 4}}})
	var b model.Batch
	if _, err := d.Decode([]byte("a 1\nb 1\nc 1\nd 1"), Params{}, &b); !errors.Is(err, ErrTooLarge) {
		t.Errorf("four samples give %v", err)
	}
	b.Reset()
	rep, err := d.Decode([]byte("long_name x\nb x\n# no\nc 1"), Params{}, &b)
	if err != nil || rep.Rejected != 2 || len(rep.Errors) != 1 || rep.Errors[0].Text != "long" {
		t.Errorf("%+v, %v", rep, err)
	}
	if _, err := NewDecoder(Options{CacheBytes: -1, MaxSamples: -1}); err == nil || !strings.Contains(err.Error(), "CacheBytes") || !strings.Contains(err.Error(), "MaxSamples") {
		t.Errorf("bad options give %v", err)
	}
}

func TestNothingIsAllocated(t *testing.T) {
	var in []byte
	for i := range 200 {
		in = fmt.Appendf(in, "http_requests_total{code=\"200\",host=\"h%d\",path=\"/api/v1\"} %d.5 1700000000000\n", i, i)
	}
	d := newDecoder(t, Options{})
	var b model.Batch
	if n := testing.AllocsPerRun(20, func() {
		b.Reset()
		d.Decode(in, Params{Tenant: "t"}, &b)
	}); n > 0 {
		t.Errorf("%v allocations for a body of 200 lines", n)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("# x\nup{a=\"1\\\"\",b=\"\"} 1 5 # {x=\"y\"} 1\nbad\n{\"q\",a=\"1\"} NaN"), false)
	f.Add([]byte("up 1 1.5\n"), true)
	d := newDecoder(f, Options{CacheBytes: 32 << 10})
	f.Fuzz(func(t *testing.T, in []byte, om bool) {
		p := Params{OpenMetrics: om, Now: 7, MinTime: -5}
		var b, again model.Batch
		rep, err := d.Decode(in, p, &b)
		rep2, _ := newDecoder(t, Options{}).Decode(in, p, &again)
		if err != nil || !b.Valid() || b.Len() != rep.Accepted || rep.Accepted != rep2.Accepted || rep.Rejected != rep2.Rejected || !slices.Equal(rows(&b), rows(&again)) {
			t.Fatalf("%+v, %v; without a cache %+v", rep, err, rep2)
		}
		for _, r := range b.Rows() {
			if r.Time < -5 {
				t.Fatalf("a row of %d is too old", r.Time)
			}
			if _, err := model.DecodeLabels([]byte(r.Stream.Key())); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	var in []byte
	const samples = 2000
	for i := range samples {
		in = fmt.Appendf(in, "http_requests_total{code=\"200\",host=\"host_%d\",path=\"/api/v1/query\",region=\"eu-central-1\"} %d\n", i, i*17)
	}
	d := newDecoder(b, Options{})
	var batch model.Batch
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		batch.Reset()
		d.Decode(in, Params{}, &batch)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/samples, "ns/sample")
}
