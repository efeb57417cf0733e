package storage

import (
	"github.com/cockroachdb/pebble/v2"

	"tidemark/storage/keys"
)

// requestTable remembers request keys. It is guarded by DB.write.
type requestTable struct {
	ttl   int64
	max   int
	byKey map[string]*request
	// queue is in order of arrival: expired keys and those above max leave at
	// the front.
	queue []*request
	// gone are stored keys that left the queue and are deleted by a flush.
	gone []string
}

type request struct {
	key      string
	received int64
	pos      uint64
	stored   bool // is in Pebble
}

func (t *requestTable) init(o Options) {
	t.ttl, t.max = int64(o.RequestKeyTTL), o.MaxRequestKeys
	t.byKey = make(map[string]*request)
}

// load reads the stored keys that have not expired.
func (t *requestTable) load(r pebble.Reader, now int64) error {
	lo, hi := keys.Requests()
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return err
	}
	defer func() { _ = it.Close() }()
	for it.First(); it.Valid(); it.Next() {
		key, err := keys.ReadRequest(it.Key())
		if err != nil {
			return err
		}
		received, pos, err := keys.ReadRequestValue(it.Value())
		if err != nil {
			return err
		}
		if now-received >= t.ttl {
			t.gone = append(t.gone, key)
			continue
		}
		t.add(key, received, pos, false)
		t.byKey[key].stored = true
	}
	return it.Error()
}

// find returns the position of the batch that was accepted with the key.
func (t *requestTable) find(key string, now int64) (pos uint64, ok bool) {
	t.expire(now)
	r := t.byKey[key]
	if r == nil || now-r.received >= t.ttl {
		return 0, false
	}
	return r.pos, true
}

// add remembers a key; replayed ones may be remembered already.
func (t *requestTable) add(key string, received int64, pos uint64, replace bool) {
	if key == "" {
		return
	}
	if old := t.byKey[key]; old != nil && !replace {
		return
	}
	r := &request{key: key, received: received, pos: pos}
	t.byKey[key] = r
	t.queue = append(t.queue, r)
	for len(t.queue) > t.max {
		t.drop()
	}
}

func (t *requestTable) expire(now int64) {
	for len(t.queue) > 0 && now-t.queue[0].received >= t.ttl {
		t.drop()
	}
}

func (t *requestTable) drop() {
	r := t.queue[0]
	t.queue[0] = nil
	t.queue = t.queue[1:]
	if t.byKey[r.key] == r {
		delete(t.byKey, r.key)
		if r.stored {
			t.gone = append(t.gone, r.key)
		}
	}
}

// toStore returns the keys up to a position that are not stored yet, and those
// to delete.
func (t *requestTable) toStore(pos uint64, now int64) (store []request, gone []string) {
	t.expire(now)
	for _, r := range t.queue {
		if !r.stored && r.pos <= pos && t.byKey[r.key] == r {
			store = append(store, *r)
		}
	}
	return store, append([]string(nil), t.gone...)
}

// storedAt notes that what toStore returned is durable.
func (t *requestTable) storedAt(store []request, gone []string) {
	for i := range store {
		if r := t.byKey[store[i].key]; r != nil && r.pos == store[i].pos {
			r.stored = true
		} else if r == nil {
			t.gone = append(t.gone, store[i].key)
		}
	}
	t.gone = t.gone[min(len(gone), len(t.gone)):]
}
