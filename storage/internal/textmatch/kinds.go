package textmatch

import "tidemark/storage/shape"

// charset is a set of bytes.
type charset [256]bool

func set(ranges string) *charset {
	var c charset
	for i := 0; i+1 < len(ranges); i += 2 {
		for b := int(ranges[i]); b <= int(ranges[i+1]); b++ {
			c[b] = true
		}
	}
	return &c
}

var (
	anything = func() *charset {
		var c charset
		for i := range c {
			c[i] = true
		}
		return &c
	}()
	// token is what package shape makes tokens of: no white space, control
	// character, bracket, quote or any of , ; : = | ! ?
	token = func() *charset {
		c := *anything
		for b := range 0x21 {
			c[b] = false
		}
		for _, b := range []byte("\x7f()[]{}<>\"'`,;:=|!?") {
			c[b] = false
		}
		return &c
	}()
	path = func() *charset {
		c := *token
		c[':'] = true // behind a drive's letter
		return &c
	}()
	charsets = map[shape.Kind]*charset{
		shape.Int:      set("--09"),
		shape.Dec:      set("--..09"),
		shape.Digits:   set("--09"),
		shape.HexLower: set("09af"),
		shape.HexUpper: set("09AF"),
		shape.UUID:     set("--09af"),
		shape.IPv4:     set("..09"),
		shape.IPv6:     set("..09afAF::"),
		shape.MAC:      set("09afAF::"),
		shape.Host:     token,
		shape.Ident:    token,
		shape.Path:     path,
		shape.Time:     set("09AZaz  ++,,--..//::"),
	}
)

// chars returns the bytes that a variable of the kind can have.
func chars(k shape.Kind) *charset {
	if c := charsets[k]; c != nil {
		return c
	}
	return anything
}

// Open reports whether variables of the kind can hold words of any letters.
func Open(k shape.Kind) bool {
	c := chars(k)
	return c['g'] && c['z']
}

// empty reports whether a variable of the kind may be empty.
func empty(k shape.Kind) bool { return k == shape.Rest }

// unsigned are the bytes behind the first one of the kinds that may have a sign.
var unsigned = map[shape.Kind]*charset{shape.Int: set("09"), shape.Dec: set("..09"), shape.Digits: set("09")}

// rest returns the bytes that a variable of the kind can have behind its first.
func rest(k shape.Kind) *charset {
	if c := unsigned[k]; c != nil {
		return c
	}
	return chars(k)
}

func (c *charset) has(s string) bool {
	for i := 0; i < len(s); i++ {
		if !c[s[i]] {
			return false
		}
	}
	return true
}
