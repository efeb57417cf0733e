package colenc

import (
	"encoding/binary"
	"math/bits"
)

// blockPlan is how up to blockLen integers are packed: their distances from ref
// (unsigned, wrapping) in width bits; distances that need more are exceptions,
// whose high bits follow in a patch. A value below ref wraps to a huge
// distance, so that outliers on both sides are exceptions alike.
type blockPlan struct {
	ref        int64
	width      uint8
	exceptions uint8
	highWidth  uint8 // bits of an exception beyond width
}

// bits returns the encoded size of n values.
func (p *blockPlan) bits(n int) int {
	size := 8 + 8*varintLen(p.ref) + 8*packedLen(n, uint(p.width))
	if p.exceptions > 0 {
		e := int(p.exceptions)
		size += 16 + 8*e + 8*packedLen(e, uint(p.highWidth))
	}
	return size
}

// patched marks a block with exceptions in its first byte.
const patched = 0x80

// planBlock chooses the cheapest plan for vals: distances from the minimum, or,
// where some values lie far below the others, from the minimum of the others.
func planBlock(vals []int64) blockPlan {
	lo, hi := vals[0], vals[0]
	var near [65]uint16 // how many values have a zigzag form of so many bits
	for _, v := range vals {
		lo, hi = min(lo, v), max(hi, v)
		near[bits.Len64(zigzag(v))]++
	}
	spread := uint(bits.Len64(uint64(hi - lo)))
	if spread <= 1 {
		return blockPlan{ref: lo, width: uint8(spread)}
	}
	var far [65]uint16
	for _, v := range vals {
		far[bits.Len64(uint64(v-lo))]++
	}
	best := cheapestWidth(&far, len(vals))
	best.ref = lo

	// The zigzag form treats both signs alike: where its cheapest width leaves
	// exceptions out, the minimum of the rest may be a better reference.
	z := cheapestWidth(&near, len(vals))
	if z.exceptions == 0 {
		return best
	}
	ref, found := int64(0), false
	for _, v := range vals {
		if bits.Len64(zigzag(v)) <= int(z.width) && (!found || v < ref) {
			ref, found = v, true
		}
	}
	if !found || ref == lo {
		return best
	}
	far = [65]uint16{}
	for _, v := range vals {
		far[bits.Len64(uint64(v-ref))]++
	}
	robust := cheapestWidth(&far, len(vals))
	robust.ref = ref
	if robust.bits(len(vals)) < best.bits(len(vals)) {
		return robust
	}
	return best
}

// cheapestWidth chooses the width for n distances of which lens[l] have l bits.
func cheapestWidth(lens *[65]uint16, n int) blockPlan {
	top := 64
	for lens[top] == 0 && top > 0 {
		top--
	}
	best := blockPlan{width: uint8(top)}
	bestBits := 8 * packedLen(n, uint(top))
	e := 0
	for w := top - 1; w >= 0; w-- {
		e += int(lens[w+1])
		if e > n/2 {
			break // more exceptions than values: decoding would crawl
		}
		if size := 8*packedLen(n, uint(w)) + 16 + 8*e + 8*packedLen(e, uint(top-w)); size < bestBits {
			bestBits = size
			best = blockPlan{width: uint8(w), exceptions: uint8(e), highWidth: uint8(top - w)}
		}
	}
	return best
}

// appendBlock appends vals (1 to blockLen) packed by the plan:
//
//	width | patched   1 byte
//	ref               signed varint
//	packed distances  packedLen(n, width)
//	-- where patched:
//	exceptions        1 byte, 1 to blockLen
//	high width        1 byte, 1 to 64
//	positions         1 byte each
//	packed high bits  packedLen(exceptions, high width)
func appendBlock(dst []byte, vals []int64, p blockPlan) []byte {
	var dist [blockLen]uint64
	for i, v := range vals {
		dist[i] = uint64(v - p.ref)
	}
	head := p.width
	if p.exceptions > 0 {
		head |= patched
	}
	dst = append(dst, head)
	dst = binary.AppendVarint(dst, p.ref)
	dst = appendPacked(dst, dist[:len(vals)], uint(p.width))
	if p.exceptions == 0 {
		return dst
	}
	dst = append(dst, p.exceptions, p.highWidth)
	e := 0
	for i, d := range dist[:len(vals)] {
		if d>>p.width != 0 {
			dst = append(dst, uint8(i))
			dist[e] = d >> p.width // e never passes i
			e++
		}
	}
	return appendPacked(dst, dist[:e], uint(p.highWidth))
}

// decodeBlock fills out (1 to blockLen values) from the front of src.
func decodeBlock(out []int64, src []byte) (rest []byte, err error) {
	head, src, err := ReadByte(src, "block header")
	if err != nil {
		return nil, err
	}
	ref, src, err := ReadVarint(src, "block reference")
	if err != nil {
		return nil, err
	}
	width := uint(head &^ patched)
	if src, err = unpackField(out, src, width, ref, "block"); err != nil {
		return nil, err
	}
	if head&patched == 0 {
		return src, nil
	}
	if width >= 64 {
		return nil, Corruptf("block: want no exceptions at width 64")
	}
	if len(src) < 2 {
		return nil, Corruptf("block exceptions: want 2 bytes, got %d", len(src))
	}
	e, highWidth := int(src[0]), uint(src[1])
	if e == 0 || e > len(out) {
		return nil, Corruptf("block exceptions: want 1 to %d, got %d", len(out), e)
	}
	pos, src, err := ReadBytes(src[2:], "block exception positions", uint64(e))
	if err != nil {
		return nil, err
	}
	var high [blockLen]int64
	if src, err = unpackField(high[:e], src, highWidth, 0, "block exceptions"); err != nil {
		return nil, err
	}
	for i, p := range pos {
		if int(p) >= len(out) {
			return nil, Corruptf("block exception position: want below %d, got %d", len(out), p)
		}
		out[p] += high[i] << width
	}
	return src, nil
}

// unpackField unpacks len(out) values from the front of src, which may end
// right after them.
func unpackField(out []int64, src []byte, w uint, ref int64, field string) (rest []byte, err error) {
	if w > 64 {
		return nil, Corruptf("%s width: want at most 64, got %d", field, w)
	}
	size := packedLen(len(out), w)
	if size > len(src) {
		return nil, Corruptf("%s: want %d bytes, got %d", field, size, len(src))
	}
	if len(src)-size >= unpackSlack {
		unpack(out, src[:size+unpackSlack], w, ref)
	} else {
		var tail [blockLen*8 + unpackSlack]byte
		copy(tail[:], src[:size])
		unpack(out, tail[:size+unpackSlack], w, ref)
	}
	return src[size:], nil
}
