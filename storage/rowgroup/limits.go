package rowgroup

const (
	// TargetRows is the number of rows at which Builder.Full says to cut a
	// group. Templates, dictionaries and filters are per group, and a value that
	// many rows share is stored once in each: large groups make them cheap. A
	// reader of few rows decodes no more than the times, the shapes and the
	// columns these rows have.
	TargetRows = 1 << 16
	// TargetBytes is the size of lines and fields, before encoding, at which
	// Builder.Full says to cut: what an encoder holds in memory.
	TargetBytes = 24 << 20
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
