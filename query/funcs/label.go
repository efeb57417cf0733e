package funcs

func init() {
	register(
		&Func{
			Name: "label_replace", Family: "label", Returns: Vector,
			Params: params(vec("v", "the vector"), str("dst", "the label to write"), str("replacement", "its value, with $1 or ${name} for groups"),
				str("src", "the label to read"), str("regex", "an anchored regular expression")),
			Doc:     "Where the whole value of src matches regex, dst is set to the expanded replacement (an empty one removes it); other series stay as they are.",
			Example: `label_replace(up, "host", "$1", "instance", "(.*):.*")`,
		},
		&Func{
			Name: "label_join", Family: "label", Returns: Vector, Variadic: true,
			Params: params(vec("v", "the vector"), str("dst", "the label to write"), str("separator", "put between the values"),
				str("src", "labels to read, in order").opt("")),
			Doc:     "Sets dst to the values of the src labels joined by separator.",
			Example: `label_join(up, "where", "/", "region", "zone")`,
		},
		&Func{
			Name: "info", Family: "label", Returns: Vector,
			Params: params(vec("v", "the vector"), Param{Name: "labels", Types: []Type{Matchers}, Optional: true, Default: "{}",
				Doc: "which labels to add, and by __name__ of which info metrics"}),
			Doc: "Adds labels of info metrics to the series that have the same job and instance: those that the matchers name, or all, of target_info or of the metrics that " +
				"match by __name__. A series is left out where it has no info metric that satisfies the matchers.",
			Example: `info(rate(http_requests_total[5m]), {k8s_cluster_name=~".+"})`,
		},
		&Func{
			Name: "sort_by_label", Family: "label", Returns: Vector, Variadic: true,
			Params:  params(vec("v", "the vector"), str("label", "labels to sort by, the first counts most").opt("")),
			Doc:     "The series by ascending values of the labels in natural order (numbers by size), then by all labels. It matters in instant queries only.",
			Example: `sort_by_label(up, "instance")`,
		},
		&Func{
			Name: "sort_by_label_desc", Family: "label", Returns: Vector, Variadic: true,
			Params:  params(vec("v", "the vector"), str("label", "labels to sort by, the first counts most").opt("")),
			Doc:     "The series by descending values of the labels; see sort_by_label.",
			Example: `sort_by_label_desc(up, "instance")`,
		},
	)
}
