package ingest

import (
	"strings"
	"testing"

	"tidemark/storage/model"
)

func TestSeriesLabels(t *testing.T) {
	lim := Limits{MaxLabels: 2, MaxNameBytes: 10, MaxLabelValueBytes: 10}.WithDefaults()
	f := func(want string, nv ...string) {
		t.Helper()
		var pairs []model.Label
		for i := 0; i < len(nv); i += 2 {
			pairs = append(pairs, model.Label{Name: nv[i], Value: nv[i+1]})
		}
		name, own, reason := lim.SeriesLabels(pairs)
		got := name + own.String()
		if reason != "" {
			got = reason
		}
		if got != want {
			t.Errorf("%q gives %s, want %s", nv, got, want)
		}
	}
	f(`up{a="1", b="2"}`, "__name__", "up", "a", "1", "b", "2")
	f(`up{a="1", b="2"}`, "b", "2", "a", "1", "__name__", "up")
	f(`up{}`, "__name__", "up", "a", "")
	f(`up{time="1"}`, "__name__", "up", "time", "1")
	f(`up{Ä="ö"}`, "__name__", "up", "Ä", "ö")
	f(`up{a="1", b="2"}`, "__name__", "up", "a", "1", "b", "2", "c", "")
	f(`more than 2 labels: want at most that many (MaxLabels)`, "__name__", "up", "a", "1", "b", "2", "c", "3")
	f(`label "a" is given twice`, "__name__", "up", "a", "1", "a", "2")
	f(`label "a" is given twice`, "__name__", "up", "a", "", "a", "2")
	f(`label "__name__" is given twice`, "__name__", "up", "__name__", "up")
	f(`missing label __name__: want the metric's name`, "a", "1")
	f(`missing metric name: want a name that is not empty`, "__name__", "")
	f(`missing label name: want a name that is not empty`, "", "x", "__name__", "up")
	f(`label name is not UTF-8: "\xff"`, "__name__", "up", "\xff", "x")
	f(`metric name is not UTF-8: "\xff"`, "__name__", "\xff")
	f(`value of label "a" is not UTF-8: "\xff"`, "__name__", "up", "a", "\xff")
	f(`metric name has 11 bytes: want at most 10 (MaxNameBytes)`, "__name__", strings.Repeat("u", 11))
	f(`value of label "a" has 11 bytes: want at most 10 (MaxLabelValueBytes)`, "__name__", "up", "a", strings.Repeat("u", 11))
}
