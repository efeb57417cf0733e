package lokipush

import (
	"fmt"
	"strconv"

	"tidemark/storage/model"
)

// syntax is the error of a body that is no JSON of the expected form.
func (w *walk) syntax() error {
	return fmt.Errorf("JSON at byte %d: %s", w.scan.At, w.scan.Reason)
}

// json reads {"streams": […]}.
func (w *walk) json(body []byte) error {
	w.scan.Reset(body)
	found := false
	i, ok := w.members(0, func(name []byte, at int) (int, bool) {
		if string(name) != "streams" {
			return w.scan.Skip(at)
		}
		found = true
		return w.elements(at, w.jsonStream)
	})
	if !ok || !w.scan.End(i) {
		return w.syntax()
	}
	if !found {
		return fmt.Errorf(`missing member "streams"`)
	}
	return nil
}

// members reads an object; f reads each member's value.
func (w *walk) members(i int, f func(name []byte, at int) (next int, ok bool)) (next int, ok bool) {
	s := &w.scan
	if i, ok = s.Want(i, '{'); !ok {
		return i, false
	}
	if end := s.Space(i); s.Byte(end) == '}' {
		return end + 1, true
	}
	for {
		var name []byte
		if name, i, ok = s.Name(i); !ok {
			return i, false
		}
		if i, ok = f(name, i); !ok {
			return i, false
		}
		var more bool
		if i, more, ok = s.More(i, '}'); !ok || !more {
			return i, ok
		}
	}
}

// elements reads an array; f reads each element.
func (w *walk) elements(i int, f func(at int) (next int, ok bool)) (next int, ok bool) {
	s := &w.scan
	if i, ok = s.Want(i, '['); !ok {
		return i, false
	}
	if end := s.Space(i); s.Byte(end) == ']' {
		return end + 1, true
	}
	for {
		if i, ok = f(s.Space(i)); !ok {
			return i, false
		}
		var more bool
		if i, more, ok = s.More(i, ']'); !ok || !more {
			return i, ok
		}
	}
}

// jsonStream reads {"stream": {…}, "values": […]}, in any order: the values
// are read once the labels are known.
func (w *walk) jsonStream(i int) (next int, ok bool) {
	w.refuseStream("error at least one label pair is required per stream: it has no member \"stream\"")
	known, values := false, -1
	next, ok = w.members(i, func(name []byte, at int) (end int, ok bool) {
		switch {
		case string(name) == "stream":
			if end, ok = w.scan.Skip(at); ok {
				w.enter('j', w.scan.B[at:end], w.jsonLabels)
				known = true
			}
			return end, ok
		case string(name) == "values" && known:
			return w.elements(at, w.jsonEntry)
		case string(name) == "values":
			values = at
		}
		return w.scan.Skip(at)
	})
	if ok && values >= 0 {
		_, ok = w.elements(values, w.jsonEntry)
	}
	return next, ok
}

// jsonLabels reads the object of a stream's labels, which is known to be
// JSON. Of equal names the last counts.
func (w *walk) jsonLabels(raw []byte) (model.Labels, string) {
	if raw[0] != '{' {
		return nil, fmt.Sprintf("error parsing labels '%s' with error: want an object of strings", clip(string(raw)))
	}
	body := w.scan.B
	defer func() { w.scan.B = body }()
	w.scan.B = raw
	index := map[string]int{}
	var ls []model.Label
	reason := ""
	w.members(0, func(name []byte, at int) (int, bool) {
		v, next, ok := w.scan.String(at)
		if !ok {
			reason = fmt.Sprintf("error parsing labels '%s' with error: value of %q is no string", clip(string(raw)), clip(string(name)))
			return next, false
		}
		if j, ok := index[string(name)]; ok {
			ls[j].Value = string(v)
			return next, true
		}
		index[string(name)] = len(ls)
		ls = append(ls, model.Label{Name: string(name), Value: string(v)})
		return next, true
	})
	if reason != "" {
		return nil, reason
	}
	return checkLabels(ls, string(raw), &w.d.opts.Limits)
}

// jsonEntry reads ["nanoseconds", "line", {metadata}]. What is JSON but of
// another form is refused alone.
func (w *walk) jsonEntry(i int) (next int, ok bool) {
	w.metaNames, w.metaValues = w.metaNames[:0], w.metaValues[:0]
	s := &w.scan
	if s.Byte(i) != '[' {
		if next, ok = s.Skip(i); ok {
			w.refuseForm(i, next, "want an array of time and line")
		}
		return next, ok
	}
	var t int64
	var line []byte
	reason, count := "", 0
	next, ok = w.elements(i, func(at int) (end int, ok bool) {
		count++
		c := s.Byte(at)
		switch {
		case count == 1 && c == '"':
			var text []byte
			if text, end, ok = s.String(at); ok {
				var err error
				if t, err = strconv.ParseInt(string(text), 10, 64); err != nil && reason == "" {
					reason = fmt.Sprintf("timestamp %q: want nanoseconds since 1970, within 64 bits", clip(string(text)))
				}
			}
			return end, ok
		case count == 1:
			if end, ok = s.Skip(at); ok {
				reason = fmt.Sprintf("timestamp %s is no string: want nanoseconds since 1970 in double quotes", clip(string(s.B[at:end])))
			}
			return end, ok
		case count == 2 && c == '"':
			line, end, ok = s.String(at)
			return end, ok
		case count == 3 && c == '{':
			return w.members(at, func(name []byte, at int) (end int, ok bool) {
				if s.Byte(at) != '"' {
					if end, ok = s.Skip(at); ok && reason == "" {
						reason = fmt.Sprintf("structured metadata %q is no string", clip(string(name)))
					}
					return end, ok
				}
				var v []byte
				if v, end, ok = s.String(at); ok {
					w.meta(name, v)
				}
				return end, ok
			})
		}
		if end, ok = s.Skip(at); ok && reason == "" {
			reason = [...]string{2: "line is no string", 3: "structured metadata is no object of strings"}[min(count, 3)]
			if count > 3 {
				reason = "more than 3 elements: want time, line and structured metadata"
			}
		}
		return end, ok
	})
	switch {
	case !ok:
		return next, false
	case w.refused != "":
	case reason != "":
		w.refuseForm(i, next, reason)
		return next, true
	case count < 2:
		w.refuseForm(i, next, fmt.Sprintf("%d elements: want time and line", count))
		return next, true
	}
	w.entry(t, line)
	return next, true
}

// refuseForm refuses the entry at [i, next).
func (w *walk) refuseForm(i, next int, reason string) {
	w.refuse(w.scan.B[i:next], func() string {
		if w.refused != "" {
			return w.refused
		}
		return fmt.Sprintf("entry for stream '%s': %s", w.stream(), reason)
	})
}
