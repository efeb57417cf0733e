package shape

import "bytes"

// Any is the kind of a pattern's placeholder. Shapes never carry it.
const Any Kind = '*'

// hole is the text of a placeholder in a pattern.
const hole = "\x00*"

// canon rewrites a shape's template as the words of a pattern: placeholders lose
// their kinds, white space becomes single spaces, and a variable swallows the
// rest of its word, so that 15 and 15ms are the same to a reader. words get the
// result: words and separators in order. It returns them appended to words.
//
// The rules, in order:
//   - a word is a run of bytes between separators; '<' and '>' belong to words;
//   - within a word, joints (. - + @ # $ % & * ~ ^) and '/' divide parts; a part
//     with a placeholder is a placeholder ("attempt_17" is one, "core.17" is not);
//   - names and placeholders joined by two or more '-' are one placeholder, and so
//     are placeholders joined by '.' or by nothing;
//   - a '/' that opens a word before a placeholder belongs to it;
//   - a size is one placeholder with its unit (5.2 KB);
//   - so is what stands in quotes behind key= or "key":, unless the key says what
//     kind of line it is (level, msg, event …).
func canon(words []string, template []byte) []string {
	first := len(words)
	var buf []byte
	var ids []bool // parallel to words[first:]: a name or an id
	space := false
	emit := func(w string, id bool) {
		if space && len(words) > first {
			words, ids = append(words, " "), append(ids, false)
		}
		space = false
		words, ids = append(words, w), append(ids, id)
	}
	for i := 0; i < len(template); {
		c := template[i] // a Mark at the very end belongs to no template: a separator
		if class[c]&edge != 0 && (c != Mark || i+1 == len(template)) && c != '<' && c != '>' {
			if c <= ' ' && c != Mark {
				space = true
			} else {
				emit(separators[c], false)
				if c == '"' && opensValue(words[first:]) {
					if n := quoted(template[i+1:]); n > 0 {
						emit(hole, false)
						i += n
					}
				}
			}
			i++
			continue
		}
		buf = buf[:0]
		id := i+2 <= len(template) && c == Mark && Kind(template[i+1]) == Ident && edgeAt(template, i+2)
		for i < len(template) {
			c := template[i]
			if c == Mark && i+1 < len(template) {
				if template[i+1] == MarkLiteral {
					buf = append(buf, Mark, MarkLiteral)
				} else {
					buf = append(buf, Mark, byte(Any))
				}
				i += 2
				continue
			}
			if class[c]&edge != 0 && c != '<' && c != '>' {
				break
			}
			buf = append(buf, c)
			i++
		}
		w := string(widen(buf))
		if n := len(words); space && n > first && sizeUnit(w) && words[n-1] == hole {
			space = false
			continue // the unit joins its number
		}
		if account(w) {
			w = hole
		}
		emit(w, id || sortOf(w) == nameWord)
	}
	return lists(words, first, ids)
}

// opensValue reports whether the quote that ends words opens the value of a key:
// key=" or "key":" with white space after the colon allowed.
func opensValue(words []string) bool {
	n := len(words) - 2 // before the quote
	if n >= 1 && words[n] == "=" {
		return sortOf(words[n-1]) == plainWord && !tells(words[n-1])
	}
	if n >= 1 && words[n] == " " {
		n--
	}
	return n >= 2 && words[n] == ":" && words[n-1] == "\"" && sortOf(words[n-2]) == plainWord && !tells(words[n-2])
}

// quoted returns the length of what stands before the closing quote, or 0. A
// program quotes a value because it may be anything: it is one value, however
// many words it has.
func quoted(template []byte) int {
	for i := 0; i < len(template); i++ {
		switch template[i] {
		case '\\', Mark:
			i++
		case '"':
			return i
		}
	}
	return 0
}

// account reports whether w is an account that every system of a family has:
// as much a value as any other user's name.
func account(w string) bool { return w == "root" || w == "admin" || w == "nobody" }

// minList is the number of names or ids in a row that are one value: a list.
const minList = 3

// lists puts one placeholder for each list of ids in words[first:].
func lists(words []string, first int, ids []bool) []string {
	out := words[:first]
	for i := first; i < len(words); {
		n := 0
		for j := i; j < len(words) && ids[j-first]; j += 2 {
			n++
			if j+1 == len(words) || words[j+1] != " " {
				break
			}
		}
		if n >= minList && 2*n-1 < len(words)-first {
			out = append(out, hole)
			i += 2*n - 1
			continue
		}
		out = append(out, words[i])
		i++
	}
	return out
}

var separators = func() (t [256]string) {
	for c := range t {
		t[c] = string([]byte{byte(c)})
	}
	return t
}()

func sizeUnit(w string) bool {
	switch w {
	case "B", "KB", "kB", "MB", "GB", "TB", "PB", "KiB", "MiB", "GiB", "TiB":
		return true
	}
	return false
}

// divides reports whether byte i of a word separates its parts. A '-' after '_'
// does not: it is the sign of a number in a name (blk_-17).
func divides(w []byte, i int) bool {
	c := w[i]
	return c != Mark && (class[c]&joint != 0 && (c != '-' || i == 0 || w[i-1] != '_') || c == '/')
}

// dashed reports whether at i, the start of a word or the byte after its '/',
// names and placeholders joined by two or more '-' begin, and where they end.
func dashed(w []byte, i int) (end int, ok bool) {
	if i > 0 && w[i-1] != '/' {
		return i, false
	}
	inner, holes, letters := 0, 0, 0
	for end = i; end < len(w) && w[end] != '/'; end++ {
		switch {
		case isHole(w, end):
			holes++
			end++
		case w[end] == '-' && end > i && w[end-1] != '-' && end+1 < len(w):
			inner++
		case class[w[end]]&letter != 0:
			letters++
		}
	}
	return end, inner >= 2 && holes > 0 && letters > 0
}

func isHole(b []byte, i int) bool {
	return i+1 < len(b) && b[i] == Mark && b[i+1] == byte(Any)
}

// widen lets the placeholders of one word swallow the parts they stand in. It
// works in place.
func widen(w []byte) []byte {
	if !bytes.Contains(w, []byte(hole)) {
		return w
	}
	out := w[:0]
	for i := 0; i < len(w); {
		if e, ok := dashed(w, i); ok {
			out = append(out, hole...)
			i = e
			continue
		}
		if divides(w, i) {
			out = append(out, w[i])
			i++
			continue
		}
		from, any := i, false
		for i < len(w) && !divides(w, i) {
			if w[i] == Mark {
				any = any || isHole(w, i)
				i++ // the kind byte may look like a joint
			}
			i++
		}
		if any {
			out = append(out, hole...)
		} else {
			out = append(out, w[from:min(i, len(w))]...)
		}
	}
	w = out
	out = w[:0]
	for i := 0; i < len(w); i++ {
		if n := len(out); n >= 2 && isHole(out, n-2) {
			if isHole(w, i) {
				i++
				continue
			}
			if w[i] == '.' && isHole(w, i+1) {
				i += 2
				continue
			}
			if w[i] == '%' && i+1 == len(w) {
				continue
			}
		}
		if w[i] == '/' && len(out) == 0 && isHole(w, i+1) {
			continue
		}
		if w[i] == '-' && isHole(w, i+1) && len(out) == 0 && len(w) == 3 {
			continue
		}
		if w[i] == Mark && i+1 < len(w) {
			out = append(out, w[i], w[i+1])
			i++
			continue
		}
		out = append(out, w[i])
	}
	return out
}
