package csv

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"tidemark/ingest"
	"tidemark/storage/model"
)

// dump prints rows one per line: kind, labels, time, columns by field.
func dump(b *model.Batch) string {
	var out []string
	rows := b.Rows()
	for i := range rows {
		r := &rows[i]
		s := "metric"
		if r.Schema.Kind == model.LogRow {
			s = "log"
		}
		s += fmt.Sprintf(" %s %d", r.Stream.Labels, r.Time)
		for j, w := range b.Words(r) {
			c := r.Schema.Columns[j]
			name := c.Name
			if name == "" {
				name = c.Field
			}
			if c.Type == model.TypeText {
				s += fmt.Sprintf(" %s=%q", name, b.TextOf(w))
				continue
			}
			s += fmt.Sprintf(" %s=%s:%s", name, c.Type, model.Value{Type: c.Type, Bits: w})
		}
		out = append(out, s)
	}
	return strings.Join(out, "\n")
}

func scan(r io.Reader, o Options) (rows string, rep ingest.Report, blocks []ingest.Block, err error) {
	var all []string
	rep, err = Scan(context.Background(), r, o, func(b ingest.Block) error {
		if !b.Batch.Valid() || b.Batch.Len() != b.Report.Accepted {
			return fmt.Errorf("batch of %d rows, valid %v, for %+v", b.Batch.Len(), b.Batch.Valid(), b.Report)
		}
		if b.Batch.Len() > 0 {
			all = append(all, dump(b.Batch))
		}
		blocks = append(blocks, b)
		return nil
	})
	return strings.Join(all, "\n"), rep, blocks, err
}

func TestRows(t *testing.T) {
	f := func(file string, o Options, want string) {
		t.Helper()
		o.Measurement = "m"
		for _, size := range []int{0, 1, 2} {
			o.BlockRows = size
			got, rep, _, err := scan(strings.NewReader(file), o)
			if err != nil || rep.Rejected > 0 {
				t.Errorf("%q: %v, %v", file, err, rep.Err())
			}
			if got != want {
				t.Errorf("%q:\n got %s\nwant %s", file, got, want)
			}
		}
	}
	f("timestamp,value\n2014-04-01 00:00:00,19.5\n2014-04-01 00:05:00,20\n", Options{}, "metric {} 1396310400000000000 m=float:19.5\nmetric {} 1396310700000000000 m=float:20")
	f("\ufefftime,a,b\r\n5,1,2\r\n\r\n6,3,4", Options{}, "metric {} 5000000000 m_a=float:1 m_b=float:2\nmetric {} 6000000000 m_a=float:3 m_b=float:4")
	f("host,time,a,region\nx,5,1,eu\ny,6,2,\n", Options{Labels: []string{"region", "host"}}, "metric {host=\"x\", region=\"eu\"} 5000000000 m_a=float:1\nmetric {host=\"y\"} 6000000000 m_a=float:2")
	f("time,msg,a\n5,\"GET \"\"/\"\"\nx\",1\n", Options{}, "log {measurement=\"m\"} 5000000000 _line=\"GET \\\"/\\\"\\nx\" m_a=float:1")
	f("time,a,b\n5,x,\n6,x,y\n7,1,y\n8,NaN,2\n", Options{},
		"log {measurement=\"m\"} 5000000000 _line=\"x\"\nlog {measurement=\"m\"} 6000000000 _line=\"a=x b=y\" a=\"x\" b=\"y\"\nmetric {} 7000000000 m_a=float:1 m_b=\"y\"\nmetric {} 8000000000 m_b=float:2")
	f(",time,a,skip\n0,5,1,x\n", Options{Ignore: []string{"", "skip"}}, "metric {} 5000000000 m_a=float:1")
	f("when;a\n01/02/2020 10h;1\n", Options{Comma: ';', TimeColumn: "when", TimeFormat: "02/01/2006 15h", Location: time.FixedZone("", 3600)}, "metric {} 1580547600000000000 m_a=float:1")
	f("ds,date,y\n5,6,1\n", Options{}, "metric {} 6000000000 m_ds=float:5 m_y=float:1")
	f("time,db,a\n5,x,1\n", Options{Labels: []string{"db"}, Database: "d", Tenant: "t"}, "metric {db=\"d\", exported_db=\"x\", tenant=\"t\"} 5000000000 m_a=float:1")
	f("time,a\n5,\"  \"\"q\"\"  \"\n", Options{}, "log {measurement=\"m\"} 5000000000 _line=\"  \\\"q\\\"  \"")
}

func TestCells(t *testing.T) {
	f := func(cell string, typ model.Type, v any, reason string) {
		t.Helper()
		gotType, bits, gotReason := parseCell(cell)
		var want uint64
		switch v := v.(type) {
		case float64:
			want = math.Float64bits(v)
		case int64:
			want = uint64(v)
		case bool:
			want = model.Bool(v).Bits
		}
		if gotType != typ || bits != want || gotReason != reason {
			t.Errorf("%q: got %s %x %q, want %s %v %q", cell, gotType, bits, gotReason, typ, v, reason)
		}
	}
	f("", model.TypeNone, nil, "")
	f("  ", model.TypeNone, nil, "")
	f("NaN", model.TypeNone, nil, "")
	f("-nan", model.TypeNone, nil, "")
	f("1", model.TypeFloat, 1.0, "")
	f(" -1.5 ", model.TypeFloat, -1.5, "")
	f("+1.5e3", model.TypeFloat, 1500.0, "")
	f(".5", model.TypeFloat, 0.5, "")
	f("9007199254740992", model.TypeFloat, 9007199254740992.0, "")
	f("9007199254740993", model.TypeInt, int64(9007199254740993), "")
	f("-9223372036854775808", model.TypeInt, int64(math.MinInt64), "")
	f("18446744073709551616", model.TypeFloat, 18446744073709551616.0, "")
	f("TRUE", model.TypeBool, true, "")
	f("false", model.TypeBool, false, "")
	f("inf", model.TypeNone, nil, wantFinite)
	f("-Infinity", model.TypeNone, nil, wantFinite)
	f("1e400", model.TypeNone, nil, wantFinite)
	for _, s := range []string{"abc", "0x10", "1_000", "10.0.0.1", "2020-01-01", "1.5s", "-", ".", "e", "infinite", "t", "1e"} {
		f(s, model.TypeText, nil, "")
	}
}

func TestTimes(t *testing.T) {
	f := func(format, s string, want int64, reason string) {
		t.Helper()
		got, gotReason := newClock(format, time.UTC).parse(s)
		if got != want || gotReason != reason {
			t.Errorf("%s %q: got %d %q, want %d %q", format, s, got, gotReason, want, reason)
		}
	}
	const day = 1388534400_000_000_000 // 2014-01-01
	f("auto", "2014-01-01T00:00:00Z", day, "")
	f("auto", "2014-01-01T01:00:00.5+01:00", day+5e8, "")
	f("auto", "2014-01-01 00:00:00", day, "")
	f("auto", " 2014-01-01 00:00:00.000000001 ", day+1, "")
	f("auto", "2014-01-01T00:00:00", day, "")
	f("auto", "2014-01-01 02:00:00+02:00", day, "")
	f("auto", "2014-01-01 00:00", day, "")
	f("auto", "2014-01-01", day, "")
	f("auto", "2014/01/01 00:00:00", day, "")
	f("auto", "1388534400", day, "")
	f("auto", "1388534400.25", day+25e7, "")
	f("auto", "1388534400000", day, "")
	f("auto", "1388534400000000", day, "")
	f("auto", "1388534400000000000", day, "")
	f("auto", "-1", -1e9, "")
	f("auto", "99999999999", 0, wantTimeRange)
	f("auto", "100000000000", 100_000_000_000_000_000, "")
	f("auto", "yesterday", 0, wantTime)
	f("auto", "", 0, wantTime)
	f("auto", "-", 0, wantTime)
	f("auto", "1388534400.", day, "")
	f("auto", "1500-01-01", 0, wantTimeRange)
	f("auto", "99999999999999999999", 0, wantTimeRange)
	f("s", "5.0000000019", 5_000_000_001, "")
	f("ms", "-5.5", -5_500_000, "")
	f("us", "5", 5_000, "")
	f("ns", "9223372036854775806", math.MaxInt64-1, "")
	f("ns", "9223372036854775807", 0, wantTimeRange)
	f("ms", "2014-01-01", 0, wantTime)
	f("rfc3339", "2014-01-01T00:00:00Z", day, "")
	f("rfc3339", "2014-01-01 00:00:00", 0, wantTime)
	f("02.01.2006", "01.01.2014", day, "")
}

func TestRefused(t *testing.T) {
	o := Options{Measurement: "m", Labels: []string{"l"}, MinTime: 2e9, Options: ingest.Options{Limits: ingest.Limits{MaxLabelValueBytes: 10, MaxLineBytes: 60}}}
	file := "time,l,a\n" +
		"5,x,1\n" +
		"5,x\n" + // 3
		"5,x,1,2\n" + // 4
		"never,x,1\n" + // 5
		"1,x,1\n" + // 6
		"5,x,inf\n" + // 7
		"5,x,\n" + // 8
		"5,12345678901,1\n" + // 9
		"\n" +
		"5,x,\"1\n\n2\" \n" + // 11, ends on 13
		"5,x,\"1\n\n2\",\n" + // 14, ends on 16
		"5,x,a\"b\n" + // 17
		"5,x," + strings.Repeat("y", 60) + "\n" + // 18
		"6,x,2\n"
	want := []ingest.LineError{
		{Line: 3, Column: 1, Text: "5,x", Reason: "record has 2 cells: want 3, as the header has"},
		{Line: 4, Column: 1, Text: "5,x,1,2", Reason: "record has 4 cells: want 3, as the header has"},
		{Line: 5, Column: 1, Text: "never,x,1", Reason: `column "time" has "never": want a time in the format given`},
		{Line: 6, Column: 1, Text: "1,x,1", Reason: `column "time" has "1": too old: want a time from 1970-01-01T00:00:02Z on, which retention keeps`},
		{Line: 7, Column: 5, Text: "5,x,inf", Reason: `column "a" has "inf": want a finite number`},
		{Line: 8, Column: 1, Text: "5,x,", Reason: "no field has a value: want at least one"},
		{Line: 9, Column: 3, Text: "5,12345678901,1", Reason: `column "l" has "12345678901": value of tag "l" has 11 bytes: want at most 10 (MaxLabelValueBytes)`},
		{Line: 11, Column: 2, Text: "5,x,\"1\n\n2\" ", Reason: "extraneous or missing \" in quoted-field: want cells with quotes around the whole cell, and quotes inside doubled"},
		{Line: 14, Column: 1, Text: "5,x,\"1\n\n2\",", Reason: "record has 4 cells: want 3, as the header has"},
		{Line: 17, Column: 6, Text: `5,x,a"b`, Reason: "bare \" in non-quoted-field: want cells with quotes around the whole cell, and quotes inside doubled"},
		{Line: 18, Column: 1, Text: "5,x," + strings.Repeat("y", 60), Reason: "record has 65 bytes: want at most 60 (MaxLineBytes)"},
	}
	got, rep, _, err := scan(iotest.OneByteReader(strings.NewReader(file)), o)
	if err != nil {
		t.Fatal(err)
	}
	if w := "metric {l=\"x\"} 5000000000 m_a=float:1\nmetric {l=\"x\"} 6000000000 m_a=float:2"; got != w {
		t.Errorf("good records:\n got %s\nwant %s", got, w)
	}
	if rep.Lines != 13 || rep.Accepted != 2 || rep.Rejected != 11 || rep.TooOld != 1 || rep.MetricRows != 2 {
		t.Errorf("counts: %+v", rep)
	}
	for i := range max(len(want), len(rep.Errors)) {
		if i >= len(want) || i >= len(rep.Errors) || rep.Errors[i] != want[i] {
			t.Errorf("error %d:\n got %#v\nwant %#v", i, rep.Errors[min(i, len(rep.Errors)-1)], want[min(i, len(want)-1)])
		}
	}
}

func TestHeaderAndOptions(t *testing.T) {
	f := func(header string, o Options, want string) {
		t.Helper()
		if o.Measurement == "" {
			o.Measurement = "m"
		}
		_, _, _, err := scan(strings.NewReader(header), o)
		if err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", header, err, want)
		}
	}
	f("", Options{}, "csv: the file is empty: want a header row")
	f("a,b\n", Options{}, `csv: header: no time column: want one of ["time" "timestamp" "_time" "date" "ds"], or one named in the options; the header has ["a" "b"]`)
	f("a,b\n", Options{TimeColumn: "t"}, `csv: header: no time column "t": the header has ["a" "b"]`)
	f("time,b\n", Options{Labels: []string{"h"}}, `csv: header: no column "h": the header has ["time" "b"]`)
	f("time,b\n", Options{Labels: []string{"b"}}, "csv: header: no column is a field: want at least one beside time and labels")
	f("time,b,b\n", Options{}, `csv: header: column 3: name "b" is repeated: want every name once, or ignored`)
	f(",time,b\n", Options{}, "csv: header: column 1: missing field key: want a name that is not empty")
	f("_time,time,b\n", Options{TimeColumn: "_time"}, `csv: header: column 2: field key "time" is reserved: want another name`)
	f("time,__name__,b\n", Options{Labels: []string{"__name__"}}, `csv: header: column 2: tag key "__name__" is reserved: want another name`)
	f("time,b,c\n", Options{Options: ingest.Options{Limits: ingest.Limits{MaxColumns: 1}}}, "csv: header: 2 fields: want at most 1 (MaxColumns)")
	f("time,b\n", Options{Labels: []string{"b"}, Ignore: []string{"b"}}, `csv options: column "b": want it to be one of time, label, ignored`)
	f("time,b\n", Options{Comma: '"'}, `csv options: separator '"': want a character other than a quote or a line end`)
	f("time,b\n", Options{BlockRows: -1}, "csv options: BlockRows -1: want 0 (default) or more")
	if _, err := Scan(context.Background(), strings.NewReader("time,b\n"), Options{}, nil); err == nil || err.Error() != "csv options: missing measurement: want a name that is not empty" {
		t.Errorf("no measurement: %v", err)
	}
}

func TestBlocksAndEnds(t *testing.T) {
	file := "time,a\n" + strings.Repeat("5,1\n", 25)
	_, rep, blocks, err := scan(strings.NewReader(file), Options{Measurement: "m", BlockRows: 10})
	if err != nil || rep.Accepted != 25 || len(blocks) != 3 || blocks[0].Report.Accepted != 10 || blocks[2].Report.Accepted != 5 || blocks[2].Read != int64(len(file)) {
		t.Errorf("%v, %+v in %d blocks: %+v", err, rep, len(blocks), blocks)
	}
	boom := errors.New("boom")
	if _, err := Scan(context.Background(), strings.NewReader(file), Options{Measurement: "m", BlockRows: 10}, func(ingest.Block) error { return boom }); !errors.Is(err, boom) {
		t.Errorf("visit's error: %v", err)
	}
	if _, _, _, err := scan(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(file))), Options{Measurement: "m"}); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("reader's error: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Scan(ctx, strings.NewReader(file), Options{Measurement: "m"}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	// A quote that is never closed does not take the rest of the file into
	// memory.
	endless := io.MultiReader(strings.NewReader("time,a\n5,\""), io.LimitReader(zeros{}, 1<<30))
	if _, _, _, err := scan(endless, Options{Measurement: "m", Options: ingest.Options{Limits: ingest.Limits{MaxLineBytes: 1000}}}); err == nil || !strings.Contains(err.Error(), "record has more than 1000 bytes") {
		t.Errorf("endless record: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestNAB reads every CloudWatch series of the Numenta Anomaly Benchmark, as
// `tidemark import` does.
func TestNAB(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/data/nab/data/realAWSCloudwatch/*.csv.gz")
	if len(files) == 0 {
		t.Skip("shared/data/nab is absent")
	}
	for _, name := range files {
		data := gunzip(t, name)
		rep, err := Scan(context.Background(), strings.NewReader(string(data)), Options{Measurement: "cpu"}, func(b ingest.Block) error {
			for i, r := range b.Batch.Rows() {
				if c := r.Schema.Columns; len(c) != 1 || c[0].Name != "cpu" || c[0].Type != model.TypeFloat || r.Schema.Kind != model.MetricRow {
					return fmt.Errorf("row %d has columns %+v", i, c)
				}
			}
			return nil
		})
		if want := strings.Count(strings.TrimRight(string(data), "\n"), "\n"); err != nil || rep.Accepted != want || rep.Rejected != 0 {
			t.Errorf("%s: %v, %+v, want %d samples", filepath.Base(name), err, rep, want)
		}
	}
}

func gunzip(t *testing.T, name string) []byte {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// FuzzScan: no file panics, and every block is whole.
func FuzzScan(f *testing.F) {
	for _, s := range []string{"time,value\n5,1\n", "time,l,msg\n2014-01-01 00:00:00,x,\"a\"\"b\nc\"\n5,,\n", "\ufeffds;y\n-1;NaN\n"} {
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, in []byte, semicolon bool) {
		o := Options{Measurement: "m", BlockRows: 3, Options: ingest.Options{Limits: ingest.Limits{MaxLineBytes: 1 << 16}}}
		if semicolon {
			o.Comma = ';'
		}
		_, rep, _, err := scan(strings.NewReader(string(in)), o)
		if err != nil && (strings.Contains(err.Error(), "batch of") || rep.Lines > 0 && !strings.Contains(err.Error(), "MaxLineBytes")) {
			t.Fatal(err)
		}
	})
}
