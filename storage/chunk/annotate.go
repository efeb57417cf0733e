package chunk

import (
	"encoding/binary"
	"fmt"
)

var sectionNames = map[byte]string{sectionTimes: "times", sectionValues: "values", sectionStarts: "starts", sectionSummaries: "summaries"}

// Annotate tells the fields of a chunk in the order of its bytes: where each
// lies and what it means. It verifies the checksum first.
func Annotate(src []byte, field func(offset, size int, meaning string)) error {
	h, _, err := open(src)
	if err != nil {
		return err
	}
	at := 0
	tell := func(size int, format string, args ...any) {
		field(at, size, fmt.Sprintf(format, args...))
		at += size
	}
	uvarint := func(format string) int {
		v, n := binary.Uvarint(src[at:])
		tell(n, format, v)
		return int(v)
	}
	tell(4, "checksum %08x", binary.LittleEndian.Uint32(src))
	tell(1, "version %d", h.Version)
	tell(1, "type %s", h.Type)
	tell(2, "flags %06b", uint16(h.Flags))
	uvarint("count %d")
	_, n := binary.Varint(src[at:])
	tell(n, "mint %d", h.Mint)
	uvarint("maxt is %d later")
	for at < len(src) {
		id := src[at]
		name, ok := sectionNames[id]
		if !ok {
			name = fmt.Sprint(id)
		}
		tell(1, "section %s", name)
		size := uvarint("length %d")
		end := at + size
		switch id {
		case sectionTimes:
			tell(1, "time encoding %d", src[at])
			tell(1, "encoding %d", src[at])
		case sectionValues, sectionStarts:
			tell(1, "encoding %d", src[at])
		case sectionSummaries:
			uvarint("windows of %d seconds")
			uvarint("windows %d")
			tell(1, "form %d", src[at]&^withChanges)
		}
		tell(end-at, "payload")
	}
	return nil
}

// Sizes are the bytes that the parts of a chunk take.
type Sizes struct {
	Samples                                  int
	Header, Times, Values, Starts, Summaries int
}

// SizesOf returns the sizes of a chunk's parts; the heads of sections count to
// the header, and what this version does not know, too.
func SizesOf(src []byte) (Sizes, error) {
	h, s, err := open(src)
	if err != nil {
		return Sizes{}, err
	}
	z := Sizes{Samples: h.Count, Times: len(s.times), Values: len(s.values), Starts: len(s.starts), Summaries: len(s.summaries)}
	z.Header = len(src) - z.Times - z.Values - z.Starts - z.Summaries
	return z, nil
}
