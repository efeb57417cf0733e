// Package score computes the published measures of the accuracy benchmarks
// from predictions and truths held in memory. It reads no files and knows no
// store. Every measure is checked against the data sets' own scorers by the
// tests of package accuracy.
package score
