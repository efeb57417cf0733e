// Package head holds the recent, mutable data of one generation: every row
// from its start until it is flushed. It refuses to do I/O and to know of time
// partitions on disk; it may be read while it is written.
//
// # Shape
//
// Rows lie in arrival order in arenas without pointers, so that the garbage
// collector never looks at them: blocks of 1 MiB of 64-bit words, and blocks
// of bytes for text. An address is a block number and an offset, and addresses
// grow with arrival.
//
//	row:   | previous row (address, u32) | time | value | value | …
//	text:  a value word is  address << 27 | length
//
// Rows of one label set and one schema are linked from the newest to the
// oldest; a slot, one for each pair that occurs, has the address of the
// newest. The first slot of a label set lies in its stream. Reading a series walks the rows of the slots that have its column
// and touches nothing else, so it does not depend on the number of streams.
// Sorting is left to readers and to the flush, which need it once, rather than
// done by every write.
//
// An active one-column series of one label that no other has costs about 230
// bytes, which a test holds, and holds equal to what the head says of itself:
//
//	stream with its first slot     88    in blocks of 256
//	labels, their text, the key    32 a label + text twice
//	place in the tables of keys    12    without pointers
//	place in the label index       20 a label, without pointers; 2 to 10 where
//	                               others have the value, too
//	each row                       16 + 8 a column
//
// # Reading while writing
//
// There is one writer at a time. It links a row only after filling it, with an
// atomic store, and a reader follows links only from atomic loads, so that a
// reader sees whole rows. Which rows count is another matter: a Snapshot
// carries the address that was the end of what is durable when it was taken,
// and skips rows at or behind it. The index (streams, slots, postings) is
// guarded by a lock that the writer takes only for something new.
//
// # Conflicts
//
// Of two samples of a series with the same time the one with the higher
// address counts, within a row the later column. Addresses are assigned in the
// order of (position, index in batch), live and in replay alike, so both end
// in the same state; Hash makes that testable.
package head
