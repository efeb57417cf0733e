package head

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"tidemark/storage/model"
	"tidemark/storage/postings"
	"tidemark/storage/wal"
)

// generations numbers heads within the process, so that the reference that a
// model.Stream or model.Schema carries names the head that it belongs to.
var generations atomic.Uint32

// Head is the data of one generation.
type Head struct {
	gen uint32

	// Owned by the writer.
	rows      rows
	text      text
	bySchema  map[string]uint32 // encoded schema → schema
	day       model.TimeRange   // the day of the last row
	count     int64
	nsamples  int64
	baseBytes int64
	res       Resolved
	dayOf     func(t int64) model.TimeRange

	bytes   atomic.Int64
	logs    atomic.Int64 // of bytes, those of log rows
	nrows   atomic.Int64
	visible atomic.Uint64 // the durable end

	mu struct {
		sync.RWMutex
		streams streams
		schemas []*model.Schema
		index   *postings.Mem
		names   map[string]*nameSets
		logs    postings.Set // streams with log rows
		logNums postings.Set // streams with log rows that have metrics
		metrics postings.Set // streams with metrics of metric rows
		states  postings.Set // streams with state columns
		days    map[int64]model.TimeRange
	}
}

// nameSets are the streams that have a metric name.
type nameSets struct {
	metrics, logs, states postings.Set
}

// New returns an empty head. dayOf returns the partition that a time lies in.
func New(dayOf func(t int64) model.TimeRange) *Head {
	h := &Head{
		gen:      generations.Add(1),
		bySchema: make(map[string]uint32),
		day:      model.TimeRange{Mint: 1, Maxt: 0},
		dayOf:    dayOf,
	}
	h.visible.Store(1)
	h.mu.index = postings.NewMem(func(id uint32) model.Labels { return h.mu.streams.at(id).labels })
	h.mu.names = make(map[string]*nameSets)
	h.mu.days = make(map[int64]model.TimeRange)
	return h
}

// Limits bound what a head takes.
type Limits struct{ Streams, Schemas int }

// LimitError says which limit a batch would exceed.
type LimitError struct {
	Limit string
	Max   int
}

func (e *LimitError) Error() string { return fmt.Sprintf("%s of %d reached", e.Limit, e.Max) }

// MaxLabelSetBytes is the largest canonical encoding of a label set.
const MaxLabelSetBytes = 1 << 16

// Resolved is a batch's references: one stream and one schema for each row,
// and those that are new to the head, in the order of their numbers.
type Resolved struct {
	Streams, Schemas []uint32
	NewStreams       []*model.Stream
	NewSchemas       []*model.Schema
	// FirstStream and FirstSchema are the numbers of the first new ones.
	FirstStream, FirstSchema uint32

	newStreams map[string]uint32
	newSchemas map[string]uint32
	schemaKey  []byte
	keys       []string // of NewSchemas
}

// Resolve looks up the streams and schemas of a batch. It changes nothing: the
// new ones are numbered as Insert will. The result is valid until the next call.
// A stream that the head knows costs one comparison, unless several stores
// take turns at the same model.Stream.
func (h *Head) Resolve(b *model.Batch, lim Limits) (*Resolved, error) {
	r := &h.res
	r.Streams, r.Schemas = r.Streams[:0], r.Schemas[:0]
	clear(r.NewStreams)
	clear(r.NewSchemas)
	r.NewStreams, r.NewSchemas, r.keys = r.NewStreams[:0], r.NewSchemas[:0], r.keys[:0]
	clear(r.newStreams)
	clear(r.newSchemas)
	r.FirstStream, r.FirstSchema = uint32(h.mu.streams.len()), uint32(len(h.mu.schemas))
	if h.rows.full(int64(b.Size())/8 + 2*int64(b.Len())) {
		return nil, &LimitError{"the address space of a generation", 32 << 30}
	}
	rows := b.Rows()
	gen := uint64(h.gen) << 32
	var lastStream *model.Stream
	var lastSchema *model.Schema
	for i := range rows {
		row := &rows[i]
		var st, sc uint32
		switch ref := row.Stream.Ref.Load(); {
		case ref&^math.MaxUint32 == gen:
			st = uint32(ref)
		case row.Stream == lastStream:
			st = r.Streams[i-1]
		default:
			var err error
			if st, err = h.resolveStream(row.Stream, lim); err != nil {
				return nil, fmt.Errorf("row %d: %w", i, err)
			}
		}
		switch ref := row.Schema.Ref.Load(); {
		case ref&^math.MaxUint32 == gen:
			sc = uint32(ref)
		case row.Schema == lastSchema:
			sc = r.Schemas[i-1]
		default:
			var err error
			if sc, err = h.resolveSchema(row.Schema, lim); err != nil {
				return nil, fmt.Errorf("row %d: %w", i, err)
			}
		}
		lastStream, lastSchema = row.Stream, row.Schema
		r.Streams = append(r.Streams, st)
		r.Schemas = append(r.Schemas, sc)
	}
	return r, nil
}

// Has reports whether the stream is known to be the head's; false is no proof
// that it is not.
func (h *Head) Has(s *model.Stream) bool {
	return s.Ref.Load()&^math.MaxUint32 == uint64(h.gen)<<32
}

func (h *Head) resolveStream(s *model.Stream, lim Limits) (uint32, error) {
	key := s.Key()
	if ref, ok := h.mu.streams.find(key); ok {
		s.Ref.Store(uint64(h.gen)<<32 | uint64(ref))
		return ref, nil
	}
	r := &h.res
	if ref, ok := r.newStreams[key]; ok {
		return ref, nil
	}
	n := h.mu.streams.len() + len(r.NewStreams)
	if n >= lim.Streams {
		return 0, &LimitError{"MaxStreams (label sets of a generation)", lim.Streams}
	}
	if len(key) > MaxLabelSetBytes {
		return 0, fmt.Errorf("label set of %d bytes: want at most %d", len(key), MaxLabelSetBytes)
	}
	ls, err := model.DecodeLabels([]byte(key))
	if err != nil {
		return 0, err
	}
	if !ls.Equal(s.Labels) {
		return 0, fmt.Errorf("%w: labels %s were changed after NewStream", model.ErrBadLabels, s.Labels)
	}
	if r.newStreams == nil {
		r.newStreams = make(map[string]uint32)
	}
	r.newStreams[key] = uint32(n)
	r.NewStreams = append(r.NewStreams, s)
	return uint32(n), nil
}

func (h *Head) resolveSchema(sc *model.Schema, lim Limits) (uint32, error) {
	r := &h.res
	r.schemaKey = wal.AppendSchema(r.schemaKey[:0], sc)
	if ref, ok := h.bySchema[string(r.schemaKey)]; ok {
		sc.Ref.Store(uint64(h.gen)<<32 | uint64(ref))
		return ref, nil
	}
	if ref, ok := r.newSchemas[string(r.schemaKey)]; ok {
		return ref, nil
	}
	n := len(h.mu.schemas) + len(r.NewSchemas)
	if n >= lim.Schemas {
		return 0, &LimitError{"MaxSchemas (row schemas of a generation)", lim.Schemas}
	}
	if err := wal.CheckSchema(sc); err != nil {
		return 0, err
	}
	if r.newSchemas == nil {
		r.newSchemas = make(map[string]uint32)
	}
	key := string(r.schemaKey)
	r.newSchemas[key] = uint32(n)
	r.NewSchemas = append(r.NewSchemas, sc)
	r.keys = append(r.keys, key)
	return uint32(n), nil
}

// Insert adds the rows of a batch that was just resolved, and returns the end
// behind them, for Publish. The rows are not visible before.
func (h *Head) Insert(b *model.Batch, r *Resolved) (end uint64) {
	if len(r.NewStreams)+len(r.NewSchemas) > 0 {
		h.define(r)
	}
	rows := b.Rows()
	logs := int64(0)
	for i := range rows {
		row := &rows[i]
		st := h.mu.streams.at(r.Streams[i])
		sl := st.find(r.Schemas[i])
		if sl == nil {
			sl = h.addSlot(r.Streams[i], r.Schemas[i], row.Time)
		}
		if row.Time < h.day.Mint || row.Time > h.day.Maxt {
			h.addDay(row.Time)
		}
		words := b.Words(row)
		dst, addr := h.rows.alloc(2 + len(words))
		dst[0] = uint64(sl.last.Load())
		dst[1] = uint64(row.Time)
		copy(dst[2:], words)
		log := row.Schema.Kind == model.LogRow
		if log {
			logs += 8 * int64(2+len(words))
		}
		for c := range row.Schema.Columns {
			switch row.Schema.Columns[c].Type {
			case model.TypeText:
				text := b.TextOf(words[c])
				dst[2+c] = h.text.put(text)
				if log {
					logs += int64(len(text))
				}
			case model.TypeHistogram:
				dst[2+c] = h.text.put(b.TextOf(words[c]))
				h.nsamples++
			case model.TypeStart:
			default:
				h.nsamples++
			}
		}
		if row.Time < sl.mint.Load() {
			sl.mint.Store(row.Time)
		}
		if row.Time > sl.maxt.Load() {
			sl.maxt.Store(row.Time)
		}
		sl.last.Store(addr)
	}
	h.count += int64(len(rows))
	h.nrows.Store(h.count)
	h.bytes.Store(h.baseBytes + h.rows.size*8 + h.text.size)
	h.logs.Add(logs)
	return uint64(h.rows.end())
}

// define adds the new streams and schemas.
func (h *Head) define(r *Resolved) {
	h.mu.Lock()
	defer h.mu.Unlock()
	gen := uint64(h.gen) << 32
	for _, s := range r.NewStreams {
		ref, bytes := h.mu.streams.add(s.Labels, s.Key())
		before := h.mu.index.Bytes()
		h.mu.index.Add(ref, s.Labels)
		s.Ref.Store(gen | uint64(ref))
		h.baseBytes += bytes + h.mu.index.Bytes() - before
	}
	for i, sc := range r.NewSchemas {
		ref := uint32(len(h.mu.schemas))
		h.mu.schemas = append(h.mu.schemas, sc)
		h.bySchema[r.keys[i]] = ref
		sc.Ref.Store(gen | uint64(ref))
		h.baseBytes += 100 + int64(len(r.keys[i])) + 64*int64(len(sc.Columns))
	}
}

func (h *Head) addSlot(streamRef, schemaRef uint32, t int64) *slot {
	h.mu.Lock()
	defer h.mu.Unlock()
	sc := h.mu.schemas[schemaRef]
	sl, bytes := h.mu.streams.at(streamRef).add(schemaRef)
	sl.sc, sl.schema, sl.first = sc, schemaRef, h.rows.end()
	sl.mint.Store(t)
	sl.maxt.Store(t)
	h.baseBytes += bytes
	if sc.Kind == model.LogRow {
		h.mu.logs.Add(streamRef)
	}
	for i := range sc.Columns {
		c := &sc.Columns[i]
		if c.Name == "" || sc.Kind == model.LogRow && c.Type == model.TypeText {
			continue
		}
		ns := h.mu.names[c.Name]
		if ns == nil {
			ns = &nameSets{}
			h.mu.names[c.Name] = ns
			h.baseBytes += 200 + int64(len(c.Name))
		}
		h.baseBytes += 4
		switch {
		case sc.Kind == model.LogRow:
			ns.logs.Add(streamRef)
			h.mu.logNums.Add(streamRef)
		case c.Type == model.TypeText:
			ns.states.Add(streamRef)
			h.mu.states.Add(streamRef)
		default:
			ns.metrics.Add(streamRef)
			h.mu.metrics.Add(streamRef)
		}
	}
	return sl
}

func (h *Head) addDay(t int64) {
	h.day = h.dayOf(t)
	if _, ok := h.mu.days[h.day.Mint]; ok {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mu.days[h.day.Mint] = h.day
}

// Publish makes the rows below end visible. Calls may come in any order.
func (h *Head) Publish(end uint64) {
	for {
		cur := h.visible.Load()
		if cur >= end || h.visible.CompareAndSwap(cur, end) {
			return
		}
	}
}

// Release ends the use of a head and gives its memory to the next. Nobody may
// write it or read rows from a snapshot of it any more, or use the bytes of a
// line or text that a snapshot has handed out; copies and labels stay valid.
func (h *Head) Release() {
	h.rows.release()
	h.text.release()
}

// Stats are figures of a head.
type Stats struct{ Bytes, Rows, Streams int64 }

// Stats returns the figures.
func (h *Head) Stats() Stats {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return Stats{h.bytes.Load(), h.nrows.Load(), int64(h.mu.streams.len())}
}

// Bytes returns the memory that the head takes, without a lock.
func (h *Head) Bytes() int64 { return h.bytes.Load() }

// LogBytes returns how much of Bytes log rows and their text take, without a
// lock.
func (h *Head) LogBytes() int64 { return h.logs.Load() }

// Rows returns the number of rows, without a lock.
func (h *Head) Rows() int64 { return h.nrows.Load() }

// End returns the end behind the last row, for Publish. Only the writer may
// call it.
func (h *Head) End() uint64 { return uint64(h.rows.end()) }

// Samples returns the number of numeric values. Only the writer may call it.
func (h *Head) Samples() int64 { return h.nsamples }
