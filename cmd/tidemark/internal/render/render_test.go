package render

import (
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidemark/query"
	"tidemark/storage/model"
)

var update = flag.Bool("update", false, "write the golden files")

const t0 = int64(1_763_640_000_000) // 2025-11-20T12:00:00Z

func wave(n int, f func(i int) float64) []query.Point {
	ps := make([]query.Point, n)
	for i := range ps {
		ps[i] = query.Point{T: t0 + int64(i)*60_000, V: f(i)}
	}
	return ps
}

// results are answers of every shape, and those that break naive printers.
func results() map[string]*query.Result {
	ls := model.FromStrings
	sine := func(shift, height float64) func(int) float64 {
		return func(i int) float64 { return height * (1 + math.Sin(float64(i)/20+shift)) }
	}
	return map[string]*query.Result{
		"scalar": {Kind: query.KindScalar, Points: []query.Point{{T: t0, V: 42.5}}},
		"scalar_range": {Kind: query.KindScalar, Points: wave(3, func(i int) float64 { return float64(i) / 3 }),
			Stats: query.Stats{Series: 1}},
		"string": {Kind: query.KindString, Text: "two\nlines"},
		"vector": {Kind: query.KindVector, Series: []query.Series{
			{Labels: ls("__name__", "up", "host", "a", "region", "eu"), Points: []query.Point{{T: t0, V: 1}}},
			{Labels: ls("__name__", "up", "host", "ab"), Points: []query.Point{{T: t0, V: math.Inf(1)}}},
			{Labels: ls("host", "\x1b[31mred"), Points: []query.Point{{T: t0 + 1, V: 12345678.25}}},
		}, Warnings: []string{"1:1: too little history"}},
		"empty_vector": {Kind: query.KindVector},
		"matrix":       {Kind: query.KindMatrix, Series: []query.Series{{Labels: ls("__name__", "cpu", "host", "a"), Points: wave(180, sine(0, 40))}}},
		"matrix_several": {Kind: query.KindMatrix, Series: []query.Series{
			{Labels: ls("host", "a"), Points: wave(180, sine(0, 3e6))},
			{Labels: ls("host", "b"), Points: wave(180, sine(2, 2e6))},
		}},
		"matrix_band": {Kind: query.KindMatrix, Series: []query.Series{
			{Labels: ls("band", "expected"), Points: wave(120, sine(0, 10))},
			{Labels: ls("band", "lower"), Points: wave(120, func(i int) float64 { return sine(0, 10)(i) - 5 })},
			{Labels: ls("band", "upper"), Points: wave(120, func(i int) float64 { return sine(0, 10)(i) + 5 })},
		}},
		"matrix_fan": {Kind: query.KindMatrix, Series: []query.Series{
			{Labels: ls("__name__", "used", "host", "a"), Points: wave(60, func(i int) float64 { return float64(i) })},
			{Labels: ls("host", "a", "q", "0.1"), Points: wave(120, func(i int) float64 { return float64(i) * 0.8 })[59:]},
			{Labels: ls("host", "a", "q", "0.5"), Points: wave(120, func(i int) float64 { return float64(i) })[59:]},
			{Labels: ls("host", "a", "q", "0.9"), Points: wave(120, func(i int) float64 { return float64(i) * 1.2 })[59:]},
		}},
		"matrix_gap": {Kind: query.KindMatrix, Series: []query.Series{{Labels: ls(), Points: append(wave(40, func(int) float64 { return 7 }),
			query.Point{T: t0 + 100*60_000, V: math.NaN()}, query.Point{T: t0 + 120*60_000, V: 7}, query.Point{T: t0 + 121*60_000, V: math.Inf(-1)})}}},
		"matrix_huge": {Kind: query.KindMatrix, Series: []query.Series{{Labels: ls("n", "1"), Points: []query.Point{{T: t0, V: -math.MaxFloat64}, {T: t0 + 1000, V: math.MaxFloat64}}}}},
		"vector_histogram": {Kind: query.KindVector, Series: []query.Series{
			{Labels: ls("__name__", "latency", "host", "a"), Histograms: []query.HistogramPoint{{T: t0, H: exponential}}},
			{Labels: ls("__name__", "latency", "host", "b"), Points: []query.Point{{T: t0, V: 3}}},
		}},
		"matrix_histogram": {Kind: query.KindMatrix, Series: []query.Series{{Labels: ls("host", "a"),
			Points: []query.Point{{T: t0 + 60_000, V: 2}}, Histograms: []query.HistogramPoint{{T: t0, H: exponential}, {T: t0 + 120_000, H: &model.Histogram{Schema: model.CustomSchema, Custom: []float64{1, 2.5}}}}}}},
		"streams": {Kind: query.KindStreams, Streams: []query.Stream{
			{Labels: ls("service", "api", "level", "error"), Entries: []query.Entry{
				{T: t0*1e6 + 5, Line: "timeout, \"db\" \x07", Fields: []query.Field{{Name: "ms", Value: model.Int(math.MaxInt64)}, {Name: "ok", Value: model.Bool(false)}}},
				{T: t0*1e6 + 1, Line: "first"},
			}},
			{Labels: ls("service", "api", "level", "info"), Entries: []query.Entry{{T: t0*1e6 + 3, Line: "between"}}},
		}},
	}
}

// exponential is a histogram with a bucket of each kind.
var exponential = &model.Histogram{Schema: 0, Count: 12, Sum: 3.5, ZeroThreshold: 0.001, ZeroCount: 1,
	Positive: model.Buckets{Index: []int32{0, 1, 4}, Count: []float64{4, 2, 3}}, Negative: model.Buckets{Index: []int32{0}, Count: []float64{2}}}

func TestGolden(t *testing.T) {
	for name, r := range results() {
		for _, f := range []Format{Table, JSON, CSV, Chart} {
			t.Run(name+"/"+string(f), func(t *testing.T) {
				var b strings.Builder
				if err := Write(&b, f, r, Options{Width: 72, Height: 12}); err != nil {
					t.Fatal(err)
				}
				compare(t, name+"."+string(f), b.String())
			})
		}
	}
}

func compare(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestRecords(t *testing.T) {
	r := &Records{Title: "THINGS", Columns: []string{"name", "per second", "since"}, Rows: [][]any{
		{"a", 1234.5678, nil}, {"\x1b[31mred, \"b\"", math.Inf(1), "2025-11-20"}, {"", 7, true},
	}}
	for _, f := range []Format{Table, JSON, CSV} {
		var b strings.Builder
		if err := WriteRecords(&b, f, r); err != nil {
			t.Fatal(err)
		}
		compare(t, "records."+string(f), b.String())
	}
	var b strings.Builder
	if err := WriteRecords(&b, Table, &Records{Columns: []string{"x"}, Empty: "none"}); err != nil || b.String() != "none\n" {
		t.Errorf("without rows: got %q, %v, want none", b.String(), err)
	}
	b.Reset()
	if err := WriteRecords(&b, JSON, &Records{Columns: []string{"x"}}); err != nil || b.String() != "[]\n" {
		t.Errorf("without rows: got %q, %v, want []", b.String(), err)
	}
}

func TestSpark(t *testing.T) {
	for want, values := range map[string][]float64{"": nil, "▁▁": {0, 0}, "▁▅█": {-1, 1, 2}, "█": {math.SmallestNonzeroFloat64}} {
		if got := Spark(values); got != want {
			t.Errorf("%v: got %s, want %s", values, got, want)
		}
	}
	if got := Spark([]float64{math.NaN(), math.Inf(1), 1}); len([]rune(got)) != 3 {
		t.Errorf("got %q, want three bars", got)
	}
}

func TestColor(t *testing.T) {
	var b strings.Builder
	if err := Write(&b, Chart, results()["matrix_several"], Options{Width: 40, Height: 6, Color: true}); err != nil {
		t.Fatal(err)
	}
	s := b.String()
	for _, want := range []string{"\x1b[36m", "\x1b[33m"} {
		if !strings.Contains(s, want) {
			t.Errorf("chart has no %q: want a colour for each series", want)
		}
	}
	for i, l := range strings.Split(s, "\n") {
		if strings.Count(l, "\x1b[")%2 == 1 && !strings.HasSuffix(l, "\x1b[0m") {
			t.Errorf("line %d leaves a colour on: %q", i, l)
		}
	}
}

func TestManySeriesAreBounded(t *testing.T) {
	r := &query.Result{Kind: query.KindMatrix}
	for i := range 37 {
		r.Series = append(r.Series, query.Series{Labels: model.FromStrings("n", string(rune('A'+i))), Points: wave(3, func(int) float64 { return float64(i) })})
	}
	var b strings.Builder
	if err := Write(&b, Chart, r, Options{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "27 more series") {
		t.Errorf("got\n%s\nwant a line that tells of the 27 series left out", b.String())
	}
}

func TestNothingEscapesToTheTerminal(t *testing.T) {
	for name, r := range results() {
		for _, f := range []Format{Table, Chart} {
			var b strings.Builder
			if err := Write(&b, f, r, Options{}); err != nil {
				t.Fatal(err)
			}
			for _, c := range b.String() {
				if c != '\n' && control(c) {
					t.Errorf("%s as %s prints control character %U", name, f, c)
				}
			}
		}
	}
}

func TestJSONIsJSON(t *testing.T) {
	for name, r := range results() {
		var b strings.Builder
		if err := Write(&b, JSON, r, Options{}); err != nil {
			t.Fatal(err)
		}
		if !json.Valid([]byte(b.String())) {
			t.Errorf("%s: not JSON: %s", name, b.String())
		}
	}
}

func TestShort(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1", 1.5: "1.5", 12.34: "12.3", 123.4: "123", 999.6: "1k", 1234: "1.23k", 5e6: "5M", -2.5e9: "-2.5G",
		0.25: "0.25", 0.0123: "0.0123", 0.00123: "0.00123", 1e-7: "1.0e-07", 3e15: "3.0e+15", math.Inf(1): "+Inf",
	} {
		if got := short(v); got != want {
			t.Errorf("short(%v) = %s, want %s", v, got, want)
		}
	}
}
