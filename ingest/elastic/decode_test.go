package elastic

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tidemark/ingest"
	"tidemark/ingest/jsonlines"
	"tidemark/storage/model"
)

func decoder(t testing.TB, o ingest.Options, opts Options) *Decoder {
	t.Helper()
	lines, err := jsonlines.NewDecoder(jsonlines.Options{Options: o})
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDecoder(lines, opts)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// rows prints a batch, a text a row.
func rows(b *model.Batch) string {
	var out []string
	for i := range b.Rows() {
		r := &b.Rows()[i]
		text := fmt.Sprintf("%s @%d", r.Stream.Labels, r.Time)
		for j, w := range b.Words(r) {
			c := r.Schema.Columns[j]
			v := model.Value{Type: c.Type, Bits: w}
			if c.Type == model.TypeText {
				v.Text = string(b.TextOf(w))
			}
			text += fmt.Sprintf(" %s=%s", c.Field, v)
		}
		out = append(out, text)
	}
	return strings.Join(out, "\n")
}

func items(res Result) string {
	var out []string
	for _, it := range res.Items {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s/%s %s", it.Action, it.Index, it.ID, it.Reason)))
	}
	return strings.Join(out, "\n")
}

func TestBulk(t *testing.T) {
	d := decoder(t, ingest.Options{}, Options{})
	body := strings.Join([]string{
		`{"create":{"_index":"web","_id":"7","routing":["x",{}]}}`,
		`{"@timestamp":"2023-11-14T22:13:20Z","message":"GET /","ms":4,"app":"a"}`,
		`{"index":{}}`,
		`{"message":"no time","app":"a"}`,
		``,
		` { "index" : { "_index" : "w\u0065b" } } `,
		`{"message":`,
		`{"update":{"_index":"web","_id":"8"}}`,
		`{"doc":{"a":1}}`,
		`{"delete":{"_index":"web","_id":"9"}}`,
		`{"create":{"_index":"web"}}`,
		`{"@timestamp":-1,"message":"old"}`,
		`{"create":{"_index":"db","_id":5}}`,
		`{"message":"last","app":"b"}`,
	}, "\n")
	var b model.Batch
	b.AddLine(nil, 1, "before")
	res, err := d.Decode([]byte(body), jsonlines.Params{StreamFields: []string{"app"}, Now: 7, MinTime: -5}, &b)
	if err != nil || res.Lines != 7 || res.Accepted != 3 || res.Rejected != 4 || res.TooOld != 1 || res.LogRows != 3 || res.Values != 6 || len(res.Errors) != 4 {
		t.Errorf("%+v, %v", res.Report, err)
	}
	const wantItems = `create web/7
index /
index web/ the text ends: want a value
update web/8 update is not offered: records are not replaced by id
delete web/9 delete is not offered: records are not deleted by id
create web/ time 1969-12-31T23:59:59Z is too old: want one from 1969-12-31T23:59:59.999999995Z on, which retention keeps
create db/`
	if got := items(res); got != wantItems {
		t.Errorf("items are\n%s\nwant\n%s", got, wantItems)
	}
	const wantRows = `{} @1 _line=before
{app="a"} @1700000000000000000 _line=GET / _index=web ms=4
{app="a"} @7 _line=no time
{app="b"} @7 _line=last _index=db`
	if got := rows(&b); got != wantRows || !b.Valid() {
		t.Errorf("rows are\n%s\nwant\n%s", got, wantRows)
	}
	var lines []string
	for _, e := range res.Errors {
		lines = append(lines, fmt.Sprint(e.Line, ":", e.Column))
	}
	if got := strings.Join(lines, " "); got != "7:12 8:1 10:1 12:1" {
		t.Errorf("errors are at %s", got)
	}
}

func TestIndexAsLabelAndExtraFields(t *testing.T) {
	d := decoder(t, ingest.Options{}, Options{})
	var b model.Batch
	p := jsonlines.Params{StreamFields: []string{"_index", "dc"}, TimeFields: []string{"t"}, MessageFields: []string{"m"}, ExtraFields: []jsonlines.Pair{{Name: "dc", Value: "eu"}}, Tenant: "us"}
	res, err := d.Decode([]byte("{\"index\":{\"_index\":\"i\"}}\n{\"m\":\"x\",\"t\":1,\"_index\":\"own\"}\n{\"index\":{}}\n{\"m\":\"y\",\"t\":2}\n"), p, &b)
	const want = `{_index="i", dc="eu", tenant="us"} @1000000000 _line=x
{dc="eu", tenant="us"} @2000000000 _line=y`
	if got := rows(&b); got != want || err != nil || res.Accepted != 2 {
		t.Errorf("rows are\n%s\nwant\n%s\n%+v, %v", got, want, res, err)
	}
}

func TestMalformed(t *testing.T) {
	d := decoder(t, ingest.Options{}, Options{MaxItems: 3})
	good := "{\"create\":{}}\n{\"message\":\"x\"}\n"
	f := func(body, reason string) {
		t.Helper()
		var b model.Batch
		b.AddLine(nil, 1, "before")
		res, err := d.Decode([]byte(good+body), jsonlines.Params{}, &b)
		want := ErrMalformed
		if strings.HasPrefix(reason, "too many") {
			want = ErrTooManyItems
		}
		if !errors.Is(err, want) || !strings.Contains(fmt.Sprint(err), reason) || b.Len() != 1 || !b.Valid() || len(res.Items) != 0 || res.Lines != 0 {
			t.Errorf("%s: %v, %d rows, %+v; want %s", body, err, b.Len(), res, reason)
		}
	}
	f("x", "line 3, column 1: unexpected 'x': want '{'")
	f("{}", "line 3, column 2: unexpected '}': want a string")
	f(`{"take":{}}`, `line 3, column 2: unknown action "take": want create, index, update or delete`)
	f(`{"create":1}`, "column 11: unexpected '1': want '{'")
	f(`{"create":{"_index":}}`, "column 21")
	f(`{"create":{"_index":"x"`, "the text ends")
	f(`{"create":{}}x`, "column 14: unexpected 'x': want the end")
	f(`{"create":{},"index":{}}`, "column 13: unexpected ',': want '}'")
	f(`{"create":{}}`, "line 3: want a document after the action")
	f(`{"update":{}}`, "line 3: want a document after the action")
	f(strings.Repeat(good, 3), "too many items: want at most 3 (MaxItems)")
	if _, err := NewDecoder(nil, Options{MaxItems: -1}); err == nil || !strings.Contains(err.Error(), "MaxItems -1") {
		t.Errorf("bad options: %v", err)
	}
}

// TestAgainstJSONLines draws documents and finds the bulk form giving the rows
// and refusals of the same documents as lines.
func TestAgainstJSONLines(t *testing.T) {
	d := decoder(t, ingest.Options{}, Options{})
	doc := rapid.SampledFrom([]string{`{"message":"x","a":1}`, `{"message":"y","s":"z"}`, `{`, `{"message":5,"b":{"c":true}}`, `[]`, `{"a":null}`, `{"a":"only","@timestamp":9}`})
	rapid.Check(t, func(t *rapid.T) {
		docs := rapid.SliceOfN(doc, 1, 8).Draw(t, "docs")
		p := jsonlines.Params{StreamFields: []string{"s"}, TimeFields: DefaultTimeFields, Now: 3}
		var want, got model.Batch
		rep := d.lines.Decode([]byte(strings.Join(docs, "\n")), p, &want)
		var body string
		for _, doc := range docs {
			body += rapid.SampledFrom([]string{`{"index":{}}`, `{"create":{"_id":"x"}}`}).Draw(t, "action") + "\n" + doc + "\n"
		}
		p.TimeFields = nil
		res, err := d.Decode([]byte(body), p, &got)
		if err != nil || rows(&got) != rows(&want) || res.Accepted != rep.Accepted || res.Rejected != rep.Rejected || res.Values != rep.Values || len(res.Items) != len(docs) {
			t.Fatalf("%s: %v\n%s\nwant\n%s\n%+v, want %+v", body, err, rows(&got), rows(&want), res, rep)
		}
		refused := 0
		for i, it := range res.Items {
			if it.Reason != "" {
				if e := rep.Errors[refused]; e.Reason != it.Reason || e.Line != i+1 || res.Errors[refused].Line != 2*i+2 {
					t.Fatalf("item %d: %q, want %+v", i, it.Reason, e)
				}
				refused++
			}
		}
	})
}

func FuzzBulk(f *testing.F) {
	f.Add([]byte("{\"create\":{\"_index\":\"web\",\"_id\":\"1\"}}\n{\"message\":\"x\",\"a\":1}\n\n{\"delete\":{}}\n{\"update\":{}}\n{}\n"))
	f.Add([]byte("{\"index\":{\"_index\":\"\\u0061\"}}\r\n{\"@timestamp\":\"2023-11-14T22:13:20Z\"}\r\n"))
	f.Add([]byte("{\"index\":{}}"))
	d := decoder(f, ingest.Options{}, Options{})
	f.Fuzz(func(t *testing.T, body []byte) {
		var b model.Batch
		res, err := d.Decode(body, jsonlines.Params{StreamFields: []string{"_index"}}, &b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) || b.Len() != 0 || len(res.Items) != 0 {
				t.Fatalf("%v, %d rows", err, b.Len())
			}
			return
		}
		refused := 0
		for _, it := range res.Items {
			if it.Reason != "" {
				refused++
			}
		}
		if !b.Valid() || len(res.Items) != res.Lines || res.Lines != res.Accepted+res.Rejected || res.Accepted != b.Len() || refused != res.Rejected {
			t.Fatalf("%d rows, %d items, %+v", b.Len(), len(res.Items), res.Report)
		}
	})
}

// BenchmarkBulk decodes documents of 10 members, with their actions.
func BenchmarkBulk(b *testing.B) {
	var body []byte
	const docs = 1000
	for i := range docs {
		body = fmt.Appendf(body, `{"create":{"_index":"logs"}}`+"\n"+`{"@timestamp":"2023-11-14T22:13:20.%09dZ","message":"request %d of user u%d served","log":{"level":"info"},"service":{"name":"api-%d"},"host":{"name":"host-%d"},"trace":{"id":"%032x"},"http":{"method":"GET","status":200,"bytes":%d},"duration_ms":%d.25}`+"\n",
			i*1000, i, i%97, i%10, i%10, i, 1000+i, i%50)
	}
	d := decoder(b, ingest.Options{}, Options{})
	p := jsonlines.Params{StreamFields: []string{"service.name", "host.name"}}
	var batch model.Batch
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		batch.Reset()
		if res, err := d.Decode(body, p, &batch); err != nil || res.Accepted != docs {
			b.Fatal(res.Report, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/docs, "ns/doc")
}
