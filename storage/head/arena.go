package head

import (
	"sync"
	"sync/atomic"
)

const (
	wordBits   = 17 // a block has 128 Ki words: 1 MiB
	wordBlock  = 1 << wordBits
	textBits   = 20 // a block has 1 MiB of text
	textBlock  = 1 << textBits
	textLenLog = 27
	// MaxText is the length that one text value stays below.
	MaxText = 1 << textLenLog
)

// arena is a growing list of blocks that readers may use while it grows.
type arena[T any] struct {
	blocks atomic.Pointer[[][]T]
	size   int64 // elements allocated
}

// add appends a block.
func (a *arena[T]) add(block []T) {
	var next [][]T
	if old := a.blocks.Load(); old != nil {
		// The copy shares no tail with what readers hold, and is small: one
		// pointer per MiB.
		next = append(make([][]T, 0, len(*old)+1), *old...)
	}
	next = append(next, block)
	a.blocks.Store(&next)
	a.size += int64(len(block))
}

func (a *arena[T]) count() int {
	if b := a.blocks.Load(); b != nil {
		return len(*b)
	}
	return 0
}

// wordBlocks and textBlocks have blocks of heads that are gone. A fresh block costs as much as
// filling it: the system's clearing of its pages, ours, and a garbage collection
// in time.
var wordBlocks, textBlocks sync.Pool

func newWordBlock() []uint64 {
	if b, ok := wordBlocks.Get().(*[wordBlock]uint64); ok {
		return b[:]
	}
	return make([]uint64, wordBlock)
}

// release gives the blocks to later heads.
func (r *rows) release() {
	if bs := r.blocks.Load(); bs != nil {
		for _, b := range *bs {
			if len(b) == wordBlock {
				wordBlocks.Put((*[wordBlock]uint64)(b))
			}
		}
	}
	r.blocks.Store(nil)
	r.cur, r.off = nil, 0
}

// rows is the arena of rows. Address 0 is no row.
type rows struct {
	arena[uint64]
	cur []uint64 // the block being filled
	off int      // its first free word
}

// alloc returns n consecutive words and their address.
func (r *rows) alloc(n int) ([]uint64, uint32) {
	if r.cur == nil || n > len(r.cur)-r.off {
		first := r.cur == nil
		if n < wordBlock {
			r.cur = newWordBlock()
		} else {
			r.cur = make([]uint64, n+1) // a longer row has a block of its own
		}
		r.add(r.cur)
		r.off = 0
		if first {
			r.off = 1
		}
	}
	addr := uint32((r.count()-1)<<wordBits | r.off)
	w := r.cur[r.off : r.off+n]
	r.off += n
	if r.off > wordBlock {
		r.off = len(r.cur) // what follows has no address
	}
	return w, addr
}

// end is an address above every row and at or below every later one.
func (r *rows) end() uint32 {
	if r.cur == nil {
		return 1
	}
	if r.off >= wordBlock {
		return uint32(r.count() << wordBits)
	}
	return uint32((r.count()-1)<<wordBits | r.off)
}

// full reports whether another n words may not have an address.
func (r *rows) full(n int64) bool {
	return (int64(r.count())+n/wordBlock+2)<<wordBits > 1<<32
}

type text struct {
	arena[byte]
	cur []byte
	off int
}

// put copies b into the arena and returns its word.
func (t *text) put(b []byte) uint64 {
	if len(b) == 0 {
		return 0
	}
	if t.cur == nil || len(b) > len(t.cur)-t.off {
		if len(b) > textBlock/4 {
			// Long text has a block of its own, so that the current one can
			// be filled; it goes before it in the order of blocks only.
			t.add(append([]byte(nil), b...))
			w := uint64(t.count()-1) << textBits
			t.cur, t.off = nil, 0
			return w<<textLenLog | uint64(len(b))
		}
		t.cur, t.off = newTextBlock(), 0
		t.add(t.cur)
	}
	addr := uint64(t.count()-1)<<textBits | uint64(t.off)
	copy(t.cur[t.off:], b)
	t.off += len(b)
	return addr<<textLenLog | uint64(len(b))
}

func newTextBlock() []byte {
	if b, ok := textBlocks.Get().(*[textBlock]byte); ok {
		return b[:]
	}
	return make([]byte, textBlock)
}

// release gives the blocks to later heads.
func (t *text) release() {
	if bs := t.blocks.Load(); bs != nil {
		for _, b := range *bs {
			if len(b) == textBlock {
				textBlocks.Put((*[textBlock]byte)(b))
			}
		}
	}
	t.blocks.Store(nil)
	t.cur, t.off = nil, 0
}

// wordView and textView are what a reader holds: the blocks as of a moment.
type wordView [][]uint64

func (v wordView) at(addr uint32) []uint64 { return v[addr>>wordBits][addr&(wordBlock-1):] }

type textView [][]byte

func (v textView) get(word uint64) []byte {
	n := word & (MaxText - 1)
	if n == 0 {
		return nil
	}
	addr := word >> textLenLog
	off := addr & (textBlock - 1)
	return v[addr>>textBits][off : off+n]
}
