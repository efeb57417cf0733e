package storage

import (
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"

	"tidemark/storage/head"
	"tidemark/storage/model"
	"tidemark/storage/postings"
)

// cardinality refuses label sets that are new to the day once the day has had
// Options.MaxDailyStreams. Those that it has seen today or yesterday are
// served on, whatever else comes, so that a label which grows without bound
// costs what it adds and nothing of what was there.
//
// It remembers hashes of 64 bits, about a dozen bytes each: two label sets in
// one would count as one, which harms nobody. A restart begins with the label
// sets of the log, because nothing per series is read then; others take their
// places again as they come.
type cardinality struct {
	// Of the holder of DB.write.
	max              int
	day              int64
	today, yesterday postings.Table

	count, rows atomic.Int64 // label sets of today; rows refused
}

const dayNanos = int64(24 * time.Hour)

// admit reports whether a label set may be written, and remembers it.
func (c *cardinality) admit(key string, now int64) bool {
	if day := now / dayNanos; day != c.day {
		c.yesterday = c.today
		if day != c.day+1 {
			c.yesterday = postings.Table{}
		}
		c.today, c.day = postings.Table{}, day
	}
	hash := xxhash.Sum64String(key)
	if has(&c.today, hash) {
		return true
	}
	if c.today.Len() >= c.max && !has(&c.yesterday, hash) {
		return false
	}
	c.today.Put(hash, uint32(hash)>>1)
	c.count.Store(int64(c.today.Len()))
	return true
}

// has looks for a hash, of which the table keeps one half beside the other as
// the number, but for a bit.
func has(t *postings.Table, hash uint64) bool {
	for p := t.Find(hash); p.OK(); p = t.Next(p) {
		if p.Ref() == uint32(hash)>>1 {
			return true
		}
	}
	return false
}

// refuse takes the rows of streams that are not admitted out of the batch and
// returns how many. What the generation has is not looked at.
func (c *cardinality) refuse(h *head.Head, b *model.Batch, now int64) int {
	if c.max == 0 {
		return 0
	}
	var last *model.Stream
	var refused map[*model.Stream]bool
	rows := b.Rows()
	for i := range rows {
		st := rows[i].Stream
		if st == last || h.Has(st) {
			continue
		}
		last = st
		if !c.admit(st.Key(), now) {
			if refused == nil {
				refused = make(map[*model.Stream]bool)
			}
			refused[st] = true
		}
	}
	if refused == nil {
		return 0
	}
	n := b.Remove(func(r *model.Row) bool { return refused[r.Stream] })
	c.rows.Add(int64(n))
	return n
}
