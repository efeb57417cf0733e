package logpipe

// packedEntry is the key under which a packed line carries the line proper.
const packedEntry = "_entry"

// unpack is the stage `| unpack`: it undoes what the pack stage of Loki's
// agents did. The texts of a JSON object become labels and its _entry the
// line; an object without _entry stays as it is.
type unpack struct{}

func (*unpack) readsLine() {}

func (*unpack) run(r *row) bool {
	if r.line == "" || r.done() {
		return true
	}
	if r.line[0] != '{' {
		r.fail(ErrJSON, "want a JSON object")
		return true
	}
	var labels []slot
	entry, packed := "", false
	sc := jsonScanner{s: r.line}
	sc.members(0, func(raw string) bool {
		key, ok := unescape(raw)
		if !ok {
			return sc.fail("a key that is text")
		}
		text, kind, ok := sc.value(1)
		if !ok || kind != 's' {
			return ok
		}
		value, ok := unescape(text)
		if key == packedEntry {
			if !ok {
				return sc.fail("a line that is text")
			}
			entry, packed = value, true
			return true
		}
		r.path = appendName(r.path[:0], key)
		if name, ok := r.claim(r.own.intern(r.path)); ok && name != "" {
			labels = append(labels, slot{name: name, value: clean(value)})
		}
		return true
	})
	if sc.err != "" {
		r.fail(ErrJSON, sc.err)
		return true
	}
	if packed {
		for _, l := range labels {
			r.set(l.name, l.value)
			r.looked(l.name)
		}
		r.line = entry
	}
	return true
}
