package lokipush

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"tidemark/ingest"
	"tidemark/storage/model"
)

// push is a request as a client has it.
type push []pushStream

type pushStream struct {
	labels  string // as Loki's clients print it
	pairs   [][2]string
	entries []pushEntry
}

type pushEntry struct {
	t    int64
	line string
	meta [][2]string
}

func field(num byte, data []byte) []byte {
	b := binary.AppendUvarint([]byte{num<<3 | 2}, uint64(len(data)))
	return append(b, data...)
}

func (p push) protobuf() []byte {
	var out []byte
	for _, st := range p {
		msg := field(1, []byte(st.labels))
		for _, e := range st.entries {
			sec, ns := e.t/1e9, e.t%1e9
			if ns < 0 {
				sec, ns = sec-1, ns+1e9
			}
			ts := binary.AppendUvarint([]byte{1 << 3}, uint64(sec))
			ts = binary.AppendUvarint(append(ts, 2<<3), uint64(ns))
			entry := append(field(1, ts), field(2, []byte(e.line))...)
			for _, m := range e.meta {
				entry = append(entry, field(3, append(field(1, []byte(m[0])), field(2, []byte(m[1]))...))...)
			}
			msg = append(msg, field(2, entry)...)
		}
		msg = append(msg, 3<<3, 7) // hash, which clients send and nobody reads
		out = append(out, field(1, msg)...)
	}
	return out
}

func (p push) json() []byte {
	object := func(pairs [][2]string) string {
		var parts []string
		for _, kv := range pairs {
			k, _ := json.Marshal(kv[0])
			v, _ := json.Marshal(kv[1])
			parts = append(parts, string(k)+": "+string(v))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	var streams []string
	for _, st := range p {
		var values []string
		for _, e := range st.entries {
			line, _ := json.Marshal(e.line)
			v := fmt.Sprintf(`["%d", %s`, e.t, line)
			if len(e.meta) > 0 {
				v += ", " + object(e.meta)
			}
			values = append(values, v+"]")
		}
		streams = append(streams, `{"stream": `+object(st.pairs)+`, "values": [`+strings.Join(values, ",\n")+"]}")
	}
	return []byte(`{"streams": [` + strings.Join(streams, ",") + "]}")
}

// rows prints a batch, a text a row.
func rows(b *model.Batch) (out []string) {
	for i := range b.Rows() {
		r := &b.Rows()[i]
		text := fmt.Sprintf("%s @%d", r.Stream.Labels, r.Time)
		for j, w := range b.Words(r) {
			c := r.Schema.Columns[j]
			if c.Field == model.MetadataField && c.Type == model.TypeBool && w == 1 && c.Name == "" && b.Len() > 0 && len(b.Words(r)) > 2 {
				continue // there wherever metadata is
			}
			text += fmt.Sprintf(" %s=%q", c.Field, b.TextOf(w))
			if c.Type != model.TypeText || c.Name != "" {
				text += "!"
			}
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

func reasons(rep ingest.Report) (out []string) {
	for _, e := range rep.Errors {
		out = append(out, e.Error())
	}
	return out
}

func TestProtobuf(t *testing.T) {
	d := decoder(t, Options{})
	p := push{
		{labels: `{app="api", dc="x"}`, entries: []pushEntry{
			{t: 1700000000123456789, line: "one", meta: [][2]string{{"trace_id", "7f"}, {"http.method", "GET"}, {"empty", ""}}},
			{t: -1, line: ""},
		}},
		{labels: ` { b = "2" , a=` + "`1`" + `, } `, entries: []pushEntry{{t: 5, line: "\xff\x00\n", meta: [][2]string{{"2x", "a"}, {"a-b--c", "1"}, {"a_b_c", "2"}}}}},
		{labels: `{tenant="mine"}`},
	}
	var b model.Batch
	rep, err := d.Protobuf(p.protobuf(), Params{Tenant: "t"}, &b)
	if err != nil || rep.Lines != 3 || rep.Accepted != 3 || rep.LogRows != 3 || rep.Values != 7 || rep.Rejected != 0 || !b.Valid() {
		t.Errorf("report is %+v, %v", rep, err)
	}
	want := []string{
		`{app="api", dc="x", tenant="t"} @1700000000123456789 _line="one" http_method="GET" trace_id="7f"`,
		`{app="api", dc="x", tenant="t"} @-1 _line=""`,
		`{a="1", b="2", tenant="t"} @5 _line="\xff\x00\n" a_b_c="2" key_2x="a"`,
	}
	if got := rows(&b); !slices.Equal(got, want) {
		t.Errorf("rows are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if st := b.Rows()[0].Stream; st != b.Rows()[1].Stream {
		t.Error("two entries of a stream have two streams")
	}
}

func TestJSON(t *testing.T) {
	d := decoder(t, Options{})
	f := func(body string, wantRows []string, refused ...string) {
		t.Helper()
		var b model.Batch
		rep, err := d.JSON([]byte(body), Params{MinTime: -100}, &b)
		if err != nil {
			t.Errorf("%s: %v", body, err)
		}
		if got := rows(&b); !slices.Equal(got, wantRows) || !b.Valid() {
			t.Errorf("%s: rows are %q, want %q", body, got, wantRows)
		}
		if got := reasons(rep); !slices.Equal(got, refused) || rep.Rejected != len(refused) || rep.Lines != rep.Accepted+rep.Rejected {
			t.Errorf("%s:\nrefused %q\nwant    %q\n%+v", body, got, refused, rep)
		}
	}
	stream := func(labels, values string) string {
		return `{"streams":[{"stream":` + labels + `,"values":` + values + `}]}`
	}
	f(`{"streams":[]}`, nil)
	f(` { "more" : [1,{}] , "streams" : [ { "stream" : { "a" : "1" } , "x":null, "values" : [ [ "1" , "x\n\ud83d\ude00" , { "m" : "v" } ] ] } ] } `, []string{`{a="1"} @1 _line="x\n😀" m="v"`})
	f(`{"streams":[{"values":[["1","x"]],"stream":{"a":"1"}}]}`, []string{`{a="1"} @1 _line="x"`})
	f(stream(`{"a":"1","b":"","a":"2"}`, `[["-5","x",{}],["6","y",{"m":"1","m":"2"}]]`), []string{`{a="2"} @-5 _line="x"`, `{a="2"} @6 _line="y" m="2"`})
	f(stream(`{"a":"1"}`, `[[1700000000000000000,"x"],["1","kept"]]`), []string{`{a="1"} @1 _line="kept"`},
		`entry 1: entry for stream '{a="1"}': timestamp 1700000000000000000 is no string: want nanoseconds since 1970 in double quotes`)
	f(stream(`{"a":"1"}`, `[["x","x"],["1.5","x"],["99999999999999999999","x"]]`), nil,
		`entry 1: entry for stream '{a="1"}': timestamp "x": want nanoseconds since 1970, within 64 bits`,
		`entry 2: entry for stream '{a="1"}': timestamp "1.5": want nanoseconds since 1970, within 64 bits`,
		`entry 3: entry for stream '{a="1"}': timestamp "99999999999999999999": want nanoseconds since 1970, within 64 bits`)
	f(stream(`{"a":"1"}`, `[["1"],[],5,["1",2],["1","x",3],["1","x",{"a":1}],["1","x",{},4],["1","x"]]`), []string{`{a="1"} @1 _line="x"`},
		`entry 1: entry for stream '{a="1"}': 1 elements: want time and line`,
		`entry 2: entry for stream '{a="1"}': 0 elements: want time and line`,
		`entry 3: entry for stream '{a="1"}': want an array of time and line`,
		`entry 4: entry for stream '{a="1"}': line is no string`,
		`entry 5: entry for stream '{a="1"}': structured metadata is no object of strings`,
		`entry 6: entry for stream '{a="1"}': structured metadata "a" is no string`,
		`entry 7: entry for stream '{a="1"}': more than 3 elements: want time, line and structured metadata`)
	f(stream(`{"a":"1"}`, `[["-101","old"],["-100","x"]]`), []string{`{a="1"} @-100 _line="x"`},
		`entry 1: entry for stream '{a="1"}' has timestamp too old: 1969-12-31T23:59:59.999999899Z, oldest acceptable timestamp is: 1969-12-31T23:59:59.9999999Z`)
	f(stream(`{}`, `[["1","x"],[2,"y"]]`), nil,
		`entry 1: error at least one label pair is required per stream: '{}' has none`, `entry 2: error at least one label pair is required per stream: '{}' has none`)
	f(`{"streams":[{"values":[["1","x"]]}]}`, nil, `entry 1: error at least one label pair is required per stream: it has no member "stream"`)
	f(stream(`{"a":1}`, `[["1","x"]]`), nil, `entry 1: error parsing labels '{"a":1}' with error: value of "a" is no string`)
	f(stream(`[]`, `[["1","x"]]`), nil, `entry 1: error parsing labels '[]' with error: want an object of strings`)
	f(stream(`{"a.b":"1"}`, `[["1","x"]]`), nil, `entry 1: error parsing labels '{"a.b":"1"}' with error: label name "a.b": want letters, digits and underscores, and no digit first`)
	f(stream(`{"a":"1"}`, `[["1","x",{"_line":"v"}]]`), nil, `entry 1: structured metadata of stream '{a="1"}': field name "_line" is reserved: want another name`)
}

func TestMalformed(t *testing.T) {
	d := decoder(t, Options{})
	good := push{{labels: `{a="1"}`, pairs: [][2]string{{"a", "1"}}, entries: []pushEntry{{t: 1, line: "x", meta: [][2]string{{"m", "v"}}}, {t: 2, line: "y"}}}}
	var b model.Batch
	b.AddLine(nil, 1, "before")
	text := good.json()
	for n := range text {
		if _, err := d.JSON(text[:n], Params{}, &b); !errors.Is(err, ErrMalformed) || b.Len() != 1 {
			t.Fatalf("cut to %s: %v, %d rows", text[:n], err, b.Len())
		}
	}
	for _, bad := range []string{"[]", "{}", `{"streams":{}}`, `{"streams":[1]}`, `{"streams":[]}x`, `{"streams":[{"stream":{},"values":{}}]}`, `{"streams":null}`} {
		if _, err := d.JSON([]byte(bad), Params{}, &b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	// A cut within a field is found; what is cut between two is shorter.
	msg := good.protobuf()
	for n := 1; n < len(msg); n++ {
		if _, err := d.Protobuf(msg[:n], Params{}, &b); !errors.Is(err, ErrMalformed) || b.Len() != 1 {
			t.Fatalf("cut to %d bytes: %v, %d rows", n, err, b.Len())
		}
	}
	for _, bad := range []string{"\x08\x01", "\x0a\x02\x08\x01", "\x0a\x04\x12\x02\x08\x01", "\x0a\x06\x12\x04\x0a\x02\x0a\x00"} {
		if _, err := d.Protobuf([]byte(bad), Params{}, &b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestProtobufRefusals(t *testing.T) {
	d := decoder(t, Options{Options: ingest.Options{Limits: ingest.Limits{MaxLabels: 2, MaxLineBytes: 10, MaxColumns: 2, MaxNameBytes: 8, MaxLabelValueBytes: 8}}})
	f := func(p push, refused ...string) {
		t.Helper()
		var b model.Batch
		rep, err := d.Protobuf(p.protobuf(), Params{}, &b)
		if got := reasons(rep); !slices.Equal(got, refused) || err != nil || rep.Rejected != len(refused) {
			t.Errorf("refused %q, %v\nwant    %q", got, err, refused)
		}
	}
	one := []pushEntry{{t: 1, line: "x"}}
	label := func(s string, reason string) {
		t.Helper()
		f(push{{labels: s, entries: one}}, "entry 1: "+reason)
	}
	label("", "error parsing labels '' with error: column 1: want {")
	label("{}", "error at least one label pair is required per stream: '{}' has none")
	label(`{a=""}`, `error at least one label pair is required per stream: '{a=""}' has none`)
	label(`{a="1"`, `error parsing labels '{a="1"' with error: column 7: want , or }`)
	label(`{a="1"} x`, `error parsing labels '{a="1"} x' with error: column 9: want the end after }`)
	label(`{a=1}`, `error parsing labels '{a=1}' with error: column 4: want the quoted value of label "a"`)
	label(`{a='1'}`, `error parsing labels '{a='1'}' with error: column 4: want the quoted value of label "a"`)
	label(`{1="a"}`, `error parsing labels '{1="a"}' with error: column 2: want a label name or }`)
	label(`{a!="1"}`, `error parsing labels '{a!="1"}' with error: column 3: want = after label name "a"`)
	label(`{a="1",a="2"}`, `stream '{a="1",a="2"}' has duplicate label name: 'a'`)
	label(`{a="1",b="2",c="3"}`, `error parsing labels '{a="1",b="2",c="3"}' with error: column 14: more than 2 labels: want at most that many (MaxLabels)`)
	label(`{a="123456789"}`, `stream '{a="123456789"}': value of label "a" has 9 bytes: want at most 8 (MaxLabelValueBytes)`)
	label(`{a="\xff"}`, `stream '{a="\xff"}': value of label "a" is not UTF-8: "\xff"`)
	label(`{__name__="x"}`, `stream '{__name__="x"}': label name "__name__" is reserved: want another name`)
	f(push{{labels: `{a="1"}`, entries: []pushEntry{
		{t: 1, line: "12345678901"}, {t: 1, line: "1234567890"}, {t: 1, line: "12345678", meta: [][2]string{{"a", "12"}}},
		{t: 1, meta: [][2]string{{"a", "1"}, {"b", "2"}, {"c", "3"}}}, {t: 1, meta: [][2]string{{"", "1"}}},
	}}},
		`entry 1: max entry size '10' bytes (MaxLineBytes) exceeded for stream '{a="1"}' while adding an entry with length '11' bytes`,
		`entry 3: max entry size '10' bytes (MaxLineBytes) exceeded for stream '{a="1"}' while adding an entry with length '11' bytes`,
		`entry 4: stream '{a="1"}' has too many structured metadata labels: '3', limit: '2' (MaxColumns)`,
		`entry 5: structured metadata of stream '{a="1"}': missing field name: want a name that is not empty`)
	// Without a time, and with one that is none.
	var b model.Batch
	st := field(1, []byte(`{a="1"}`))
	times := [][]byte{nil, field(1, []byte{1 << 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}), field(1, []byte{2 << 3, 0x80, 0x94, 0xeb, 0xdc, 3}), field(1, nil)}
	for _, ts := range times {
		st = append(st, field(2, append(field(2, []byte("x")), ts...))...)
	}
	rep, err := d.Protobuf(field(1, st), Params{}, &b)
	if got := rows(&b); err != nil || rep.Rejected != 3 || !slices.Equal(got, []string{`{a="1"} @0 _line="x"`}) {
		t.Errorf("%+v, %v, %q", rep, err, got)
	}
}

func TestRepetitionIsDropped(t *testing.T) {
	e := func(ts int64, line string, meta ...string) pushEntry {
		x := pushEntry{t: ts, line: line}
		for i := 0; i < len(meta); i += 2 {
			x.meta = append(x.meta, [2]string{meta[i], meta[i+1]})
		}
		return x
	}
	p := push{
		{labels: `{a="1",b="2"}`, entries: []pushEntry{e(5, "x"), e(5, "x"), e(6, "x"), e(5, "y"), e(5, "x", "m", "1"), e(5, "x", "n", "1"), e(4, "x"), e(6, "x")}},
		{labels: `{a="2"}`, entries: []pushEntry{e(5, "x")}},
		{labels: `{b="2", a="1"}`, entries: []pushEntry{e(4, "x"), e(5, "x", "m", "1"), e(7, "x"), e(5, "x", "m", "2"), e(5, "x", "o", "1", "m", "1"), e(5, "x", "m", "1", "o", "1")}},
	}
	var b model.Batch
	b.AddLine(model.FromStrings("a", "1", "b", "2"), 5, "x") // is of another request
	rep, err := decoder(t, Options{}).Protobuf(p.protobuf(), Params{}, &b)
	if err != nil || rep.Lines != 15 || rep.Accepted != 15 || rep.LogRows != 10 || b.Len() != 11 || !b.Valid() {
		t.Errorf("%d rows, %+v, %v:\n%s", b.Len(), rep, err, strings.Join(rows(&b), "\n"))
	}
}

// TestFormsAgree draws requests and finds both formats and the obvious
// decoder giving the same rows.
func TestFormsAgree(t *testing.T) {
	name := rapid.SampledFrom([]string{"a", "b_c", "http.method", "2x", "_x"})
	d := decoder(t, Options{CacheBytes: 1 << 12}) // so that it forgets
	rapid.Check(t, func(t *rapid.T) {
		var p push
		var want []string
		had := map[string]bool{}
		for range rapid.IntRange(0, 4).Draw(t, "streams") {
			set := rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "_c", "d1"}), rapid.StringN(1, 4, -1), 1, 3).Draw(t, "labels")
			st := pushStream{}
			ls := model.FromMap(set)
			for _, l := range ls {
				st.pairs = append(st.pairs, [2]string{l.Name, l.Value})
			}
			st.labels = ls.String()
			for range rapid.IntRange(0, 6).Draw(t, "entries") {
				e := pushEntry{t: rapid.Int64Range(-3, 3).Draw(t, "t") + 1<<60*rapid.Int64Range(-1, 1).Draw(t, "far"), line: rapid.StringN(0, 3, -1).Draw(t, "line")}
				fields := map[string]string{}
				for range rapid.IntRange(0, 3).Draw(t, "meta") {
					m := [2]string{name.Draw(t, "name"), rapid.StringN(0, 2, -1).Draw(t, "value")}
					e.meta = append(e.meta, m)
					if m[1] != "" {
						fields[labelName(m[0])] = m[1]
					}
				}
				st.entries = append(st.entries, e)
				text := fmt.Sprintf("%s @%d _line=%q", ls, e.t, e.line)
				for _, l := range model.FromMap(fields) {
					text += fmt.Sprintf(" %s=%q", l.Name, l.Value)
				}
				if !had[text] {
					want = append(want, text)
				}
				had[text] = true
			}
			p = append(p, st)
		}
		for form, decode := range map[string]func() (*model.Batch, error){
			"protobuf": func() (b *model.Batch, err error) {
				b = new(model.Batch)
				_, err = d.Protobuf(p.protobuf(), Params{}, b)
				return b, err
			},
			"JSON": func() (b *model.Batch, err error) {
				b = new(model.Batch)
				_, err = d.JSON(p.json(), Params{}, b)
				return b, err
			},
		} {
			b, err := decode()
			if got := rows(b); err != nil || !slices.Equal(got, want) {
				t.Fatalf("%s of %s: %v\n got %q\nwant %q", form, p.json(), err, got, want)
			}
		}
	})
}

// TestConcurrently decodes with one decoder in several goroutines, whose small
// caches turn over all the time.
func TestConcurrently(t *testing.T) {
	d := decoder(t, Options{CacheBytes: 1 << 13})
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 300 {
				var b model.Batch
				label, meta := fmt.Sprint(i%20), fmt.Sprintf("m%d", i%30)
				p := push{{labels: `{s="` + label + `"}`, pairs: [][2]string{{"s", label}}, entries: []pushEntry{{t: int64(i), line: fmt.Sprint(g), meta: [][2]string{{meta, "v"}}}}}}
				if i%2 == 0 {
					d.Protobuf(p.protobuf(), Params{}, &b)
				} else {
					d.JSON(p.json(), Params{}, &b)
				}
				if got, want := strings.Join(rows(&b), ""), fmt.Sprintf(`{s="%s"} @%d _line="%d" %s="v"`, label, i, g, meta); got != want {
					t.Errorf("got %s, want %s", got, want)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestErrorsAreBounded(t *testing.T) {
	d := decoder(t, Options{Options: ingest.Options{Limits: ingest.Limits{MaxErrors: 3, MaxErrorText: 2}}})
	p := push{{labels: "{}"}}
	for i := range 10 {
		p[0].entries = append(p[0].entries, pushEntry{t: int64(i), line: "long"})
	}
	var b model.Batch
	rep, err := d.Protobuf(p.protobuf(), Params{}, &b)
	if err != nil || rep.Rejected != 10 || len(rep.Errors) != 3 || rep.Errors[2].Text != "lo" || rep.Errors[2].Line != 3 {
		t.Errorf("%+v, %v", rep, err)
	}
	if _, err := NewDecoder(Options{CacheBytes: -1, Options: ingest.Options{Limits: ingest.Limits{MaxErrors: -1}}}); err == nil ||
		!strings.Contains(err.Error(), "CacheBytes -1") || !strings.Contains(err.Error(), "MaxErrors -1") {
		t.Errorf("bad options: %v", err)
	}
}

func FuzzPush(f *testing.F) {
	p := push{{labels: `{a="1"}`, pairs: [][2]string{{"a", "1"}}, entries: []pushEntry{{t: 1, line: "x", meta: [][2]string{{"m", "v"}}}, {t: 1, line: "x"}}}}
	f.Add(p.protobuf())
	f.Add(p.json())
	f.Add([]byte(`{"streams":[{"values":[["1","x",{"a":"b"}],[1,2,3,4]],"stream":{"a":"\u0031"}},{"stream":{}}]}`))
	f.Add([]byte("\x0a\x06\x12\x04\x0a\x02\x0a\x00"))
	d := decoder(f, Options{CacheBytes: 1 << 16})
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, decode := range []func([]byte, Params, *model.Batch) (ingest.Report, error){d.Protobuf, d.JSON} {
			var b model.Batch
			rep, err := decode(body, Params{Tenant: "t"}, &b)
			if err != nil && (!errors.Is(err, ErrMalformed) || b.Len() != 0 || rep.Lines != 0) {
				t.Fatalf("%v, %d rows, %+v", err, b.Len(), rep)
			}
			if !b.Valid() || rep.Lines != rep.Accepted+rep.Rejected || rep.LogRows != b.Len() || rep.Accepted < rep.LogRows || b.Size() > 200*len(body)+200 {
				t.Fatalf("%d rows of %d bytes, %+v", b.Len(), b.Size(), rep)
			}
			for i := range b.Rows() {
				r := &b.Rows()[i]
				if ls, err := model.DecodeLabels([]byte(r.Stream.Key())); err != nil || len(ls) < 2 || ls.Get("tenant") != "t" {
					t.Fatalf("stream %s, %v", r.Stream.Labels, err)
				}
			}
		}
	})
}

// BenchmarkPush decodes requests of 1,000 entries in 10 streams, each line of
// 150 bytes with a trace id as metadata.
func BenchmarkPush(b *testing.B) {
	var p push
	const lines = 1000
	for s := range 10 {
		st := pushStream{labels: fmt.Sprintf(`{app="api", host="host-%d"}`, s), pairs: [][2]string{{"app", "api"}, {"host", fmt.Sprint(s)}}}
		for i := range lines / 10 {
			st.entries = append(st.entries, pushEntry{t: 1700000000000000000 + int64(i)*1e6, line: strings.Repeat("a line of text ", 10), meta: [][2]string{{"trace_id", fmt.Sprintf("%032x", i)}}})
		}
		p = append(p, st)
	}
	d := decoder(b, Options{})
	for _, form := range []struct {
		name   string
		body   []byte
		decode func([]byte, Params, *model.Batch) (ingest.Report, error)
	}{{"protobuf", p.protobuf(), d.Protobuf}, {"json", p.json(), d.JSON}} {
		b.Run(form.name, func(b *testing.B) {
			var batch model.Batch
			b.SetBytes(int64(len(form.body)))
			b.ReportAllocs()
			for b.Loop() {
				batch.Reset()
				if rep, err := form.decode(form.body, Params{}, &batch); err != nil || rep.Accepted != lines {
					b.Fatal(rep, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/lines, "ns/line")
		})
	}
}

// The level of an entry is that of its stream, of its metadata, or of its
// line.
func TestDetectLevel(t *testing.T) {
	d := decoder(t, Options{DetectLevel: true})
	stream := func(labels, values string) string {
		return `{"streams":[{"stream":` + labels + `,"values":` + values + `}]}`
	}
	for body, want := range map[string]string{
		stream(`{"a":"1"}`, `[["1","level=WARN x"]]`):                                "warn",
		stream(`{"a":"1"}`, `[["1","level=WARN x",{"severity":"ERR"}]]`):             "error",
		stream(`{"a":"1"}`, `[["1","level=WARN x",{"lvl":"dbg","level":"info"}]]`):   "info",
		stream(`{"a":"1","level":"Fatal"}`, `[["1","x",{"severity":"ERR"}]]`):        "fatal",
		stream(`{"a":"1"}`, `[["1","x",{"severity_number":"17"}]]`):                  "error",
		stream(`{"a":"1"}`, `[["1","x",{"detected_level":"WRN"}]]`):                  "warn",
		stream(`{"a":"1"}`, `[["1","nothing"]]`):                                     "unknown",
		stream(`{"a":"1"}`, `[["1","x",{"level":"custom","severity_number":"17"}]]`): "custom",
	} {
		var b model.Batch
		if _, err := d.JSON([]byte(body), Params{}, &b); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(rows(&b), ""); !strings.Contains(got, ` detected_level="`+want+`"`) {
			t.Errorf("%s\n got %s, want level %s", body, got, want)
		}
	}
}
