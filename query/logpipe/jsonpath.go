package logpipe

import "slices"

// JSONPath returns the keys that lead to the value which the stage json puts
// under a name, or nil where the line has none or cannot be read so far.
func JSONPath(line, name string) []string {
	var found []string
	sc := jsonScanner{s: line}
	var path []string
	var made []byte
	var walk func(depth int) bool
	walk = func(depth int) bool {
		return sc.members(depth, func(raw string) bool {
			key, ok := unescape(raw)
			if !ok {
				return false
			}
			prefix := len(made)
			if prefix > 0 {
				made = append(made, '_')
			}
			made = appendName(made, key)
			path = append(path, key)
			defer func() { made, path = made[:prefix], path[:len(path)-1] }()
			sc.blanks()
			if sc.i < len(sc.s) && sc.s[sc.i] == '{' {
				return walk(depth + 1)
			}
			if _, kind, ok := sc.value(depth + 1); !ok {
				return false
			} else if (kind == 's' || kind == 'n' || kind == 'b') && string(made) == name {
				found = slices.Clone(path)
				return false
			}
			return true
		})
	}
	walk(0)
	return found
}
