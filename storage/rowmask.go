package storage

import "math/bits"

// rowMask is a set of rows of a group.
type rowMask []uint64

func newRowMask(rows int) rowMask { return make(rowMask, (rows+63)/64) }

func (m rowMask) has(i int) bool { return m[i>>6]>>(i&63)&1 != 0 }
func (m rowMask) set(i int)      { m[i>>6] |= 1 << (i & 63) }
func (m rowMask) clear(i int)    { m[i>>6] &^= 1 << (i & 63) }

// setRange adds the rows [from, to).
func (m rowMask) setRange(from, to int) {
	for from < to {
		if from&63 == 0 && to-from >= 64 {
			m[from>>6] = ^uint64(0)
			from += 64
			continue
		}
		n := min(64-from&63, to-from)
		m[from>>6] |= (^uint64(0) >> (64 - n)) << (from & 63)
		from += n
	}
}

// clearRange removes the rows [from, to).
func (m rowMask) clearRange(from, to int) {
	for from < to {
		n := min(64-from&63, to-from)
		m[from>>6] &^= (^uint64(0) >> (64 - n)) << (from & 63)
		from += n
	}
}

// count returns the number of rows in [from, to).
func (m rowMask) count(from, to int) (n int) {
	for from < to {
		k := min(64-from&63, to-from)
		n += bits.OnesCount64(m[from>>6] & ((^uint64(0) >> (64 - k)) << (from & 63)))
		from += k
	}
	return n
}

// rows appends the rows in [from, to), ascending.
func (m rowMask) rows(dst []int32, from, to int) []int32 {
	for from < to {
		k := min(64-from&63, to-from)
		w := m[from>>6] & ((^uint64(0) >> (64 - k)) << (from & 63))
		base := from &^ 63
		for w != 0 {
			dst = append(dst, int32(base+bits.TrailingZeros64(w)))
			w &= w - 1
		}
		from += k
	}
	return dst
}

// and keeps the rows that are in both.
func (m rowMask) and(o rowMask) {
	for i := range m {
		m[i] &= o[i]
	}
}

// andRange keeps of the rows [from, to) those that are in o.
func (m rowMask) andRange(o rowMask, from, to int) {
	for from < to {
		n := min(64-from&63, to-from)
		m[from>>6] &= o[from>>6] | ^((^uint64(0) >> (64 - n)) << (from & 63))
		from += n
	}
}

// keep removes the rows whose id, one of ids for each row, has 0 in table.
func (m rowMask) keep(ids []uint16, table []uint8) {
	for w := range m {
		if m[w] == 0 {
			continue
		}
		part := ids[w<<6 : min(len(ids), (w+1)<<6)]
		bits := uint64(0)
		for i, id := range part {
			bits |= uint64(table[id]) << (i & 63)
		}
		m[w] &= bits
	}
}

// empty reports whether no row is left.
func (m rowMask) empty() bool {
	for _, w := range m {
		if w != 0 {
			return false
		}
	}
	return true
}
