package shape

import "bytes"

// Limits of one shape. What lies beyond becomes one variable of kind Rest, so
// that hostile or binary input costs no more than its own size.
const (
	// MaxVars is the largest number of variables of a shape, Rest included.
	MaxVars = 256
	// MaxTemplate is the length in bytes from which a template takes no more
	// constant text.
	MaxTemplate = 4096
)

// Var is one variable of a line: its kind and its bytes, a slice of the line.
type Var struct {
	Kind Kind
	Text []byte
}

// Parsed is the shape of a line with the line's variables. Its memory is used
// again by the next Parse into it; Vars point into the line.
type Parsed struct {
	Template []byte
	Vars     []Var

	line    []byte
	pending int // start of the constant text not yet copied to Template
	full    bool
}

// ID is the identity of the shape; see the function ID.
func (p *Parsed) ID() uint64 { return ID(p.Template) }

// Parse splits line into its shape and variables. It is a pure function of the
// bytes of the line, accepts any bytes, takes O(len(line)) time and allocates
// only while into grows. Append gives the line back.
func Parse(line []byte, into *Parsed) {
	p := into
	p.Template, p.Vars = p.Template[:0], p.Vars[:0]
	p.line, p.pending, p.full = line, 0, false
	i := 0
	for i < len(line) && !p.full {
		c := class[line[i]]
		if c&edge != 0 {
			if line[i] == Mark {
				p.escape(i)
			} else if line[i] == ':' && i+2 < len(line) && line[i+1] == ':' && isHex(line[i+2]) && (i == 0 || class[line[i-1]]&edge != 0) {
				if k, n := colons(line[i:]); n > 0 && k == IPv6 {
					p.variable(IPv6, i, i+n)
					i += n
					continue
				}
			}
			i++
			continue
		}
		or, j := c, i+1
		for j < len(line) {
			c := class[line[j]]
			if c&edge != 0 {
				break
			}
			or |= c
			j++
		}
		if or&(digit|slash|joint) == 0 {
			i = p.word(i, j, or)
		} else {
			i = p.token(i, j, or)
		}
	}
	p.flush(len(line))
	p.line = nil
}

// flush copies the constant text up to end into the template.
func (p *Parsed) flush(end int) {
	if p.pending >= end {
		return
	}
	if p.full {
		return
	}
	text := p.line[p.pending:end]
	if len(p.Template)+len(text) > MaxTemplate {
		p.rest(p.pending)
		return
	}
	p.Template = append(p.Template, text...)
	p.pending = end
}

// rest ends the shape: everything from start on is one variable.
func (p *Parsed) rest(start int) {
	p.full = true
	p.Template = append(p.Template, Mark, byte(Rest))
	p.Vars = append(p.Vars, Var{Rest, p.line[start:len(p.line):len(p.line)]})
	p.pending = len(p.line)
}

// escape writes the Mark byte that stands at i.
func (p *Parsed) escape(i int) {
	p.flush(i)
	if p.full {
		return
	}
	if len(p.Template)+2 > MaxTemplate {
		p.rest(i)
		return
	}
	p.Template = append(p.Template, Mark, MarkLiteral)
	p.pending = i + 1
}

// variable makes line[start:end] a variable.
func (p *Parsed) variable(k Kind, start, end int) {
	p.flush(start)
	if p.full {
		return
	}
	if len(p.Vars) == MaxVars-1 {
		p.rest(start)
		return
	}
	p.Template = append(p.Template, Mark, byte(k))
	p.Vars = append(p.Vars, Var{k, p.line[start:end:end]})
	p.pending = end
}

// word looks at the token line[i:j] of letters and underscores and returns where
// parsing goes on.
func (p *Parsed) word(i, j int, or uint8) int {
	w := p.line[i:j]
	switch len(w) {
	case 3:
		if class[w[0]]&upper == 0 {
			if string(w) == "nil" {
				p.variable(Bool, i, j)
				return j
			}
		} else if end := p.spelled(w, i); end > i {
			return end
		}
	case 4:
		switch string(w) {
		case "true", "True", "TRUE", "null", "NULL", "None":
			p.variable(Bool, i, j)
			return j
		}
	case 5:
		switch string(w) {
		case "false", "False", "FALSE":
			p.variable(Bool, i, j)
			return j
		}
	case 8, 16, 32, 40, 64:
		if k, ok := hexadecimal(w); ok {
			p.variable(k, i, j)
			return j
		}
	}
	if len(w) <= 4 && or&^(letter|hexa|upper) == 0 && j < len(p.line) && p.line[j] == ':' {
		return p.beforeColon(i, j)
	}
	if j+2 < len(p.line) && p.line[j] == ':' && p.line[j+1] == '/' && p.line[j+2] == '/' {
		return p.url(j + 3)
	}
	return j
}

func (p *Parsed) spelled(w []byte, i int) int {
	if !month(w) && !weekday(w) {
		return i
	}
	end := spelled(p.line, i)
	if end > i {
		p.variable(Time, i, end)
	}
	return end
}

// beforeColon looks at a short token that a colon follows: a scheme, a drive, or
// the start of a MAC or IPv6 address. It returns where parsing goes on.
func (p *Parsed) beforeColon(i, j int) int {
	s := p.line
	if j+2 < len(s) && s[j+1] == '/' && s[j+2] == '/' {
		return p.url(j + 3)
	}
	if j == i+1 && j+2 < len(s) && (s[j+1] == '\\' || s[j+1] == '/') && class[s[i]]&letter != 0 {
		end := j + 1
		for !edgeAt(s, end) {
			end++
		}
		end = p.trim(j+1, end)
		p.variable(Path, i, end)
		return end
	}
	if isHex(s[i]) {
		if k, n := colons(s[i:]); n > 0 {
			p.variable(k, i, i+n)
			return i + n
		}
	}
	return j
}

// url makes what follows "scheme://" a variable.
func (p *Parsed) url(start int) int {
	s, end := p.line, start
loop:
	for end < len(s) {
		switch s[end] {
		case '"', '\'', '<', '>', '(', ')', '[', ']', '{', '}', '|', '`', ',', Mark:
			break loop
		}
		if s[end] <= ' ' || s[end] == 0x7f {
			break
		}
		end++
	}
	for end > start {
		switch s[end-1] {
		case '.', ';', ':', '!', '?':
			end--
			continue
		}
		break
	}
	if end > start {
		p.variable(URL, start, end)
	}
	return end
}

// trim returns the end of the token without the dots that close a sentence.
func (p *Parsed) trim(i, j int) int {
	for j > i && p.line[j-1] == '.' {
		j--
	}
	return j
}

// token looks at the token line[i:j], which carries digits, joints or slashes,
// and returns where parsing goes on (at j or earlier; later where a value goes on
// behind the token's end). or is the union of the classes in it.
func (p *Parsed) token(i, j int, or uint8) int {
	s := p.line
	if or&digit != 0 && isDigit(s[i]) {
		if end := timeAt(s, i); end > i {
			p.variable(Time, i, end)
			return end
		}
		if j-i <= 4 && j < len(s) && s[j] == ':' && or&^(digit|letter|hexa|upper) == 0 {
			if end := p.beforeColon(i, j); end > j {
				return end
			}
		}
	} else if j-i <= 4 && j < len(s) && s[j] == ':' && class[s[i]]&letter != 0 {
		if end := p.beforeColon(i, j); end > j {
			return end
		}
	}
	if or&letter != 0 && j+2 < len(s) && s[j] == ':' && s[j+1] == '/' && s[j+2] == '/' {
		return p.url(j + 3) // a scheme with joints or digits: "akka.tcp"
	}
	if or&slash != 0 {
		return p.slashed(i, j, or)
	}
	if or&digit == 0 && or&letter == 0 {
		return j // punctuation
	}
	if or&joint == 0 && j < len(s) && s[j] == '=' && class[s[i]]&letter != 0 && digits(s[i:j]) <= 2 {
		return j // a key: "r24="
	}
	p.plain(i, j, or)
	return j
}

// slashed looks at a token with a slash in it.
func (p *Parsed) slashed(i, j int, or uint8) int {
	s := p.line
	if s[i] == '/' {
		if n := ipv4(s[i+1 : j]); n > 0 {
			return i + 1 // "/10.0.0.1:80", as Java prints addresses
		}
	}
	end := p.trim(i, j)
	slashes, first, only := 0, -1, uint8(0)
	for k := i; k < end; k++ {
		if c := class[s[k]]; c&slash != 0 {
			slashes++
			if first < 0 {
				first = k
			}
		} else {
			only |= c
		}
	}
	if only&(letter|digit) == 0 {
		return j
	}
	if first == i && (s[i] == '/' || slashes >= 2) {
		p.variable(Path, i, end)
		return j
	}
	if first == i+1 && (s[i] == '.' || s[i] == '~') || first == i+2 && s[i] == '.' && s[i+1] == '.' {
		p.variable(Path, i, end)
		return j
	}
	if slashes >= 2 && only&letter != 0 {
		if only&digit == 0 && s[first] == '/' && slashes == 2 && words(s[i:end]) {
			return j // "read/write/execute"
		}
		p.variable(Path, i, end)
		return j
	}
	// One slash, or numbers only: the parts stand for themselves.
	for i < j {
		k, or := i, uint8(0)
		for k < j && class[s[k]]&slash == 0 {
			or |= class[s[k]]
			k++
		}
		if k > i && or&(digit|letter) != 0 {
			p.plain(i, k, or)
		}
		i = k + 1
	}
	return j
}

// words reports whether all parts between slashes are plain lower-case words.
func words(s []byte) bool {
	for _, c := range s {
		if c != '/' && (class[c]&letter == 0 || class[c]&upper != 0) {
			return false
		}
	}
	return true
}

// plain looks at line[i:j]: letters, digits, underscores and joints.
func (p *Parsed) plain(i, j int, or uint8) {
	s := p.line
	j = p.trim(i, j)
	if i == j {
		return
	}
	if or&digit == 0 {
		if or&joint != 0 && host(s[i:j], j+1 < len(s) && s[j] == ':' && isDigit(s[j+1])) {
			p.variable(Host, i, j)
		}
		return
	}
	if k, at, ok := number(s[i:j]); ok {
		p.variable(k, i+at, j)
		return
	}
	if isDigit(s[i]) || s[i] == '-' && i+1 < j && isDigit(s[i+1]) {
		n := i + 1
		for n < j && (isDigit(s[n]) || s[n] == '.' && n+1 < j && isDigit(s[n+1])) {
			n++
		}
		if unit(s[n:j]) {
			if k, at, ok := number(s[i:n]); ok && (k == Int || k == Dec) {
				p.variable(k, i+at, n)
				return
			}
		}
	}
	if s[i]|0x20 == 'v' && i+1 < j && isDigit(s[i+1]) && version(s[i+1:j]) {
		p.variable(Ident, i, j)
		return
	}
	if or&joint == 0 {
		p.piece(i, j, or)
		return
	}
	if or&(letter|under) == 0 && p.numbers(i, j) {
		return
	}
	if host(s[i:j], j+1 < len(s) && s[j] == ':' && isDigit(s[j+1])) {
		p.variable(Host, i, j)
		return
	}
	for k := i + 1; k+1 < j; k++ {
		if s[k] != '@' {
			continue
		}
		if v, at, ok := number(s[k+1 : j]); ok { // "Class@1f2e3d"
			p.plain(i, k, classes(s[i:k]))
			p.variable(v, k+1+at, j)
		} else {
			p.variable(Ident, i, j)
		}
		return
	}
	p.pieces(i, j)
}

// numbers takes numbers joined by anything but dots one by one ("104-127",
// "17##4##9") and reports whether the token is such a list.
func (p *Parsed) numbers(i, j int) bool {
	s := p.line
	for k := i; k < j; k++ {
		if s[k] == '.' {
			return false
		}
	}
	for i < j {
		n := span(s[i:j], digit)
		if n > 0 {
			p.variable(integerKind(s[i:i+n]), i, i+n)
			i += n
			continue
		}
		i++
	}
	return true
}

func classes(s []byte) uint8 {
	var or uint8
	for _, c := range s {
		or |= class[c]
	}
	return or
}

// pieces looks at a token that joints divide. Where one piece, or one number at
// the end, holds all that varies, the rest is constant text; else the whole token
// is one variable.
func (p *Parsed) pieces(i, j int) {
	s := p.line
	var from, to, varying int
	var or uint8
	for k := i; k < j; {
		if class[s[k]]&joint != 0 {
			k++
			continue
		}
		e, c := k, uint8(0)
		for e < j && class[s[e]]&joint == 0 {
			c |= class[s[e]]
			e++
		}
		decimals := e+1 < j && s[e] == '.' && isDigit(s[e+1]) && isDigit(s[e-1]) // "dquot_6.5"
		if c&digit != 0 && (decimals || !named(s[k:e])) {
			if varying == 0 {
				from, to, or = k, e, c
			}
			varying++
		}
		k = e
	}
	switch {
	case varying == 0:
	case varying == 1:
		p.piece(from, to, or)
	default:
		if k, at, ok := number(s[from:j]); ok && isDigit(s[from]) {
			p.variable(k, from+at, j)
			return
		}
		// Leave signs and bullets before the token outside.
		for i < from && class[s[i]]&joint != 0 {
			i++
		}
		p.variable(Ident, i, j)
	}
}

// piece looks at a run of letters, digits and underscores that carries a digit.
func (p *Parsed) piece(i, j int, or uint8) {
	s := p.line
	if k, at, ok := number(s[i:j]); ok {
		p.variable(k, i+at, j)
		return
	}
	if named(s[i:j]) && or&under == 0 {
		return
	}
	// name_123: the name is constant.
	if or&under != 0 && isDigit(s[j-1]) {
		k := j
		for isDigit(s[k-1]) {
			k-- // stops at the underscore or a letter at the latest
			if k == i {
				break
			}
		}
		if k > i+1 && s[k-1] == '_' && classes(s[i:k])&digit == 0 {
			p.variable(integerKind(s[k:j]), k, j)
			return
		}
	}
	if named(s[i:j]) {
		return
	}
	p.variable(Ident, i, j)
}

// named reports whether a run that carries digits is a name like eth0, L2 or
// log4j rather than an id: a letter first and one digit only. Such names are few
// for any one place of a line, and a reader takes them for words.
func named(s []byte) bool {
	if class[s[0]]&(letter|under) == 0 {
		return false
	}
	return digits(s) == 1
}

func digits(s []byte) int {
	n := 0
	for _, c := range s {
		if isDigit(c) {
			n++
		}
	}
	return n
}

// host reports whether s is a domain name: labels of letters, digits and '-' of
// which the last is a known top-level domain. Names that start like a Java
// package are not. port says that ":port" follows, which excuses short names.
func host(s []byte, port bool) bool {
	dot := bytes.LastIndexByte(s, '.')
	if dot < 1 || len(s)-dot < 3 || class[s[dot+1]]&letter == 0 {
		return false
	}
	labels, last, letters := 1, 0, 0
	for k, c := range s {
		switch {
		case c == '.':
			if k == last || k+1 == len(s) {
				return false
			}
			labels++
			last = k + 1
		case class[c]&letter != 0 && c < 0x80:
			letters++
		case isDigit(c), c == '-' && k > last:
		default:
			return false
		}
	}
	if labels < 2 || letters == 0 {
		return false
	}
	top := s[last:]
	if len(top) < 2 || span(top, letter) != len(top) {
		return false
	}
	first := 0
	for s[first] != '.' {
		first++
	}
	switch string(s[:first]) {
	case "java", "javax", "org", "com", "net", "io", "sun", "jdk", "scala", "kotlin", "android", "edu", "gov":
		return false
	}
	if len(top) == 2 {
		switch string(top) {
		case "js", "py", "rs", "go", "so", "sh", "md", "rb", "ts", "cc", "hh", "pl", "ps", "vb", "cs", "db", "gz", "xz", "id", "in", "is", "no":
			return labels >= 3 && port
		}
		return (labels >= 3 || port) && classes(top)&upper == 0
	}
	switch string(top) {
	case "com", "net", "org", "edu", "gov", "mil", "int", "info", "biz", "dev", "app", "cloud", "xyz", "local", "internal", "lan", "corp", "home", "intranet", "localdomain", "arpa", "svc":
		return true
	}
	return false
}
