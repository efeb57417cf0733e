package keys

import (
	"encoding/binary"

	"tidemark/storage/model"
)

// Kinds of partition keys.
const (
	kindLabels    = 0x01
	kindHash      = 0x02
	kindPosting   = 0x03
	kindMetric    = 0x04
	kindClass     = 0x05
	kindLogField  = 0x06
	kindState     = 0x07
	kindFlush     = 0x08
	kindIndexed   = 0x09
	kindFlushed   = 0x0a
	kindCompacted = 0x0b
	kindChunk     = 0x10
	kindRowGroup  = 0x20
	kindRowPart   = 0x21
)

// Class is a class of data that a label set has in a partition.
type Class uint8

// Classes.
const (
	ClassMetrics    Class = 1 // numeric chunks
	ClassLogs       Class = 2 // log rows
	ClassLogMetrics Class = 3 // log rows with fields that are read as metrics
	ClassState      Class = 4 // state columns
)

// Labels is the key of a label set's labels by id.
func (p Partition) Labels(id uint32) []byte { return appendU32(p.kind(kindLabels), id) }

// AllLabels is the range of Labels keys.
func (p Partition) AllLabels() (lo, hi []byte) { return prefixRange(p.kind(kindLabels)) }

// ReadLabels decodes a key of Labels.
func (p Partition) ReadLabels(key []byte) (id uint32, err error) {
	rest, err := p.rest(key, kindLabels, "labels")
	if err != nil || len(rest) != 4 {
		return 0, bad("labels", key)
	}
	return binary.BigEndian.Uint32(rest), nil
}

// Hash is the key that finds a label set by the hash of its labels.
func (p Partition) Hash(hash uint64, id uint32) []byte {
	return appendU32(appendU64(p.kind(kindHash), hash), id)
}

// Hashes is the range of the keys of one hash.
func (p Partition) Hashes(hash uint64) (lo, hi []byte) {
	return prefixRange(appendU64(p.kind(kindHash), hash))
}

// ReadHash decodes a key of Hash.
func (p Partition) ReadHash(key []byte) (hash uint64, id uint32, err error) {
	rest, err := p.rest(key, kindHash, "hash")
	if err != nil || len(rest) != 12 {
		return 0, 0, bad("hash", key)
	}
	return binary.BigEndian.Uint64(rest), binary.BigEndian.Uint32(rest[8:]), nil
}

// Posting is the key of the label sets that have a label.
func (p Partition) Posting(name, value string) []byte {
	return appendString(appendString(p.kind(kindPosting), name), value)
}

// Postings is the range of the values of a label that begin with prefix.
func (p Partition) Postings(name, prefix string) (lo, hi []byte) {
	return prefixRange(appendEscaped(appendString(p.kind(kindPosting), name), prefix))
}

// AllPostings is the range of all labels.
func (p Partition) AllPostings() (lo, hi []byte) { return prefixRange(p.kind(kindPosting)) }

// AfterPostings is the first possible key behind the values of a label.
func (p Partition) AfterPostings(name string) []byte {
	return After(appendString(p.kind(kindPosting), name))
}

// ReadPosting decodes a key of Posting.
func (p Partition) ReadPosting(key []byte) (name, value string, err error) {
	rest, err := p.rest(key, kindPosting, "posting")
	if err != nil {
		return "", "", err
	}
	name, rest, ok := takeString(rest)
	if !ok {
		return "", "", bad("posting", key)
	}
	value, rest, ok = takeString(rest)
	if !ok || len(rest) != 0 {
		return "", "", bad("posting", key)
	}
	return name, value, nil
}

// MetricSets is the key of the label sets that have chunks of a metric.
func (p Partition) MetricSets(metric uint32) []byte { return appendU32(p.kind(kindMetric), metric) }

// AllMetricSets is the range of MetricSets keys.
func (p Partition) AllMetricSets() (lo, hi []byte) { return prefixRange(p.kind(kindMetric)) }

// ReadMetricSets decodes a key of MetricSets.
func (p Partition) ReadMetricSets(key []byte) (uint32, error) {
	return p.readID(key, kindMetric, "metric sets")
}

func (p Partition) readID(key []byte, kind byte, what string) (uint32, error) {
	rest, err := p.rest(key, kind, what)
	if err != nil || len(rest) != 4 {
		return 0, bad(what, key)
	}
	return binary.BigEndian.Uint32(rest), nil
}

// ClassSets is the key of the label sets that have data of a class.
func (p Partition) ClassSets(c Class) []byte { return append(p.kind(kindClass), byte(c)) }

// LogField is the key of the label sets in whose log rows a field is read as a
// metric.
func (p Partition) LogField(metric uint32, field string) []byte {
	return append(appendU32(p.kind(kindLogField), metric), field...)
}

// LogFields is the range of the fields of one metric.
func (p Partition) LogFields(metric uint32) (lo, hi []byte) {
	return prefixRange(appendU32(p.kind(kindLogField), metric))
}

// AllLogFields is the range of LogField keys.
func (p Partition) AllLogFields() (lo, hi []byte) { return prefixRange(p.kind(kindLogField)) }

// ReadLogField decodes a key of LogField.
func (p Partition) ReadLogField(key []byte) (metric uint32, field string, err error) {
	rest, err := p.rest(key, kindLogField, "log field")
	if err != nil || len(rest) < 4 {
		return 0, "", bad("log field", key)
	}
	return binary.BigEndian.Uint32(rest), string(rest[4:]), nil
}

// StateSets is the key of the label sets that have chunks of a state column.
func (p Partition) StateSets(metric uint32) []byte { return appendU32(p.kind(kindState), metric) }

// AllStateSets is the range of StateSets keys.
func (p Partition) AllStateSets() (lo, hi []byte) { return prefixRange(p.kind(kindState)) }

// ReadStateSets decodes a key of StateSets.
func (p Partition) ReadStateSets(key []byte) (uint32, error) {
	return p.readID(key, kindState, "state sets")
}

// Flush is the key that lists a position at which log rows were flushed into
// the partition; its value is a FlushValue.
func (p Partition) Flush(pos uint64) []byte { return appendU64(p.kind(kindFlush), pos) }

// Flushes is the range of Flush keys.
func (p Partition) Flushes() (lo, hi []byte) { return prefixRange(p.kind(kindFlush)) }

// ReadFlush decodes a key of Flush.
func (p Partition) ReadFlush(key []byte) (uint64, error) {
	rest, err := p.rest(key, kindFlush, "flush")
	if err != nil || len(rest) != 8 {
		return 0, bad("flush", key)
	}
	return binary.BigEndian.Uint64(rest), nil
}

// Indexed is the key of the first label set id whose labels may lack in the
// partition's bitmaps; its value is a U64.
func (p Partition) Indexed() []byte { return p.kind(kindIndexed) }

// FlushValue encodes the times that the rows of a flush span.
func FlushValue(r model.TimeRange) []byte { return appendI64(appendI64(nil, r.Mint), r.Maxt) }

// ReadFlushValue decodes a FlushValue.
func ReadFlushValue(v []byte) (model.TimeRange, error) {
	if len(v) != 16 {
		return model.TimeRange{}, bad("flush value", v)
	}
	return model.TimeRange{Mint: i64(v), Maxt: i64(v[8:])}, nil
}

// IsBitmap reports whether a key of the partition has a bitmap of label sets as
// its value.
func IsBitmap(p Partition, key []byte) bool {
	if len(key) <= prefixLen || string(key[:prefixLen]) != string(p.Prefix()) {
		return false
	}
	switch key[prefixLen] {
	case kindPosting, kindMetric, kindClass, kindLogField, kindState:
		return true
	}
	return false
}
