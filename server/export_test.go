package server

import (
	"net/url"
	"strings"
	"testing"
)

// An export is exact, says where it ends, and gives a tenant its own alone.
func TestExport(t *testing.T) {
	h := startReal(t)
	h.write("/write", "cpu,host=a v=1i,w=2 1700000000000000001\ncpu,host=a v=2i,w=1e300 1700000000000000002\napp,host=a msg=\"GET /\",ms=4i 1700000000000000003")
	h.write("/write", "cpu,host=a v=9i 1700000000000000001", "X-Scope-OrgID", "other")
	if r := h.do("POST", "/api/v1/import/prometheus", "gone NaN 1700000000000\nendless +Inf 1700000000000\n"); r.status/100 != 2 {
		t.Fatal(r.status, r.body)
	}
	export := func(query string, headers ...string) reply {
		t.Helper()
		return h.get("/tidemark/api/v1/export?"+query, headers...)
	}
	match := func(selectors ...string) string { return url.Values{"match[]": selectors}.Encode() }

	export(match(`cpu_v{tenant=""}`, `{measurement="app"}`)).want(t, 200,
		`{"metric":{"__name__":"cpu_v","host":"a"},"times":[1700000000000000001,1700000000000000002],"values":[1,2]}
{"stream":{"host":"a","measurement":"app"},"time":1700000000000000003,"line":"GET /","fields":{"ms":4}}
{"end":true,"samples":2,"rows":1,"histograms":0}`)
	export(match("cpu_w")+"&start=2023-11-14T22:13:20.000000002Z").want(t, 200,
		`{"metric":{"__name__":"cpu_w","host":"a"},"times":[1700000000000000002],"values":[1e+300]}
{"end":true,"samples":1,"rows":0,"histograms":0}`)
	export(match("gone", "endless")).want(t, 200,
		`{"metric":{"__name__":"gone"},"times":[1700000000000000000],"values":["NaN"]}
{"metric":{"__name__":"endless"},"times":[1700000000000000000],"values":["+Inf"]}
{"end":true,"samples":2,"rows":0,"histograms":0}`)
	export(match("cpu_v"), "X-Scope-OrgID", "other").want(t, 200,
		`{"metric":{"__name__":"cpu_v","host":"a","tenant":"other"},"times":[1700000000000000001],"values":[9]}
{"end":true,"samples":1,"rows":0,"histograms":0}`)
	for query, want := range map[string]string{"": "match[]", match("rate(x[5m])"): "not a series selector", match("x") + "&start=2&end=1": "not before start", match("x") + "&start=soon": "start"} {
		if r := export(query); r.status != 400 || !strings.Contains(r.body, want) {
			t.Errorf("%s: %d %s, want 400 and %q", query, r.status, r.body, want)
		}
	}
}
