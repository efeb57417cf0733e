// Package storage is the embedded database of metrics and logs: one handle,
// DB, that appends batches and gives views to queries. It refuses to know of
// query languages, wire protocols, flags, logging or HTTP.
//
// # The life of a write
//
// Append checks a batch and then, in a short critical section, looks up its
// streams, appends one record to the write-ahead log (package wal) and inserts
// the rows into the head of the active generation (package head). The position
// of the record orders everything. Outside of the section it waits until the
// record is synced, together with all that came in meanwhile, and then moves
// the head's visible end: a batch that is acknowledged is on disk and visible,
// and one that is not yet on disk is not visible.
//
// When the head has grown (Options.HeadBytes) or aged (Options.FlushAge) the
// generation is frozen at its last position P and a new one starts with a new
// segment of the log. The frozen one is written to Pebble in batches of a few
// MiB under keys that name P (package keys): chunks of one column of one
// series, row groups of log rows, label sets and their bitmaps, partition by
// partition. Every chunk and row group is decoded and compared with what was
// encoded before it is written, so that an error of an encoder never costs
// what was acknowledged. Nothing of it counts yet. One last, synced batch records
// "applied = P": from then on a view takes these keys, and leaves the frozen
// generation out. Then the log forgets the positions up to P.
//
// A crash before the last batch leaves keys with a position above "applied".
// Readers ignore them; the next flush, which starts from the same log, finds
// the ids that were given out, deletes row groups left over (log rows repeat
// legitimately, so they could not be told from doubles later), and
// overwrites or overrules the rest: chunks that overlap are merged by (time,
// position), and the later flush holds everything that the earlier did.
//
// If the disk is slower than the writers, the active head exceeds its budget
// while the frozen one is still being written. Then Append waits, up to
// Options.MaxWriteWait, and answers ErrOverloaded: memory does not grow.
//
// A failed write or sync of the log, or of Pebble, is final: the store refuses
// writes (ErrReadOnly) and keeps answering queries until it is opened anew,
// which it does by itself where the disk was full (space.go).
//
// # The life of a read
//
// View takes, under one lock, snapshots of the generations' heads and one of
// Pebble. The position "applied" read from the snapshot says which heads it
// already contains. Everything that a view answers comes from these, whatever
// is written, flushed or dropped meanwhile.
//
// Selection is by matchers on bitmaps (package postings), once per partition
// and head, and gives a set of series with the places that hold them
// (seriesset.go). Readers of the set may work side by side (samples.go): what a
// series has in its places is merged by (time, order of writing) where it
// overlaps (merge.go), and where aggregates over windows are all that is wanted
// summaries stand for samples (parts.go), decoded samples are put together by window (spans.go),
// or the last sample stands for all (latest.go).
//
// Metrics come from columns of metric rows, and from numeric fields of log
// rows, from the same bytes: such a field is a metric of the labels without
// "measurement". At one time of one series a metric row overrules a log row.
// Text columns of metric rows, state columns, are log rows to a
// selector that asks for them: one that has a matcher on "measurement" that an
// absent label fails. Such rows have the label measurement, one row per time,
// and the line
//
//	field="text" other="text"
//
// A metric name is one name however it was split into measurement and field:
// the dictionary keeps the split that was flushed first, and shows state
// columns under it.
//
// # Partitions and retention
//
// A partition is a UTC day. Index and data of a partition are one range of keys. With
// Options.Retention a view starts at now − retention, Append refuses older
// rows, and a partition that ended before is excised once no view pins it.
//
// # Compaction
//
// Flushes leave a chunk per series each. A second goroutine (upkeep.go) merges
// them into long ones: compaction.go reads a partition's chunks from a
// snapshot, package compact chooses and merges, and one batch deletes what was
// read and writes what became of it. Flush and Compact leave notes in the
// partition (keys.Upkeep) that say what there is to do. Compact does all of it
// at once.
//
// # Damage
//
// An error of kind ErrCorrupt is told to DB.Mend, by who asks the view, and by
// background work itself. mend.go finds what is damaged and has it replaced by what
// can be read of it, losses.go keeps what was lost, and reindex.go makes the rest
// consistent. A view tells with Warnings which losses its answers may lack.
//
// # Deletes
//
// Delete logs a tombstone, which hides what was written before it (deletes.go)
// until compaction has removed that from disk.
//
// # Reading the source
//
// append.go, flush.go, view.go, compaction.go in this order; db.go holds what
// they share.
package storage
