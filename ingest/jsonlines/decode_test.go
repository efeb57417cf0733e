package jsonlines

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"tidemark/ingest"
	"tidemark/storage/model"
)

// rows prints a batch, a text a row.
func rows(b *model.Batch) (out []string) {
	for i := range b.Rows() {
		r := &b.Rows()[i]
		text := fmt.Sprintf("%s @%d", r.Stream.Labels, r.Time)
		for j, w := range b.Words(r) {
			c := r.Schema.Columns[j]
			v := model.Value{Type: c.Type, Bits: w}
			if c.Type == model.TypeText {
				v.Text = strconv.Quote(string(b.TextOf(w)))
			}
			if c.Type.Numeric() != (c.Name == c.Field) || c.Measurement != "" {
				text += "!"
			}
			text += fmt.Sprintf(" %s=%s(%s)", c.Field, c.Type, v)
		}
		out = append(out, text)
	}
	return out
}

func decoder(t testing.TB, opts Options) *Decoder {
	t.Helper()
	d, err := NewDecoder(opts)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestRows(t *testing.T) {
	d := decoder(t, Options{})
	p := Params{StreamFields: []string{"app", "http.host"}, Now: 7, IgnoreFields: []string{"secret"}}
	f := func(line, want string) {
		t.Helper()
		for range 2 { // the second time from the caches
			var b model.Batch
			rep := d.Decode([]byte(line), p, &b)
			if got := strings.Join(rows(&b), "\n"); got != want || rep.Rejected != 0 || !b.Valid() || rep.LogRows != 1 || rep.Values != len(b.Rows()[0].Schema.Columns) {
				t.Errorf("%s:\n got %s\nwant %s\n%+v", line, got, want, rep)
			}
		}
	}
	f(`{"_time":"2023-11-14T22:13:20Z","_msg":"GET /","app":"api","http":{"status":200,"ok":true},"tags":["a", "b"],"ms":1.5}`,
		`{app="api"} @1700000000000000000 _line=text("GET /") http.ok=bool(true) http.status=int(200) ms=float(1.5) tags=text("[\"a\", \"b\"]")`)
	f(` { "_msg" : "x" , "http" : { "host" : "h" , "a" : { "b" : { "c" : -1 } , "d" : null } , "e" : { } } , "app" : 5 } `,
		`{app="5", http.host="h"} @7 _line=text("x") http.a.b.c=int(-1) http.e=text("{}")`)
	f(`{"_msg":"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud83d"}`, `{service_name="unknown_service"} @7 _line=text("a\"\\/\b\f\n\r\té😀�")`)
	f("{\"_msg\":\"\xff\",\"x\":\"\"}", `{service_name="unknown_service"} @7 _line=text("\xff") x=text("")`)
	f(`{"_msg":"","i":9223372036854775807,"j":-9223372036854775808,"k":9223372036854775808,"l":-0,"m":0,"n":1e999,"o":1e2,"p":0.1,"q":-12345678901234567890.5}`,
		`{service_name="unknown_service"} @7 _line=text("") i=int(9223372036854775807) j=int(-9223372036854775808) k=text("9223372036854775808") l=float(-0) m=int(0) n=text("1e999") o=float(100) p=float(0.1) q=float(-1.2345678901234567e+19)`)
	f(`{"_msg":"x","a":1,"a":"two","_msg":"y"}`, `{service_name="unknown_service"} @7 _line=text("y") a=text("two")`)
	f(`{"_msg":"x","a":1,"a":null}`, `{service_name="unknown_service"} @7 _line=text("x")`)
	f(`{"_msg":"x","a":{"b":1},"a.b":2}`, `{service_name="unknown_service"} @7 _line=text("x") a.b=int(2)`)
	f(`{"_msg":"x","secret":"y","_time":0}`, `{service_name="unknown_service"} @7 _line=text("x")`)
	f(`{"_msg":"x","app":""}`, `{service_name="unknown_service"} @7 _line=text("x")`)
	f(`{"_msg":null,"message":"x","msg":"y"}`, `{service_name="unknown_service"} @7 _line=text("x") msg=text("y")`)
	f(`{"_msg":5,"app":true}`, `{app="true"} @7 _line=text("5")`)
	f(`{"a":"only"}`, `{service_name="unknown_service"} @7 _line=text("only")`)
	f(`{"b":"x y","a":"1","c":2}`, `{service_name="unknown_service"} @7 _line=text("b=\"x y\" a=1") a=text("1") b=text("x y") c=int(2)`)
	f(`{"c":2}`, `{service_name="unknown_service"} @7 _line=text("") c=int(2)`)
	f(`{"_msg":"x","time":"t","z":1}`, `{service_name="unknown_service"} @7 _line=text("x") time=text("t") z=int(1)`)
}

func TestRefusals(t *testing.T) {
	d := decoder(t, Options{Options: ingest.Options{Limits: ingest.Limits{MaxLineBytes: 300, MaxColumns: 5, MaxLabels: 1, MaxNameBytes: 20, MaxLabelValueBytes: 5}}})
	p := Params{StreamFields: []string{"s", "t"}, Now: 7, MinTime: -10}
	f := func(line string, column int, reason string) {
		t.Helper()
		var b model.Batch
		rep := d.Decode([]byte("\n{\"_msg\":\"before\"}\r\n"+line+"\n  \n{\"_msg\":\"after\"}"), p, &b)
		if len(rep.Errors) != 1 || rep.Lines != 3 || rep.Accepted != 2 || rep.Rejected != 1 || b.Len() != 2 || !b.Valid() {
			t.Fatalf("%s: %+v, %q", line, rep, rows(&b))
		}
		if e := rep.Errors[0]; e.Line != 3 || e.Column != column || !strings.Contains(e.Reason, reason) || e.Text != line[:min(len(line), 256)] {
			t.Errorf("%s: got %d:%d %q, want column %d %q", line, e.Line, e.Column, e.Reason, column, reason)
		}
	}
	f(`x`, 1, "want a JSON object")
	f(`[]`, 1, "want a JSON object")
	f(`{"a":1`, 7, "the text ends")
	f(`{"a":1}{`, 8, "want the end")
	f(`{"a":1,}`, 8, "want a string")
	f(`{"a":01}`, 7, `want a comma or '}'`)
	f(`{"a":tru}`, 6, "want a value")
	f("{\"a\":\"\t\"}", 7, "control character 0x09")
	f(`{"a":"\x"}`, 7, "bad escape")
	f(`{"a":[1,}]}`, 9, "want a value")
	f(`{}`, 1, "no message and no field")
	f(`{"_time":1,"s":"x","a":null}`, 1, "no message and no field")
	f(`{"":1}`, 1, "missing field name")
	f(`{"_line":"x"}`, 1, `"_line" is reserved`)
	f("{\"\xff\":1}", 1, "field name is not UTF-8")
	f(`{"abcdefghijklmnopqrstu":1}`, 1, "field name has 21 bytes: want at most 20 (MaxNameBytes)")
	f(`{"abcdefghijklmnopqrstu":{"a":1}}`, 26, "(MaxNameBytes)")
	f(`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1}`, 36, "more than 5 fields: want at most that many (MaxColumns)")
	f(`{"_msg":"x","s":"1","t":"2"}`, 1, "2 labels: want at most 1 (MaxLabels)")
	f(`{"_msg":"x","s":"123456"}`, 1, `value of label "s" has 6 bytes: want at most 5 (MaxLabelValueBytes)`)
	f(`{"_msg":"`+strings.Repeat("x", 300)+`"}`, 301, "record has 311 bytes: want at most 300 (MaxLineBytes)")
	f(`{"_msg":"x","_time":"yesterday"}`, 1, `time _time "yesterday": want RFC 3339, or a number since 1970`)
	f(`{"_msg":"x","_time":"1969-12-31T23:59:59Z"}`, 1, "time 1969-12-31T23:59:59Z is too old: want one from 1969-12-31T23:59:59.99999999Z on")
	f(`{"a":`+strings.Repeat("[", 200), 134, "nesting is deeper than 128")
	// Only the time was refused there.
	var b model.Batch
	if rep := d.Decode([]byte(`{"_msg":"x","_time":-1}`+"\n{"), p, &b); rep.TooOld != 1 || rep.Rejected != 2 {
		t.Errorf("%+v", rep)
	}
}

func TestNesting(t *testing.T) {
	d := decoder(t, Options{})
	for depth, good := range map[int]bool{1: true, 128: true, 129: false, 1 << 18: false} {
		var b model.Batch
		line := strings.Repeat(`{"":`, depth) + `{"a":1}` + strings.Repeat("}", depth)
		rep := d.Decode([]byte(line), Params{}, &b)
		if (rep.Accepted == 1) != good || !good && rep.Errors[0].Column < 500 {
			t.Errorf("%d levels: %+v", depth, rep)
		}
		if good && b.Rows()[0].Schema.Columns[1].Field != strings.Repeat(".", depth)+"a" {
			t.Errorf("%d levels give %q", depth, rows(&b))
		}
	}
}

func TestParseTime(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		ns, given, reason := parseTime([]byte(in))
		got := "now"
		if reason != "" {
			got = reason
		} else if given {
			got = time.Unix(0, ns).UTC().Format(time.RFC3339Nano)
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
	f("", "now")
	f("0", "now")
	f("2023-11-14T22:13:20Z", "2023-11-14T22:13:20Z")
	f("2023-11-14t22:13:20.123456789z", "2023-11-14T22:13:20.123456789Z")
	f("2023-11-14 22:13:20,5", "2023-11-14T22:13:20.5Z")
	f("2023-11-14T22:13:20.1234567899+01:30", "2023-11-14T20:43:20.123456789Z")
	f("2023-11-14T22:13:20-0100", "2023-11-14T23:13:20Z")
	f("2023-11-14T22:13", "2023-11-14T22:13:00Z")
	f("2023-11-14T22:13+01:00", "2023-11-14T21:13:00Z")
	f("2023-11-14", "2023-11-14T00:00:00Z")
	f("2024-02-29", "2024-02-29T00:00:00Z")
	f("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z")
	f("1969-12-31T23:59:59.25Z", "1969-12-31T23:59:59.25Z")
	f("1700000000", "2023-11-14T22:13:20Z")
	f("1700000000.25", "2023-11-14T22:13:20.25Z")
	f("1700000000123", "2023-11-14T22:13:20.123Z")
	f("1700000000123456", "2023-11-14T22:13:20.123456Z")
	f("1700000000123456789", "2023-11-14T22:13:20.123456789Z")
	f("-1", "1969-12-31T23:59:59Z")
	f("9223372036854775807", "2262-04-11T23:47:16.854775807Z")
	for _, bad := range []string{"x", "-", "1e9", "1.", ".5", "true", "{}", "2023-11-14T", "2023-11-14T22", "2023-1-14", "2023-11-14T22:13:20X", "2023-11-14T22:13:20.Z", "2023-11-14T22:13.5Z", "2023-11-14Zx", "2023-11-14T22:13:20+1", "2023-11-14+01:00", "2023-11-14T2a:13:20Z"} {
		f(bad, wantTime)
	}
	for _, bad := range []string{"2023-02-29", "2023-13-01", "2023-00-01", "2023-01-00", "2023-01-01T24:00:00Z", "2023-01-01T23:60:00Z", "2100-02-29"} {
		f(bad, "want a date and time that exist")
	}
	f("2023-01-01T00:00:00+24:00", "want an offset of less than a day")
	f("1700000000123.5", "want a fraction for seconds only")
	for _, bad := range []string{"9223372036854775808", "1677-01-01", "2263-01-01", "99999999999999999999"} {
		f(bad, wantRange)
	}
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.Int64Range(-9e18, 9e18).Draw(t, "ns")
		zone := time.FixedZone("", 60*rapid.IntRange(-23*60, 23*60).Draw(t, "zone"))
		text := time.Unix(0, want).In(zone).Format(time.RFC3339Nano)
		if got, given, reason := parseTime([]byte(text)); got != want || !given || reason != "" {
			t.Fatalf("%s is %d, want %d: %s", text, got, want, reason)
		}
	})
}

func TestParseNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,19})?([eE][+-]?[0-9]{1,3})?`).Draw(t, "number")
		integer := !strings.ContainsAny(text, ".eE")
		typ, bits := parseNumber([]byte(text), integer)
		if i, err := strconv.ParseInt(text, 10, 64); err == nil && text != "-0" {
			if typ != model.TypeInt || int64(bits) != i {
				t.Fatalf("%s is %s %d", text, typ, int64(bits))
			}
			return
		}
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || integer && text != "-0" {
			if typ != model.TypeText {
				t.Fatalf("%s is %s", text, typ)
			}
			return
		}
		if typ != model.TypeFloat || bits != math.Float64bits(f) {
			t.Fatalf("%s is %s %v, want %v", text, typ, math.Float64frombits(bits), f)
		}
	})
}

// naive is what a record becomes, by encoding/json: its leaves in order.
func naive(t *rapid.T, dec *json.Decoder, path string, into *[]ingest.Field, texts map[string]string) {
	put := func(name string, typ model.Type, text string) {
		*into = append(*into, ingest.Field{Name: name, Type: typ})
		texts[name] = text
	}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		name := path + tok.(string)
		switch tok, _ = dec.Token(); v := tok.(type) {
		case string:
			put(name, model.TypeText, v)
		case json.Number:
			typ, _ := parseNumber([]byte(v), !strings.ContainsAny(string(v), ".eE"))
			put(name, typ, string(v))
		case bool:
			put(name, model.TypeBool, fmt.Sprint(v))
		case nil:
			put(name, model.TypeNone, "")
		case json.Delim:
			if !dec.More() {
				put(name, model.TypeText, "{}")
			}
			naive(t, dec, name+".", into, texts)
		}
	}
	dec.Token()
}

// TestAgainstNaive draws objects and compares with what encoding/json makes of
// the same text.
func TestAgainstNaive(t *testing.T) {
	d := decoder(t, Options{CacheBytes: 1 << 14}) // so that it forgets
	name := rapid.SampledFrom([]string{"a", "b", "a.b", "é\"", "s", "_msg"})
	var object func(depth int) *rapid.Generator[string]
	object = func(depth int) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			var parts []string
			for range rapid.IntRange(0, 4).Draw(t, "members") {
				k, _ := json.Marshal(name.Draw(t, "name"))
				var v string
				switch rapid.IntRange(0, 5).Draw(t, "type") {
				case 0:
					v = fmt.Sprint(rapid.Int64().Draw(t, "int"))
				case 1:
					v = strconv.FormatFloat(rapid.Float64Range(-1e9, 1e9).Draw(t, "float"), 'g', -1, 64)
				case 2:
					v = rapid.SampledFrom([]string{"true", "false", "null", "1E3", "0.10", "18446744073709551615"}).Draw(t, "word")
				case 3:
					if depth < 3 {
						v = object(depth+1).Draw(t, "object")
						break
					}
					fallthrough
				default:
					s, _ := json.Marshal(rapid.StringN(0, 5, -1).Draw(t, "string"))
					v = string(s)
				}
				parts = append(parts, string(k)+":"+v)
			}
			return "{" + strings.Join(parts, ",") + "}"
		})
	}
	p := Params{StreamFields: []string{"s"}, MessageFields: []string{"_msg"}, Now: 7}
	rapid.Check(t, func(t *rapid.T) {
		var b model.Batch
		var lines, want []string
		for range rapid.IntRange(1, 5).Draw(t, "lines") {
			line := object(0).Draw(t, "line")
			dec := json.NewDecoder(strings.NewReader(line))
			dec.UseNumber()
			dec.Token()
			var leaves []ingest.Field
			texts := map[string]string{}
			naive(t, dec, "", &leaves, texts)
			types := map[string]model.Type{}
			for _, l := range leaves {
				types[l.Name] = l.Type
			}
			labels := `{service_name="unknown_service"}`
			if types["s"] != model.TypeNone && texts["s"] != "" {
				labels = model.FromStrings("s", texts["s"]).String()
			}
			delete(types, "s")
			if types["_msg"] == model.TypeNone {
				continue // TestRows has what happens without a message
			}
			row := fmt.Sprintf("%s @7 _line=text(%q)", labels, texts["_msg"])
			delete(types, "_msg")
			var names []string
			for n, typ := range types {
				if typ != model.TypeNone {
					names = append(names, n)
				}
			}
			slices.Sort(names)
			for _, n := range names {
				text := texts[n]
				switch types[n] {
				case model.TypeText:
					text = strconv.Quote(text)
				case model.TypeFloat:
					f, _ := strconv.ParseFloat(text, 64)
					text = model.Float(f).String()
				}
				row += fmt.Sprintf(" %s=%s(%s)", n, types[n], text)
			}
			lines, want = append(lines, line), append(want, row)
		}
		rep := d.Decode([]byte(strings.Join(lines, "\n")), p, &b)
		if got := rows(&b); !slices.Equal(got, want) || rep.Rejected != 0 {
			t.Fatalf("%s\n got %s\nwant %s\n%+v", strings.Join(lines, "\n"), strings.Join(got, "\n"), strings.Join(want, "\n"), rep)
		}
	})
}

func TestParams(t *testing.T) {
	d := decoder(t, Options{MaxMetricNames: 2})
	f := func(p Params, line, want string) {
		t.Helper()
		var b model.Batch
		if rep := d.Decode([]byte(line), p, &b); rep.Rejected != 0 || rows(&b)[0] != want {
			t.Errorf("%s: got %q, want %s; %+v", line, rows(&b), want, rep)
		}
	}
	const line = `{"t":5,"_time":6,"m":"x","_msg":"y","app":"z","tenant":"own"}`
	f(Params{}, line, `{service_name="unknown_service"} @6000000000 _line=text("y") app=text("z") m=text("x") t=int(5) tenant=text("own")`)
	f(Params{MessageFields: []string{"no", "m"}, TimeFields: []string{"t"}, StreamFields: []string{"app", "tenant", "app", "no"}, Tenant: "us"}, line,
		`{app="z", exported_tenant="own", tenant="us"} @5000000000 _line=text("x") _msg=text("y") _time=int(6)`)
	f(Params{IgnoreFields: []string{"_time", "_msg", "t"}, Now: 1, ExtraFields: []Pair{{"app", "e"}, {"f", "g"}}, StreamFields: []string{"app", "f"}, MessageFields: []string{"m"}}, line,
		`{app="e", f="g"} @1 _line=text("x") tenant=text("own")`)
	f(Params{MessageFields: []string{}, IgnoreFields: []string{"m", "_msg", "app"}}, line, `{service_name="unknown_service"} @6000000000 _line=text("own") t=int(5)`)
	// t and _time were metrics before; the third name is a field only.
	f(Params{MessageFields: []string{"m"}}, `{"m":"x","u":1,"t":2}`, `{service_name="unknown_service"} @0 _line=text("x") t=int(2)! u=int(1)`)
}

func TestOrderOfFieldsMakesNoSchema(t *testing.T) {
	d := decoder(t, Options{})
	var b model.Batch
	d.Decode([]byte(`{"_msg":"x","a":1,"b":"2"}`+"\n"+`{"b":"2","_msg":"x","a":1}`), Params{}, &b)
	if got := rows(&b); len(got) != 2 || got[0] != got[1] {
		t.Errorf("rows are %q", got)
	}
}

// TestConcurrently decodes with one decoder in several goroutines, whose small
// caches turn over all the time.
func TestConcurrently(t *testing.T) {
	d := decoder(t, Options{CacheBytes: 1 << 13, MaxMetricNames: 5})
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 300 {
				var b model.Batch
				line := fmt.Sprintf(`{"_msg":"m%d","s":"%d","f%d":%d}`, g, i%20, i%30, i)
				d.Decode([]byte(line), Params{StreamFields: []string{"s"}}, &b)
				want := fmt.Sprintf(`{s="%d"} @0 _line=text("m%d") f%d=int(%d)`, i%20, g, i%30, i)
				if got := strings.ReplaceAll(strings.Join(rows(&b), ""), "!", ""); got != want {
					t.Errorf("got %s, want %s", got, want)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestOptions(t *testing.T) {
	_, err := NewDecoder(Options{CacheBytes: -1, MaxMetricNames: -2})
	if err == nil || !strings.Contains(err.Error(), "CacheBytes -1") || !strings.Contains(err.Error(), "MaxMetricNames -2") {
		t.Errorf("bad options: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"_time":"2023-11-14T22:13:20Z","_msg":"GET /","app":"api","http":{"status":200,"ok":true},"tags":["a"],"ms":1.5}` + "\n{\"a\":null}\n\n{"))
	f.Add([]byte(`{"_msg":"\ud83d\ude00","_time":1700000000.5,"app":1,"a":{"b":{}},"a.b":-0}`))
	f.Add([]byte(`{"a":"x","b":"\u0000"}`))
	d := decoder(f, Options{CacheBytes: 1 << 16})
	f.Fuzz(func(t *testing.T, body []byte) {
		var b model.Batch
		rep := d.Decode(body, Params{StreamFields: []string{"app"}, Tenant: "t", Now: 7}, &b)
		if !b.Valid() || rep.Lines != rep.Accepted+rep.Rejected || rep.LogRows != b.Len() || rep.Accepted != b.Len() {
			t.Fatalf("%d rows, %+v", b.Len(), rep)
		}
		for i := range b.Rows() {
			if _, err := model.DecodeLabels([]byte(b.Rows()[i].Stream.Key())); err != nil {
				t.Fatal(err)
			}
		}
		for _, e := range rep.Errors {
			if e.Reason == "" || e.Column < 1 || e.Line < 1 {
				t.Fatalf("%+v", e)
			}
		}
		// A line that is an object with a message, and within the limits, is
		// accepted with just that message.
		if bytes.IndexByte(body, '\n') < 0 && utf8.Valid(body) {
			var got struct {
				Msg *string `json:"_msg"`
			}
			var all map[string]json.RawMessage
			if json.Unmarshal(body, &got) == nil && got.Msg != nil && json.Unmarshal(body, &all) == nil && len(all) == 1 && rep.Accepted == 1 {
				r := &b.Rows()[0]
				if text := b.TextOf(b.Words(r)[0]); all["_msg"] != nil && string(text) != *got.Msg {
					t.Fatalf("%q has line %q, want %q", body, text, *got.Msg)
				}
			}
		}
	})
}

// BenchmarkDecode decodes lines of about 330 bytes with twelve members, four
// of them numbers, in 10 streams.
func BenchmarkDecode(b *testing.B) {
	var body []byte
	const lines = 1000
	for i := range lines {
		body = fmt.Appendf(body, `{"_time":"2023-11-14T22:13:20.%09dZ","_msg":"request %d of user u%d served","level":"info","service":"api-%d","host":"host-%d","trace_id":"%032x","http":{"method":"GET","path":"/v1/items/%d","status":200,"bytes":%d},"duration_ms":%d.25,"cached":true}`+"\n",
			i*1000, i, i%97, i%10, i%10, i, i, 1000+i, i%50)
	}
	d := decoder(b, Options{})
	p := Params{StreamFields: []string{"service", "host"}}
	var batch model.Batch
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		batch.Reset()
		if rep := d.Decode(body, p, &batch); rep.Accepted != lines {
			b.Fatal(rep)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/lines, "ns/line")
}
