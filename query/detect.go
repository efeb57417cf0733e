package query

import (
	"net/netip"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"tidemark/query/ast"
	"tidemark/query/logpipe"
	"tidemark/storage/model"
)

// DetectedField is a field that log rows were found to have: structured
// metadata, or a label that a parser finds in their lines.
type DetectedField struct {
	Name string
	// Type is string, int, float, boolean, duration or bytes, by the first
	// value seen of each stream; string where they differ.
	Type string
	// Parsers are json or logfmt, and empty for structured metadata.
	Parsers []string
	// JSONPath are the keys that lead to the field in a line that is JSON, or nil.
	JSONPath []string
	// Values are the distinct values seen, in order of their first row.
	Values []string
}

// DetectFields looks for fields in rows that were asked for with
// Request.Categorize: in labels that the query's own stages made, otherwise in
// what JSON, and where a line is none, logfmt says. At most limit fields are
// returned, the ones found first, sorted by name. It costs a parse of every
// line.
func DetectFields(streams []Stream, limit int) []DetectedField {
	d := &detector{limit: limit, byName: map[string]*detected{}}
	var pipes []*logpipe.Pipeline
	for _, name := range []string{"json", "logfmt"} {
		if p, err := logpipe.Compile([]ast.Stage{&ast.Parser{Name: name}}, logpipe.Options{}); err == nil {
			pipes = append(pipes, p)
		}
	}
	for i := range streams {
		st := &streams[i]
		typed := map[string]bool{}
		runners := make([]*logpipe.Stream, len(pipes))
		for k := range pipes {
			runners[k] = pipes[k].Stream(st.Labels)
		}
		for j := range st.Entries {
			e := &st.Entries[j]
			for _, l := range e.Meta {
				d.add(st.Labels, l, "", "", typed)
			}
			if len(e.Parsed) > 0 {
				for _, l := range e.Parsed {
					d.add(st.Labels, l, parserOf(e.Line), e.Line, typed)
				}
				continue
			}
			for k, name := range []string{"json", "logfmt"} {
				row, ok := runners[k].Run(&logpipe.Input{Time: e.T, Line: e.Line, Meta: e.Meta})
				if !ok || row.Set.Err != "" {
					continue
				}
				for _, l := range row.Set.Parsed {
					d.add(st.Labels, l, name, e.Line, typed)
				}
				break
			}
		}
	}
	out := make([]DetectedField, 0, len(d.byName))
	for _, f := range d.byName {
		out = append(out, f.DetectedField)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

func parserOf(line string) string {
	if strings.HasPrefix(strings.TrimSpace(line), "{") {
		return "json"
	}
	return "logfmt"
}

type detected struct {
	DetectedField
	seen map[string]bool
}

type detector struct {
	limit  int
	byName map[string]*detected
}

// maxDetectedValues bounds the distinct values kept of a field.
const maxDetectedValues = 10_000

// add notes a label that a row of a stream was found to have, in its metadata or
// in its line by a parser. A name that only the metadata has, too, is the same
// field.
func (d *detector) add(stream model.Labels, l model.Label, parser, line string, typed map[string]bool) {
	name, raw := l.Name, l.Name
	if cut, ok := strings.CutSuffix(l.Name, "_extracted"); ok {
		raw = cut
		if !stream.Has(cut) {
			name = cut
		}
	}
	if name == logpipe.ErrorLabel || name == logpipe.ErrorDetailsLabel {
		return
	}
	f := d.byName[name]
	if f == nil {
		if len(d.byName) >= d.limit {
			return
		}
		f = &detected{DetectedField: DetectedField{Name: name}, seen: map[string]bool{}}
		d.byName[name] = f
	}
	if parser != "" && !slices.Contains(f.Parsers, parser) {
		f.Parsers = append(f.Parsers, parser)
	}
	if parser == "json" && f.JSONPath == nil {
		f.JSONPath = logpipe.JSONPath(line, raw)
	}
	if !typed[name] {
		typed[name] = true
		switch t := typeOf(l.Value); {
		case f.Type == "":
			f.Type = t
		case f.Type != t:
			f.Type = "string"
		}
	}
	if !f.seen[l.Value] && len(f.seen) < maxDetectedValues {
		f.seen[l.Value] = true
		f.Values = append(f.Values, l.Value)
	}
}

func typeOf(v string) string {
	if _, err := strconv.ParseInt(v, 10, 64); err == nil {
		return "int"
	}
	if _, err := strconv.ParseFloat(v, 64); err == nil {
		return "float"
	}
	if _, err := strconv.ParseBool(v); err == nil {
		return "boolean"
	}
	if _, err := time.ParseDuration(v); err == nil {
		return "duration"
	}
	if isSize(v) {
		return "bytes"
	}
	return "string"
}

// isSize reports whether a value is a number with a unit of bytes.
func isSize(v string) bool {
	n := 0
	for n < len(v) && (v[n] >= '0' && v[n] <= '9' || v[n] == '.') {
		n++
	}
	if n == 0 || n == len(v) {
		return false
	}
	switch strings.ToLower(strings.TrimSpace(v[n:])) {
	case "b", "kb", "mb", "gb", "tb", "pb", "eb", "kib", "mib", "gib", "tib", "pib", "eib", "k", "m", "g", "t", "p", "e", "ki", "mi", "gi", "ti", "pi", "ei":
		return true
	}
	return false
}

// LooksLikeID reports whether a value is a number, a UUID or an address: a
// label with such values only is no use to group by.
func LooksLikeID(v string) bool {
	if _, err := strconv.ParseFloat(v, 64); err == nil {
		return true
	}
	if _, err := netip.ParseAddr(v); err == nil {
		return true
	}
	return isUUID(v)
}

func isUUID(v string) bool {
	if len(v) != 36 {
		return false
	}
	for i := range len(v) {
		c := v[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
				return false
			}
		}
	}
	return true
}
