package colenc

import (
	"sync"

	"github.com/klauspost/compress/zstd"
)

// packedBlockLen is the number of bytes of text in every block, but the last,
// of packed texts: large enough that what neighbouring values share is found
// again, small enough to be undone for a few rows.
const packedBlockLen = 128 << 10

// Codecs of a block of packed texts.
const (
	codecNone = 0
	codecLZ4  = 1
	codecZstd = 2
)

var (
	fastEncoder = sync.OnceValue(func() *zstd.Encoder { return newEncoder(zstd.SpeedFastest) })
	bestEncoder = sync.OnceValue(func() *zstd.Encoder { return newEncoder(zstd.SpeedBetterCompression) })
	decoder     = sync.OnceValue(func() *zstd.Decoder {
		// The size of what comes out is known and bounded before: no frame may
		// ask for more.
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(packedBlockLen),
			zstd.WithDecoderMaxWindow(packedBlockLen), zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			panic("colenc: zstd decoder: " + err.Error()) // constant options
		}
		return d
	})
)

func newEncoder(level zstd.EncoderLevel) *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(2), zstd.WithWindowSize(packedBlockLen),
		zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic("colenc: zstd encoder: " + err.Error()) // constant options
	}
	return e
}

// compressor returns the zstd encoder of a mode.
func (m Mode) compressor() *zstd.Encoder {
	if m == Best {
		return bestEncoder()
	}
	return fastEncoder()
}
