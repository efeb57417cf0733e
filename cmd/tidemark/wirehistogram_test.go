package main

import (
	"strings"
	"testing"

	"tidemark/cmd/tidemark/internal/render"
	"tidemark/query"
)

// TestHistogramsOfAnswers: what the server writes of native histograms is what
// the table shows.
func TestHistogramsOfAnswers(t *testing.T) {
	show := func(body string) string {
		t.Helper()
		r, err := decodeAnswer([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := render.Write(&b, render.Table, r, render.Options{}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	got := show(`{"data":{"resultType":"vector","result":[{"metric":{"__name__":"h","a":"b"},"histogram":[1700000000.5,{"count":"9","sum":"3.5",` +
		`"buckets":[[1,"-2","-1","1"],[3,"-0.001","0.001","1"],[0,"1","2","3"],[0,"8","+Inf","4"]]}]}]}}`)
	for _, part := range []string{"2023-11-14T22:13:20.5Z", "count:9, sum:3.5, (-2,-1]:1, (-0.001,0.001]:1, (1,2]:3, (8,+Inf]:4"} {
		if !strings.Contains(got, part) {
			t.Errorf("table is\n%swant it to have %s", got, part)
		}
	}
	got = show(`{"data":{"resultType":"matrix","result":[{"metric":{},"values":[[60,"2"]],"histograms":[[0,{"count":"0","sum":"0"}],[120,{"count":"1","sum":"1","buckets":[[0,"0.5","1","1"]]}]]}]}}`)
	first, second, third := strings.Index(got, "{count:0, sum:0}"), strings.Index(got, " 2\n"), strings.Index(got, "(0.5,1]:1")
	if first < 0 || second < first || third < second {
		t.Errorf("table is\n%swant a histogram, a number and a histogram by time", got)
	}
	for _, bad := range []string{`[1]`, `[1,{"count":1}]`, `["x",{"count":"1","sum":"1"}]`, `[1,{"count":"1","sum":"x"}]`,
		`[1,{"count":"1","sum":"1","buckets":[[0,"1","2"]]}]`, `[1,{"count":"1","sum":"1","buckets":[[0,"2","1","1"]]}]`} {
		var p wireHistogram
		if err := p.UnmarshalJSON([]byte(bad)); err == nil {
			t.Errorf("%s is read as %+v", bad, query.HistogramPoint(p))
		}
	}
}
