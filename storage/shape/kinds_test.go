package shape

import (
	"net"
	"regexp"
	"strconv"
	"strings"
)

var forms = map[Kind]*regexp.Regexp{
	Dec:      regexp.MustCompile(`^-?(0|[1-9][0-9]*)\.[0-9]+$`),
	Digits:   regexp.MustCompile(`^-?[0-9]+$`),
	HexLower: regexp.MustCompile(`^[0-9a-f]+$`),
	HexUpper: regexp.MustCompile(`^[0-9A-F]+$`),
	UUID:     regexp.MustCompile(`^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$`),
	MAC:      regexp.MustCompile(`^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5,}$`),
}

// keeps checks a variable against the promise of its kind with the standard
// library's own readers, and says what is broken.
func keeps(v Var) string {
	s := string(v.Text)
	if len(s) == 0 {
		return "empty"
	}
	if r := forms[v.Kind]; r != nil && !r.MatchString(s) {
		return "not of the form " + r.String()
	}
	switch v.Kind {
	case Int:
		if n, err := strconv.ParseInt(s, 10, 64); err != nil || strconv.FormatInt(n, 10) != s {
			return "does not print back as an int64"
		}
	case Dec:
		if len(strings.Trim(s, "-"))-1 > 18 {
			return "more than 18 digits"
		}
	case IPv4:
		if ip := net.ParseIP(s); ip == nil || ip.String() != s {
			return "no dotted quad"
		}
	case IPv6:
		if net.ParseIP(s) == nil {
			return "no IPv6 address"
		}
	}
	return ""
}
