package rowgroup

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// FuzzOpenGroup opens any bytes, as they are and with repaired checksums, and
// reads all there is.
func FuzzOpenGroup(f *testing.F) {
	f.Add(build(NewBuilder(), small()))
	for _, rows := range groups() {
		if b := build(NewBuilder(), rows); len(b) < 4096 {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := readAll(b); err != nil && !expected(err) {
			t.Fatal(err)
		}
		b = bytes.Clone(b)
		Seal(b)
		if err := readAll(b); err != nil && !expected(err) {
			t.Fatal(err)
		}
	})
}

// FuzzRoundTrip lets the fuzzer choose what TestRoundTripDrawn draws.
func FuzzRoundTrip(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) { checkRoundTrip(t, drawRows(t)) }))
}
