package rowgroup

// Builder collects the rows of one group. Rows come sorted: label sets by
// ascending id, rows of a label set by time, rows of equal time in the order of
// arrival. A violation is an error of the program, and the Builder panics.
// A Builder is not safe for concurrent use.
type Builder struct{ b builder }

// NewBuilder returns an empty builder.
func NewBuilder() *Builder { return new(Builder) }

// StartSet says that the rows that follow belong to the label set id. To name
// the current set again changes nothing; a smaller id than the current one
// panics. A set without rows leaves no trace.
func (b *Builder) StartSet(id uint32) { b.b.startSet(id) }

// Row adds a row of the current label set. Line, names and texts are copied.
// Where fields name a field twice, the last counts. Fields of TypeNone are
// absent; other types than float, int, bool and text panic.
func (b *Builder) Row(t int64, line []byte, fields []Field) { b.b.row(t, line, fields) }

// Rows returns the number of rows added.
func (b *Builder) Rows() int { return b.b.rows() }

// Size returns the bytes of lines and fields added, before encoding.
func (b *Builder) Size() int { return b.b.size }

// Full reports whether the group has reached a target size and should be
// appended and reset before the next row. A builder that is not full takes
// at least one more row.
func (b *Builder) Full() bool { return b.b.full() }

// Append appends the encoded group to dst; the builder must not be empty. The
// builder is unchanged and may be reset and used again.
func (b *Builder) Append(dst []byte) []byte { return b.b.append(dst) }

// Reset empties the builder and keeps its memory.
func (b *Builder) Reset() { b.b.reset() }
