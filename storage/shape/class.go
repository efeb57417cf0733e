package shape

// Classes of bytes. A token is a run of bytes that are not edges.
const (
	edge   = 1 << iota // ends a token: white space, brackets, quotes, , ; : = | ! ?
	digit              // 0-9
	hexa               // a-f A-F
	letter             // a-z A-Z and bytes from 0x80 on
	joint              // . - + @ # $ % & * ~ ^ : joins the pieces of a token
	slash              // / and \
	upper              // A-Z
	under              // _
)

var class = func() (t [256]uint8) {
	for c := range t {
		switch {
		case c >= '0' && c <= '9':
			t[c] = digit
		case c >= 'a' && c <= 'f':
			t[c] = letter | hexa
		case c >= 'A' && c <= 'F':
			t[c] = letter | hexa | upper
		case c >= 'A' && c <= 'Z':
			t[c] = letter | upper
		case c >= 'a' && c <= 'z', c >= 0x80:
			t[c] = letter
		case c == '_':
			t[c] = under
		case c == '/', c == '\\':
			t[c] = slash
		case c == '.', c == '-', c == '+', c == '@', c == '#', c == '$', c == '%', c == '&', c == '*', c == '~', c == '^':
			t[c] = joint
		default:
			t[c] = edge
		}
	}
	return t
}()

func isDigit(c byte) bool { return c-'0' < 10 }
func isHex(c byte) bool   { return class[c]&(digit|hexa) != 0 }

// edgeAt reports whether no token goes on at position i.
func edgeAt(s []byte, i int) bool { return i >= len(s) || class[s[i]]&edge != 0 }

// boundary reports whether a value may end before position i: at an edge, or at
// joints and slashes that only close the token ("12.5." at the end of a sentence).
func boundary(s []byte, i int) bool {
	for i < len(s) && class[s[i]]&joint != 0 && s[i] != '%' {
		i++
	}
	return edgeAt(s, i)
}
