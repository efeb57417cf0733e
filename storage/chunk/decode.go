package chunk

// Decode verifies the checksum and appends the chunk's samples to the slices of
// into, which it reuses and grows as needed. An empty column takes the
// chunk's type; otherwise the types must be equal (ErrTypeMismatch). Order
// among the chunks is the caller's business: Decode checks only that the
// chunk's own times ascend. Where only one of both has start times, the
// others' are NoStart. After an error into is as it was before.
//
// Texts share one new piece of memory and do not refer to src. Safe for
// concurrent use with different columns.
func Decode(src []byte, into *Column) error { return decodeChunk(src, into) }

// DecodeTimes verifies the checksum and appends the chunk's times to dst. After
// an error it returns dst as it was.
func DecodeTimes(src []byte, dst []int64) ([]int64, error) { return decodeTimes(src, dst) }
