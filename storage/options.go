package storage

import (
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/storage/model"
)

// Options configure a store. The zero value of each field means its default.
type Options struct {
	// FS is the filesystem; default the operating system's.
	FS vfs.FS
	// Now is the clock; default time.Now. Retention, flush age and the expiry
	// of request keys follow it.
	Now func() time.Time
	// EventListener, where set, is told what happens inside. It is called
	// synchronously, possibly from several goroutines, and must be quick.
	EventListener func(Event)

	// Retention is how long rows are kept by their own time; 0 keeps all.
	Retention time.Duration
	// RetentionSize is how many bytes the store may take on disk; beyond it the
	// oldest partitions are dropped, but never the newest. 0 means no bound.
	RetentionSize int64
	// RetentionRules keep some series and streams shorter than Retention.
	RetentionRules []RetentionRule
	// RequestKeyTTL is how long a request key makes a retry harmless; default
	// one hour.
	RequestKeyTTL time.Duration

	// HeadBytes is the memory that the recent data of one generation takes
	// before it is flushed; default 128 MiB. At most two generations exist.
	HeadBytes int64
	// HeadLogBytes is how much of that log rows may take; default 32 MiB, which
	// fills two or three row groups. More would make neither larger groups nor
	// fewer bytes, where the chunks of metrics gain from each row more.
	HeadLogBytes int64
	// FlushAge is the age of the oldest unflushed write at which a flush is
	// started; default 30 minutes. It bounds the time that a restart takes.
	FlushAge time.Duration
	// MaxWriteWait bounds how long Append waits for memory while a flush is
	// behind, before it answers ErrOverloaded; default 10 seconds.
	MaxWriteWait time.Duration

	// CompactFlushes is how many flushes into a partition start a pass of
	// compaction over its chunks while it is still written to; default 16.
	// Readers merge about as many chunks of a series.
	CompactFlushes int
	// SettleAge is how long a partition must have got nothing before it is
	// rewritten whole, once; default one hour.
	SettleAge time.Duration
	// NoCompaction leaves compaction to calls of DB.Compact.
	NoCompaction bool

	// MinFree is how much of the disk must be free for writes to be taken;
	// default 1 GiB, negative for no bound.
	MinFree int64
	// Ballast is the size of a file that takes up disk space in order to be
	// deleted when there is hardly any left, so that a full disk can be got over;
	// default 64 MiB, negative for none.
	Ballast int64

	// MaxStreams bounds the label sets of one generation; default 5,000,000.
	MaxStreams int
	// MaxDailyStreams bounds the label sets taken within a UTC day of receipt;
	// 0, the default, is no bound. Rows of further label sets are refused, and
	// those that were seen today or yesterday served on.
	MaxDailyStreams int
	// MaxSchemas bounds the distinct row schemas of one generation; default
	// 1,000,000.
	MaxSchemas int
	// MaxBatchBytes bounds model.Batch.Size of one batch and its label sets;
	// default 64 MiB, which is also the most allowed.
	MaxBatchBytes int
	// MaxRequestKeys bounds the request keys remembered; the oldest are
	// forgotten beyond it. Default 1,000,000.
	MaxRequestKeys int

	// SalvageLog opens a store of whose write-ahead log a file is missing, instead
	// of Open answering ErrLogDamaged. What is damaged within a file is cut out
	// without being asked: see DB.Losses.
	SalvageLog bool

	// CacheBytes is the size of the block cache; default 128 MiB.
	CacheBytes int64
	// LabelCacheEntries is the number of label sets read from disk that are
	// kept decoded; default 100,000.
	LabelCacheEntries int
	// ShapeCacheBytes is the memory for shapes of log lines that are kept
	// decoded; default 32 MiB.
	ShapeCacheBytes int64

	memTable   int           // bytes of Pebble's memtables; tests fill them soon
	spaceEvery time.Duration // how often the disk is looked at; tests are in a hurry
}

// RetentionRule says how long what matches is kept: samples of metrics, to which
// a matcher of __name__ applies, and log rows, to which none may apply.
type RetentionRule struct {
	Matchers []*model.Matcher
	Keep     time.Duration
}

// MaxRetentionRules bounds Options.RetentionRules: readers look at each of them
// for each series.
const MaxRetentionRules = 100

const maxBatchBytes = 64 << 20

// WithDefaults returns o with every zero field set to its default.
func (o Options) WithDefaults() Options {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.EventListener == nil {
		o.EventListener = func(Event) {}
	}
	def(&o.RequestKeyTTL, time.Hour)
	def(&o.HeadBytes, 128<<20)
	def(&o.HeadLogBytes, 32<<20)
	def(&o.FlushAge, 30*time.Minute)
	def(&o.MaxWriteWait, 10*time.Second)
	def(&o.CompactFlushes, 16)
	def(&o.SettleAge, time.Hour)
	def(&o.MinFree, 1<<30)
	def(&o.Ballast, 64<<20)
	def(&o.spaceEvery, spaceEvery)
	// A flush writes some ten MiB at once; with Pebble's 4 MiB it would stall on
	// Pebble's flushes.
	def(&o.memTable, 16<<20)
	def(&o.MaxStreams, 5_000_000)
	def(&o.MaxSchemas, 1_000_000)
	def(&o.MaxBatchBytes, maxBatchBytes)
	def(&o.MaxRequestKeys, 1_000_000)
	def(&o.CacheBytes, 128<<20)
	def(&o.LabelCacheEntries, 100_000)
	def(&o.ShapeCacheBytes, 32<<20)
	return o
}

func def[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// Validate reports every bad field at once, as an *OptionsError.
func (o Options) Validate() error {
	var bad []string
	check := func(ok bool, name string, got any, want string) {
		if !ok {
			bad = append(bad, fmt.Sprintf("%s is %v, want %s", name, got, want))
		}
	}
	check(o.Retention >= 0, "Retention", o.Retention, "0 (unlimited) or more")
	check(o.RetentionSize >= 0, "RetentionSize", o.RetentionSize, "0 (unlimited) or more")
	check(len(o.RetentionRules) <= MaxRetentionRules, "RetentionRules", len(o.RetentionRules), fmt.Sprintf("at most %d", MaxRetentionRules))
	for i, r := range o.RetentionRules {
		d := r.deletion(0)
		check(r.Keep > 0, fmt.Sprintf("RetentionRules[%d].Keep", i), r.Keep, "more than 0")
		check(d.Check() == nil, fmt.Sprintf("RetentionRules[%d].Matchers", i), r.Matchers, "a matcher that does not match the empty value")
	}
	check(o.RequestKeyTTL > 0, "RequestKeyTTL", o.RequestKeyTTL, "more than 0")
	check(o.HeadBytes >= 1<<16, "HeadBytes", o.HeadBytes, "at least 65536")
	check(o.HeadBytes <= 8<<30, "HeadBytes", o.HeadBytes, "at most 8 GiB")
	check(o.HeadLogBytes >= 1<<16, "HeadLogBytes", o.HeadLogBytes, "at least 65536")
	check(o.FlushAge > 0, "FlushAge", o.FlushAge, "more than 0")
	check(o.MaxWriteWait > 0, "MaxWriteWait", o.MaxWriteWait, "more than 0")
	check(o.CompactFlushes >= 2, "CompactFlushes", o.CompactFlushes, "at least 2")
	check(o.SettleAge > 0, "SettleAge", o.SettleAge, "more than 0")
	check(o.MaxStreams > 0, "MaxStreams", o.MaxStreams, "more than 0")
	check(o.MaxDailyStreams >= 0 && o.MaxDailyStreams < 1<<31, "MaxDailyStreams", o.MaxDailyStreams, "0 (unlimited) to 2147483647")
	check(o.MaxSchemas > 0, "MaxSchemas", o.MaxSchemas, "more than 0")
	check(o.MaxBatchBytes > 0 && o.MaxBatchBytes <= maxBatchBytes, "MaxBatchBytes", o.MaxBatchBytes, "1 to 67108864")
	check(o.MaxRequestKeys > 0, "MaxRequestKeys", o.MaxRequestKeys, "more than 0")
	check(o.CacheBytes > 0, "CacheBytes", o.CacheBytes, "more than 0")
	check(o.LabelCacheEntries > 0, "LabelCacheEntries", o.LabelCacheEntries, "more than 0")
	check(o.ShapeCacheBytes > 0, "ShapeCacheBytes", o.ShapeCacheBytes, "more than 0")
	if bad != nil {
		return &OptionsError{Problems: bad}
	}
	return nil
}
