package lineprotocol

import (
	"fmt"
	"math"
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

// dump prints rows one per line: kind, labels, time, columns. Columns of log
// rows are shown by field, with the metric name in brackets.
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
			v := model.Value{Type: c.Type, Bits: w}
			name := c.Name
			if r.Schema.Kind == model.LogRow {
				name = c.Field
				if c.Name != "" {
					name += "[" + c.Name + "]"
				}
			}
			if c.Type == model.TypeText {
				s += fmt.Sprintf(" %s=%q", name, b.TextOf(w))
				continue
			}
			s += fmt.Sprintf(" %s=%s:%s", name, c.Type, v)
		}
		out = append(out, s)
	}
	return strings.Join(out, "\n")
}

// twice decodes a body with a fresh decoder and again with what it learned,
// and checks that both agree.
func twice(t *testing.T, d *Decoder, body string, p Params) (string, ingest.Report) {
	t.Helper()
	var first, again model.Batch
	rep := d.Decode([]byte(body), p, &first)
	rep2 := d.Decode([]byte(body), p, &again)
	if a, b := dump(&first)+fmt.Sprint(rep), dump(&again)+fmt.Sprint(rep2); a != b {
		t.Errorf("%q: known keys give something else:\n%s\n%s", body, a, b)
	}
	if !first.Valid() || rep.Accepted != first.Len() || rep.Lines != rep.Accepted+rep.Rejected || rep.MetricRows+rep.LogRows != rep.Accepted {
		t.Errorf("%q: report %+v does not fit %d rows", body, rep, first.Len())
	}
	return dump(&first), rep
}

func TestAccepted(t *testing.T) {
	f := func(body, want string) {
		t.Helper()
		got, rep := twice(t, newDecoder(t, Options{}), body, Params{Now: 1_700_000_000_123_456_789})
		if rep.Rejected > 0 {
			t.Errorf("%q: %v", body, rep.Err())
		}
		if got != want {
			t.Errorf("%q:\n got %s\nwant %s", body, got, want)
		}
	}
	// The record model.
	f("cpu,host=a usage_user=3,usage_system=1 5", `metric {host="a"} 5 cpu_usage_user=float:3 cpu_usage_system=float:1`)
	f("mem,host=a value=7 5", `metric {host="a"} 5 mem=float:7`)
	f("mem value=7,values=8 5", `metric {} 5 mem=float:7 mem_values=float:8`)
	f(`nginx,host=a msg="GET / 200",duration=0.12 5`, `log {host="a", measurement="nginx"} 5 _line="GET / 200" duration[nginx_duration]=float:0.12`)
	f(`nginx,host=a duration=0.12,msg="GET / 200",up=t 5`, `log {host="a", measurement="nginx"} 5 _line="GET / 200" duration[nginx_duration]=float:0.12 up[nginx_up]=bool:true`)
	f(`system,host=a load1=0.5,uptime_format="3 days" 5`, `metric {host="a"} 5 system_load1=float:0.5 system_uptime_format="3 days"`)
	f(`s uptime_format="3 days" 5`, `log {measurement="s"} 5 _line="3 days"`)
	f(`s a="3 days",b="x",c="" 5`, `log {measurement="s"} 5 _line="a=\"3 days\" b=x c=\"\"" a="3 days" b="x" c=""`)
	f(`s a\ \=b="q\"=\\",b="x" 5`, `log {measurement="s"} 5 _line="a__b=\"q\\\"=\\\\\" b=x" a =b="q\"=\\" b="x"`)
	f(`s up=true 5`, `metric {} 5 s_up=bool:true`)
	f(`s up=true,why="x" 5`, `metric {} 5 s_up=bool:true s_why="x"`)
	f(`s line="b",msg="a",x="c" 5`, `log {measurement="s"} 5 _line="a" line="b" x="c"`)
	f(`s body="b",line=3i 5`, `log {measurement="s"} 5 _line="b" line[s_line]=int:3`)
	f(`s value=1,msg="x" 5`, `log {measurement="s"} 5 _line="x" value[s]=float:1`)
	f(`s msg=1 5`, `metric {} 5 s_msg=float:1`)
	f(`s,measurement=m msg="x" 5`, `log {exported_measurement="m", measurement="s"} 5 _line="x"`)
	f(`s,measurement=m,exported_measurement=n msg="x" 5`, `log {exported_exported_measurement="m", exported_measurement="n", measurement="s"} 5 _line="x"`)
	f(`s,measurement=m v=1 5`, `metric {measurement="m"} 5 s_v=float:1`)
	f(`s,db=m,tenant=n v=1 5`, `metric {db="m", tenant="n"} 5 s_v=float:1`)
	f("s,b=2,a=1 v=1 5", `metric {a="1", b="2"} 5 s_v=float:1`)
	f("s v=1,w=2,v=3i 5", `metric {} 5 s_w=float:2 s_v=int:3`)
	f(`s msg="a",v=1,msg="b" 5`, `log {measurement="s"} 5 _line="b" v[s_v]=float:1`)
	f("time v=1 5", `metric {} 5 time_v=float:1`)
	f("a_b c=1 5\na b_c=2 6", "metric {} 5 a_b_c=float:1\nmetric {} 6 a_b_c=float:2")
	// Lines.
	f("", ``)
	f("\n\r\n  \n\t\n#c\n  # c \"\n", ``)
	f("m v=1 5", `metric {} 5 m_v=float:1`)
	f("m v=1 5\r\nm v=2 6\r", "metric {} 5 m_v=float:1\nmetric {} 6 m_v=float:2")
	f("  m  v=1   5  \n", `metric {} 5 m_v=float:1`)
	f("\tm v=1 5\n", `metric {} 5 m_v=float:1`)
	f("#c\nm v=1 5\n#c", `metric {} 5 m_v=float:1`)
	f("m#c v=1 5", `metric {} 5 m#c_v=float:1`)
	// Escapes.
	f(`a\,b\ c\=d v=1 5`, `metric {} 5 a,b c\=d_v=float:1`)
	f(`a=b v=1 5`, `metric {} 5 a=b_v=float:1`)
	f(`m,a\,b\ c\=d=e\,f\ g\=h v=1 5`, `metric {a,b c=d="e,f g=h"} 5 m_v=float:1`)
	f(`m a\,b\ c\=d=1 5`, `metric {} 5 m_a,b c=d=float:1`)
	f(`m\x,t\y=u\z v\w=1 5`, `metric {t\y="u\\z"} 5 m\x_v\w=float:1`)
	f(`m,t=a\\,u v=1 5`, `metric {t="a\\,u"} 5 m_v=float:1`)
	f(`m,t="q" v=1 5`, `metric {t="\"q\""} 5 m_v=float:1`)
	f(`m "v"=1 5`, `metric {} 5 m_"v"=float:1`)
	// Strings.
	f(`m msg="" 5`, `log {measurement="m"} 5 _line=""`)
	f(`m msg="a\"b\\c\nd\\" 5`, `log {measurement="m"} 5 _line="a\"b\\c\\nd\\"`)
	f("m msg=\"a\nb\r\n#c\",v=1 5\nm v=1 6", "log {measurement=\"m\"} 5 _line=\"a\\nb\\r\\n#c\" v[m_v]=float:1\nmetric {} 6 m_v=float:1")
	f(`m msg="a, b=c  d" 5`, `log {measurement="m"} 5 _line="a, b=c  d"`)
	f("m msg=\"\xff\x00\" 5", `log {measurement="m"} 5 _line="\xff\x00"`)
	f(`m msg="x"`, `log {measurement="m"} 1700000000123456789 _line="x"`)
	// Floats.
	for _, n := range []string{"0", "-0", "1", "-1.5", "1.", ".5", "-.5", "1e3", "1E+3", "1.5e-3", "0.1", "123456789012345678", "9007199254740993",
		"0.30000000000000004", "1e22", "1e23", "123e-22", "4.9e-324", "1.7976931348623157e308", "0e999", "1e-999", "00012.50",
		"3.14159265358979323846264338327950288419716939937510582097494459230781640628620899"} {
		var want float64
		if _, err := fmt.Sscan(strings.TrimSuffix(n, "."), &want); err != nil {
			t.Fatal(err)
		}
		f("m v="+n+" 5", "metric {} 5 m_v="+"float:"+model.Float(want).String())
	}
	// Integers.
	f("m v=0i 5", `metric {} 5 m_v=int:0`)
	f("m v=-0i,w=007i 5", `metric {} 5 m_v=int:0 m_w=int:7`)
	f("m v=9223372036854775807i 5", `metric {} 5 m_v=int:9223372036854775807`)
	f("m v=-9223372036854775808i 5", `metric {} 5 m_v=int:-9223372036854775808`)
	f("m v=00000000000000000000009007199254740993i 5", `metric {} 5 m_v=int:9007199254740993`)
	f("m v=9223372036854775807u,w=0u 5", `metric {} 5 m_v=int:9223372036854775807 m_w=int:0`)
	// Booleans.
	f("m a=t,b=T,c=true,d=True,e=TRUE 5", `metric {} 5 m_a=bool:true m_b=bool:true m_c=bool:true m_d=bool:true m_e=bool:true`)
	f("m a=f,b=F,c=false,d=False,e=FALSE", `metric {} 1700000000123456789 m_a=bool:false m_b=bool:false m_c=bool:false m_d=bool:false m_e=bool:false`)
	// Times.
	f("m v=1 -5", `metric {} -5 m_v=float:1`)
	f("m v=1 0", `metric {} 0 m_v=float:1`)
	f("m v=1 9223372036854775806", `metric {} 9223372036854775806 m_v=float:1`)
	f("m v=1 -9223372036854775806", `metric {} -9223372036854775806 m_v=float:1`)
	f("m v=1 5\nm v=2 50\nm v=3 50\nm v=4 5", "metric {} 5 m_v=float:1\nmetric {} 50 m_v=float:2\nmetric {} 50 m_v=float:3\nmetric {} 5 m_v=float:4")
	f("m v=1", `metric {} 1700000000123456789 m_v=float:1`)
	f("m v=1 ", `metric {} 1700000000123456789 m_v=float:1`)
	f("m v=1\nm v=2\r\n", "metric {} 1700000000123456789 m_v=float:1\nmetric {} 1700000000123456789 m_v=float:2")
	// A key and a schema that are near the ones before.
	f("m,a=b v=1 5\nm,a=bc v=1 5\nm,a=b v=1i 5\nm,a=b v=1,w=2 5\nm,a=b w=1 5",
		"metric {a=\"b\"} 5 m_v=float:1\nmetric {a=\"bc\"} 5 m_v=float:1\nmetric {a=\"b\"} 5 m_v=int:1\nmetric {a=\"b\"} 5 m_v=float:1 m_w=float:2\nmetric {a=\"b\"} 5 m_w=float:1")
	f("m v=1 5\nm msg=\"x\" 5\nm v=1 6", "metric {} 5 m_v=float:1\nlog {measurement=\"m\"} 5 _line=\"x\"\nmetric {} 6 m_v=float:1")
}

func TestRefused(t *testing.T) {
	f := func(line string, column int, reason string) {
		t.Helper()
		// Good lines around the bad one are stored.
		body := "a v=1 5\n" + line + "\nz v=1 5"
		got, rep := twice(t, newDecoder(t, Options{}), body, Params{MinTime: -9_000_000_000_000_000_000})
		if want := "metric {} 5 a_v=float:1\nmetric {} 5 z_v=float:1"; got != want {
			t.Errorf("%q: good lines:\n got %s\nwant %s", line, got, want)
		}
		if rep.Rejected != 1 || len(rep.Errors) != 1 {
			t.Errorf("%q: report %+v, want one error", line, rep)
			return
		}
		want := ingest.LineError{Line: 2, Column: column, Text: strings.TrimRight(line, "\r"), Reason: reason}
		if rep.Errors[0] != want {
			t.Errorf("%q:\n got %+v\nwant %+v", line, rep.Errors[0], want)
		}
	}
	const (
		noFields = "missing fields: want a space and field=value after the measurement and tags"
		noField  = "missing fields: want field=value after the measurement and tags"
		noTagKey = "missing tag key: want name=value after the comma"
		noKey    = "missing field key: want field=value"
	)
	// Keys.
	f("m", 2, noFields)
	f("m\r", 2, noFields)
	f("m,t=a", 6, noFields)
	f(`m\ v=1`, 7, noFields)
	f("m ", 3, noField)
	f("  m   \r", 7, noField)
	f(",t=a v=1", 1, "missing measurement: want a name that is not empty")
	f("m, v=1", 3, noTagKey)
	f("m,=a v=1", 3, noTagKey)
	f("m,t=a, v=1", 7, noTagKey)
	f("m,t v=1", 4, `missing tag value: tag "t" has none`)
	f("m,t,u=a v=1", 4, `missing tag value: tag "t" has none`)
	f("m,t= v=1", 3, `missing tag value: tag "t" has none`)
	f("m,t=,u=a v=1", 3, `missing tag value: tag "t" has none`)
	f("m,t=a=b v=1", 6, `value of tag "t" has an equals sign: want it escaped as \=`)
	f("m,t=a,u=b,t=c v=1", 11, `duplicate tags: tag key "t" is given twice`)
	f("m,__name__=x v=1", 3, `tag key "__name__" is reserved: want another name`)
	f("m,a=b,time=x v=1", 7, `tag key "time" is reserved: want another name`)
	f("m\xff v=1", 1, `measurement is not UTF-8: "m\xff"`)
	f("m,t\xff=a v=1", 3, `tag key is not UTF-8: "t\xff"`)
	f("m,t=\xff v=1", 3, `value of tag "t" is not UTF-8: "\xff"`)
	// Fields.
	f("m v", 4, `missing value of field "v": want = and a value after the name`)
	f("m v\r", 5, `missing value of field "v": want = and a value after the name`)
	f("m v 5", 4, `missing value of field "v": want = and a value after the name`)
	f("m v,w=1", 4, `missing value of field "v": want = and a value after the name`)
	f("m v=", 5, `missing value of field "v": `+reasonNumber)
	f("m v= 5", 5, `missing value of field "v": `+reasonNumber)
	f("m v=,w=1", 5, `missing value of field "v": `+reasonNumber)
	f("m =1", 3, noKey)
	f("m v=1,", 7, noKey)
	f("m v=1, 5", 7, noKey)
	f("m v=1, w=2", 7, noKey)
	f("m v=1,,w=2", 7, noKey)
	f("m time=1", 3, `field key "time" is reserved: want another name`)
	f("m v=1,_line=1", 7, `field key "_line" is reserved: want another name`)
	f("m v\xff=1", 3, `field key is not UTF-8: "v\xff"`)
	// Values.
	value := func(v, reason string) {
		t.Helper()
		f("m w=1,v="+v+" 5", 9, fmt.Sprintf("field %q has value %q: %s", "v", v, reason))
	}
	for _, v := range []string{"NaN", "nan", "Inf", "inf", "-Inf", "+inf", "-inf", "Infinity"} {
		value(v, reasonNaN)
	}
	for _, v := range []string{"+1", "abc", "1x", "1.2.3", ".", "-", "-.", "1e", "1e+", "e5", "0x10", "1_000", "1.0i", "1e3i", "1.5u", "--1", "'a'", "1;", "1\t5", "i", "-i", "+5i"} {
		value(v, reasonNumber)
	}
	for _, v := range []string{"9i10", "1ii"} {
		value(v, reasonIntForm)
	}
	for _, v := range []string{"9223372036854775808i", "-9223372036854775809i", "18446744073709551616i", "99999999999999999999999999i"} {
		value(v, reasonInt)
	}
	for _, v := range []string{"-1u", "1ux"} {
		value(v, reasonUintForm)
	}
	for _, v := range []string{"9223372036854775808u", "18446744073709551616u"} {
		value(v, reasonUint)
	}
	for _, v := range []string{"1e309", "-1e309", "1e99999999999999999999"} {
		value(v, reasonFloat)
	}
	for _, v := range []string{"tr", "tRUE", "truex", "fals", "falsey", "T1", "text"} {
		value(v, "want t, true, True, TRUE, f, false, False or FALSE, and double quotes around text")
	}
	const afterString = "text after a string: want a comma, a space or the line's end, and a backslash before a double quote inside a string"
	f(`m v="a"b 5`, 8, afterString)
	f(`m v="a""b" 5`, 8, afterString)
	// Times.
	f("m v=1 x", 7, `timestamp "x": `+reasonTime)
	f("m v=1 5x", 7, `timestamp "5x": `+reasonTime)
	f("m v=1 1.5", 7, `timestamp "1.5": `+reasonTime)
	f("m v=1 -", 7, `timestamp "-": `+reasonTime)
	f("m v=1 +5", 7, `timestamp "+5": `+reasonTime)
	f("m v=1 9223372036854775807", 7, `timestamp "9223372036854775807": `+reasonTimeRange)
	f("m v=1 -9223372036854775807", 7, `timestamp "-9223372036854775807": `+reasonTimeRange)
	f("m v=1 99999999999999999999", 7, `timestamp "99999999999999999999": `+reasonTimeRange)
	f("m v=1 5 6", 9, `text after the timestamp "6": want the line's end`)
	f("m v=1 5 x=2 7", 9, `text after the timestamp "x=2 7": want the line's end`)
	f("m v=1 -9100000000000000000", 7, "time 1681-08-18T22:13:20Z is too old: want one from 1684-10-19T08:00:00Z on, which retention keeps")
}

func TestStringThatIsNotClosed(t *testing.T) {
	f := func(body, rows string, lines ...int) {
		t.Helper()
		got, rep := twice(t, newDecoder(t, Options{}), body, Params{Now: 1})
		if got != rows {
			t.Errorf("%q:\n got %s\nwant %s", body, got, rows)
		}
		var at []int
		for _, e := range rep.Errors {
			at = append(at, e.Line)
			if e.Column != 5 || !strings.HasPrefix(e.Reason, "string is not closed") {
				t.Errorf("%q: %+v: want column 5 and a string that is not closed", body, e)
			}
		}
		if fmt.Sprint(at) != fmt.Sprint(lines) {
			t.Errorf("%q: errors on lines %v, want %v", body, at, lines)
		}
	}
	f(`m v="abc`, ``, 1)
	f(`m v="abc\"`, ``, 1)
	f("m v=\"abc\nz v=1 5\n", `metric {} 5 z_v=float:1`, 1)
	f("z v=1 5\nm v=\"abc\n#\nz v=1 5", "metric {} 5 z_v=float:1\nmetric {} 5 z_v=float:1", 2)
	f("m v=\"abc\nz msg=\"x\" 5\n", `log {measurement="z"} 5 _line="x"`, 1)
	f("m v=\"abc\nm v=\"def\nz v=1 5", `metric {} 5 z_v=float:1`, 1, 2)
}

func TestLineNumbersCountNewlinesInStrings(t *testing.T) {
	body := "m msg=\"a\nb\n\nc\" 5\n\n# c\nm v=x\r\nm msg=\"a\nb\",v=y\n" + "m v=z"
	_, rep := twice(t, newDecoder(t, Options{}), body, Params{})
	var got []int
	for _, e := range rep.Errors {
		got = append(got, e.Line)
	}
	if fmt.Sprint(got) != "[7 8 10]" {
		t.Errorf("errors on lines %v, want 7, 8 and 10", got)
	}
	if e := rep.Errors[1]; e.Text != "m msg=\"a\nb\",v=y" || e.Column != 15 {
		t.Errorf("got %+v, want the whole record and column 15", e)
	}
}

func TestPrecisionAndMissingTime(t *testing.T) {
	f := func(p Precision, ts string, want int64) {
		t.Helper()
		var b model.Batch
		rep := newDecoder(t, Options{}).Decode([]byte("m v=1 "+ts), Params{Precision: p, Now: 1_700_000_000_123_456_789}, &b)
		if rep.Accepted != 1 || b.Rows()[0].Time != want {
			t.Errorf("precision %d, time %q: got %s, report %+v, want %d", p, ts, dump(&b), rep, want)
		}
	}
	f(Nanosecond, "7", 7)
	f(0, "7", 7)
	f(Microsecond, "7", 7_000)
	f(Millisecond, "-7", -7_000_000)
	f(Second, "7", 7_000_000_000)
	f(Minute, "7", 420_000_000_000)
	f(Hour, "7", 25_200_000_000_000)
	f(Second, "9223372036", 9223372036_000_000_000)
	f(Nanosecond, "", 1_700_000_000_123_456_789)
	f(Microsecond, "", 1_700_000_000_123_456_000)
	f(Millisecond, "", 1_700_000_000_123_000_000)
	f(Second, "", 1_700_000_000_000_000_000)
	f(Minute, "", 1_699_999_980_000_000_000)
	f(Hour, "", 1_699_999_200_000_000_000)

	over := func(p Precision, ts string) {
		t.Helper()
		var b model.Batch
		rep := newDecoder(t, Options{}).Decode([]byte("m v=1 "+ts), Params{Precision: p}, &b)
		if rep.Rejected != 1 || rep.Errors[0].Reason != fmt.Sprintf("timestamp %q: %s", ts, reasonTimeRange) {
			t.Errorf("precision %d, time %q: report %+v, want it out of range", p, ts, rep)
		}
	}
	over(Second, "9223372037")
	over(Second, "-9223372037")
	over(Hour, "9223372036854775806")
	over(Microsecond, "9223372036854776")

	var b model.Batch
	newDecoder(t, Options{}).Decode([]byte("m v=1"), Params{Precision: Second, Now: -1}, &b)
	if got := b.Rows()[0].Time; got != -1_000_000_000 {
		t.Errorf("now -1 ns in seconds: got %d, want it rounded down", got)
	}
	if got := floor(math.MinInt64, int64(Hour)); got < math.MinInt64+1 || got > math.MinInt64+int64(Hour) {
		t.Errorf("floor of the smallest time: got %d, want no wrap", got)
	}
}

func TestParsePrecision(t *testing.T) {
	f := func(s string, v Version, want Precision, msg string) {
		t.Helper()
		got, err := ParsePrecision(s, v)
		if got != want || err == nil && msg != "" || err != nil && err.Error() != msg {
			t.Errorf("ParsePrecision(%q, %d) = %d, %v; want %d, %q", s, v, got, err, want, msg)
		}
	}
	for s, want := range map[string]Precision{"": 1, "n": 1, "ns": 1, "u": 1e3, "us": 1e3, "µ": 1e3, "μ": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9} {
		f(s, V1, want, "")
	}
	for s, want := range map[string]Precision{"": 1, "ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9} {
		f(s, V2, want, "")
	}
	f("x", V1, 0, `invalid precision "x" (use n, u, ms, s, m or h)`)
	f("m", V2, 0, `invalid precision "m" (use ns, us, ms or s)`)
}

func TestOrigin(t *testing.T) {
	d := newDecoder(t, Options{})
	f := func(d *Decoder, body, db, tenant, want string) {
		t.Helper()
		if got, _ := twice(t, d, body, Params{Database: db, Tenant: tenant}); got != want {
			t.Errorf("%q in %q, %q:\n got %s\nwant %s", body, db, tenant, got, want)
		}
	}
	// One decoder: equal keys of different origins are different streams.
	f(d, "m v=1 5", "", "", `metric {} 5 m_v=float:1`)
	f(d, "m v=1 5", "x", "", `metric {db="x"} 5 m_v=float:1`)
	f(d, "m v=1 5", "y", "", `metric {db="y"} 5 m_v=float:1`)
	f(d, "m v=1 5", "y", "x", `metric {db="y", tenant="x"} 5 m_v=float:1`)
	f(d, "m v=1 5", "", "x", `metric {tenant="x"} 5 m_v=float:1`)
	f(d, "m,db=a,tenant=b v=1 5", "x", "y", `metric {db="x", exported_db="a", exported_tenant="b", tenant="y"} 5 m_v=float:1`)
	f(d, `m,db=a msg="l" 5`, "x", "", `log {db="x", exported_db="a", measurement="m"} 5 _line="l"`)
	f(newDecoder(t, Options{Options: ingest.Options{NoDatabaseLabel: true}}), "m,db=a v=1 5", "x", "", `metric {db="a"} 5 m_v=float:1`)

	_, rep := twice(t, d, "m v=1 5", Params{Database: "\xff"})
	if rep.Rejected != 1 || rep.Errors[0].Reason != `database is not UTF-8: "\xff"` {
		t.Errorf("database that is not UTF-8: %+v", rep)
	}
	var b model.Batch
	for i := range 3 * maxOrigins {
		d.Decode([]byte("m v=1 5"), Params{Database: fmt.Sprint(i)}, &b)
	}
	if len(d.origins) > maxOrigins {
		t.Errorf("%d origins kept, want at most %d", len(d.origins), maxOrigins)
	}
	for i, r := range b.Rows() {
		if got := r.Stream.Labels.Get("db"); got != fmt.Sprint(i) {
			t.Fatalf("row %d has db %q", i, got)
		}
	}
}

// TestSameSeries: what is the same series by the record model has the same
// name and the same stream key, however it was spelled.
func TestSameSeries(t *testing.T) {
	var b model.Batch
	newDecoder(t, Options{}).Decode([]byte("a_b,x=1,y=2 c=1 1\na,y=2,x=1 b_c=1 2\na_b_c,x=1,y=2 value=1i 3\na\\_b,x=1,y=2 c=1 4\n"), Params{}, &b)
	rows := b.Rows()
	for i := range 3 {
		if rows[i].Schema.Columns[0].Name != "a_b_c" || rows[i].Stream.Key() != rows[0].Stream.Key() {
			t.Errorf("row %d: %s %q, want the series of row 0", i, rows[i].Schema.Columns[0].Name, rows[i].Stream.Key())
		}
	}
	if c := rows[1].Schema.Columns[0]; c.Measurement != "a" || c.Field != "b_c" {
		t.Errorf("split of row 1 is %q, %q, want it kept", c.Measurement, c.Field)
	}
	if got := rows[3].Schema.Columns[0].Name; got != `a\_b_c` {
		t.Errorf("a backslash before an ordinary byte: name %q, want it kept", got)
	}
}

func TestLimits(t *testing.T) {
	lim := ingest.Limits{MaxLineBytes: 40, MaxLabels: 2, MaxNameBytes: 8, MaxLabelValueBytes: 10, MaxColumns: 3, MaxErrors: 2, MaxErrorText: 5}
	f := func(line, reason string, column int) {
		t.Helper()
		d := newDecoder(t, Options{Options: ingest.Options{Limits: lim}})
		_, rep := twice(t, d, line+"\nz v=1 5", Params{})
		if reason == "" {
			if rep.Rejected != 0 {
				t.Errorf("%q: %v, want it accepted", line, rep.Err())
			}
			return
		}
		if rep.Rejected != 1 || rep.Accepted != 1 || rep.Errors[0].Reason != reason || rep.Errors[0].Column != column || rep.Errors[0].Text != line[:5] {
			t.Errorf("%q: %+v, want %q at column %d", line, rep, reason, column)
		}
	}
	f("m,a=1,b=2 v=1 5", "", 0)
	f("m,a=1,b=2,c=3 v=1 5", "more than 2 tags: want at most that many (MaxLabels)", 11)
	f("m2345678 v=1 5", "", 0)
	f("m23456789 v=1 5", "measurement has 9 bytes: want at most 8 (MaxNameBytes)", 1)
	f("m,t23456789=1 v=1 5", "tag key has 9 bytes: want at most 8 (MaxNameBytes)", 3)
	f("m,t=1234567890 v=1 5", "", 0)
	f("m,t=12345678901 v=1 5", `value of tag "t" has 11 bytes: want at most 10 (MaxLabelValueBytes)`, 3)
	f("m v23456789=1 5", "field key has 9 bytes: want at most 8 (MaxNameBytes)", 3)
	f("m a=1,b=2,c=3 5", "", 0)
	f("m a=1,b=2,c=3,d=4 5", "more than 3 fields: want at most that many (MaxColumns)", 15)
	f(`m msg="`+strings.Repeat("x", 30)+`" 5`, "", 0)
	f(`m msg="`+strings.Repeat("x", 31)+`" 5`, "record has 41 bytes: want at most 40 (MaxLineBytes)", 41)

	d := newDecoder(t, Options{Options: ingest.Options{Limits: lim}})
	var b model.Batch
	if rep := d.Decode([]byte("x\nx\nx\nx\nm v=1"), Params{}, &b); len(rep.Errors) != 2 || rep.Rejected != 4 || rep.Accepted != 1 {
		t.Errorf("%+v: want two errors listed and four counted", rep)
	}
	if _, err := NewDecoder(Options{CacheBytes: -1, Options: ingest.Options{Limits: ingest.Limits{MaxLabels: -1}, MessageFields: []string{""}}}); err == nil ||
		!strings.Contains(err.Error(), "MaxLabels -1") || !strings.Contains(err.Error(), "CacheBytes -1") || !strings.Contains(err.Error(), "MessageFields[0]") {
		t.Errorf("bad options: %v, want every one named", err)
	}
}

func TestMessageFields(t *testing.T) {
	d := newDecoder(t, Options{Options: ingest.Options{MessageFields: []string{"text"}}})
	if got, _ := twice(t, d, `m msg="a",text="b",v=1 5`, Params{}); got != `log {measurement="m"} 5 _line="b" msg="a" v[m_v]=float:1` {
		t.Errorf("message field text: %s", got)
	}
	d = newDecoder(t, Options{Options: ingest.Options{MessageFields: []string{}}})
	if got, _ := twice(t, d, `m msg="a",v=1 5`, Params{}); got != `metric {} 5 m_msg="a" m_v=float:1` {
		t.Errorf("no message fields: %s", got)
	}
}

func TestBoundedBatch(t *testing.T) {
	d := newDecoder(t, Options{})
	var b model.Batch
	d.batchCap = 1 << 10
	if rep := d.Decode(make([]byte, 128), Params{}, &b); rep.Rejected != 1 || rep.Errors[0].Reason != "body has 128 bytes: want at most 127 beside what the batch holds" {
		t.Errorf("a body whose texts a batch cannot address: %+v", rep)
	}
}
