package chunk

import "tidemark/storage/model"

// Flags say what a chunk's samples contain. A set flag is exact: it is set if
// and only if a sample of the chunk has the property.
type Flags uint16

// Flags.
const (
	// HasStarts: samples carry start times.
	HasStarts Flags = 1 << iota
	// HasSummaries: the chunk has summaries of clock windows.
	HasSummaries
	// HasStale: a float sample is the staleness marker.
	HasStale
	// HasNaN: a float sample is a NaN other than the staleness marker.
	HasNaN
	// HasReset: a numeric sample is below the one before it (NaN ignored), as a
	// counter's is after a reset.
	HasReset
	// HasInf: a float sample is infinite.
	HasInf
)

// Header is what a chunk says of itself in its first bytes.
type Header struct {
	Version    uint8
	Type       model.Type
	Flags      Flags
	Count      int   // samples, 1 to MaxSamples
	Mint, Maxt int64 // times of the first and last sample
}

// ReadHeader reads a chunk's header. It checks the header's fields but not the
// checksum, which Decode does. It takes constant time.
func ReadHeader(src []byte) (Header, error) { return readHeader(src) }
