package storage

import (
	"fmt"
	"strings"
	"time"
)

// Metrics is a snapshot of what a store did and holds. Counters count from
// Open; gauges are of now.
type Metrics struct {
	// Counters of writing.
	Batches, DuplicateBatches, RejectedBatches int64
	Rows, Samples                              int64
	WALBytes, WALFsyncs                        int64

	// Gauges of the heads: the active and, where present, the frozen one.
	HeadBytes, HeadRows, HeadStreams int64
	// Label sets of today, their limit, and rows refused by it.
	DailyStreams, DailyStreamsLimit, DailyStreamsRefused int64
	FlushPending                                         bool
	RequestKeys                                          int64

	// Counters of flushing and retention.
	Flushes, FlushErrors int64
	EncodingFaults       int64
	// Losses is the number of losses that were recorded since Open, LossesKept that
	// of those that queries warn of.
	Losses, LossesKept int64
	ChunksWritten      int64
	RowGroupsWritten   int64
	ChunkBytes         int64
	RowGroupBytes      int64
	LastFlush          time.Duration
	PartitionsDropped  int64
	AppliedPosition    uint64
	VisiblePosition    uint64
	OpenViews          int64
	ReadOnly           bool
	LabelCacheHits     int64
	LabelCacheMisses   int64
	ReplayedBatches    int64
	ReplayedBytes      int64
	ReplayDuration     time.Duration

	// Counters of compaction, and the partitions that are not settled.
	Compactions, CompactionErrors     int64
	CompactedChunks, CompactedInto    int64
	CompactedBytes, CompactedIntoSize int64
	CompactionTime                    time.Duration
	PartitionsUnsettled               int64
	Tombstones                        int64

	// DiskFree is -1 where the filesystem does not say; Reopens counts
	// recoveries from a full disk.
	DiskFree, Reopens int64

	// Gauges and counters of the log on disk and of Pebble.
	WALSegmentBytes      int64
	DiskBytes            int64
	PebbleTables         int64
	PebbleMemtableBytes  int64
	PebbleCompactions    int64
	PebbleCompactedBytes int64
	PebbleFlushes        int64
	BlockCacheBytes      int64
	BlockCacheHits       int64
	BlockCacheMisses     int64
}

// Metric is one named figure of a snapshot.
type Metric struct {
	// Name is in Prometheus's form, without a product prefix.
	Name string
	Help string
	// Counter is true for a counter and false for a gauge.
	Counter bool
	Value   float64
}

// Each returns the snapshot as named figures in a fixed order.
func (m Metrics) Each() []Metric {
	b := func(v bool) float64 {
		if v {
			return 1
		}
		return 0
	}
	c := func(name, help string, v int64) Metric { return Metric{name, help, true, float64(v)} }
	g := func(name, help string, v float64) Metric { return Metric{name, help, false, v} }
	return []Metric{
		c("storage_batches_total", "Batches written.", m.Batches),
		c("storage_duplicate_batches_total", "Batches acknowledged by their request key without being written again.", m.DuplicateBatches),
		c("storage_rejected_batches_total", "Batches refused.", m.RejectedBatches),
		c("storage_rows_total", "Rows written.", m.Rows),
		c("storage_samples_total", "Numeric values written.", m.Samples),
		c("storage_wal_bytes_total", "Bytes appended to the write-ahead log.", m.WALBytes),
		c("storage_wal_fsyncs_total", "Syncs of the write-ahead log.", m.WALFsyncs),
		g("storage_wal_segment_bytes", "Bytes of the write-ahead log on disk.", float64(m.WALSegmentBytes)),
		g("storage_head_bytes", "Memory of recent, unflushed data.", float64(m.HeadBytes)),
		g("storage_head_rows", "Rows of recent, unflushed data.", float64(m.HeadRows)),
		g("storage_head_streams", "Label sets of recent, unflushed data.", float64(m.HeadStreams)),
		g("storage_daily_streams", "Label sets taken today, where their number is limited.", float64(m.DailyStreams)),
		g("storage_daily_streams_limit", "Limit of label sets taken a day; 0 is none.", float64(m.DailyStreamsLimit)),
		c("storage_daily_streams_refused_rows_total", "Rows refused because their label set was beyond the day's limit.", m.DailyStreamsRefused),
		g("storage_flush_pending", "1 while a generation is being flushed.", b(m.FlushPending)),
		g("storage_request_keys", "Request keys remembered.", float64(m.RequestKeys)),
		c("storage_flushes_total", "Generations flushed.", m.Flushes),
		c("storage_flush_errors_total", "Flushes that failed.", m.FlushErrors),
		c("storage_encoding_faults_total", "Chunks and row groups that were written plainly because their encoding did not decode to what was encoded.", m.EncodingFaults),
		c("storage_losses_total", "Damaged parts of what was stored that were cut out.", m.Losses),
		g("storage_losses", "Losses that queries which touch them warn of.", float64(m.LossesKept)),
		g("storage_last_flush_seconds", "Duration of the last flush.", m.LastFlush.Seconds()),
		c("storage_chunks_written_total", "Numeric chunks written.", m.ChunksWritten),
		c("storage_chunk_bytes_total", "Bytes of numeric chunks written.", m.ChunkBytes),
		c("storage_row_groups_written_total", "Row groups written.", m.RowGroupsWritten),
		c("storage_row_group_bytes_total", "Bytes of row groups written.", m.RowGroupBytes),
		c("storage_compactions_total", "Passes of compaction over a partition.", m.Compactions),
		c("storage_compaction_errors_total", "Passes of compaction that failed or were cut short.", m.CompactionErrors),
		c("storage_compaction_read_chunks_total", "Chunks that compaction merged.", m.CompactedChunks),
		c("storage_compaction_written_chunks_total", "Chunks that compaction wrote in their place.", m.CompactedInto),
		c("storage_compaction_read_bytes_total", "Bytes of the chunks that compaction merged.", m.CompactedBytes),
		c("storage_compaction_written_bytes_total", "Bytes of the chunks that compaction wrote in their place.", m.CompactedIntoSize),
		c("storage_compaction_seconds_total", "Time spent in compaction, rounded down.", int64(m.CompactionTime.Seconds())),
		g("storage_partitions_unsettled", "Partitions that compaction will look at again.", float64(m.PartitionsUnsettled)),
		g("storage_tombstones", "Deletions that compaction has not applied everywhere.", float64(m.Tombstones)),
		g("storage_disk_free_bytes", "Free space of the disk, or -1 where it is not known.", float64(m.DiskFree)),
		c("storage_reopens_total", "Times that the engine was opened anew after the disk had been full.", m.Reopens),
		c("storage_partitions_dropped_total", "Partitions dropped by retention.", m.PartitionsDropped),
		g("storage_applied_position", "Position up to which the log is flushed.", float64(m.AppliedPosition)),
		g("storage_visible_position", "Position up to which writes are visible.", float64(m.VisiblePosition)),
		g("storage_open_views", "Views that queries hold open.", float64(m.OpenViews)),
		g("storage_read_only", "1 after a disk failure made the store refuse writes.", b(m.ReadOnly)),
		c("storage_label_cache_hits_total", "Label sets found decoded.", m.LabelCacheHits),
		c("storage_label_cache_misses_total", "Label sets read from disk.", m.LabelCacheMisses),
		c("storage_replayed_batches_total", "Batches replayed at start-up.", m.ReplayedBatches),
		c("storage_replayed_bytes_total", "Bytes replayed at start-up.", m.ReplayedBytes),
		g("storage_replay_seconds", "Duration of the replay at start-up.", m.ReplayDuration.Seconds()),
		g("storage_disk_bytes", "Bytes of the index and data on disk.", float64(m.DiskBytes)),
		g("storage_pebble_tables", "Sorted tables of Pebble.", float64(m.PebbleTables)),
		g("storage_pebble_memtable_bytes", "Memory of Pebble's memtables.", float64(m.PebbleMemtableBytes)),
		c("storage_pebble_compactions_total", "Pebble compactions.", m.PebbleCompactions),
		c("storage_pebble_compacted_bytes_total", "Bytes that Pebble compactions wrote.", m.PebbleCompactedBytes),
		c("storage_pebble_flushes_total", "Pebble flushes.", m.PebbleFlushes),
		g("storage_block_cache_bytes", "Memory of the block cache.", float64(m.BlockCacheBytes)),
		c("storage_block_cache_hits_total", "Blocks found in the cache.", m.BlockCacheHits),
		c("storage_block_cache_misses_total", "Blocks read from disk.", m.BlockCacheMisses),
	}
}

// String prints the snapshot, one figure per line.
func (m Metrics) String() string {
	var b strings.Builder
	for _, x := range m.Each() {
		fmt.Fprintf(&b, "%s %v\n", x.Name, x.Value)
	}
	return b.String()
}

// Metrics returns a snapshot of counters and gauges.
func (db *DB) Metrics() Metrics {
	m := Metrics{
		Batches: db.n.batches.Load(), DuplicateBatches: db.n.duplicates.Load(), RejectedBatches: db.n.rejected.Load(),
		Rows: db.n.rows.Load(), Samples: db.n.samples.Load(),
		Flushes: db.n.flushes.Load(), FlushErrors: db.n.flushErrors.Load(), EncodingFaults: db.n.encodingFaults.Load(),
		Losses: db.n.losses.Load(), LossesKept: int64(len(db.Losses())),
		ChunksWritten: db.n.chunks.Load(), RowGroupsWritten: db.n.groups.Load(),
		ChunkBytes: db.n.chunkBytes.Load(), RowGroupBytes: db.n.groupBytes.Load(),
		LastFlush: time.Duration(db.n.lastFlush.Load()), PartitionsDropped: db.n.partitionDrops.Load(),
		Compactions: db.n.compactions.Load(), CompactionErrors: db.n.compactionErrors.Load(),
		CompactedChunks: db.n.compactedChunks.Load(), CompactedInto: db.n.compactedInto.Load(),
		CompactedBytes: db.n.compactedBytes.Load(), CompactedIntoSize: db.n.compactedIntoBytes.Load(),
		CompactionTime: time.Duration(db.n.compactionNanos.Load()), PartitionsUnsettled: db.n.partitionsUnsettled.Load(),
		AppliedPosition: db.applied.Load(), VisiblePosition: db.visible.Load(), ReadOnly: db.writable() != nil,
		LabelCacheHits: db.labels.hits.Load(), LabelCacheMisses: db.labels.misses.Load(),
		ReplayedBatches: db.n.replayedBatches.Load(), ReplayedBytes: db.n.replayedBytes.Load(), ReplayDuration: db.n.replay,
	}
	m.DailyStreams, m.DailyStreamsLimit, m.DailyStreamsRefused = db.write.streams.count.Load(), int64(db.opts.MaxDailyStreams), db.write.streams.rows.Load()
	db.write.Lock()
	m.RequestKeys = int64(len(db.write.reqs.byKey))
	db.write.Unlock()
	db.state.RLock()
	defer db.state.RUnlock()
	m.FlushPending = db.state.frozen != nil
	m.OpenViews = int64(len(db.state.views))
	for _, g := range []*generation{db.state.active, db.state.frozen} {
		if g != nil {
			s := g.head.Stats()
			m.HeadBytes += s.Bytes
			m.HeadRows += s.Rows
			m.HeadStreams += s.Streams
		}
	}
	if db.state.closed || db.state.broken != nil {
		return m
	}
	w := db.log.Stats()
	m.WALBytes, m.WALFsyncs, m.WALSegmentBytes = w.Bytes, w.Syncs, w.SegmentBytes
	m.DiskFree, m.Reopens, m.Tombstones = db.space.free.Load(), db.space.reopens.Load(), int64(len(db.state.tombstones))
	p := db.pdb.Metrics()
	m.DiskBytes = int64(p.DiskSpaceUsage())
	for i := range p.Levels {
		m.PebbleTables += p.Levels[i].TablesCount
		m.PebbleCompactedBytes += int64(p.Levels[i].TableBytesCompacted)
	}
	m.PebbleMemtableBytes = int64(p.MemTable.Size)
	m.PebbleCompactions = p.Compact.Count
	m.PebbleFlushes = p.Flush.Count
	m.BlockCacheBytes = p.BlockCache.Size
	m.BlockCacheHits, m.BlockCacheMisses = p.BlockCache.Hits, p.BlockCache.Misses
	return m
}
