// Package histogram calculates with native histograms: bounds of buckets,
// sums, differences, means, counter resets, quantiles, fractions and trimming,
// with Prometheus's meaning of each. It is pure, and it refuses to know of
// series, of queries and of how histograms are stored.
//
// A histogram here is a model.Histogram: sorted lists of populated buckets. A
// bucket that becomes empty vanishes, so that two histograms that say the same
// are the same. Functions that change their first argument say so; histograms
// read from a store are shared and have to be cloned first.
//
// # Unlike histograms
//
// Two exponential histograms of different schemas meet at the coarser one: a
// schema's buckets are pairs of the next finer one's. Where the zero buckets
// differ, the narrower one is widened, further still where its new bound would
// cut through a populated bucket. Two histograms with custom buckets meet at the
// bounds that both have. An exponential histogram and one with custom buckets
// do not meet: ErrIncompatible.
package histogram
