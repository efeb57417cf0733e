// Package chunk encodes runs of samples: one column of one series, of one type,
// as one value with a checksum. It is pure: bytes in, columns out, no I/O.
package chunk
