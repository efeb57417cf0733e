package server

import (
	"strings"
	"testing"
)

func TestImportPrometheus(t *testing.T) {
	h := startReal(t)
	text := `# HELP rpc_seconds How long.
# TYPE rpc_seconds histogram
rpc_seconds_bucket{le="0.1"} 3 1700000000000
rpc_seconds_bucket{le="+Inf"} 4 1700000000000 # {trace_id="x"} 0.2
rpc_seconds_sum 0.7
rpc_seconds_count 4
temp{room="a \"b\""} -3.5
`
	h.write("/api/v1/import/prometheus", text, "X-Scope-OrgID", "acme", "Content-Type", "text/plain; version=0.0.4")
	h.get("/api/v1/query?query=rpc_seconds_bucket").want(t, 200,
		`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"rpc_seconds_bucket","le":"+Inf","tenant":"acme"},"value":[1700000000,"4"]},{"metric":{"__name__":"rpc_seconds_bucket","le":"0.1","tenant":"acme"},"value":[1700000000,"3"]}]}}`)
	h.get("/api/v1/query?query=temp").want(t, 200,
		`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"temp","room":"a \"b\"","tenant":"acme"},"value":[1700000000,"-3.5"]}]}}`)

	h.do("POST", "/api/v1/import/prometheus", zipped("good 1\nbad{a=1} 2\n"), "Content-Encoding", "gzip").want(t, 400,
		`{"status":"error","errorType":"bad_data","error":"1 of 2 lines refused, the others are stored (line 2, column 7: value of label \"a\": want it quoted)",`+
			`"data":[{"line_number":2,"column":7,"original_line":"bad{a=1} 2","error_message":"value of label \"a\": want it quoted"}]}`)
	h.write("/api/v1/import/prometheus", "om 7 1699999990.5\n# EOF\n", "Content-Type", "application/openmetrics-text; version=1.0.0")
	h.get("/api/v1/query?query=good%2Bon()om").want(t, 200, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1700000000,"8"]}]}}`)
	h.get("/api/v1/query?query=timestamp(om)").want(t, 200, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1700000000,"1699999990.5"]}]}}`)
	if r := h.do("POST", "/api/v1/import/prometheus", "x", "Content-Type", "application/vnd.google.protobuf"); r.status != 415 || !strings.Contains(r.body, "text format") {
		t.Errorf("protobuf gives %d %s", r.status, r.body)
	}
}
