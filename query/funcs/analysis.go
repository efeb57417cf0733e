package funcs

import "slices"

// learning is shared by the functions that learn from a window.
var learning = params(
	option("season", Str, "auto", "the seasons to learn: auto, none, or periods such as 1d or 1d,1w; a season needs three of its periods in the window"),
	option("tz", Str, "UTC", "the time zone in which days and weeks begin, as in Europe/Berlin"),
	option("res", Duration, "the larger of 5m and the data's interval", "the width of the windows whose mean is fitted and judged"),
	option("refit", Duration, "a 28th of the window", "the distance of the UTC-aligned times at which models are fitted anew"),
	option("exclude", Vector, "none", "an expression whose times of a value other than 0 are left out of training, for the series whose labels agree with it where both have them"),
)

// band is shared by the functions that judge by a band.
var band = params(
	option("q", Scalar, "0.99", "the share of ordinary points that the band holds, 0.5 to below 1"),
	option("min_abs", Scalar, "0", "the least distance of a bound from the expected value"),
	option("min_rel", Scalar, "0", "the least distance of a bound, as a share of the expected value"),
	option("hindsight", Bool, "false", "learn from half a window before and half a window after, for reports on the past"),
)

func init() {
	register(
		&Func{
			Name: "baseline", Family: "analysis", Returns: Vector,
			Params: slices.Concat(params(rng("v", "the history to learn from, four weeks or so")), band, learning),
			Doc: "What is normal at this time: three series per input with the labels band=\"lower|expected|upper\" and season (those found: none, 1d, 1w or 1d,1w), learnt from the samples before it. " +
				"Robust season by phase, robust trend, phase-local scale. Too little history gives no value and a warning: without a season it takes 32 points of the resolution.",
			Example: `baseline(cpu_usage_user{host="a"}[4w], q=0.99)`,
		},
		&Func{
			Name: "anomaly_score", Family: "analysis", Returns: Vector,
			Params: slices.Concat(params(rng("v", "the history to learn from, four weeks or so")),
				params(option("dir", Str, "both", "the deviations that count: both, up or down", "both", "up", "down")), band, learning),
			Doc: "How far the point at this time lies from its baseline, signed: 1 and -1 are the edges of the band. " +
				"The same time gives the same score in an instant query, a range query and any zoom.",
			Example: `anomaly_score(cpu_usage_user[4w], dir="up")`,
		},
		&Func{
			Name: "forecast", Family: "analysis", Returns: Grid,
			Params: slices.Concat(params(rng("v", "the history to learn from, eight weeks or so"),
				Param{Name: "h", Types: []Type{Duration}, Doc: "how far ahead"}.opt("30d"),
				option("q", Tuple, "(0.1, 0.5, 0.9)", "the quantiles of the answer, each between 0 and 1"),
				option("model", Str, "auto", "the model: auto (a combination weighted by past errors), or one member of it: linear, local, level, mean, seasonal, smooth, damped, theta, ar", "auto", "linear", "local", "level", "mean", "seasonal", "smooth", "damped", "theta", "ar"),
				option("lead", Duration, "0", "in a range query, how long before each output time the forecast was made"),
				option("step", Duration, "the larger of res and a 1000th of h", "in an instant query, the distance of the points")), learning),
			Doc: "The future of a series: in an instant query points at future times over the horizon, in a range query what was or is forecast for each output time; label q. " +
				"Intervals are calibrated on rolling origins.",
			Example: `forecast(disk_used[8w], h="30d", q=(0.1, 0.5, 0.9))`,
		},
		&Func{
			Name: "time_to", Family: "analysis", Returns: Vector,
			Params: slices.Concat(params(rng("v", "the history to learn from"), num("threshold", "the value to be reached"),
				option("q", Tuple, "(0.1, 0.5, 0.9)", "the quantiles of the answer, each between 0 and 1"),
				option("max", Duration, "1y", "the longest time of interest; beyond it the answer is +Inf"),
				option("dir", Str, "auto", "from where the threshold is approached: up from below, down from above, auto from where the window's values are", "auto", "up", "down")), learning),
			Doc: "Seconds until the series reaches the threshold, as quantiles with the label q; 0 where it has been reached. " +
				"A sawtooth is recognised: what counts is whether its peaks before the clean-ups come to the threshold.",
			Example: `time_to(disk_used_percent[2w], 95, q=(0.1, 0.5, 0.9))`,
		},
		&Func{
			Name: "corr_over_time", Family: "analysis", Returns: Vector, Pairs: true,
			Params: params(rng("a", "one window"), rng("b", "the other window"),
				option("method", Str, "pearson", "pearson (linear) or spearman (by rank)", "pearson", "spearman"),
				option("diff", Bool, "false", "correlate the differences between neighbours instead of the values"),
				option("lag", Duration, "0", "how much later b is read than a; the later window ends at the time of the answer"),
				option("res", Duration, "the larger of the data's intervals and a 2048th of the window", "the width of the windows whose means are compared")),
			Doc: "The correlation, -1 to 1, of each series of a with the series of b that has the same labels, or those of on(…) or ignoring(…). " +
				"A series alone on its side, or among those that match, is compared with every one on the other. It takes ten common points.",
			Example: `corr_over_time(rate(http_errors_total[5m])[1d:1m], count_over_time(logs({app="api"} |= "timeout" [5m]))[1d:1m]) on (host)`,
		},
		&Func{
			Name: "change_points", Family: "analysis", Returns: Vector, Table: true,
			Params: params(rng("v", "the window to look through"),
				option("max", Scalar, "20", "the most changes answered for a series, the clearest first"),
				option("spikes", Bool, "false", "tell single spikes and dips, too"),
				option("season", Str, "auto", "the seasons to take off first: auto, none, or periods such as 1d or 1d,1w"),
				option("res", Duration, "the larger of the data's interval and a 1024th of the window", "the width of the windows whose means are compared")),
			Doc: "Where the series changes: per change its signed effect, with the labels type (level, trend, variance, spike, dip), at (the time of the first different point) and p (how likely chance makes one as clear). " +
				"Straight segments found by PELT with a penalty that needs no tuning. It takes 12 points.",
			Example: `change_points(node_load1{host="a"}[2d])`,
		},
		&Func{
			Name: "rank_changes", Family: "analysis", Returns: Vector, Table: true, Variadic: true,
			Params: params(either("v", "the window in which to look for what changed, of any number of series"),
				baselineOption,
				option("test", Str, "ks", "the comparison: ks (shift in scales of the baseline), volume (relative change of the mean), iqr (ks of the values alone)", "ks", "volume", "iqr"),
				option("k", Scalar, "50", "the most rows")),
			Doc: "What changed in this window against its baseline, over any number of series and log rows together (rows are counted per stream): the signed effect, with the labels signal (the metric), direction and p_adj, best first. " +
				"Those that a false-discovery rate of 5 % over all series keeps come before the others.",
			Example: `rank_changes({__name__=~".+", cluster="eu"}[1h], baseline="4x")`,
		},
		&Func{
			Name: "root_cause", Family: "analysis", Returns: Vector, Table: true,
			Params: params(rng("target", "the window of the one series that is in trouble"),
				either("over", "the same window of the series that may tell of the cause"),
				option("topology", Vector, "none", "edges: series with the labels from (the caller) and to (the callee)"),
				option("changes", Vector, "none", "events such as deploys: series with the node's label"),
				option("node", Str, "service", "the label that names the node a series belongs to"),
				baselineOption,
				option("k", Scalar, "20", "the most rows")),
			Doc: "Where the target's trouble may have begun: nodes by the evidence for them (how much they changed, whether changed nodes connect them with the target, what their own callees do not explain, whether they changed first, known events), best first. " +
				"It is evidence, not proof.",
			Example: `root_cause(latency_seconds{service="web"}[30m], over=latency_seconds[30m], topology=calls)`,
		},
		&Func{
			Name: "contrib", Family: "analysis", Returns: Vector, Table: true,
			Params: params(either("v", "the window of the series whose sum changed"),
				Param{Name: "of", Types: []Type{Range, LogRange}, Optional: true, NamedOnly: true, Default: "none", Doc: "the same window of what v is a part of, with the same labels: the change of the ratio is explained"},
				baselineOption,
				option("dims", Str, "", `the labels to combine, as in "region,version"; empty means all that differ`),
				option("max_dims", Scalar, "3", "the most labels of a combination"),
				option("k", Scalar, "5", "the most combinations")),
			Doc:     "Which combinations of label values explain why the sum of the series (of increases, such as increase(…)[10m:1m], or of counts) or a ratio of sums changed against the baseline: the share of the change, with the labels of the combination and its rank.",
			Example: `contrib(increase(http_errors_total[1m])[10m:1m], of=increase(http_requests_total[1m])[10m:1m], dims="region,version")`,
		},
		&Func{
			Name: "anomaly_pvalue", Family: "analysis", Returns: Vector,
			Params:  slices.Concat(params(rng("v", "the history to learn from, four weeks or so")), params(option("dir", Str, "both", "the deviations that count: both, up or down", "both", "up", "down")), band, learning),
			Doc:     "How likely an ordinary point lies as far from its baseline as the point at this time, 0 to 1: uniform for ordinary points, with a generalized Pareto tail, so that it can be small enough to survive fdr over many series.",
			Example: `fdr(0.05, anomaly_pvalue(cpu_usage_user[4w]))`,
		},
		&Func{
			Name: "anomaly_shape", Family: "analysis", Returns: Vector,
			Params: slices.Concat(params(rng("v", "the history to compare with, four weeks or so")), band, learning),
			Doc: "How unlike everything before the course up to this time is, 0 and up: the distance to the most similar course of the window before, over 12 points, half a period and two periods (of 16 to 288 points), as rarity: 1 is what one course in a hundred reaches. " +
				"It sees what stays within the band: a missing peak, a flat stretch, another rhythm.",
			Example: `anomaly_shape(http_requests[4w])`,
		},
		&Func{
			Name: "anomaly_onset", Family: "analysis", Returns: Vector,
			Params: slices.Concat(params(rng("v", "the history to learn from, four weeks or so"),
				option("quiet", Duration, "100 points of the resolution, at most an eighth of the window", "the time during which nothing may have been as surprising")), learning),
			Doc: "When something surprising begins, 0 and up, with 1 as the edge: the mean rarity of the courses up to now (see anomaly_shape), of a low value, and of the distance from what the hour of the week usually has. " +
				"What goes on, or begins again within quiet, is no onset and 0, so that an alert on it comes once.",
			Example: `anomaly_onset(http_requests[4w]) >= 1`,
		},
		&Func{
			Name: "anomalous", Family: "analysis", Returns: Vector,
			Params: slices.Concat(params(rng("v", "the history to learn from, four weeks or so"),
				option("for", Duration, "10m", "how long the points must have been outside of the band, on one side")), params(option("dir", Str, "both", "the deviations that count: both, up or down", "both", "up", "down")), band, learning),
			Doc:     "1 where the points have been outside of their band for a while, else 0. A level that settles is one episode: once the points of an hour lie where the point lies, it is 0 again.",
			Example: `anomalous(http_errors[4w], for="10m", dir="up")`,
		},
		&Func{
			Name: "decompose", Family: "analysis", Returns: Vector,
			Params:  slices.Concat(params(rng("v", "the history to learn from, four weeks or so")), band, learning),
			Doc:     "The parts of the point at this time: trend, season and residual (label part), by the model of anomaly_score.",
			Example: `decompose(cpu_usage_user{host="a"}[4w])`,
		},
		&Func{
			Name: "excess_over_time", Family: "analysis", Returns: Vector,
			Params: slices.Concat(params(rng("v", "the window to add up"),
				option("train", Duration, "4w", "the history to learn from")), params(option("dir", Str, "both", "the deviations that count: both, up or down", "both", "up", "down")), band, learning),
			Doc:     "The accumulated difference between the points of the window and their baseline, in the unit times seconds: of a rate the lost requests or the extra errors.",
			Example: `excess_over_time(job:http_errors:rate5m[2h], dir="up")`,
		},
		&Func{
			Name: "periods", Family: "analysis", Returns: Vector, Table: true,
			Params: params(rng("v", "the window to look through"),
				option("min", Duration, "0", "the shortest period"),
				option("max", Duration, "0", "the longest period; 0 means a third of the window"),
				option("k", Scalar, "3", "the most periods of a series"),
				option("res", Duration, "the larger of 5m, the data's interval and a 4096th of the window", "the width of the windows whose means are compared")),
			Doc:     "The periods after which a series repeats itself (label period) with their strength, the autocorrelation. It takes three periods.",
			Example: `periods(cpu_usage_user{host="a"}[4w])`,
		},
		&Func{
			Name: "peer_outliers", Family: "analysis", Returns: Vector, Groups: true,
			Params: params(rng("v", "the window whose means, or course, are compared"),
				option("method", Str, "mad", "mad (means against the median) or dbscan (courses in clusters)", "mad", "dbscan"),
				option("tol", Scalar, "3", "how many scales off the edge is")),
			Doc:     "How far each series lies from its peers, those with the same labels of by(…): 1 and -1 are the edge. It takes three peers.",
			Example: `peer_outliers(cpu_usage_user[10m], tol=3) by (role)`,
		},
		&Func{
			Name: "fdr", Family: "analysis", Returns: Vector,
			Params:  params(num("q", "the share of false discoveries that is accepted"), vec("pvalues", "p-values")),
			Doc:     "Keeps the p-values that survive at a false-discovery rate (Benjamini and Yekutieli): scanning 100,000 series does not mean 5,000 false alarms at 0.05.",
			Example: `fdr(0.05, anomaly_pvalue(cpu_usage_user[4w]))`,
		},
		&Func{
			Name: "backtest", Family: "analysis", Returns: Vector, Table: true,
			Params: params(vec("flag", "an expression that is above 0 where it alarms"),
				Param{Name: "range", Types: []Type{Duration}, Doc: "how far back to try it"},
				option("truth", Vector, "none", "an expression that is above 0 where something was wrong, for the series whose labels agree"),
				option("step", Duration, "the larger of 1m and a 2000th of the range", "the distance of the moments tried")),
			Doc:     "How an alert would have done: label stat is alerts_per_week, and with truth precision, recall (both of episodes) and delay in seconds.",
			Example: `backtest(anomalous(http_errors[1w]), 4w, truth=incident)`,
		},
		&Func{
			Name: "threshold_for", Family: "analysis", Returns: Vector, Table: true,
			Params: params(vec("expr", "what will be compared with the threshold"),
				Param{Name: "range", Types: []Type{Duration}, Doc: "how far back to look"},
				option("budget", Str, "2/week", "how often it may be exceeded: a number by hour, day, week or month"),
				option("step", Duration, "the larger of 1m and a 2000th of the range", "the distance of the moments looked at")),
			Doc:     "The lowest threshold that a series would not have exceeded more often than the budget allows, in episodes.",
			Example: `threshold_for(node_load1, 4w, budget="2/week")`,
		},
		&Func{
			Name: "forecast_at", Family: "analysis", Returns: Vector,
			Params: slices.Concat(params(rng("v", "the history to learn from"), Param{Name: "h", Types: []Type{Duration}, Doc: "how far ahead"},
				option("q", Scalar, "0.5", "the quantile")), learning),
			Doc:     "What is forecast for a time h from now, at the time of the query: for alerts.",
			Example: `forecast_at(disk_used[8w], 7d, q=0.9) > 0.9 * disk_total`,
		},
		&Func{
			Name: "p_breach", Family: "analysis", Returns: Vector,
			Params: slices.Concat(params(rng("v", "the history to learn from"), num("threshold", "the value to be reached"), Param{Name: "h", Types: []Type{Duration}, Doc: "within which time"},
				option("dir", Str, "auto", "from where the threshold is approached: up from below, down from above, auto from where the window's values are", "auto", "up", "down")), learning),
			Doc:     "The probability that the series reaches the threshold within h, sawtooth-aware as time_to.",
			Example: `p_breach(disk_used_percent[2w], 95, 7d) > 0.2`,
		},
		&Func{
			Name: "headroom", Family: "analysis", Returns: Vector,
			Params: slices.Concat(params(rng("use", "the history to learn from"), num("limit", "what there is"),
				Param{Name: "h", Types: []Type{Duration}, Doc: "how far ahead"}.opt("30d"),
				option("q", Scalar, "0.95", "the quantile of the forecast that counts")), learning),
			Doc:     "What is left of the limit at the highest that use is forecast to be within h; negative where it is not enough.",
			Example: `headroom(memory_used[8w], 64e9, 30d)`,
		},
		&Func{
			Name: "rightsize", Family: "analysis", Returns: Vector,
			Params: params(rng("use", "the window of use"),
				option("q", Scalar, "0.95", "the share of samples that must fit"),
				option("buffer", Scalar, "0.15", "what comes on top, as a share"),
				option("floor", Scalar, "-Inf", "the least answer"),
				option("cap", Scalar, "Inf", "the largest answer")),
			Doc:     "What would have been enough for most of the window, with a buffer: a request for resources. It takes 32 samples.",
			Example: `rightsize(memory_used[2w], q=0.99, buffer=0.2)`,
		},
		&Func{
			Name: "knee", Family: "analysis", Returns: Vector, Pairs: true, Table: true,
			Params: params(rng("load", "the window of the load"), rng("latency", "the window of the latency"),
				option("res", Duration, "the larger of the data's intervals and a 2048th of the window", "the width of the windows whose means are compared")),
			Doc:     "The load beyond which latency rises (two straight lines that meet), with an 80 % interval in the labels from and to; none where there is no corner. It takes 32 pairs.",
			Example: `knee(rate(http_requests_total[5m])[1d:1m], http_latency_seconds[1d]) on (service)`,
		},
		&Func{
			Name: "lead_lag", Family: "analysis", Returns: Vector, Pairs: true, Table: true,
			Params: params(rng("a", "one window"), rng("b", "the other window"), Param{Name: "max_lag", Types: []Type{Duration}, Doc: "the largest lag either way"},
				option("res", Duration, "the larger of the data's intervals and a 2048th of the window", "the width of the windows whose means are compared")),
			Doc:     "By how much b follows a: the strongest correlation, -1 to 1, with the labels lag (negative: a follows b) and p, corrected for what either depends on its own past and for the lags tried. It takes 32 common points.",
			Example: `lead_lag(rate(http_errors_total[5m])[1d:1m], deploys[1d], 30m) on (service)`,
		},
		&Func{
			Name: "diff_attrs", Family: "analysis", Returns: Vector, Table: true,
			Params: params(vec("bad", "counts of the bad, by label"), vec("good", "counts of the good, by label"),
				option("dims", Str, "", `the labels to combine, as in "region,version"; empty means all that differ`),
				option("max_dims", Scalar, "2", "the most labels of a combination"),
				option("k", Scalar, "50", "the most combinations")),
			Doc:     "Which label values set the bad apart from the good: per combination the label stat is count_bad, count_good, lift (its share of the bad by its share of the good) and p_adj (G-test, corrected for the number of combinations), best first.",
			Example: `diff_attrs(sum by (region, version) (count_over_time(logs({app="api"} | json | status >= 500 [1h]))), sum by (region, version) (count_over_time(logs({app="api"} | json | status < 500 [1h]))))`,
		},
	)
}

// baselineOption is shared by the functions that compare a window with others.
var baselineOption = option("baseline", Str, "4x", `what the window is compared with: "4x", the four windows before it; "-1w", the same window a week earlier; "FROM/TO", times in seconds or RFC 3339`)
