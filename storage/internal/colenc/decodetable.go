package colenc

// decodeTable finds the symbols that the next bits stand for, in one of two
// forms. In a table of single symbols an entry is, from the lowest bits up,
//
//	16 bits  symbol
//	8 bits   how many extra bits it has
//	28 bits  0
//	4 bits   length of its code, 0 where no code begins with these bits
//	8 bits   0
//
// In a table of several symbols it is the same where the first symbol has extra
// bits, otherwise
//
//	6 bytes  sums of the distances of the first 1, 2, ... of up to 6 symbols
//	         without extra bits, signed
//	4 bits   how many there are, at least 1
//	4 bits   length of their codes together
//	8 bits   the last of the sums
//
// Sums save the adding up: most columns are of differences.
type decodeTable struct {
	bits    uint // looked up at once
	several bool
	lens    [directSymbols]uint8 // of codes, where there are several
	entries [1 << maxCodeLen]uint64
}

const (
	entrySums  = 6
	entryExtra = 16
	entryCount = 8 * entrySums
	entryLen   = entryCount + 4
	entryTotal = entryLen + 4
	// severalBits are looked up where several symbols of a column's own code are
	// decoded at once: more find more of them and take longer to prepare.
	severalBits = 9
)

// make fills the table with single symbols, for look-ups of at least so many
// bits.
func (t *decodeTable) make(h *huffman, atLeast uint) {
	t.several = false
	t.fill(h, atLeast, func(s uint16) uint64 { return uint64(s) | uint64(extraBits[s])<<entryExtra })
}

func (t *decodeTable) fill(h *huffman, atLeast uint, entry func(s uint16) uint64) {
	t.bits = atLeast
	for _, s := range h.used {
		t.bits = max(t.bits, uint(h.lens[s]))
	}
	entries := t.entries[:1<<t.bits]
	if len(h.used) == 1 {
		clear(entries)
	}
	for _, s := range h.used {
		l := h.lens[s]
		e := entry(s) | uint64(l)<<entryLen
		for i := uint(h.codes[s]); i < uint(len(entries)); i += 1 << l {
			entries[i] = e
		}
	}
}

// makeSeveral fills the table with several symbols where a good part of them
// has no extra bits, otherwise with single ones.
func (t *decodeTable) makeSeveral(h *huffman, atLeast uint) {
	direct := 0 // share of all bits that begin with a code without extra bits
	for _, s := range h.used {
		if s < directSymbols {
			direct += 1 << (maxCodeLen - h.lens[s])
		}
	}
	if direct < 1<<(maxCodeLen-1) {
		t.make(h, 1)
		return
	}
	t.several = true
	copy(t.lens[:], h.lens[:directSymbols])
	t.fill(h, atLeast, func(s uint16) uint64 {
		if s >= directSymbols {
			return uint64(s) | uint64(extraBits[s])<<entryExtra
		}
		d := uint64(uint8(unzigzag(uint64(s))))
		return d | 1<<entryCount | d<<entryTotal
	})
	entries := t.entries[:1<<t.bits]
	first := entries[0]
	// What follows a code lies at a lower index: going down, it is single still.
	for i := len(entries) - 1; i >= 0; i-- {
		e := entries[i]
		if e>>entryCount&15 == 0 {
			continue
		}
		used := e >> entryLen & 15
		sum := uint8(e)
		sums, count := uint64(sum), uint64(1)
		for count < entrySums {
			next := first
			if k := i >> used; k > 0 {
				next = entries[k]
			}
			l := next >> entryLen & 15
			if next>>entryCount&15 != 1 || used+l > uint64(t.bits) {
				break
			}
			used += l
			sum += uint8(next)
			sums |= uint64(sum) << (8 * count)
			count++
		}
		entries[i] = sums | count<<entryCount | used<<entryLen | uint64(sum)<<entryTotal
	}
}

// sums decodes numbers from the bits of src before limit, which bitSlack bytes
// follow, and fills out with start plus the sums of their distances from the
// centre up to each.
func (t *decodeTable) sums(out []int64, src []byte, limit uint, start int64) (err error) {
	var end uint
	if t.several {
		end, err = t.sumsOfSeveral(out, src, limit, start)
	} else {
		end, err = t.sumsOfSingle(out, src, limit, start)
	}
	if err == nil && end > limit {
		err = Corruptf("frame: want %d numbers within %d bits, got %d bits", len(out), limit, end)
	}
	return err
}

const (
	// window is how many bits peek returns at least.
	window  = 57
	lookups = window / maxCodeLen
)

// sumsOfSeveral and sumsOfSingle do the work of sums; they look for the end now
// and then only, and return where they ended.
func (t *decodeTable) sumsOfSeveral(out []int64, src []byte, limit uint, v int64) (end uint, err error) {
	mask := uint64(1)<<t.bits - 1
	entries := &t.entries
	bit, i := uint(0), 0
	for i < len(out) {
		if bit >= limit {
			return 0, errNumbers(out[i:])
		}
		w := peek(src, bit)
		e := entries[w&mask&(1<<maxCodeLen-1)]
		n := int(e >> entryCount & 15)
		switch {
		case n == 0:
			n, end, sum, err := symbolAt(out[i:], src, bit, e, v)
			if err != nil {
				return 0, err
			}
			i, bit, v = i+n, end, sum
		case len(out)-i < lookups*entrySums: // the last ones
			o := out[i:]
			used := uint(e >> entryLen & 15)
			if n > len(o) {
				n, used = len(o), t.lenOf(e, len(o))
			}
			for k := range o[:n] {
				o[k] = v + int64(int8(e>>(8*k)))
			}
			v += int64(e) >> entryTotal
			i += n
			bit += used
		default:
			for range lookups {
				o := (*[entrySums]int64)(out[i:])
				o[0] = v + int64(int8(e))
				o[1] = v + int64(int8(e>>8))
				o[2] = v + int64(int8(e>>16))
				o[3] = v + int64(int8(e>>24))
				o[4] = v + int64(int8(e>>32))
				o[5] = v + int64(int8(e>>40))
				v += int64(e) >> entryTotal
				i += n
				used := e >> entryLen & 15
				w >>= used
				bit += uint(used)
				e = entries[w&mask&(1<<maxCodeLen-1)]
				if n = int(e >> entryCount & 15); n == 0 {
					break
				}
			}
		}
	}
	return bit, nil
}

// lenOf returns how many bits the first n symbols of an entry of several have.
func (t *decodeTable) lenOf(e uint64, n int) (bits uint) {
	before := uint8(0)
	for k := range n {
		sum := uint8(e >> (8 * k))
		bits += uint(t.lens[zigzag(int64(int8(sum-before)))])
		before = sum
	}
	return bits
}

func (t *decodeTable) sumsOfSingle(out []int64, src []byte, limit uint, v int64) (end uint, err error) {
	mask := uint64(1)<<t.bits - 1
	entries := &t.entries
	bit, i := uint(0), 0
look:
	for i < len(out) {
		if bit >= limit {
			return 0, errNumbers(out[i:])
		}
		w, have := peek(src, bit), uint(window)
		for {
			e := entries[w&mask&(1<<maxCodeLen-1)]
			s, x, used := e&(1<<entryExtra-1), uint(e>>entryExtra&63), uint(e>>entryLen&15)
			if used+x > have && have < window {
				continue look
			}
			if used+x > have || s >= runSymbol || used == 0 {
				n, end, sum, err := symbolAt(out[i:], src, bit, e, v)
				if err != nil {
					return 0, err
				}
				i, bit, v = i+n, end, sum
				continue look
			}
			v += unzigzag(leads[s] + w>>used&(1<<x-1))
			out[i] = v
			i++
			used += x
			bit += used
			have -= used
			if have < used || have < maxCodeLen || i == len(out) {
				continue look // another one would hardly fit
			}
			w >>= used
		}
	}
	return bit, nil
}

// symbolAt decodes the one symbol that begins at a bit and has the entry e, which is
// not one of several. It fills the front of out with n sums and returns where
// the symbol ends and the last sum.
func symbolAt(out []int64, src []byte, bit uint, e uint64, v int64) (n int, end uint, sum int64, err error) {
	s, used := e&(1<<entryExtra-1), uint(e>>entryLen&15)
	if used == 0 {
		return 0, 0, 0, Corruptf("frame: want a code")
	}
	u, bit, err := extraAt(src, bit+used, uint(extraBits[s]))
	if err != nil {
		return 0, 0, 0, err
	}
	u += leads[s]
	switch {
	case s == escapeSymbol:
		if u, bit, err = extraAt(src, bit, uint(u)+1); err != nil {
			return 0, 0, 0, err
		}
	case s >= runSymbol:
		// A reader of the first numbers of a frame may end within a run.
		n := int(min(u, uint64(len(out))))
		fill(out[:n], v)
		return n, bit, v, nil
	}
	v += unzigzag(u)
	out[0] = v
	return 1, bit, v, nil
}

// extraAt reads x bits, which must be there but for the last bitSlack bytes.
func extraAt(src []byte, bit, x uint) (v uint64, end uint, err error) {
	if int(bit+x)>>3+bitSlack > len(src) {
		return 0, 0, Corruptf("frame: want %d more bits, got the end", x)
	}
	return bitsAt(src, bit, x), bit + x, nil
}

func errNumbers(out []int64) error {
	return Corruptf("frame: want %d more numbers, got none", len(out))
}
