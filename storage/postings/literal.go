package postings

import "regexp/syntax"

// maxLiterals bounds the values that an expression is expanded to.
const maxLiterals = 256

// expand returns the strings that an anchored regular expression matches,
// where they are few, or the literal prefix that all of them begin with.
func expand(expr string) (literals []string, listed bool, prefix string) {
	re, err := syntax.Parse("(?s:"+expr+")", syntax.Perl)
	if err != nil {
		return nil, false, ""
	}
	re = re.Simplify()
	if lits, ok := literalsOf(re); ok {
		return lits, true, ""
	}
	return nil, false, prefixOf(re)
}

func literalsOf(re *syntax.Regexp) ([]string, bool) {
	switch re.Op {
	case syntax.OpEmptyMatch:
		return []string{""}, true
	case syntax.OpLiteral:
		return []string{string(re.Rune)}, re.Flags&syntax.FoldCase == 0
	case syntax.OpCharClass:
		var out []string
		for i := 0; i+1 < len(re.Rune); i += 2 {
			if int(re.Rune[i+1]-re.Rune[i]) >= maxLiterals-len(out) {
				return nil, false
			}
			for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
				out = append(out, string(r))
			}
		}
		return out, true
	case syntax.OpCapture:
		return literalsOf(re.Sub[0])
	case syntax.OpQuest:
		lits, ok := literalsOf(re.Sub[0])
		return append([]string{""}, lits...), ok && len(lits) < maxLiterals
	case syntax.OpAlternate:
		var out []string
		for _, sub := range re.Sub {
			lits, ok := literalsOf(sub)
			if !ok || len(out)+len(lits) > maxLiterals {
				return nil, false
			}
			out = append(out, lits...)
		}
		return out, true
	case syntax.OpConcat:
		out := []string{""}
		for _, sub := range re.Sub {
			lits, ok := literalsOf(sub)
			if !ok || len(out)*len(lits) > maxLiterals {
				return nil, false
			}
			next := make([]string, 0, len(out)*len(lits))
			for _, a := range out {
				for _, b := range lits {
					next = append(next, a+b)
				}
			}
			out = next
		}
		return out, true
	}
	return nil, false
}

// prefixOf returns a string that every match begins with.
func prefixOf(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase == 0 {
			return string(re.Rune)
		}
	case syntax.OpCapture:
		return prefixOf(re.Sub[0])
	case syntax.OpConcat:
		p := ""
		for _, sub := range re.Sub {
			lits, ok := literalsOf(sub)
			if !ok || len(lits) != 1 {
				return p + prefixOf(sub)
			}
			p += lits[0]
		}
		return p
	}
	return ""
}

// Prefix returns a string that everything begins with that an anchored regular
// expression matches; it may be empty.
func Prefix(expr string) string {
	lits, listed, prefix := expand(expr)
	if !listed || len(lits) == 0 {
		return prefix
	}
	prefix = lits[0]
	for _, l := range lits[1:] {
		for len(prefix) > len(l) || l[:len(prefix)] != prefix {
			prefix = prefix[:len(prefix)-1]
		}
	}
	return prefix
}
