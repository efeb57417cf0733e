package funcs

// calendar is a function of Unix seconds, read in UTC.
func calendar(name, doc string) *Func {
	return &Func{
		Name: name, Family: "time", Params: params(vec("v", "times in Unix seconds").opt("vector(time())")), Returns: Vector,
		Doc: doc, Example: name + "()",
	}
}

func init() {
	register(
		&Func{Name: "time", Family: "time", Returns: Scalar, Doc: "The evaluation time in Unix seconds.", Example: "time()"},
		&Func{
			Name: "timestamp", Family: "time", Params: params(vec("v", "the vector")), Returns: Vector,
			Doc:     "The time of every sample in Unix seconds: of a selector the sample's own, otherwise the evaluation time.",
			Example: "time() - timestamp(up)",
		},
		&Func{
			Name: "start_timestamp", Family: "time", Params: params(vec("v", "a selector")), Returns: Vector,
			Doc:     "Since when the samples of a selector have been counting, in Unix seconds; 0 where their source did not say. Of other expressions it is empty.",
			Example: "time() - start_timestamp(http_requests_total)",
		},
		&Func{Name: "start", Family: "time", Returns: Scalar, Doc: "The time of the query's first step in Unix seconds; of an instant query its only one.", Example: "time() - start()"},
		&Func{Name: "end", Family: "time", Returns: Scalar, Doc: "The end of the query in Unix seconds; of an instant query its time.", Example: "end() - time()"},
		&Func{Name: "range", Family: "time", Returns: Scalar, Doc: "The seconds from the query's start to its end; 0 for an instant query.", Example: "(time() - start()) / range()"},
		&Func{Name: "step", Family: "time", Returns: Scalar, Doc: "The query's step in seconds; 0 for an instant query.", Example: "range() / step()"},
		calendar("minute", "The minute of the hour in UTC, 0 to 59."),
		calendar("hour", "The hour of the day in UTC, 0 to 23."),
		calendar("day_of_week", "The day of the week in UTC, 0 (Sunday) to 6."),
		calendar("day_of_month", "The day of the month in UTC, 1 to 31."),
		calendar("day_of_year", "The day of the year in UTC, 1 to 366."),
		calendar("days_in_month", "The number of days of the month in UTC, 28 to 31."),
		calendar("month", "The month in UTC, 1 (January) to 12."),
		calendar("year", "The year in UTC."),
	)
}
