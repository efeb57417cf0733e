package remoteread

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"tidemark/ingest/protobuf"
	"tidemark/storage/model"
)

// Limits of a request. Prometheus sends one query with a matcher for each of
// the selector's.
const (
	// MaxQueries bounds the queries of a request.
	MaxQueries = 64
	// MaxMatchers bounds the matchers of a query.
	MaxMatchers = 1024
)

// ErrRequest marks every error of Decode.
var ErrRequest = errors.New("remote read request")

// ResponseType is the form of an answer; the numbers are the protocol's.
type ResponseType uint8

// The forms of answers.
const (
	Samples ResponseType = 0
	Chunks  ResponseType = 1
)

// Request is one request.
type Request struct {
	Queries []Query
	Type    ResponseType
}

// Query asks for series. Start and End are in Unix milliseconds, both
// inclusive, with the hints' times taken into account.
type Query struct {
	Start, End int64
	Matchers   []*model.Matcher
	// LabelsOnly says that nobody will look at samples.
	LabelsOnly bool
}

// Decode reads a request, already decompressed. The input is untrusted; the
// result does not refer to it. Errors wrap ErrRequest.
func Decode(msg []byte) (*Request, error) {
	var r Request
	chosen, listed := false, false
	accept := func(types []uint64) {
		for _, t := range types {
			listed = true
			if !chosen && t <= uint64(Chunks) {
				r.Type, chosen = ResponseType(t), true
			}
		}
	}
	c := protobuf.NewCursor(msg)
	for c.Next() {
		switch c.Num {
		case 1:
			if !c.Want(protobuf.Bytes) {
				continue
			}
			if len(r.Queries) == MaxQueries {
				return nil, fmt.Errorf("%w: want at most %d queries (MaxQueries)", ErrRequest, MaxQueries)
			}
			q, err := query(c.Data)
			if err != nil {
				return nil, fmt.Errorf("%w: query %d: %w", ErrRequest, len(r.Queries), err)
			}
			r.Queries = append(r.Queries, q)
		case 2:
			accept(c.Varints(nil))
		}
	}
	if err := c.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	if listed && !chosen {
		return nil, fmt.Errorf("%w: want one of the response types SAMPLES (0) and STREAMED_XOR_CHUNKS (1), got others", ErrRequest)
	}
	return &r, nil
}

func query(msg []byte) (Query, error) {
	var q Query
	var hints []byte
	c := protobuf.NewCursor(msg)
	for c.Next() {
		switch c.Num {
		case 1, 2:
			if !c.Want(protobuf.Varint) {
				continue
			}
			if c.Num == 1 {
				q.Start = int64(c.Bits)
			} else {
				q.End = int64(c.Bits)
			}
		case 3:
			if !c.Want(protobuf.Bytes) {
				continue
			}
			if len(q.Matchers) == MaxMatchers {
				return q, fmt.Errorf("want at most %d matchers (MaxMatchers)", MaxMatchers)
			}
			m, err := matcher(c.Data)
			if err != nil {
				return q, err
			}
			q.Matchers = append(q.Matchers, m)
		case 4:
			if c.Want(protobuf.Bytes) {
				hints = c.Data
			}
		}
	}
	if err := c.Err(); err != nil {
		return q, err
	}
	if len(q.Matchers) == 0 {
		return q, errors.New("want at least one matcher")
	}
	return q, q.narrow(hints)
}

func matcher(msg []byte) (*model.Matcher, error) {
	var kind uint64
	var name, value string
	c := protobuf.NewCursor(msg)
	for c.Next() {
		switch c.Num {
		case 1:
			if c.Want(protobuf.Varint) {
				kind = c.Bits
			}
		case 2, 3:
			if !c.Want(protobuf.Bytes) {
				continue
			}
			if !utf8.Valid(c.Data) {
				return nil, fmt.Errorf("matcher: field %d is not valid UTF-8", c.Num)
			}
			if c.Num == 2 {
				name = string(c.Data)
			} else {
				value = string(c.Data)
			}
		}
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	// The protocol numbers the operators as the model does.
	if kind > uint64(model.MatchNotRegexp) {
		return nil, fmt.Errorf("matcher of %q: type %d: want 0 to 3", name, kind)
	}
	return model.NewMatcher(model.MatchType(kind), name, value)
}

// narrow applies hints.
func (q *Query) narrow(hints []byte) error {
	var start, end int64
	c := protobuf.NewCursor(hints)
	for c.Next() {
		switch c.Num {
		case 2:
			if c.Want(protobuf.Bytes) {
				q.LabelsOnly = string(c.Data) == "series"
			}
		case 3:
			start = int64(c.Bits)
		case 4:
			end = int64(c.Bits)
		}
	}
	if start != 0 || end != 0 { // else they were left out
		q.Start, q.End = max(q.Start, start), min(q.End, end)
	}
	return c.Err()
}
