// Package compact decides which chunks of a series are rewritten as fewer and
// longer ones, and merges them. It is pure: headers in, a choice out; bytes in,
// columns out. It refuses to know Pebble, snapshots, batches and time of day;
// package storage gives it what it read and writes what it gets back.
//
// # What a chunk set may look like
//
// Every flush adds a chunk per series, and late data adds chunks that overlap
// earlier ones: of two samples at one time the one with the greater position
// counts. A cluster is a largest set of chunks whose times overlap. It is
// resolved where all of its chunks have the same position, for then no two
// samples of it share a time: chunks of one position may interleave where a
// series changes its type, and do not contradict each other.
//
// # Why a merge is right
//
// The result of a merge has the greatest position of its input. So no chunk
// that was left out may overlap the result and lie between two positions of the
// input. Plan holds to a rule that is stronger and easier to check: a merge
// takes every chunk that overlaps its times, up to Merge.Until; what its chunks
// have behind that is written back as it was, under its own position. (Where
// more chunks begin at the same time than a merge can hold, those of the lowest
// positions are taken first.) Who deletes exactly the input and writes the
// result in one atomic batch has changed nothing that a reader can see.
//
// # Policy
//
// There are two kinds of passes over the series of a partition.
//
// A tiered pass is for a partition that is still written to. Chunks belong to
// classes by their number of samples, bounded at 1/64, 1/8 and 1/2 of the
// largest chunk (128, 1,024 and 4,096 of 8,192). Neighbours of a class and the
// ones below are merged when together they reach a higher class, so each
// rewrite lifts every sample by a class at least, and a sample is rewritten
// three times at most while its partition is hot. A cluster that is not
// resolved is merged when what was added is an eighth of its largest chunk, or
// when a reader has to merge eight chunks.
//
// A settling pass is for a partition that has become quiet. It resolves every
// cluster and merges neighbours that fit into one chunk. After it, any two
// neighbours hold more samples than one chunk can, and the next pass finds
// nothing to do. So write amplification is four at most for data that come in
// order: three tiers, and once when it has settled.
//
// A merge holds 131,072 samples (or 8 MiB of encoded chunks) at most, which
// bounds memory at some ten MiB; larger clusters are merged piece by piece
// along time.
//
// Row groups have a plan of their own, PlanGroups; package storage merges them,
// because their rows are found by label set.
package compact
