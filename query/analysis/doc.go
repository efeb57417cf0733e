// Package analysis holds the algorithms behind the language's analysis
// functions: robust baselines and anomaly scores, forecasts, time to a
// threshold, correlation. They are pure: slices in, slices out. The package
// knows no storage, no query text, no HTTP and no clock, does not turn counters
// into rates (its caller does), draws no random numbers, and never looks at the
// step or the bounds of a query, so that the answer for a moment is the same
// from every query that asks for it.
//
// # Time
//
// Times are int64 Unix milliseconds. Samples come as two parallel slices,
// times ascending. Windows are left-open, (from, to], as PromQL's are.
//
// # Buckets
//
// Every model works on buckets of a resolution res that are aligned to UTC:
// bucket (k·res, (k+1)·res], named by its end, holds the mean of its finite
// samples. NaN (stale markers too) and infinities are left out; a bucket
// without a finite sample is a gap, never a zero. The judged value at a time t
// is the same mean over (t−res, t], so that a band fitted on means never
// judges raw peaks; where res is the raw interval it is the sample itself.
//
// # Refit boundaries
//
// A [Schedule] fixes when models are refitted: at multiples of Refit since the
// epoch. The model that judges t is the one of the last boundary at or before
// t−res, so the judged value is never in its own training; it was fitted on the
// window that ends at that boundary.
//
// # Reading route
//
// grid.go (buckets, schedule) → robust.go (medians, Theil–Sen) → season.go
// (phases, which seasons are present), periods.go (any other period) →
// baseline.go (the band), tail.go (its probabilities) → discord.go, usual.go
// (what courses and hours have never shown) → changepoint.go → smooth.go,
// forecast.go (members and their combination) → timeto.go, sawtooth.go →
// correlate.go, leadlag.go, knee.go, peers.go (series beside series) →
// compare.go, attribution.go, attributes.go, causes.go (what changed, and why).
package analysis
