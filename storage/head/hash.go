package head

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"

	"tidemark/storage/model"
	"tidemark/storage/wal"
)

// Hash returns a hash of everything in the head, in order of definition and of
// arrival. It must not run while the head is written. Two heads that were
// given the same batches in the same order have equal hashes.
func (h *Head) Hash() uint64 {
	d := xxhash.New()
	var buf []byte
	put := func(v uint64) {
		buf = binary.LittleEndian.AppendUint64(buf[:0], v)
		_, _ = d.Write(buf)
	}
	s := h.Snapshot()
	for _, sc := range h.mu.schemas {
		_, _ = d.Write(wal.AppendSchema(nil, sc))
	}
	for ref := range h.mu.streams.len() {
		st := h.mu.streams.at(uint32(ref))
		put(uint64(len(st.key)))
		_, _ = d.WriteString(st.key)
		for sl := range st.slots() {
			put(uint64(sl.schema))
			put(uint64(sl.mint.Load()))
			put(uint64(sl.maxt.Load()))
			for addr := sl.last.Load(); addr != 0; {
				row := s.row(addr)
				put(uint64(addr))
				put(row[1])
				for c := range sl.sc.Columns {
					put(row[2+c])
					if t := sl.sc.Columns[c].Type; t == model.TypeText || t == model.TypeHistogram {
						_, _ = d.Write(s.text.get(row[2+c]))
					}
				}
				addr = uint32(row[0])
			}
		}
	}
	return d.Sum64()
}
