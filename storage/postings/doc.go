// Package postings is the label index: sets of 32-bit ids, their algebra, and
// the step from matchers to a set. It is the home of roaring bitmaps and
// refuses to know where ids, labels and bitmaps are kept: an Index says that.
//
// # Stored form
//
// A set is stored as a roaring bitmap in its portable format, without a header
// of its own: the format begins with a cookie that names its version, and a
// reader validates the structure, so that bytes from a damaged disk are an
// error. Pebble's merge operator ORs operands, so that adding ids to a set
// needs no read.
package postings
