package lokipush

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tidemark/ingest"
	"tidemark/storage/model"
)

// parseLabels reads labels as Loki's clients write them: {app="api", dc="x"}.
// The reason says why they are refused, or is "".
func parseLabels(raw []byte, lim *ingest.Limits) (model.Labels, string) {
	s := string(raw)
	bad := func(at int, format string, args ...any) (model.Labels, string) {
		return nil, fmt.Sprintf("error parsing labels '%s' with error: column %d: %s", clip(s), at+1, fmt.Sprintf(format, args...))
	}
	i := 0
	space := func() {
		for i < len(s) && (s[i] == ' ' || s[i] == '\t' || s[i] == '\n' || s[i] == '\r') {
			i++
		}
	}
	space()
	if i == len(s) || s[i] != '{' {
		return bad(i, "want {")
	}
	i++
	var ls []model.Label
	for {
		space()
		if i < len(s) && s[i] == '}' {
			break
		}
		start := i
		for i < len(s) && isNameByte(s[i], i > start) {
			i++
		}
		if i == start {
			return bad(i, "want a label name or }")
		}
		name := s[start:i]
		space()
		if i == len(s) || s[i] != '=' {
			return bad(i, "want = after label name %q", clip(name))
		}
		i++
		space()
		quoted, err := strconv.QuotedPrefix(s[i:])
		if err != nil || quoted[0] == '\'' {
			return bad(i, "want the quoted value of label %q", clip(name))
		}
		value, _ := strconv.Unquote(quoted)
		i += len(quoted)
		if len(ls) == lim.MaxLabels {
			return bad(start, "more than %d labels: want at most that many (MaxLabels)", lim.MaxLabels)
		}
		ls = append(ls, model.Label{Name: name, Value: value})
		space()
		if i < len(s) && s[i] == ',' {
			i++
			continue
		}
		if i == len(s) || s[i] != '}' {
			return bad(i, "want , or }")
		}
	}
	i++
	space()
	if i < len(s) {
		return bad(i, "want the end after }")
	}
	return checkLabels(ls, s, lim)
}

// checkLabels sorts labels, drops those without a value and refuses what no
// stream can have. printed is what a reason quotes.
func checkLabels(ls []model.Label, printed string, lim *ingest.Limits) (model.Labels, string) {
	if len(ls) > lim.MaxLabels {
		return nil, fmt.Sprintf("stream '%s' has %d label names; limit %d (MaxLabels)", clip(printed), len(ls), lim.MaxLabels)
	}
	slices.SortStableFunc(ls, func(a, b model.Label) int { return strings.Compare(a.Name, b.Name) })
	kept := ls[:0]
	last := ""
	for i, l := range ls {
		if i > 0 && l.Name == last {
			return nil, fmt.Sprintf("stream '%s' has duplicate label name: '%s'", clip(printed), clip(l.Name))
		}
		last = l.Name
		if !isLabelName(l.Name) {
			return nil, fmt.Sprintf("error parsing labels '%s' with error: label name %q: want letters, digits and underscores, and no digit first", clip(printed), clip(l.Name))
		}
		if reason := lim.CheckLogLabel(l.Name, l.Value); reason != "" {
			return nil, fmt.Sprintf("stream '%s': %s", clip(printed), reason)
		}
		if l.Value != "" {
			kept = append(kept, l)
		}
	}
	if len(kept) == 0 {
		return nil, fmt.Sprintf("error at least one label pair is required per stream: '%s' has none", clip(printed))
	}
	return model.Labels(kept), ""
}

func isNameByte(c byte, inside bool) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || inside && '0' <= c && c <= '9'
}

func isLabelName(s string) bool {
	for i := range len(s) {
		if !isNameByte(s[i], i > 0) {
			return false
		}
	}
	return s != ""
}

// labelName makes a label name of any name, as Loki does of structured
// metadata: one underscore for each run of characters that do not belong, and
// key_ before a leading digit.
func labelName(s string) string {
	if isLabelName(s) || s == "" {
		return s
	}
	var b strings.Builder
	if '0' <= s[0] && s[0] <= '9' {
		b.WriteString("key_")
	}
	bad := false
	for i := range len(s) {
		if isNameByte(s[i], true) {
			b.WriteByte(s[i])
			bad = false
			continue
		}
		if !bad {
			b.WriteByte('_')
		}
		bad = true
	}
	return b.String()
}
