package chunk

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// FuzzDecodeColumn decodes any bytes, as they are and with a repaired checksum.
// What is accepted must be a sound column that encodes and decodes again.
func FuzzDecodeColumn(f *testing.F) {
	for _, c := range shapes() {
		if b := Append(nil, c); len(b) < 4096 {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if why := unsound(b); why != "" {
			t.Fatal(why)
		}
		b = bytes.Clone(b)
		Seal(b)
		if why := unsound(b); why != "" {
			t.Fatal(why)
		}
		var c, again Column
		if Decode(b, &c) != nil {
			return
		}
		if err := Decode(Append(nil, &c), &again); err != nil {
			t.Fatal(err)
		}
		if d := diff(&again, &c); d != "" {
			t.Fatal(d)
		}
	})
}

// FuzzRoundTrip lets the fuzzer choose what TestRoundTripDrawn draws.
func FuzzRoundTrip(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) { checkRoundTripDrawn(t, drawColumn(t)) }))
}
