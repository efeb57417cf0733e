package shape

// Kind is the type of a variable. Its byte value stands in templates and thereby
// in shape ids: values are never reused or renumbered.
type Kind byte

// The kinds. What a kind promises of its text lets a column encode the value and
// print the same bytes again; a kind that promises nothing is stored as text.
const (
	// Int is a decimal integer as strconv prints an int64: optional '-', no
	// leading zero, no "-0", in the range of int64.
	Int Kind = 'i'
	// Dec is -?(0|[1-9][0-9]*)\.[0-9]+ with at most 18 digits in all: mantissa and
	// number of decimals give it back, except that "-0.0" needs its sign.
	Dec Kind = 'd'
	// Digits is a run of decimal digits that Int excludes: leading zeros or too long.
	Digits Kind = 'n'
	// HexLower and HexUpper are hexadecimal digits of one case, without prefix: a
	// "0x" before them is constant text.
	HexLower Kind = 'x'
	HexUpper Kind = 'X'
	// UUID is 8-4-4-4-12 lower-case hexadecimal digits.
	UUID Kind = 'u'
	// IPv4 is a dotted quad without leading zeros. A port after it is an Int.
	IPv4 Kind = 'a'
	// IPv6 is an IPv6 address in any valid spelling.
	IPv6 Kind = 'A'
	// MAC is six or more pairs of hexadecimal digits separated by ':'.
	MAC Kind = 'm'
	// Time is a date, a time of day or both, in one of the forms of time.go.
	Time Kind = 't'
	// Bool is true, false, null or nil in common spellings.
	Bool Kind = 'b'
	// Host is a dotted domain name.
	Host Kind = 'h'
	// URL is what follows "scheme://".
	URL Kind = 'r'
	// Path is a file or resource path.
	Path Kind = 'p'
	// Ident is any other token that carries digits: names, versions, mixed ids.
	Ident Kind = 's'
	// Rest is everything after a limit of the parser was met.
	Rest Kind = 'z'
)

// Valid reports whether k is a kind of this version.
func (k Kind) Valid() bool {
	switch k {
	case Int, Dec, Digits, HexLower, HexUpper, UUID, IPv4, IPv6, MAC, Time, Bool, Host, URL, Path, Ident, Rest:
		return true
	}
	return false
}

// String is the kind's name as printed templates show it.
func (k Kind) String() string {
	switch k {
	case Int:
		return "int"
	case Dec:
		return "dec"
	case Digits:
		return "digits"
	case HexLower:
		return "hex"
	case HexUpper:
		return "HEX"
	case UUID:
		return "uuid"
	case IPv4:
		return "ip4"
	case IPv6:
		return "ip6"
	case MAC:
		return "mac"
	case Time:
		return "time"
	case Bool:
		return "bool"
	case Host:
		return "host"
	case URL:
		return "url"
	case Path:
		return "path"
	case Ident:
		return "id"
	case Rest:
		return "rest"
	}
	return "unknown"
}
