package server

import (
	"encoding/binary"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/klauspost/compress/snappy"
)

// field appends a length-delimited field of a protocol buffer message.
func field(dst []byte, num int, b string) []byte {
	dst = append(dst, byte(num<<3|2))
	dst = binary.AppendUvarint(dst, uint64(len(b)))
	return append(dst, b...)
}

// readRequest asks for all samples of a metric.
func readRequest(metric string, kind byte) string {
	q := append([]byte{2 << 3}, binary.AppendUvarint(nil, 1<<50)...) // until then
	q = field(q, 3, string(field(field(nil, 2, "__name__"), 3, metric)))
	return string(snappy.Encode(nil, append(field(nil, 1, string(q)), 2<<3, kind)))
}

func TestRemoteRead(t *testing.T) {
	h := startReal(t)
	h.write("/write?precision=s", "up,host=b value=1 1700000000\nup,host=a value=2 1700000000\nup,host=a value=3 1700000015\n")

	r := h.do("POST", "/api/v1/read", readRequest("up", 0))
	if r.status != 200 || r.header.Get("Content-Encoding") != "snappy" || r.header.Get("Content-Type") != "application/x-protobuf" {
		t.Fatalf("samples: %d %v %q", r.status, r.header, r.body)
	}
	msg, err := snappy.Decode(nil, []byte(r.body))
	if a, b := strings.Index(string(msg), "\x12\x01a"), strings.Index(string(msg), "\x12\x01b"); err != nil || a < 0 || b < a {
		t.Errorf("samples: series are not there in order: %q, %v", msg, err)
	}

	r = h.do("POST", "/api/v1/read", readRequest("up", 1))
	if r.status != 200 || r.header.Get("Content-Type") != "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse" {
		t.Fatalf("chunks: %d %v %q", r.status, r.header, r.body)
	}
	frames := 0
	for rest := []byte(r.body); len(rest) > 0; frames++ {
		n, w := binary.Uvarint(rest)
		if w <= 0 || uint64(len(rest)) < uint64(w)+4+n {
			t.Fatalf("frame %d is cut off: %q", frames, rest)
		}
		sum, frame := binary.BigEndian.Uint32(rest[w:]), rest[w+4:w+4+int(n)]
		if crc32.Checksum(frame, crc32.MakeTable(crc32.Castagnoli)) != sum {
			t.Errorf("frame %d: checksum does not hold", frames)
		}
		rest = rest[w+4+int(n):]
	}
	if frames != 2 {
		t.Errorf("%d frames, want one for each of 2 series", frames)
	}
	if r = h.do("POST", "/api/v1/read", readRequest("down", 1)); r.status != 200 || r.body != "" {
		t.Errorf("nothing selected: %d %q", r.status, r.body)
	}

	for _, bad := range []string{"", "no snappy", string(snappy.Encode(nil, []byte("no protobuf"))), readRequest("up", 9)} {
		if r := h.do("POST", "/api/v1/read", bad); r.status != 400 || !strings.Contains(r.body, `"errorType":"bad_data"`) {
			t.Errorf("%q: %d %s", bad, r.status, r.body)
		}
	}
	// A tenant's reads are kept to its own.
	if r := h.do("POST", "/api/v1/read", readRequest("up", 1), "X-Scope-OrgID", "other"); r.status != 200 || r.body != "" {
		t.Errorf("another tenant: %d %q", r.status, r.body)
	}
}
