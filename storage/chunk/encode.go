package chunk

// Append appends the encoded column to dst. The column must hold 1 to
// MaxSamples samples (Cut says how many), times ascending and unique, its
// slices of equal length and a type that chunks can hold; anything else is an
// error of the program, and Append panics. It keeps no reference to the
// column. Safe for concurrent use.
func Append(dst []byte, c *Column) []byte { return appendChunk(dst, c) }
