package ingest

import (
	"fmt"
	"strings"
	"testing"

	"tidemark/storage/model"
)

func TestMetricName(t *testing.T) {
	for _, c := range [][3]string{
		{"cpu", "usage_user", "cpu_usage_user"},
		{"mem", "value", "mem"},
		{"mem", "values", "mem_values"},
		{"a_b", "c", "a_b_c"},
		{"a", "b_c", "a_b_c"},
	} {
		if got := MetricName(c[0], c[1]); got != c[2] {
			t.Errorf("%s, %s: got %s, want %s", c[0], c[1], got, c[2])
		}
	}
}

// TestLayout pins the columns that fields become, and where their values go.
func TestLayout(t *testing.T) {
	o := Options{}.WithDefaults()
	// Fields are written name:type, with the type's first letter; the value
	// of the i-th field is i, or the text "t<i>".
	f := func(fields, want string) {
		t.Helper()
		var defs []Field
		var vals Values
		for i, s := range strings.Fields(fields) {
			name, typ, _ := strings.Cut(s, ":")
			d := Field{Name: name, Type: map[string]model.Type{"f": model.TypeFloat, "i": model.TypeInt, "b": model.TypeBool, "t": model.TypeText}[typ]}
			defs = append(defs, d)
			switch d.Type {
			case model.TypeText:
				vals.Text(fmt.Appendf(nil, "t%d", i))
			case model.TypeFloat:
				vals.Bits(model.Float(float64(i)).Bits)
			default:
				vals.Bits(uint64(i))
			}
		}
		var b model.Batch
		l := o.NewLayout("m", defs)
		for range 2 {
			l.Append(&b, model.NewStream(nil), 7, &vals)
		}
		if !b.Valid() || b.Len() != 2 || b.Rows()[1].Time != 7 {
			t.Fatalf("%s: batch is not two whole rows", fields)
		}
		row := &b.Rows()[1]
		got := map[model.RowKind]string{model.MetricRow: "metric", model.LogRow: "log"}[row.Schema.Kind]
		for i, w := range b.Words(row) {
			c := row.Schema.Columns[i]
			v := model.Value{Type: c.Type, Bits: w}
			if c.Type == model.TypeText {
				v.Text = string(b.TextOf(w))
			}
			got += fmt.Sprintf(" [%s %s.%s %s %s]", c.Name, c.Measurement, c.Field, c.Type, v)
		}
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", fields, got, want)
		}
	}
	f("a:f b:i c:b", "metric [m_a m.a float 0] [m_b m.b int 1] [m_c m.c bool false]")
	f("a:f value:f", "metric [m_a m.a float 0] [m m.value float 1]")
	f("a:t b:i", "metric [m_a m.a text t0] [m_b m.b int 1]")
	f("a:i msg:t b:t", "log [ ._line text t1] [m_a m.a int 0] [ .b text t2]")
	f("msg:t a:i", "log [ ._line text t0] [m_a m.a int 1]")
	f("body:t log:t", "log [ ._line text t1] [ .body text t0]")
	f("msg:i", "metric [m_msg m.msg int 0]")
	f("msg:i a:t", "metric [m_msg m.msg int 0] [m_a m.a text t1]")
	f("a:t", "log [ ._line text t0]")
	f("a:t b:t", "log [ ._line text a=t0 b=t1] [ .a text t0] [ .b text t1]")
	f("a:i b:f a:f", "metric [m_b m.b float 1] [m_a m.a float 2]")
	f("a:i a:t", "log [ ._line text t1]")
	f("a:t msg:t msg:i", "metric [m_a m.a text t0] [m_msg m.msg int 2]")
}

func TestNewStream(t *testing.T) {
	f := func(o Options, kind model.RowKind, db, tenant string, own, want model.Labels) {
		t.Helper()
		before := fmt.Sprint(own)
		st := o.NewStream(kind, "m", db, tenant, own)
		if !st.Labels.Equal(want) || st.Key() != want.Key() {
			t.Errorf("%v of db %q, tenant %q, %s: got %s, want %s", kind, db, tenant, own, st.Labels, want)
		}
		if fmt.Sprint(own) != before {
			t.Errorf("the record's labels were changed to %s", own)
		}
	}
	ls := model.FromStrings
	f(Options{}, model.MetricRow, "", "", nil, nil)
	f(Options{}, model.MetricRow, "d", "", ls("z", "1", "a", "2"), ls("a", "2", "db", "d", "z", "1"))
	f(Options{}, model.LogRow, "", "", ls("z", "1"), ls("measurement", "m", "z", "1"))
	f(Options{}, model.MetricRow, "", "", ls("measurement", "x", "db", "y", "tenant", "z"), ls("measurement", "x", "db", "y", "tenant", "z"))
	f(Options{}, model.LogRow, "d", "t", ls("measurement", "x", "db", "y", "tenant", "z"),
		ls("exported_measurement", "x", "exported_db", "y", "exported_tenant", "z", "measurement", "m", "db", "d", "tenant", "t"))
	f(Options{}, model.MetricRow, "d", "", ls("db", "x", "exported_db", "y"), ls("exported_exported_db", "x", "exported_db", "y", "db", "d"))
	f(Options{NoDatabaseLabel: true}, model.MetricRow, "d", "t", ls("db", "x"), ls("db", "x", "tenant", "t"))
}

func TestLogfmt(t *testing.T) {
	f := func(value, want string) {
		t.Helper()
		if got := string(appendLogfmtValue(nil, []byte(value))); got != want {
			t.Errorf("%q: got %s, want %s", value, got, want)
		}
	}
	f("abc", "abc")
	f("é", "é")
	f("", `""`)
	f("a b", `"a b"`)
	f("a=b", `"a=b"`)
	f(`a"b\`, `"a\"b\\"`)
	f("a\n\r\t\x00\x7f", `"a\n\r\t\u0000\u007f"`)
	f("\xff", "\xff")
	if got := logfmtKey("a b=\"c\"\n"); got != "a_b__c__" {
		t.Errorf("key: got %q", got)
	}
}

func TestChecks(t *testing.T) {
	l := Limits{MaxNameBytes: 4, MaxLabelValueBytes: 4}.WithDefaults()
	f := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(l.CheckMeasurement("time"), "")
	f(l.CheckMeasurement(""), "missing measurement: want a name that is not empty")
	f(l.CheckField("a"), "")
	f(l.CheckField("12345"), "field key has 5 bytes: want at most 4 (MaxNameBytes)")
	f(l.CheckField("time"), `field key "time" is reserved: want another name`)
	f(l.CheckLabel("a", "1234"), "")
	f(l.CheckLabel("a", "12345"), `value of tag "a" has 5 bytes: want at most 4 (MaxLabelValueBytes)`)
	f(l.CheckLabel("a", "\xff"), `value of tag "a" is not UTF-8: "\xff"`)
	f(l.CheckOrigin("d", "t"), "")
	f(l.CheckOrigin("d", "12345"), "tenant has 5 bytes: want at most 4 (MaxLabelValueBytes)")
	f(l.CheckOrigin("\xff", ""), `database is not UTF-8: "\xff"`)
}
