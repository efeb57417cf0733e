package colenc

import (
	"math/bits"
	"sync"
	"unsafe"
)

// Buffers of decoded numbers are large and short-lived: without reuse, a query
// over many columns spends more time on clearing and collecting them than on
// decoding. They are kept by size, powers of two from minBuffer to maxBuffer
// numbers; other sizes are left to the garbage collector.
var numberBuffers [maxBufferBits + 1]sync.Pool

const (
	minBufferBits = 9
	maxBufferBits = 16
)

// Numbers returns an empty buffer for n numbers.
func Numbers(n int) []int64 {
	if n < 1<<minBufferBits || n > 1<<maxBufferBits {
		return make([]int64, 0, n)
	}
	size := bits.Len(uint(n - 1))
	if p, ok := numberBuffers[size].Get().(unsafe.Pointer); ok {
		return unsafe.Slice((*int64)(p), 1<<size)[:0]
	}
	return make([]int64, 0, 1<<size)
}

// Recycle gives a buffer of Numbers back: nobody may use it any more. Others are
// ignored.
func Recycle(b []int64) {
	n := cap(b)
	if n < 1<<minBufferBits || n > 1<<maxBufferBits || n&(n-1) != 0 {
		return
	}
	numberBuffers[bits.Len(uint(n-1))].Put(unsafe.Pointer(unsafe.SliceData(b)))
}

// Words is Numbers for words.
func Words(n int) []uint64 { return unsigned(Numbers(n)) }

// RecycleWords is Recycle for words.
func RecycleWords(b []uint64) { Recycle(signed(b)) }

// unsigned views integers as words of the same memory.
func unsigned(b []int64) []uint64 {
	return unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(b))), cap(b))[:len(b)]
}
