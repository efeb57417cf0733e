package rowgroup

const (
	// TargetRows is the number of rows at which Builder.Full says to cut a
	// group. A reader of one quiet stream decodes the times of the whole group:
	// 8192 take some 30 µs.
	TargetRows = 8192
	// TargetBytes is the size of lines and fields, before encoding, at which
	// Builder.Full says to cut: large enough for text to compress in blocks of
	// 64 KiB, small enough to be held in memory by every reader.
	TargetBytes = 1 << 20
	// TargetColumns is the number of columns, a name counting once per type, at
	// which Builder.Full says to cut, so that the directory, which every reader
	// reads, stays small against the columns.
	TargetColumns = 1 << 12
	// MaxRows is the largest number of rows of a group. A decoder trusts no
	// larger count.
	MaxRows = 1 << 16
	// MaxValues is the largest number of values in all fields of a group: a few
	// bytes can stand for a column of MaxRows equal values, and a decoder
	// trusts no directory that lists more than these. A builder that is not
	// full has room for any row that a write request can hold.
	MaxValues = 1 << 25
)
