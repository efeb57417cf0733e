// Package wal is the write-ahead log: it keeps opaque batches in the order of
// their positions until the store has written them elsewhere. It refuses to
// know what a record means; Record, the form that the store gives them, is
// encoded and decoded here because its bytes are the log's format.
//
// # The log
//
// A Log appends a record and gives it a position, says when it is durable,
// replays from a position and forgets up to one. Positions count from 1,
// without gaps. Segments is the embedded implementation.
//
// # Segments
//
// A segment is a file named by the position of its first record, in hex:
//
//	00000000000000000001.wal
//	0000000000000000a3f0.wal
//
// Its bytes are those of Pebble's record format: blocks of 32 KiB, records cut
// into chunks that do not cross a block, each with a CRC-32C. That format is
// proven, tells a torn tail from data, and its writer shares syncs between all
// records that wait: group commit costs nothing extra. Each record starts with
//
//	+----------------+----------------+--------- - - -
//	| position u64LE | durable  u64LE | payload
//	+----------------+----------------+--------- - - -
//
// where durable is the position up to which the log was synced when the record
// was appended. It is what tells damage from a crash: after a crash the pages
// that were never synced may be on disk in any combination, so an unreadable
// record followed by readable ones is no damage in itself. But an unreadable
// record P followed by one that says "durable ≥ P" was acknowledged and is
// damaged, and so is a gap between one segment and the next. Damage is
// reported as ErrDamaged; what merely was not finished ends the log silently,
// at the last whole record.
//
// Whoever asks to be told of damage (ReplayOptions.Damaged) gets the records
// behind it, too: they are looked for at every offset, for neither lengths nor
// blocks can be trusted there. A record numbers the definitions that it brings, so
// that a row behind damage is never taken for one of other labels.
//
// A segment is created, and its folder synced, before the first record in it
// is acknowledged. A failed write or sync is final: the log refuses everything
// afterwards, because the operating system may have dropped the pages that
// failed.
package wal
