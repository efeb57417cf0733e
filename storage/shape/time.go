package shape

// pair reads two digits.
func pair(s []byte, i int) (int, bool) {
	if i+2 > len(s) || !isDigit(s[i]) || !isDigit(s[i+1]) {
		return 0, false
	}
	return int(s[i]-'0')*10 + int(s[i+1]-'0'), true
}

// clock returns the end of a time of day or duration at i, or i: HH:MM or MM:SS,
// [H]H:MM:SS with an optional fraction after '.' or ','. sep is the byte between
// the parts.
func clock(s []byte, i int, sep byte) int {
	j := i + 2
	h, ok := pair(s, i)
	if !ok && i+4 < len(s) && isDigit(s[i]) && s[i+4] == sep {
		j--
	} else if !ok || h > 24 && i+5 < len(s) && s[i+5] == sep {
		return i
	}
	if j >= len(s) || s[j] != sep {
		return i
	}
	m, ok := pair(s, j+1)
	if !ok || m > 59 {
		return i
	}
	start := j
	j += 3
	if start == i+1 {
		if sec, ok := pair(s, j+1); !ok || sec > 60 {
			return i
		}
	}
	if j < len(s) && s[j] == sep {
		if sec, ok := pair(s, j+1); ok && sec <= 60 {
			j += 3
			if j+1 < len(s) && (s[j] == '.' || s[j] == ',') && isDigit(s[j+1]) {
				k := j + 1
				for k < len(s) && isDigit(s[k]) {
					k++
				}
				if k-j <= 10 {
					j = k
				}
			}
		}
	}
	return j
}

// zone returns the end of a zone directly at i (Z, +hh:mm, -hhmm), or i.
func zone(s []byte, i int) int {
	if i >= len(s) {
		return i
	}
	if s[i] == 'Z' {
		return i + 1
	}
	if s[i] == '+' || s[i] == '-' {
		if h, ok := pair(s, i+1); ok && h <= 14 {
			j := i + 3
			if j < len(s) && s[j] == ':' {
				j++
			}
			if m, ok := pair(s, j); ok && m < 60 {
				return j + 2
			}
		}
	}
	return i
}

// calendar returns the end of a numeric date at i, or i: YYYY-MM-DD,
// YYYY/MM/DD, YYYY.MM.DD, DD/MM/YYYY, YY/MM/DD, DD/Mon/YYYY.
func calendar(s []byte, i int) int {
	a, ok := pair(s, i)
	if !ok {
		return i
	}
	if b, ok := pair(s, i+2); ok && i+4 < len(s) {
		sep := s[i+4]
		y := a*100 + b
		if y < 1900 || y > 2199 || sep != '-' && sep != '/' && sep != '.' {
			return i
		}
		m, ok := pair(s, i+5)
		if !ok || m < 1 || m > 12 || i+7 >= len(s) || s[i+7] != sep {
			return i
		}
		if d, ok := pair(s, i+8); !ok || d < 1 || d > 31 {
			return i
		}
		return i + 10
	}
	if i+2 >= len(s) || s[i+2] != '/' {
		return i
	}
	if i+7 < len(s) && month(s[i+3:i+6]) && s[i+6] == '/' {
		if _, ok := pair(s, i+7); ok {
			if _, ok := pair(s, i+9); ok && a <= 31 {
				return i + 11
			}
		}
		return i
	}
	b, ok := pair(s, i+3)
	if !ok || i+5 >= len(s) || s[i+5] != '/' || b > 31 {
		return i
	}
	if _, ok := pair(s, i+6); !ok {
		return i
	}
	if _, ok := pair(s, i+8); ok && i+10 <= len(s) {
		return i + 10
	}
	return i + 8
}

// timeAt returns the end of the date and time that opens s at i, or i. It
// must end where a token may end.
func timeAt(s []byte, i int) int {
	end := calendar(s, i)
	if end > i {
		j := end
		if j < len(s) {
			switch s[j] {
			case 'T', ' ', ':':
				if k := clock(s, j+1, ':'); k > j+1 {
					j = k
				}
			case '-':
				if k := clock(s, j+1, '.'); k > j+1 {
					j = k
				} else if k := clock(s, j+1, ':'); k > j+1 {
					j = k
				}
			}
		}
		if j > end {
			if k := zone(s, j); k > j && boundary(s, k) {
				j = k
			} else if j+1 < len(s) && s[j] == ' ' {
				if k := zone(s, j+1); k > j+2 && boundary(s, k) {
					j = k
				}
			}
		}
		if boundary(s, j) {
			return j
		}
		if boundary(s, end) {
			return end
		}
		return i
	}
	j := clock(s, i, ':')
	if j == i {
		return i
	}
	if k := zone(s, j); k > j && boundary(s, k) {
		j = k
	}
	if !boundary(s, j) || j < len(s) && s[j] == ':' && j+1 < len(s) && class[s[j+1]]&edge == 0 {
		return i
	}
	return j
}

func month(s []byte) bool {
	switch string(s) {
	case "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec":
		return true
	}
	return false
}

func weekday(s []byte) bool {
	switch string(s) {
	case "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun":
		return true
	}
	return false
}

// spelled returns the end of a date with a month's name at i, or i: an optional
// weekday ("Fri " or "Fri, "), month, day, time of day, and then an optional
// zone name and year. The time of day is required: "May 5" alone is too often
// prose.
func spelled(s []byte, i int) int {
	at := i
	if i+4 < len(s) && weekday(s[i:i+3]) {
		i += 3
		if s[i] == ',' {
			i++
		}
		if i >= len(s) || s[i] != ' ' {
			return at
		}
		i++
	}
	if i+6 > len(s) || !month(s[i:i+3]) || s[i+3] != ' ' {
		return at
	}
	i += 4
	if s[i] == ' ' {
		i++
	}
	n := 0
	for i+n < len(s) && n < 3 && isDigit(s[i+n]) {
		n++
	}
	if n == 0 || n > 2 || i+n >= len(s) || s[i+n] != ' ' {
		return at
	}
	i += n + 1
	j := clock(s, i, ':')
	if j == i || !boundary(s, j) {
		return at
	}
	k := j
	if k+4 < len(s) && s[k] == ' ' {
		z := 1
		for k+z < len(s) && z < 6 && class[s[k+z]]&upper != 0 {
			z++
		}
		if z >= 4 && z <= 5 && k+z < len(s) && s[k+z] == ' ' {
			k += z
		}
	}
	if k+5 <= len(s) && s[k] == ' ' && (s[k+1] == '1' || s[k+1] == '2') && span(s[k+1:], digit) == 4 && edgeAt(s, k+5) {
		return k + 5
	}
	return j
}
