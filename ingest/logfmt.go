package ingest

import "unicode/utf8"

// logfmtKey makes a field name a key that logfmt can hold: what would end or
// quote a key becomes an underscore.
func logfmtKey(name string) string {
	b := []byte(name)
	for i, c := range b {
		if c <= ' ' || c == '=' || c == '"' || c == 0x7f {
			b[i] = '_'
		}
	}
	return string(b)
}

// appendLogfmtValue appends a value, quoted where logfmt needs it. Bytes that
// are not UTF-8 are kept as they are.
func appendLogfmtValue(dst, v []byte) []byte {
	quote := len(v) == 0
	for _, c := range v {
		if c <= ' ' || c == '=' || c == '"' || c == '\\' || c == 0x7f {
			quote = true
			break
		}
	}
	if !quote {
		return append(dst, v...)
	}
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, c := range v {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < utf8.RuneSelf && (c < ' ' || c == 0x7f):
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
