package remoteread

import (
	"errors"
	"strings"
	"testing"

	"tidemark/storage/model"
)

// request assembles a message of a query and its response types.
func request(q []byte, types ...uint64) []byte {
	msg := appendBytes(nil, 1, q)
	for _, t := range types {
		msg = append(msg, 2<<3, byte(t))
	}
	return msg
}

func matcherMessage(kind uint64, name, value string) []byte {
	return appendText(appendText(appendUint(nil, 1, kind), 2, name), 3, value)
}

func TestDecode(t *testing.T) {
	q := appendInt(appendInt(nil, 1, -5), 2, 1000)
	q = appendBytes(q, 3, matcherMessage(0, "__name__", "up"))
	q = appendBytes(q, 3, matcherMessage(3, "job", "a|b"))
	hinted := appendBytes(q, 4, appendInt(appendInt(appendText(nil, 2, "series"), 3, 10), 4, 2000))

	r, err := Decode(request(hinted, 7, 1, 0))
	if err != nil {
		t.Fatal(err)
	}
	got := r.Queries[0]
	if r.Type != Chunks || got.Start != 10 || got.End != 1000 || !got.LabelsOnly || len(got.Matchers) != 2 ||
		got.Matchers[1].Type != model.MatchNotRegexp || got.Matchers[1].Matches("a") {
		t.Errorf("request is %+v", r)
	}
	if r, err = Decode(request(q)); err != nil || r.Type != Samples || r.Queries[0].Start != -5 || r.Queries[0].LabelsOnly {
		t.Errorf("request without hints and types is %+v, %v", r, err)
	}
	many := request(q)
	for range MaxQueries {
		many = append(many, request(q)...)
	}
	for name, bad := range map[string][]byte{
		"response types": request(q, 7),
		"MaxQueries":     many,
		"one matcher":    request(nil),
		"type 4":         request(appendBytes(nil, 3, matcherMessage(4, "a", "b"))),
		"matcher a=~":    request(appendBytes(nil, 3, matcherMessage(2, "a", "("))),
		"UTF-8":          request(appendBytes(nil, 3, matcherMessage(0, "a", "\xff"))),
		"field 1":        request(q)[:9],
	} {
		if _, err := Decode(bad); !errors.Is(err, ErrRequest) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	q := appendBytes(appendInt(nil, 2, 1000), 3, matcherMessage(2, "__name__", "u.*"))
	f.Add(request(appendBytes(q, 4, appendText(nil, 2, "rate")), 1, 0))
	f.Fuzz(func(t *testing.T, msg []byte) {
		r, err := Decode(msg)
		if err != nil {
			if !errors.Is(err, ErrRequest) {
				t.Fatalf("error %v is no ErrRequest", err)
			}
			return
		}
		for _, q := range r.Queries {
			for _, m := range q.Matchers {
				m.Matches("up")
			}
		}
	})
}
