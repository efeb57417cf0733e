package colenc

import (
	"math/bits"
	"slices"
)

// maxCodeLen is the longest code: the table of a decoder has 2^maxCodeLen
// entries and stays in the first level of cache.
const maxCodeLen = 11

// huffman is a canonical Huffman code: codes of one length ascend with their
// symbols, and those of a greater length follow. Bits are written from the
// first on, so that codes are held reversed.
type huffman struct {
	lens  [allSymbols]uint8
	codes [allSymbols]uint16
	used  []uint16 // symbols with a code, ascending

	nodes []huffmanNode
	order []uint16
}

type huffmanNode struct {
	count       uint32
	left, right int32 // -1 for a leaf
}

// build makes the code for symbols that occur count times, of which at least
// one is not zero.
func (h *huffman) build(count *[allSymbols]uint32) {
	h.used = h.used[:0]
	h.lens = [allSymbols]uint8{}
	for s, c := range count {
		if c > 0 {
			h.used = append(h.used, uint16(s))
		}
	}
	if len(h.used) == 1 {
		h.lens[h.used[0]] = 1
		h.assign()
		return
	}
	h.order = append(h.order[:0], h.used...)
	slices.SortFunc(h.order, func(a, b uint16) int {
		if count[a] != count[b] {
			return int(count[a]) - int(count[b])
		}
		return int(a) - int(b)
	})
	h.depths(count)
	h.limit()
	h.assign()
}

// depths sets the lengths of the unlimited code, with two queues: the symbols by
// count, and the nodes in the order in which they are made.
func (h *huffman) depths(count *[allSymbols]uint32) {
	n := len(h.order)
	h.nodes = h.nodes[:0]
	for _, s := range h.order {
		h.nodes = append(h.nodes, huffmanNode{count[s], -1, -1})
	}
	leaf, inner := 0, n
	take := func() int32 {
		if leaf < n && (inner >= len(h.nodes) || h.nodes[leaf].count <= h.nodes[inner].count) {
			leaf++
			return int32(leaf - 1)
		}
		inner++
		return int32(inner - 1)
	}
	for range n - 1 {
		a := take()
		b := take()
		h.nodes = append(h.nodes, huffmanNode{h.nodes[a].count + h.nodes[b].count, a, b})
	}
	// Parents come after their children: walk from the root, which is last, and
	// let count carry the depth.
	h.nodes[len(h.nodes)-1].count = 0
	for i := len(h.nodes) - 1; i >= 0; i-- {
		nd := h.nodes[i]
		if nd.left >= 0 {
			h.nodes[nd.left].count, h.nodes[nd.right].count = nd.count+1, nd.count+1
		} else {
			h.lens[h.order[i]] = uint8(min(nd.count, 255))
		}
	}
}

// limit shortens codes beyond maxCodeLen and lengthens others until they fit
// again: rare ones first, as these cost least.
func (h *huffman) limit() {
	room := 1 << maxCodeLen
	for _, s := range h.order {
		h.lens[s] = min(h.lens[s], maxCodeLen)
		room -= 1 << (maxCodeLen - h.lens[s])
	}
	for i := 0; room < 0; i++ {
		s := h.order[i%len(h.order)]
		if h.lens[s] < maxCodeLen {
			h.lens[s]++
			room += 1 << (maxCodeLen - h.lens[s])
		}
	}
	// What is left over goes to the frequent ones.
	for i := len(h.order) - 1; i >= 0 && room > 0; i-- {
		s := h.order[i]
		for h.lens[s] > 1 && 1<<(maxCodeLen-h.lens[s]) <= room {
			room -= 1 << (maxCodeLen - h.lens[s])
			h.lens[s]--
		}
	}
}

// assign makes the canonical codes of the lengths of the used symbols; complete
// reports whether every sequence of bits begins with one.
func (h *huffman) assign() (ok, complete bool) {
	var of [maxCodeLen + 2]uint32
	for _, s := range h.used {
		of[h.lens[s]]++
	}
	code := uint32(0)
	var next [maxCodeLen + 1]uint32
	for l := 1; l <= maxCodeLen; l++ {
		code = (code + of[l-1]) << 1
		next[l] = code
		if code+of[l] > 1<<l {
			return false, false
		}
	}
	for _, s := range h.used {
		l := h.lens[s]
		h.codes[s] = bits.Reverse16(uint16(next[l])) >> (16 - l)
		next[l]++
	}
	return true, next[maxCodeLen] == 1<<maxCodeLen
}

// appendLens appends the code's lengths: nibbles from symbol 0 on, the lower
// half of a byte first. 1 to 11 is a length; 0 is followed by one less than the
// number of symbols without a code, up to 16; 12 ends the list.
const lensEnd = maxCodeLen + 1

func (h *huffman) appendLens(dst []byte) []byte {
	w := bitWriter{dst: dst}
	next := 0
	for _, s := range h.used {
		for gap := int(s) - next; gap > 0; gap -= 16 {
			w.put(0|uint64(min(gap, 16)-1)<<4, 8)
		}
		w.put(uint64(h.lens[s]), 4)
		next = int(s) + 1
	}
	w.put(lensEnd, 4)
	return w.close()
}

// readLens reads what appendLens has written.
func (h *huffman) readLens(src []byte) (rest []byte, err error) {
	h.used = h.used[:0]
	nibble := func(i int) int {
		if i/2 >= len(src) {
			return -1
		}
		return int(src[i/2]>>(i%2*4)) & 15
	}
	at, s := 0, 0
	for {
		l := nibble(at)
		at++
		switch {
		case l == lensEnd:
			if ok, complete := h.assign(); !ok || !complete && len(h.used) != 1 {
				return nil, Corruptf("code lengths: want those of a code that is complete")
			}
			return src[(at+1)/2:], nil
		case l < 0:
			return nil, Corruptf("code lengths: want an end, got none")
		case l > lensEnd:
			return nil, Corruptf("code length: want at most %d, got %d", maxCodeLen, l)
		case l == 0:
			gap := nibble(at)
			at++
			s += gap + 1
			continue
		}
		if s >= numSymbols {
			return nil, Corruptf("code lengths: want %d, got more", numSymbols)
		}
		h.lens[s] = uint8(l)
		h.used = append(h.used, uint16(s))
		s++
	}
}
