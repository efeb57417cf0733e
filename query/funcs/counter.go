package funcs

func counter(name, doc string) *Func {
	return &Func{
		Name: name, Family: "counter", Params: params(rng("v", "the window of samples")), Returns: Vector,
		Doc: doc, Example: name + "(http_requests_total[5m])",
	}
}

func init() {
	register(
		&Func{
			Name: "rate", Family: "counter", Params: params(either("v", "the window")), Returns: Vector,
			Doc: "Increase per second of a counter over the window, resets corrected, extrapolated to the window's edges as Prometheus does. " +
				"Of log rows: rows per second. Of unwrapped log rows: the sum of the values per second.",
			Example: "rate(http_requests_total[5m])",
		},
		counter("irate", "Increase per second of a counter between the last two samples of the window, a reset corrected."),
		counter("increase", "Increase of a counter over the window, resets corrected, extrapolated to the window's edges."),
		counter("delta", "Difference between the last and the first sample of a gauge, extrapolated to the window's edges."),
		counter("idelta", "Difference between the last two samples of a gauge."),
		counter("deriv", "Slope per second of a gauge by least squares over the window."),
		counter("changes", "How often the value changed within the window."),
		counter("resets", "How often the value decreased within the window."),
		&Func{
			Name: "predict_linear", Family: "counter", Returns: Vector,
			Params:  params(rng("v", "the window of samples of a gauge"), num("t", "seconds ahead of the evaluation time")),
			Doc:     "The value t seconds from the evaluation time on the least-squares line through the window. See forecast for seasons and intervals.",
			Example: "predict_linear(disk_free[6h], 4 * 3600)",
		},
		&Func{
			Name: "double_exponential_smoothing", Family: "counter", Returns: Vector,
			Params: params(rng("v", "the window of samples of a gauge"),
				num("sf", "smoothing factor, between 0 and 1"), num("tf", "trend factor, between 0 and 1")),
			Doc:     "The smoothed value at the end of the window by Holt's linear method.",
			Example: "double_exponential_smoothing(up[1h], 0.5, 0.1)",
		},
	)
}
