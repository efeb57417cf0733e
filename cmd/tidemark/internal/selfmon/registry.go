package selfmon

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// gather passes every sample of a registry to add: histograms and summaries as
// the series that Prometheus scrapes. What one collector fails to give is left
// out; the others count.
func gather(g prometheus.Gatherer, add func(name string, labels []string, fields ...field)) {
	families, _ := g.Gather() // what could be gathered comes along with an error
	for _, mf := range families {
		name := mf.GetName()
		for _, m := range mf.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName(), l.GetValue())
			}
			with := func(extra ...string) []string { return append(append([]string(nil), labels...), extra...) }
			one := func(name string, labels []string, v float64) { add(name, labels, float("value", v)) }
			switch {
			case m.GetCounter() != nil:
				one(name, labels, m.GetCounter().GetValue())
			case m.GetGauge() != nil:
				one(name, labels, m.GetGauge().GetValue())
			case m.GetUntyped() != nil:
				one(name, labels, m.GetUntyped().GetValue())
			case m.GetHistogram() != nil:
				h := m.GetHistogram()
				for _, b := range h.GetBucket() {
					one(name+"_bucket", with("le", bound(b.GetUpperBound())), float64(b.GetCumulativeCount()))
				}
				one(name+"_bucket", with("le", "+Inf"), float64(h.GetSampleCount()))
				one(name+"_sum", labels, h.GetSampleSum())
				one(name+"_count", labels, float64(h.GetSampleCount()))
			case m.GetSummary() != nil:
				s := m.GetSummary()
				for _, q := range s.GetQuantile() {
					one(name, with("quantile", bound(q.GetQuantile())), q.GetValue())
				}
				one(name+"_sum", labels, s.GetSampleSum())
				one(name+"_count", labels, float64(s.GetSampleCount()))
			}
		}
	}
}

func bound(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
