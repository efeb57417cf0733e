package funcs

func init() {
	logs := rows("v", "the window of log rows")
	register(
		&Func{
			Name: "pattern_count_over_time", Family: "pattern", Params: params(logs), Returns: Vector,
			Doc: "The number of rows of each pattern within the window, with labels pattern and pattern_id. A pattern is a merge of the shapes of all rows that the query reads: " +
				"the counts of all patterns add up to that of the rows, in any order of them; by (…) groups rows before.",
			Example: `pattern_count_over_time(logs({app="api"}[1h]))`,
		},
		&Func{
			Name: "pattern_diff", Family: "pattern", Returns: Vector,
			Params: params(logs, option("baseline", Duration, "0s", "how long the time before the window is that it is compared with; 0s means as long as the window")),
			Doc: "What patterns have more or fewer rows than the time before the window makes one expect, with the label status: new, gone, up or down. " +
				"Differences that chance explains are left out: square roots of Poisson counts have a known variance (Bartlett 1936), and 3.3 standard deviations are asked for.",
			Example: `pattern_diff(logs({app="api"}[1h]), baseline="1d")`,
		},
		&Func{
			Name: "new_patterns", Family: "pattern", Returns: Vector,
			Params:  params(logs, option("known", Duration, "30d", "how long the time before the window is that knows patterns")),
			Doc:     "The number of rows in the window of each pattern that the time before it does not have.",
			Example: `new_patterns(logs({app="api"}[1h]), known="7d")`,
		},
		&Func{
			Name: "pattern_params", Family: "pattern", Returns: Vector,
			Params: params(logs, str("id", "the pattern_id of a pattern"), num("slot", "which of its placeholders, from 1").opt("1"),
				option("agg", Str, "avg", "what is made of the values within the window", "avg", "min", "max", "sum", "count", "last")),
			Doc:     "A variable of a pattern as a metric: the number at one of its placeholders, durations in seconds and sizes in bytes.",
			Example: `pattern_params(logs({app="api"}[1h]), "a0030545b0ab65fd", 3, agg="max")`,
		},
		&Func{
			Name: "pattern_overdue", Family: "pattern", Params: params(logs), Returns: Vector,
			Doc: "By how many seconds a line is late that came in regular intervals within the window, such as that of a job: at least five times, with a median deviation of its gaps " +
				"of at most a fifth of their median. There is a value once half an interval more than the interval has passed.",
			Example: `pattern_overdue(logs({job="backup"}[1d]))`,
		},
		&Func{
			Name: "sequence_anomaly", Family: "pattern", Returns: Vector,
			Params: params(logs, option("by", Str, "", "the label or field whose values tell sessions apart")),
			Doc: "How surprising the order of patterns in a session is, in bits per row: the mean of −log2 of the probability of each pattern after the one before it. " +
				"The probabilities are those of the other sessions in the window (a Markov chain of first order, additive smoothing); at least two sessions are needed.",
			Example: `sequence_anomaly(logs({app="api"} | logfmt [1h]), by=session)`,
		},
	)
}
