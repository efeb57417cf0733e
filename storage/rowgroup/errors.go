package rowgroup

import "tidemark/storage/internal/colenc"

var (
	// ErrCorrupt marks bytes that are not a row group, or no longer the one
	// that was written. Test with errors.Is.
	ErrCorrupt = colenc.ErrCorrupt
	// ErrUnsupported marks a group of a newer version, or a column of a type or
	// encoding that this version lacks.
	ErrUnsupported = colenc.ErrUnsupported
)
