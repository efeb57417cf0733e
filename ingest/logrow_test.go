package ingest

import (
	"fmt"
	"strings"
	"testing"

	"tidemark/storage/model"
)

// TestLogLayout pins the columns that the fields of log records become, and
// where their values go.
func TestLogLayout(t *testing.T) {
	o := Options{}.WithDefaults()
	types := map[string]model.Type{"f": model.TypeFloat, "i": model.TypeInt, "b": model.TypeBool, "t": model.TypeText, "n": model.TypeNone}
	f := func(fields string, line int, want string) {
		t.Helper()
		var defs []Field
		var vals Values
		for i, s := range strings.Fields(fields) {
			name, typ, _ := strings.Cut(s, ":")
			defs = append(defs, Field{Name: name, Type: types[typ]})
			if typ == "t" {
				vals.Text(fmt.Appendf(nil, "t%d", i))
			} else {
				vals.Bits(uint64(i))
			}
		}
		var b model.Batch
		l := o.NewLogLayout(defs, line, func(name string) bool { return name != "x" })
		l.Append(&b, model.NewStream(nil), 7, &vals)
		if !b.Valid() || b.Len() != 1 || l.Schema.Kind != model.LogRow {
			t.Fatalf("%s: no whole log row", fields)
		}
		row, got := &b.Rows()[0], ""
		for i, w := range b.Words(row) {
			c := row.Schema.Columns[i]
			v := model.Value{Type: c.Type, Bits: w}
			if c.Type == model.TypeText {
				v.Text = string(b.TextOf(w))
			}
			got += fmt.Sprintf(" [%s.%s %s %s]", c.Name, c.Field, c.Type, v)
		}
		if got = got[1:]; got != want {
			t.Errorf("%s:\n got %s\nwant %s", fields, got, want)
		}
	}
	f("m:t", 0, "[._line text t0]")
	f("z:t m:t a:i", 1, "[._line text t1] [a.a int 2] [.z text t0]")
	f("a:i z:t m:t", 2, "[._line text t2] [a.a int 0] [.z text t1]")
	f("a:i m:t x:i", 1, "[._line text t1] [a.a int 0] [.x int 2]")
	f("a:i m:t a:t", 1, "[._line text t1] [.a text t2]")
	f("a:i m:t a:n", 1, "[._line text t1]")
	f("a:t", NoLine, "[._line text t0]")
	f("a:t b:i", NoLine, "[._line text t0] [b.b int 1]")
	f("b:t a:t", NoLine, "[._line text b=t0 a=t1] [.a text t1] [.b text t0]")
	f("a:i", NoLine, "[._line text ] [a.a int 0]")
	f("", NoLine, "[._line text ]")
	f("m:t m:t", 1, "[._line text t1]")
}

func TestLogStreamAndChecks(t *testing.T) {
	o := Options{Limits: Limits{MaxNameBytes: 4, MaxLabelValueBytes: 4}}.WithDefaults()
	if got := o.NewLogStream("", "t", model.FromStrings("tenant", "x", "a", "1")).Labels.String(); got != `{a="1", exported_tenant="x", tenant="t"}` {
		t.Errorf("stream is %s", got)
	}
	f := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(o.CheckLogField("time"), "")
	f(o.CheckLogField(""), "missing field name: want a name that is not empty")
	long := Limits{}.WithDefaults()
	f(long.CheckLogField("_line"), `field name "_line" is reserved: want another name`)
	f(long.CheckLogLabel("__name__", "x"), `label name "__name__" is reserved: want another name`)
	f(o.CheckLogLabel("time", "1234"), "")
	f(o.CheckLogLabel("a", "12345"), `value of label "a" has 5 bytes: want at most 4 (MaxLabelValueBytes)`)
	f(o.CheckLogLabel("a", "\xff"), `value of label "a" is not UTF-8: "\xff"`)
	f(o.CheckLogLabel("abcde", ""), "label name has 5 bytes: want at most 4 (MaxNameBytes)")
}
