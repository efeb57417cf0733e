package server

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"tidemark/query"
	"tidemark/query/ast"
	"tidemark/query/funcs"
	"tidemark/storage/model"
)

func TestNativeShapes(t *testing.T) {
	h := start(t, Options{})
	h.engine.query = answering(logResult)
	timeless(h.get("/tidemark/api/v1/query_range?query=x")).want(t, 200,
		`{"status":"success","data":{"resultType":"streams","result":[{"stream":{"app":"api"},"entries":[`+
			`{"time":"1700000000000000001","line":"a \"quoted\" line\twith\\escapes","fields":[{"name":"n","type":"int","value":"9223372036854775807"},{"name":"f","type":"float","value":"0.5"},{"name":"ok","type":"bool","value":"true"},{"name":"s","type":"text","value":"x"}]},`+
			`{"time":"-5","line":"","fields":[]}]}]},"stats":{"series":1,"samples":0,"rows":2,"seconds":0}}`)

	// A forecast: an instant query whose answer has times of its own.
	h.engine.query = answering(query.Result{Kind: query.KindMatrix, Stats: query.Stats{Series: 1, Samples: 9}, Warnings: []string{"w"}, Infos: []string{"i"},
		Series: []query.Series{{Labels: model.FromStrings("q", "0.5"), Points: []query.Point{{T: 1_800_000_000_000, V: 7}}}}})
	timeless(h.get("/tidemark/api/v1/query?query=forecast(x)")).want(t, 200,
		`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"q":"0.5"},"values":[[1800000000,"7"]]}]},"stats":{"series":1,"samples":9,"rows":0,"seconds":0},"warnings":["w"],"infos":["i"]}`)

	h.engine.query = answering(query.Result{Kind: query.KindScalar, Points: []query.Point{{T: 1_700_000_000_000, V: 2}}})
	timeless(h.get("/tidemark/api/v1/query?query=1%2B1")).want(t, 200,
		`{"status":"success","data":{"resultType":"scalar","result":[1700000000,"2"]},"stats":{"series":0,"samples":0,"rows":0,"seconds":0}}`)
	if got := h.engine.asked[2]; got.Dialect != ast.Native || !got.End.Equal(testNow) || got.Limit != 100 {
		t.Errorf("asked %+v", got)
	}
	if r := h.get("/tidemark/api/v1/query_range?query=x&start=2023-11-14T22:00:00Z&end=1700000000&step=1m"); r.status != 200 {
		t.Errorf("range gives %d %s", r.status, r.body)
	}
	if got := h.engine.asked[3]; got.Instant || got.Step != time.Minute || !got.End.Equal(testNow) {
		t.Errorf("asked %+v", got)
	}
}

func TestNativeErrorHasPlace(t *testing.T) {
	h := start(t, Options{})
	h.engine.query = failing(&ast.Error{Pos: ast.Pos{Line: 2, Column: 5, Offset: 9}, Token: "anomoly_score", Message: "unknown function", Expected: []string{"a function"}, Suggest: "anomaly_score"})
	h.get("/tidemark/api/v1/query?query=x").want(t, 400,
		`{"status":"error","errorType":"bad_data","error":"2:5: unknown function, expected a function; did you mean `+"`anomaly_score`"+`?","message":"unknown function","line":2,"column":5,"offset":9,"token":"anomoly_score","expected":["a function"],"suggest":"anomaly_score"}`)
	h.engine.query = failing(errors.New("odd"))
	h.get("/tidemark/api/v1/query?query=x").want(t, 500, `{"status":"error","errorType":"internal","error":"odd"}`)
}

func TestNativeFunctions(t *testing.T) {
	h := start(t, Options{})
	var got struct {
		Status string
		Data   []struct {
			Name, Family, Signature, Returns, Doc, Example string
			Params                                         []struct {
				Name    string
				Types   []string
				Default string
			}
		}
	}
	if err := json.Unmarshal([]byte(h.get("/tidemark/api/v1/functions").body), &got); err != nil {
		t.Fatal(err)
	}
	if all := funcs.All(); len(got.Data) != len(all) || len(all) == 0 {
		t.Fatalf("%d functions listed, want %d", len(got.Data), len(all))
	}
	for _, f := range got.Data {
		if f.Name == "" || f.Doc == "" || f.Example == "" || f.Returns == "" || f.Signature == "" {
			t.Errorf("%+v lacks something", f)
		}
		if f.Name == "label_replace" && len(f.Params) != 5 {
			t.Errorf("%+v: want five parameters", f)
		}
	}
	f := &funcs.Func{Name: "f", Returns: funcs.Vector, Variadic: true, Params: []funcs.Param{
		{Name: "v", Types: []funcs.Type{funcs.Range, funcs.LogRange}}, {Name: "q", Types: []funcs.Type{funcs.Scalar}, Optional: true, Default: "0.5"}, {Name: "s", Types: []funcs.Type{funcs.Str}}}}
	if got, want := f.Signature(), "f(v: range vector or log range, q=0.5, s: string …) instant vector"; got != want {
		t.Errorf("signature is %q, want %q", got, want)
	}
}

func TestFormatQuery(t *testing.T) {
	h := start(t, Options{})
	h.get("/api/v1/format_query?query=sum(rate(up%5B5m%5D))by(job)").want(t, 200, `{"status":"success","data":"sum by (job) (rate(up[5m]))"}`)
	h.get("/loki/api/v1/format_query?query=%7Bapp%3D%22a%22%7D%7C%3D%22x%22").want(t, 200, `{"status":"success","data":"{app=\"a\"} |= \"x\""}`)
	h.get("/tidemark/api/v1/format_query?query=1%2B%0A2").want(t, 200, `{"status":"success","data":"1 + 2"}`)
	var e struct{ Error string }
	r := h.get("/api/v1/format_query?query=sum((")
	if err := json.Unmarshal([]byte(r.body), &e); err != nil || r.status != 400 || len(e.Error) < len(`invalid parameter "query": 1:`) || e.Error[:len(`invalid parameter "query": 1:`)] != `invalid parameter "query": 1:` {
		t.Errorf("a broken query gives %d %s", r.status, r.body)
	}
}
