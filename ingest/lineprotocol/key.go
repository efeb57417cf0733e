package lineprotocol

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"tidemark/ingest"
	"tidemark/storage/model"
)

// keyEnd returns the end of the key part that starts at pos: the first space
// that no backslash precedes. It is -1 where the line has none.
func keyEnd(body []byte, pos int) int {
	line := body[pos:]
	if n := bytes.IndexByte(line, '\n'); n >= 0 {
		line = line[:n]
	}
	for i := 0; ; i++ {
		n := bytes.IndexByte(line[i:], ' ')
		if n < 0 {
			return -1
		}
		i += n
		if i == 0 || line[i-1] != '\\' {
			return pos + i
		}
	}
}

// parsedKey is a key part taken apart.
type parsedKey struct {
	measurement string
	tags        model.Labels // sorted
}

// keyError says where in the key part an error is.
type keyError struct {
	offset int
	reason string
}

// parseKey takes a key part apart. Strings of the answer share key's memory
// where it has no escapes.
func parseKey(key string, lim *ingest.Limits) (parsedKey, *keyError) {
	var k parsedKey
	end := indexUnescaped(key, 0, ",")
	k.measurement = unescape(key[:end], ", ")
	if r := lim.CheckMeasurement(k.measurement); r != "" {
		return k, &keyError{0, r}
	}
	for end < len(key) {
		start := end + 1
		eq := indexUnescaped(key, start, ",=")
		name := unescape(key[start:eq], ",= ")
		switch {
		case start == len(key) || eq == start:
			return k, &keyError{start, "missing tag key: want name=value after the comma"}
		case eq == len(key) || key[eq] == ',':
			return k, &keyError{eq, fmt.Sprintf("missing tag value: tag %q has none", clip(name))}
		}
		end = indexUnescaped(key, eq+1, ",=")
		if end < len(key) && key[end] == '=' {
			return k, &keyError{end, fmt.Sprintf("value of tag %q has an equals sign: want it escaped as \\=", clip(name))}
		}
		value := unescape(key[eq+1:end], ",= ")
		if r := lim.CheckLabel(name, value); r != "" {
			return k, &keyError{start, r}
		}
		if len(k.tags) == lim.MaxLabels {
			return k, &keyError{start, fmt.Sprintf("more than %d tags: want at most that many (MaxLabels)", lim.MaxLabels)}
		}
		if k.tags == nil {
			k.tags = make(model.Labels, 0, min(1+strings.Count(key[start:], ","), lim.MaxLabels))
		}
		k.tags = append(k.tags, model.Label{Name: name, Value: value})
	}
	slices.SortStableFunc(k.tags, func(a, b model.Label) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(k.tags); i++ {
		if k.tags[i].Name == k.tags[i-1].Name {
			return k, &keyError{secondTag(key, k.tags[i].Name), fmt.Sprintf("duplicate tags: tag key %q is given twice", clip(k.tags[i].Name))}
		}
	}
	return k, nil
}

// secondTag returns where in a key part, known to be well-formed, the tag of
// that name stands for the second time.
func secondTag(key, name string) int {
	seen := false
	for end := indexUnescaped(key, 0, ","); end < len(key); {
		eq := indexUnescaped(key, end+1, "=")
		if unescape(key[end+1:eq], ",= ") == name {
			if seen {
				return end + 1
			}
			seen = true
		}
		end = indexUnescaped(key, eq, ",")
	}
	return 0
}

// indexUnescaped returns the index, from i on, of the first byte of any in
// stops that no backslash precedes, or len(s).
func indexUnescaped(s string, i int, stops string) int {
	for from := i; i < len(s); i++ {
		if strings.IndexByte(stops, s[i]) >= 0 && (i == from || s[i-1] != '\\') {
			return i
		}
	}
	return len(s)
}

// unescape removes the backslash before each byte in special; every other
// backslash stays.
func unescape(s, special string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte(special, s[i+1]) >= 0 {
			i++
		}
		out = append(out, s[i])
	}
	return string(out)
}

// clip bounds what a reason quotes.
func clip(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
