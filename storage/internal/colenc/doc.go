// Package colenc encodes columns of integers, floats, booleans and texts. It is
// what chunks and row groups are built of. It knows nothing of series, rows,
// checksums or versions: its callers frame a column and keep its count.
package colenc
