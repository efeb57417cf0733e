package remotewrite

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"tidemark/ingest/protobuf"
	"tidemark/storage/model"
)

// identity is what the labels of a series stand for.
type identity struct {
	stream *model.Stream
	schema *model.Schema
	known  bool   // nothing was new
	reason string // why the labels are refused, or empty
}

// last is what the series before had, since neighbours mostly differ in the
// metric alone. Its labels are without the metric.
type last struct {
	labels []byte // 1.0: they lie in the body
	refs   []uint64
	stream *model.Stream
}

// identify finds or learns what the labels of the series being read stand for.
// Senders write the metric first. Then it and the other labels
// are looked up each by themselves; otherwise all of them together.
func (s *state) identify(v2 bool) (identity, error) {
	if v2 {
		if len(s.refs)%2 != 0 {
			return identity{}, fmt.Errorf("%d labels_refs: want pairs of name and value", len(s.refs))
		}
		if len(s.refs) > 0 && max(s.refs[0], s.refs[1]) < uint64(len(s.symbols)) && string(s.symbols[s.refs[0]]) == nameSymbol {
			return s.partsV2()
		}
		if err := s.resolve(s.refs); err != nil {
			return identity{}, err
		}
		return s.whole(s.key)
	}
	if name, rest := splitName(s.labels); name != nil {
		return s.partsV1(name, rest)
	}
	return s.whole(s.labels)
}

// nameSymbol is the symbol __name__ with its length.
const nameSymbol = "\x08" + model.MetricName

// splitName takes labels of 1.0 apart that begin with the metric as senders
// write it: name and value in this order, lengths in one byte each. name is
// nil where they do not.
func splitName(labels []byte) (name, rest []byte) {
	const begin = "\x0a" + nameSymbol + "\x12" // behind the label's tag and length
	const at = 2 + len(begin)
	if len(labels) <= at || labels[0] != 1<<3|2 || labels[1] >= 0x80 || string(labels[2:at]) != begin {
		return nil, nil
	}
	n := int(labels[at])
	end := at + 1 + n
	if n == 0 || n >= 0x80 || end > len(labels) || int(labels[1]) != end-2 {
		return nil, nil
	}
	return labels[at+1 : end], labels[end:]
}

// neighbour reads a series of 1.0 that is like nearly all of them: the metric
// first, then the labels of the series before, then one sample of a known
// metric. It reports false, and has changed nothing, where the series is not.
func (s *state) neighbour(msg []byte) bool {
	name, rest := splitName(msg)
	l := &s.last
	if name == nil || l.stream == nil || l.labels == nil || !bytes.HasPrefix(rest, l.labels) {
		return false
	}
	sample := rest[len(l.labels):]
	if len(sample) < 2 || sample[0] != 2<<3|2 || int(sample[1]) != len(sample)-2 {
		return false
	}
	bits, ms, ok := usualSample(sample[2:])
	t := ms * int64(time.Millisecond)
	if !ok || ms > maxMillis || ms < -maxMillis || s.p.MinTime != 0 && t < s.p.MinTime ||
		s.res.Accepted+s.res.Rejected >= s.d.opts.MaxSamples {
		return false
	}
	sc := s.run.Metric(name)
	if sc == nil {
		return false
	}
	s.run.Add(l.stream, sc, t, 0, bits)
	s.res.Accepted++
	s.hits++
	return true
}

func (s *state) partsV1(name, rest []byte) (identity, error) {
	l := &s.last
	id := identity{known: true}
	if l.stream != nil && bytes.Equal(rest, l.labels) {
		id.stream = l.stream
	} else if id.stream = s.d.cache.FindLabels(s.origin, rest); id.stream != nil {
		l.labels, l.refs, l.stream = rest, l.refs[:0], id.stream
	}
	if id.schema = s.run.Metric(name); id.stream == nil || id.schema == nil {
		return s.learnParts(s.labels, string(rest))
	}
	return id, nil
}

func (s *state) partsV2() (identity, error) {
	l := &s.last
	id := identity{known: true}
	rest := s.refs[2:]
	same := l.stream != nil && slices.Equal(rest, l.refs)
	if same {
		id.stream = l.stream
	} else {
		if err := s.resolve(rest); err != nil {
			return id, err
		}
		if id.stream = s.d.cache.FindLabels(s.origin, s.key); id.stream != nil {
			l.refs, l.stream = append(l.refs[:0], rest...), id.stream
		}
	}
	name := symbolText(s.symbols[s.refs[1]])
	if id.schema = s.run.Metric(name); id.stream == nil || id.schema == nil {
		if same {
			if err := s.resolve(rest); err != nil {
				return id, err
			}
		}
		key := string(s.key)
		if err := s.resolve(s.refs); err != nil {
			return id, err
		}
		return s.learnParts(s.key, key)
	}
	return id, nil
}

// learnParts learns the series of all labels; key is of those without the
// metric.
func (s *state) learnParts(labels []byte, key string) (identity, error) {
	pairs, err := labelPairs(string(labels)) // what is kept of it lives as long as the series
	if err != nil {
		return identity{}, err
	}
	name, own, reason := s.d.opts.SeriesLabels(pairs)
	if reason != "" {
		return identity{reason: reason}, nil
	}
	st, sc := s.d.cache.AddParts(s.origin, key, name, own)
	return identity{stream: st, schema: sc}, nil
}

// whole finds or learns the series of labels whose metric is anywhere.
func (s *state) whole(labels []byte) (identity, error) {
	if se := s.d.cache.Find(s.origin, labels); se != nil {
		return identity{stream: se.Stream, schema: se.Schema, known: true}, nil
	}
	text := string(labels)
	pairs, err := labelPairs(text)
	if err != nil {
		return identity{}, err
	}
	name, own, reason := s.d.opts.SeriesLabels(pairs)
	if reason != "" {
		return identity{reason: reason}, nil
	}
	se := s.d.cache.Add(s.origin, text, name, own)
	return identity{stream: se.Stream, schema: se.Schema}, nil
}

// Keys of 2.0 are put together so:
//
//	0x00 {uvarint(len) symbol}
//
// The first byte tells them from those of 1.0, which begin with the tag of a
// label.
const keyV2 = 0

// maxResolved bounds the labels that the references of one request stand for,
// in bytes: a reference of one byte may name a long symbol again and again.
const maxResolved = 1 << 30

// resolve puts the key of labels of 2.0 together from their references, in
// s.key.
func (s *state) resolve(refs []uint64) error {
	if len(refs)%2 != 0 {
		return fmt.Errorf("%d labels_refs: want pairs of name and value", len(refs))
	}
	key, symbols, most := append(s.key[:0], keyV2), s.symbols, s.d.opts.MaxLineBytes
	for _, r := range refs {
		if r >= uint64(len(symbols)) {
			return fmt.Errorf("reference %d: want one below the %d symbols", r, len(symbols))
		}
		// Symbols are repeated at will: a small request must not become large.
		if len(key)+len(symbols[r]) > most {
			return fmt.Errorf("%w: labels of more than %d bytes (MaxLineBytes)", ErrTooLarge, most)
		}
		key = append(key, symbols[r]...)
	}
	s.key = key
	if s.resolved += len(s.key); s.resolved > maxResolved {
		return fmt.Errorf("%w: its references stand for more than %d bytes of labels", ErrTooLarge, maxResolved)
	}
	return nil
}

// symbolText returns a symbol without the length before it.
func symbolText(symbol []byte) []byte {
	for i, c := range symbol {
		if c < 0x80 {
			return symbol[i+1:]
		}
	}
	return nil
}

// labelPairs takes a key apart. The labels share its memory.
func labelPairs(key string) ([]model.Label, error) {
	if key == "" {
		return nil, nil
	}
	if key[0] == keyV2 {
		var pairs []model.Label
		for rest := key[1:]; rest != ""; {
			var l model.Label
			l.Name, rest = cut(rest)
			l.Value, rest = cut(rest)
			pairs = append(pairs, l)
		}
		return pairs, nil
	}
	raw := []byte(key)
	var pairs []model.Label
	c := protobuf.NewCursor(raw)
	for c.Next() {
		var l model.Label
		end := c.Pos()
		base := end - len(c.Data)
		lc := protobuf.NewCursor(c.Data)
		for lc.Next() {
			if lc.Num != 1 && lc.Num != 2 || !lc.Want(protobuf.Bytes) {
				continue
			}
			text := key[base+lc.Pos()-len(lc.Data) : base+lc.Pos()]
			if lc.Num == 1 {
				l.Name = text
			} else {
				l.Value = text
			}
		}
		if lc.Err() != nil {
			return nil, fmt.Errorf("label %d: %w", len(pairs)+1, lc.Err())
		}
		pairs = append(pairs, l)
	}
	return pairs, c.Err()
}

// cut takes one text from the front of a key of 2.0, which we wrote ourselves.
func cut(s string) (text, rest string) {
	n, w := uint64(0), 0
	for shift := 0; ; shift += 7 {
		n |= uint64(s[w]&0x7f) << shift
		w++
		if s[w-1] < 0x80 {
			break
		}
	}
	return s[w : w+int(n)], s[w+int(n):]
}
