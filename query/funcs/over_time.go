package funcs

// overTime is a function that reduces the samples of a window to one number.
func overTime(name, doc string) *Func {
	return &Func{
		Name: name, Family: "over_time", Params: params(rng("v", "the window of samples, or log rows with an unwrap stage")), Returns: Vector,
		Doc: doc, Example: name + "(up[5m])",
	}
}

func init() {
	register(
		overTime("avg_over_time", "The mean of the samples in the window."),
		overTime("min_over_time", "The smallest sample in the window."),
		overTime("max_over_time", "The largest sample in the window."),
		overTime("sum_over_time", "The sum of the samples in the window."),
		&Func{
			Name: "count_over_time", Family: "over_time", Params: params(either("v", "the window")), Returns: Vector,
			Doc:     "The number of samples in the window. Of log rows: the number of rows that pass the pipeline.",
			Example: `count_over_time(logs({app="api"} |= "error" [5m]))`,
		},
		overTime("stddev_over_time", "The population standard deviation of the samples in the window."),
		overTime("stdvar_over_time", "The population variance of the samples in the window."),
		overTime("last_over_time", "The latest sample in the window; it keeps the metric name."),
		overTime("first_over_time", "The earliest sample in the window; it keeps the metric name."),
		overTime("present_over_time", "1 for every series that has a sample in the window."),
		overTime("mad_over_time", "The median absolute deviation from the median of the samples in the window."),
		overTime("ts_of_last_over_time", "The time of the latest sample in the window, in Unix seconds."),
		overTime("ts_of_first_over_time", "The time of the earliest sample in the window, in Unix seconds."),
		overTime("ts_of_min_over_time", "The time of the last smallest sample in the window, in Unix seconds."),
		overTime("ts_of_max_over_time", "The time of the last largest sample in the window, in Unix seconds."),
		&Func{
			Name: "quantile_over_time", Family: "over_time", Returns: Vector,
			Params:  params(num("q", "the quantile, 0 to 1"), rng("v", "the window of samples, or log rows with an unwrap stage")),
			Doc:     "The q-quantile of the samples in the window, interpolated linearly between ranks; -Inf for q < 0, +Inf for q > 1.",
			Example: "quantile_over_time(0.95, up[1h])",
		},
		&Func{
			Name: "absent_over_time", Family: "over_time", Params: params(either("v", "the window that ought not to be empty")), Returns: Vector,
			Doc:     "1 where the window holds nothing, with the labels that the selector's equality matchers name. Of log rows: where no row passes the pipeline.",
			Example: `absent_over_time(up{job="api"}[15m])`,
		},
	)
}
