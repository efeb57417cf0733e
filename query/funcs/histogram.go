package funcs

func init() {
	for name, doc := range map[string]string{
		"count":  "The number of observations",
		"sum":    "The sum of observations",
		"avg":    "The mean of observations",
		"stddev": "The standard deviation of observations, each taken to be at the middle of its bucket,",
		"stdvar": "The variance of observations, each taken to be at the middle of its bucket,",
	} {
		register(&Func{
			Name: "histogram_" + name, Family: "histogram", Returns: Vector,
			Params:  params(vec("h", "native histograms; numbers are left out")),
			Doc:     doc + " of native histograms.",
			Example: "histogram_" + name + "(rate(http_request_seconds[5m]))",
		})
	}
	register(&Func{
		Name: "histogram_fraction", Family: "histogram", Returns: Vector,
		Params: params(num("lower", "the lower bound"), num("upper", "the upper bound"), vec("b", "the buckets: series with the label le, usually a rate")),
		Doc: "The share of observations between two bounds, from native histograms and classic ones, whose series it groups; the latter are interpolated linearly within a bucket. " +
			"Series are grouped by all labels but le; the highest bucket must be le=\"+Inf\".",
		Example: "histogram_fraction(0, 0.2, sum by (le) (rate(http_request_seconds_bucket[5m])))",
	})
	register(&Func{
		Name: "histogram_quantiles", Family: "histogram", Returns: Vector, Variadic: true,
		Params: params(vec("b", "the buckets: series with the label le, usually a rate"), str("label", "the label that tells the quantiles apart"),
			num("q", "the quantiles, 0 to 1")),
		Doc:     "Several quantiles of histograms at once, each as a series with the quantile in a label. Otherwise as histogram_quantile.",
		Example: "histogram_quantiles(sum by (le) (rate(http_request_seconds_bucket[5m])), \"quantile\", 0.5, 0.9)",
	})
	register(&Func{
		Name: "histogram_quantile", Family: "histogram", Returns: Vector,
		Params: params(num("q", "the quantile, 0 to 1"), vec("b", "the buckets: series with the label le, usually a rate")),
		Doc: "The q-quantile of native histograms, and of classic ones, interpolated linearly within its bucket. Series are grouped by all labels but le; " +
			"the highest bucket must be le=\"+Inf\". -Inf for q < 0, +Inf for q > 1.",
		Example: "histogram_quantile(0.9, sum by (le) (rate(http_request_seconds_bucket[5m])))",
	})
}
