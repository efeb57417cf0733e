package shape

// span counts the leading bytes of s of the given classes.
func span(s []byte, classes uint8) int {
	n := 0
	for n < len(s) && class[s[n]]&classes != 0 {
		n++
	}
	return n
}

// integerKind names the kind of a run of digits, sign included.
func integerKind(s []byte) Kind {
	d := s
	neg := d[0] == '-'
	if neg {
		d = d[1:]
	}
	if len(d) > 1 && d[0] == '0' {
		if len(d) == 8 || len(d) == 16 || len(d) == 32 {
			return HexLower // one column with its neighbours that show letters
		}
		return Digits
	}
	if neg && d[0] == '0' {
		return Digits
	}
	if len(d) < 19 {
		return Int
	}
	if len(d) == 19 {
		limit := "9223372036854775807"
		if neg {
			limit = "9223372036854775808"
		}
		if string(d) <= limit {
			return Int
		}
	}
	return Digits
}

// number recognises s as a whole: an integer, decimal, dotted quad, version,
// UUID or hexadecimal number. at is where the variable starts in s (after "0x").
func number(s []byte) (k Kind, at int, ok bool) {
	if len(s) == 0 {
		return 0, 0, false
	}
	if len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' {
		if k, ok := hexadecimal(s[2:]); ok {
			return k, 2, true
		}
		if span(s[2:], digit) == len(s)-2 {
			return HexLower, 2, true
		}
		return 0, 0, false
	}
	body := s
	sign := 0
	if s[0] == '-' {
		body, sign = s[1:], 1
	}
	n := span(body, digit)
	if n == len(body) && n > 0 {
		k := integerKind(s)
		if sign == 1 && k != Int {
			return integerKind(body), 1, true // the sign is constant text
		}
		return k, 0, true
	}
	if n > 0 && body[n] == '.' {
		m := span(body[n+1:], digit)
		if m > 0 && n+1+m == len(body) {
			if n+m <= 18 && (n == 1 || body[0] != '0') {
				return Dec, 0, true
			}
			return Ident, 0, true
		}
		if sign == 0 && ipv4(body) == len(body) {
			return IPv4, 0, true
		}
		if sign == 0 && m > 0 && version(body[n+1:]) {
			return Ident, 0, true
		}
	}
	if sign == 0 {
		if uuid(s) {
			return UUID, 0, true
		}
		if len(s) >= 6 {
			if k, ok := hexadecimal(s); ok {
				return k, 0, true
			}
		}
	}
	return 0, 0, false
}

// version reports whether s is digits joined by single dots.
func version(s []byte) bool {
	for {
		n := span(s, digit)
		if n == 0 {
			return false
		}
		if n == len(s) {
			return true
		}
		if s[n] != '.' {
			return false
		}
		s = s[n+1:]
	}
}

// hexadecimal recognises hexadecimal digits of one case with at least one letter.
func hexadecimal(s []byte) (Kind, bool) {
	var or uint8
	for i := 0; i < len(s); i++ {
		c := class[s[i]]
		if c&(digit|hexa) == 0 {
			return 0, false
		}
		or |= c
		if c&hexa != 0 && c&upper == 0 {
			or |= under // stands for "lower" here: no digit carries it
		}
	}
	switch or & (upper | under) {
	case upper:
		return HexUpper, true
	case under:
		return HexLower, true
	}
	return 0, false
}

func uuid(s []byte) bool {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	for i, c := range s {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			continue
		}
		if class[c]&(digit|hexa) == 0 || class[c]&upper != 0 {
			return false
		}
	}
	return true
}

// ipv4 returns the length of the dotted quad that opens s, or 0.
func ipv4(s []byte) int {
	i := 0
	for part := 0; part < 4; part++ {
		if part > 0 {
			if i >= len(s) || s[i] != '.' {
				return 0
			}
			i++
		}
		n, v := 0, 0
		for i+n < len(s) && n < 4 && isDigit(s[i+n]) {
			v = v*10 + int(s[i+n]-'0')
			n++
		}
		if n == 0 || n > 3 || v > 255 || n > 1 && s[i] == '0' {
			return 0
		}
		i += n
	}
	return i
}

// colons recognises the values written with colons that open s: a MAC address
// or an IPv6 address. It returns their length or 0.
func colons(s []byte) (Kind, int) {
	n := 0
	for n < len(s) && (isHex(s[n]) || s[n] == ':' || s[n] == '.') {
		n++
	}
	for n > 0 && (s[n-1] == '.' || s[n-1] == ':' && (n < 2 || s[n-2] != ':')) {
		n--
	}
	if !boundary(s, n) && (n == len(s) || s[n] != '/' && s[n] != '%') {
		return 0, 0
	}
	if n >= 17 && n%3 == 2 {
		mac := true
		for i := 0; i < n && mac; i++ {
			if i%3 == 2 {
				mac = s[i] == ':'
			} else {
				mac = isHex(s[i])
			}
		}
		if mac {
			return MAC, n
		}
	}
	if ipv6(s[:n]) {
		return IPv6, n
	}
	return 0, 0
}

// ipv6 reports whether s is an IPv6 address: eight groups of up to four
// hexadecimal digits, one run of them possibly written "::", the last two
// possibly a dotted quad.
func ipv6(s []byte) bool {
	if len(s) < 3 || len(s) > 45 {
		return false
	}
	groups, gap, i := 0, false, 0
	if s[0] == ':' {
		if s[1] != ':' {
			return false
		}
		gap, i = true, 2
	}
	for i < len(s) {
		n := span(s[i:], digit|hexa)
		if i+n < len(s) && s[i+n] == '.' {
			if ipv4(s[i:]) != len(s)-i {
				return false
			}
			groups += 2
			break
		}
		if n == 0 || n > 4 {
			return false
		}
		groups++
		i += n
		if i == len(s) {
			break
		}
		if s[i] != ':' || i+1 == len(s) {
			return false
		}
		i++
		if s[i] == ':' {
			if gap {
				return false
			}
			gap = true
			i++
		}
	}
	if gap {
		return groups < 8
	}
	return groups == 8
}

// unit reports whether s is a unit written directly after a number. Letters
// that are hexadecimal digits are left out: "12c" is more often an id.
func unit(s []byte) bool {
	switch string(s) {
	case "s", "m", "h", "ms", "us", "ns", "µs", "sec", "secs", "min", "mins", "hr", "hrs",
		"K", "k", "M", "G", "T", "KB", "kB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB", "Kb", "Mb", "Gb",
		"bytes", "Kbytes", "Mbytes", "Gbytes", "bps", "Kbps", "kbps", "Mbps", "Gbps", "bit", "bits",
		"Hz", "kHz", "KHz", "MHz", "GHz", "V", "mV", "W", "mW", "RPM", "rpm", "px", "x", "%":
		return true
	}
	return false
}
