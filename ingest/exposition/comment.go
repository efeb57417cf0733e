package exposition

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"tidemark/ingest"
)

// comment reads what follows a #: HELP, TYPE and UNIT, a metric's name, and a
// text. What is none of these says nothing.
func (s *state) comment(text []byte) {
	if len(text) > s.d.opts.MaxLineBytes || !utf8.Valid(text) {
		return
	}
	kind, rest := cut(string(text))
	if kind != "HELP" && kind != "TYPE" && kind != "UNIT" {
		return
	}
	name, rest := cut(rest)
	if strings.HasPrefix(name, `"`) {
		var err error
		if name, err = strconv.Unquote(name); err != nil {
			return
		}
	}
	if name == "" {
		return
	}
	if name != s.family.Name {
		s.described()
		s.family = ingest.Metadata{Name: name, Type: "unknown"}
	}
	switch kind {
	case "HELP":
		s.family.Help = strings.ToValidUTF8(rest[:min(len(rest), ingest.MaxHelp)], "")
		s.family.Help = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\"`, `"`).Replace(s.family.Help)
	case "TYPE":
		if rest = strings.TrimSpace(rest); slices.Contains(ingest.MetricTypes[:], rest) {
			s.family.Type = rest
		}
	case "UNIT":
		s.family.Unit = strings.TrimSpace(rest[:min(len(rest), ingest.MaxHelp)])
	}
}

// described passes on the family at hand.
func (s *state) described() {
	if s.family.Name != "" {
		s.p.Describe(s.family)
	}
	s.family = ingest.Metadata{}
}

// cut returns the first word and what follows it.
func cut(text string) (word, rest string) {
	text = strings.TrimLeft(text, " \t")
	i := strings.IndexAny(text, " \t")
	if i < 0 {
		return text, ""
	}
	return text[:i], strings.TrimLeft(text[i:], " \t")
}
