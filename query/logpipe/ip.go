package logpipe

import (
	"fmt"
	"net/netip"
	"strings"
)

// addresses is a set of IP addresses, from first to last of one family.
type addresses struct{ first, last netip.Addr }

// parseIPs reads what ip("…") means: an address, a CIDR prefix, or a range
// such as 10.0.0.1-10.0.0.9.
func parseIPs(s string) (addresses, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return addresses{a, a}, nil
	}
	if p, err := netip.ParsePrefix(s); err == nil {
		return addresses{p.Masked().Addr(), lastOf(p)}, nil
	}
	if from, to, ok := strings.Cut(s, "-"); ok {
		a, err1 := netip.ParseAddr(strings.TrimSpace(from))
		b, err2 := netip.ParseAddr(strings.TrimSpace(to))
		if err1 == nil && err2 == nil && a.BitLen() == b.BitLen() && !b.Less(a) {
			return addresses{a, b}, nil
		}
	}
	return addresses{}, fmt.Errorf("ip: invalid pattern %q: want an address, a prefix such as 10.0.0.0/8 or a range such as 10.0.0.1-10.0.0.9", s)
}

// lastOf returns the last address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < 8*len(b); i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func (s addresses) contains(a netip.Addr) bool {
	return a.BitLen() == s.first.BitLen() && !a.Less(s.first) && !s.last.Less(a)
}

// in reports whether a text has an address of the set. Candidates are runs of
// the characters of an address that begin like one: a digit with a dot after
// at most three, or up to four hexadecimal digits with a colon behind, or two
// colons. O(n), as a run that is no address is left behind whole.
func (s addresses) in(text string) bool {
	for i := 0; i < len(text); {
		n := 0
		switch {
		case beginsIPv4(text[i:]):
			n = span(text[i:], false)
		case beginsIPv6(text[i:]):
			n = span(text[i:], true)
		default:
			i++
			continue
		}
		if a, err := netip.ParseAddr(text[i : i+n]); err == nil && s.contains(a) {
			return true
		}
		i += n + 1
	}
	return false
}

func digit(c byte) bool { return '0' <= c && c <= '9' }
func hexDigit(c byte) bool {
	return digit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func beginsIPv4(s string) bool {
	return len(s) > 3 && digit(s[0]) && (s[1] == '.' || s[2] == '.' || s[3] == '.')
}

func beginsIPv6(s string) bool {
	if len(s) > 2 && s[0] == ':' && s[1] == ':' && hexDigit(s[2]) {
		return true
	}
	n := 0
	for n < len(s) && n < 5 && hexDigit(s[n]) {
		n++
	}
	return n >= 1 && n <= 4 && n < len(s) && s[n] == ':'
}

// span returns the length of the run of characters that an address may have.
func span(s string, six bool) int {
	n := 0
	for n < len(s) && (digit(s[n]) || s[n] == '.' || six && (hexDigit(s[n]) || s[n] == ':')) {
		n++
	}
	return n
}

// ipCond compares a label's addresses. A row that carries an error passes, so
// that only a filter of text can drop it.
type ipCond struct {
	name   string
	ips    addresses
	negate bool
}

func (c *ipCond) run(r *row) bool {
	if r.err != "" {
		return true
	}
	v, ok := r.get(c.name)
	return ok && c.ips.in(v) != c.negate
}
