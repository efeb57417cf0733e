// Package csv decodes CSV files (RFC 4180) with a header row into batches of
// the record model, block by block, so that a file of any size can be
// imported.
//
// It guesses nothing about the meaning of columns beyond what Options say: one
// column is the time, some are labels, all others are fields of records of one
// measurement, with the rules of package ingest for metric and log rows.
//
//	cell of a field           value
//	------------------------  -----------------------------------------------
//	empty, NaN                none: the record lacks the field
//	1.5, -2, .5, 1e3          float; an integer that float64 cannot hold, but
//	                          int64 can, is an integer, so it stays exact
//	true, false, in any case  boolean
//	inf                       the record is refused
//	anything else             text
//
//	record                            what happens
//	--------------------------------  ---------------------------------------
//	cell count differs from header    refused
//	quotes that RFC 4180 forbids      refused; reading goes on at the next line
//	no time, or one that does not     refused
//	parse, or before Options.MinTime
//	no field with a value             refused
//
// Times in the format "auto" are dates in the spellings of autoLayouts, or
// numbers since the Unix epoch with or without decimals, whose unit their
// magnitude tells: below 1e11 seconds, below 1e14 milliseconds, below 1e17
// microseconds, else nanoseconds. Other files need TimeFormat.
package csv
