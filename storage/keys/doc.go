// Package keys is the sole maker and reader of the store's keys in Pebble. It
// refuses to know what values mean, beyond the small ones of dictionaries.
//
// Keys are compared bytewise. Integers are big endian; a signed integer has
// its sign bit flipped, so that negative times sort before positive ones. A
// string that is not the last part of a key is escaped: 0x00 is written
// 0x00 0xff, and 0x00 0x01 ends it, which keeps the order of the strings and
// makes a prefix of a string a prefix of its key.
//
// # Global keys
//
//	tag  parts                       value                        example
//	01   name                        see meta.go                  01 "applied"
//	02   name                        id u32, split, flags         02 "cpu_usage_user"
//	03   metric id u32               metric name                  03 00000007
//	04   name ⊥ measurement ⊥ field  empty                        04 "nginx_ms"0001 "nginx"0001 "ms"
//	05   request key                 received i64, position u64   05 "5f0c-retry-1"
//	06   start i64 width u32         empty                        06 979e… 00015180
//	07   position u64                a deletion, see package wal  07 0000000000000009
//
// 02 and 03 are the dictionary of full metric names, 04 marks a name that is
// read from log rows and from which fields, 05 makes retries harmless, 06 lists the
// partitions, 07 what compaction has to remove.
//
// # Partition keys
//
// Every key of a partition begins with tag 10, the partition's start in
// nanoseconds and its width in seconds, so that a partition is one range of
// keys and is dropped by excising it.
//
//	10 start i64 width u32, then
//	kind parts                                     value
//	01   id u32                                    canonical labels of the label set
//	02   hash u64  id u32                          empty: labels → id
//	03   label name ⊥ label value                  bitmap of label set ids
//	04   metric id u32                             bitmap: label sets with numeric chunks
//	05   class u8                                  bitmap: label sets with data of a class
//	06   metric id u32  field                      bitmap: label sets in whose log rows the
//	                                               field is read as the metric
//	07   metric id u32                             bitmap: label sets with state chunks
//	08   position u64                              bounds of the rows flushed at position
//	09                                             first id that bitmaps may lack, u64
//	0a                                             what the last flush left: see upkeep.go
//	0b                                             the same of the last compaction
//	10   metric u32 id u32 type u8 start i64 pos u64   chunk
//	20   pos u64 seq u32 first id u32 last id u32 mint i64 maxt i64 rows u32   head of a row group
//	21   pos u64 seq u32 part u16                      part of a row group
//
// For example, the chunk of metric 7, label set 2, floats, that starts at
// 1970-01-01T00:00:01Z in the partition of that day, flushed at position 9:
//
//	10 8000000000000000 00015180 10 00000007 00000002 01 800000003b9aca00 0000000000000009
//
// Chunk keys put the metric first: one metric over many label sets is one scan,
// and the several types that a metric may have within a label set lie beside
// each other.
//
// A flush cuts its log rows by time into groups, which are numbered in that
// order; within one they are sorted by (label set, time), so that a group holds
// any number of label sets. The key of a head says which times and ids lie in
// the group: a reader scans the heads of a partition, which are few and small
// and lie together, and reads of the groups that matter the parts that have the
// columns it wants. Kind 08 lists the flush positions and the times they span.
//
// Every key ends exactly where its last part ends: decoders check it.
package keys
