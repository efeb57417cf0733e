package keys

import (
	"encoding/binary"
	"fmt"
)

// Upkeep is what a flush or a pass of compaction leaves in a partition, so that
// the next pass knows what there is to do.
type Upkeep struct {
	// Position up to which the data was there.
	Position uint64
	// Flushes is how many flushes had written into the partition.
	Flushes uint32
	// Time, in nanoseconds of the store's clock.
	Time int64
	// Settled says that nothing was left to merge; a flush leaves it false.
	Settled bool
}

// Flushed is the key of the Upkeep of the last flush into the partition.
func (p Partition) Flushed() []byte { return p.kind(kindFlushed) }

// Compacted is the key of the Upkeep of the last pass of compaction.
func (p Partition) Compacted() []byte { return p.kind(kindCompacted) }

// Value encodes the upkeep: position u64, flushes u32, time i64, settled u8.
func (u Upkeep) Value() []byte {
	v := appendI64(appendU32(appendU64(nil, u.Position), u.Flushes), u.Time)
	if u.Settled {
		return append(v, 1)
	}
	return append(v, 0)
}

// ReadUpkeep decodes an Upkeep.
func ReadUpkeep(v []byte) (Upkeep, error) {
	if len(v) != 21 || v[20] > 1 {
		return Upkeep{}, fmt.Errorf("%w: upkeep value: %x", ErrBadKey, v)
	}
	return Upkeep{
		Position: binary.BigEndian.Uint64(v),
		Flushes:  binary.BigEndian.Uint32(v[8:]),
		Time:     i64(v[12:]),
		Settled:  v[20] == 1,
	}, nil
}
