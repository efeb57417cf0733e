package main

// The queries, one per kind of question. They are the whole configuration: no
// data set, series or case has an option of its own.
const (
	// When does something begin? For benchmarks of detection, which count
	// alerts and how early they come.
	onsetQuery = `anomaly_onset(value{series=%q}[12w])`
	// How unusual is this row? For benchmarks that label whole stretches.
	scoreQuery = `anomaly_shape(value{series=%q}[12w])`
	// The same, knowing what came after.
	hindsightQuery = `anomaly_shape(value{series=%q}[12w], hindsight=true)`
	// Would someone have been called?
	alertQuery = `anomalous(value{series=%q}[4w])`
	// What comes next? The window is the whole history, the horizon and its
	// step are the benchmark's.
	forecastQuery = `forecast(value{series=%q}[%s], h=%q, step=%q, q=(0.025, 0.5, 0.975))`
	// When did it change? The window is the whole series.
	changesQuery = `change_points(value{series=%q}[%s])`
	// Which signals changed against the ordinary ones?
	rankQuery = `rank_changes(value{case=%q}[%s], baseline=%q)`
	// Which node is the origin of what the target shows?
	causeQuery = `root_cause(value{case=%q, service=%q, metric=%q, stat=%q}[%s], over=value{case=%q}[%s], topology=edge{graph=%q}, baseline=%q)`
	// Which combinations of attributes explain the change of a ratio?
	attributesQuery = `contrib(failed{case=%q}[1m], of=total{case=%q}[1m], baseline=%q)`
)
