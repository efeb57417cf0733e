package funcs

func init() {
	register(
		&Func{
			Name: "bytes_over_time", Family: "log", Params: params(rows("v", "the window of log rows")), Returns: Vector,
			Doc:     "The bytes of the lines that pass the pipeline within the window.",
			Example: `bytes_over_time(logs({app="api"}[5m]))`,
		},
		&Func{
			Name: "bytes_rate", Family: "log", Params: params(rows("v", "the window of log rows")), Returns: Vector,
			Doc:     "The bytes per second of the lines that pass the pipeline within the window.",
			Example: `bytes_rate(logs({app="api"}[5m]))`,
		},
		&Func{
			Name: "rate_counter", Family: "log", Params: params(rng("v", "the window of log rows with an unwrap stage")), Returns: Vector,
			Doc:     "The increase per second of a counter that log rows tell, resets taken into account: what rate is for samples, while rate of unwrapped rows adds their values up.",
			Example: `rate_counter(logs({app="api"} | logfmt | unwrap requests_total [5m]))`,
		},
	)
}
