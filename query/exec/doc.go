// Package exec executes plans. It knows nothing of query text, of HTTP and of
// how a store keeps its data: it reads from a model.View and answers with
// columns, samples or log rows.
//
// # How a plan runs
//
// Every expression is evaluated over a whole grid of times at once, a series
// at a time. An operator is a method that pushes its output series, as
// columns (a value and a presence bit per step), into the function it is
// given:
//
//	each(sum by (job)) ← each(rate) ← eachRange(x[5m]) ← view.Samples
//
// so that the samples of a series are decoded, turned into a column of rates,
// added to the accumulators of its group and dropped before the next series
// is read. Decoding and the function of the range are done by workers, a batch
// of series each; the rest in one goroutine, in the order of the selection
// (parallel.go). What has to see all series at once (sorting, the sides of a
// matching, topk) collects them. An instant query is a grid of one step.
//
// Labels are looked at once per series, never per step. A subexpression that
// does not depend on the step (its selectors carry an @) is evaluated once
// and spread over the grid.
//
// A column belongs to whoever received it last; handing it back with
// ev.recycle lets the next series use its memory and releases it from the
// query's account of samples held.
//
// # Times
//
// Numbers live in Unix milliseconds: a sample's time is floored and the last
// sample of a millisecond counts. Windows are open at the left and closed at
// the right. Log rows keep nanoseconds throughout.
package exec
