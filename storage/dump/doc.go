// Package dump prints what a store holds as text: any key, any value and any
// record of the write-ahead log, byte by byte with what the bytes mean, and
// sums of their sizes. It is for people who want to see what a store did with
// their data, and for the golden files that hold the formats' documentation
// to its word. It refuses to read files (storage.Inspect does) and to judge:
// bytes that are not what they should be are printed with the error.
//
//	2016-01-01T00:00:00Z+24h0m0s chunk of metric 1, set 0, int, from 2016-01-01T00:00:00Z, position 2
//	    0  3b 8d 66 7b                         checksum 7b668d3b
//	    4  01                                  version 1
//	    ...
//	  # 8640 samples, int, 2016-01-01T00:00:00Z to 2016-01-01T23:59:50Z
package dump
