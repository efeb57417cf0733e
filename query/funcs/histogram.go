package funcs

func init() {
	register(&Func{
		Name: "histogram_quantile", Family: "histogram", Returns: Vector,
		Params: params(num("q", "the quantile, 0 to 1"), vec("b", "the buckets: series with the label le, usually a rate")),
		Doc: "The q-quantile of classic histograms, interpolated linearly within its bucket. Series are grouped by all labels but le; " +
			"the highest bucket must be le=\"+Inf\". -Inf for q < 0, +Inf for q > 1.",
		Example: "histogram_quantile(0.9, sum by (le) (rate(http_request_seconds_bucket[5m])))",
	})
}
