package funcs

// elementwise is a function that maps every sample of an instant vector by
// itself and drops the metric name.
func elementwise(name, doc string) *Func {
	return &Func{
		Name: name, Family: "math", Params: params(vec("v", "the numbers")), Returns: Vector,
		Doc: doc, Example: name + "(up)",
	}
}

func init() {
	register(
		elementwise("abs", "The absolute value of every sample."),
		elementwise("ceil", "Every sample rounded up to the next integer."),
		elementwise("floor", "Every sample rounded down to the next integer."),
		elementwise("sqrt", "The square root of every sample; NaN for negative ones."),
		elementwise("exp", "e to the power of every sample."),
		elementwise("ln", "The natural logarithm of every sample; -Inf for 0, NaN for negative ones."),
		elementwise("log2", "The binary logarithm of every sample."),
		elementwise("log10", "The decimal logarithm of every sample."),
		elementwise("sgn", "The sign of every sample: -1, 0 or 1."),
		elementwise("sin", "The sine of every sample, in radians."),
		elementwise("cos", "The cosine of every sample, in radians."),
		elementwise("tan", "The tangent of every sample, in radians."),
		elementwise("asin", "The arc sine of every sample, in radians."),
		elementwise("acos", "The arc cosine of every sample, in radians."),
		elementwise("atan", "The arc tangent of every sample, in radians."),
		elementwise("sinh", "The hyperbolic sine of every sample."),
		elementwise("cosh", "The hyperbolic cosine of every sample."),
		elementwise("tanh", "The hyperbolic tangent of every sample."),
		elementwise("asinh", "The inverse hyperbolic sine of every sample."),
		elementwise("acosh", "The inverse hyperbolic cosine of every sample."),
		elementwise("atanh", "The inverse hyperbolic tangent of every sample."),
		elementwise("deg", "Radians turned into degrees."),
		elementwise("rad", "Degrees turned into radians."),
		&Func{
			Name: "round", Family: "math", Returns: Vector,
			Params:  params(vec("v", "the numbers"), num("to", "the nearest multiple of which to round to; may be a fraction").opt("1")),
			Doc:     "Every sample rounded to the nearest multiple of `to`; a tie rounds up.",
			Example: "round(up, 0.5)",
		},
		&Func{
			Name: "clamp", Family: "math", Returns: Vector,
			Params:  params(vec("v", "the numbers"), num("min", "the lower bound"), num("max", "the upper bound")),
			Doc:     "Every sample forced into [min, max]. Nothing where min > max, NaN where a bound is NaN.",
			Example: "clamp(up, 0, 1)",
		},
		&Func{
			Name: "clamp_min", Family: "math", Returns: Vector,
			Params:  params(vec("v", "the numbers"), num("min", "the lower bound")),
			Doc:     "Every sample raised to at least min.",
			Example: "clamp_min(up, 0)",
		},
		&Func{
			Name: "clamp_max", Family: "math", Returns: Vector,
			Params:  params(vec("v", "the numbers"), num("max", "the upper bound")),
			Doc:     "Every sample lowered to at most max.",
			Example: "clamp_max(up, 1)",
		},
		&Func{
			Name: "min_of", Family: "math", Returns: Scalar, Params: params(num("a", "a number"), num("b", "another")),
			Doc:     "The smaller of two numbers; NaN where one of them is.",
			Example: "min_of(time(), end() - 3600)",
		},
		&Func{
			Name: "max_of", Family: "math", Returns: Scalar, Params: params(num("a", "a number"), num("b", "another")),
			Doc:     "The larger of two numbers; NaN where one of them is.",
			Example: "max_of(scalar(sum(up)), 1)",
		},
		&Func{Name: "pi", Family: "math", Returns: Scalar, Doc: "The number pi.", Example: "pi()"},
		&Func{
			Name: "scalar", Family: "math", Returns: Scalar, Params: params(vec("v", "one series")),
			Doc:     "The value of the only series of a vector; NaN where there is not exactly one.",
			Example: "scalar(sum(up))",
		},
		&Func{
			Name: "vector", Family: "math", Returns: Vector, Params: params(num("s", "the number")),
			Doc:     "A number as a vector of one series without labels.",
			Example: "vector(1)",
		},
		&Func{
			Name: "absent", Family: "math", Returns: Vector, Params: params(vec("v", "the selection that ought to be there")),
			Doc:     "1 where the vector is empty, with the labels that the selector's equality matchers name; nothing otherwise.",
			Example: `absent(up{job="api"})`,
		},
		&Func{
			Name: "sort", Family: "math", Returns: Vector, Params: params(vec("v", "the vector")),
			Doc:     "The series by ascending value. It matters in instant queries only, since range answers are ordered by labels.",
			Example: "sort(up)",
		},
		&Func{
			Name: "sort_desc", Family: "math", Returns: Vector, Params: params(vec("v", "the vector")),
			Doc:     "The series by descending value; see sort.",
			Example: "sort_desc(up)",
		},
	)
}
