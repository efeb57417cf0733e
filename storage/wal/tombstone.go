package wal

import (
	"encoding/binary"

	"tidemark/storage/model"
)

// A tombstone is a record of another version than a batch: what was deleted
// of the records before it.
//
//	version    u8      2
//	received   i64LE   nanoseconds since the epoch
//	scope      u8      a model.Scope
//	mint, maxt i64LE   times, inclusive
//	selectors  uvarint count, then for each: uvarint count of matchers, then for
//	           each: type u8 (a model.MatchType), name, value (uvarint length, bytes)
const tombstoneVersion = 2

// Limits of a tombstone.
const (
	MaxSelectors = 1000
	MaxMatchers  = 100
)

// IsTombstone reports whether a record is a tombstone rather than a batch.
func IsTombstone(rec []byte) bool { return len(rec) > 0 && rec[0] == tombstoneVersion }

// AppendTombstone appends an encoded tombstone to dst.
func AppendTombstone(dst []byte, received int64, d *model.Deletion) []byte {
	dst = append(dst, tombstoneVersion)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(received))
	dst = append(dst, byte(d.Scope))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(d.Mint))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(d.Maxt))
	dst = binary.AppendUvarint(dst, uint64(len(d.Selectors)))
	for _, ms := range d.Selectors {
		dst = binary.AppendUvarint(dst, uint64(len(ms)))
		for _, m := range ms {
			dst = append(dst, byte(m.Type))
			dst = appendString(dst, m.Name)
			dst = appendString(dst, m.Value)
		}
	}
	return dst
}

// DecodeTombstone decodes what AppendTombstone encoded. The input is untrusted.
func DecodeTombstone(rec []byte) (received int64, d model.Deletion, err error) {
	r := reader{b: rec}
	if v := r.byte("version"); v != tombstoneVersion {
		r.fail("version %d, want %d", v, tombstoneVersion)
	}
	received = int64(r.fixed64("receive time"))
	d.Scope = model.Scope(r.byte("scope"))
	d.Mint, d.Maxt = int64(r.fixed64("mint")), int64(r.fixed64("maxt"))
	n := r.count("selectors", 1)
	if n > MaxSelectors {
		r.fail("%d selectors, want at most %d", n, MaxSelectors)
	}
	for ; n > 0 && r.err == nil; n-- {
		k := r.count("matchers", 3)
		if k > MaxMatchers {
			r.fail("%d matchers, want at most %d", k, MaxMatchers)
		}
		var ms []*model.Matcher
		for ; k > 0 && r.err == nil; k-- {
			typ := model.MatchType(r.byte("matcher"))
			name, value := string(r.bytes("name")), string(r.bytes("value"))
			if typ > model.MatchNotRegexp {
				r.fail("matcher type %d", typ)
			}
			if r.err == nil {
				m, err := model.NewMatcher(typ, name, value)
				if err != nil {
					r.fail("%v", err)
				}
				ms = append(ms, m)
			}
		}
		d.Selectors = append(d.Selectors, ms)
	}
	if r.err == nil && len(r.b) > 0 {
		r.fail("%d bytes behind the last selector", len(r.b))
	}
	if r.err == nil {
		if err := d.Check(); err != nil {
			r.fail("%v", err)
		}
	}
	return received, d, r.err
}
