// Package rowgroup encodes log rows of one or more label sets as one value
// whose columns can be decoded one by one. It is pure: bytes in, columns out,
// no I/O.
package rowgroup
