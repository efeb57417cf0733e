package funcs

import (
	"fmt"
	"strings"
)

// Signature prints a function's parameters and result in one line, as
// name(param: type, option=default) result.
func (f *Func) Signature() string {
	var b strings.Builder
	b.WriteString(f.Name)
	b.WriteByte('(')
	for i := range f.Params {
		p := &f.Params[i]
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(p.Name)
		switch {
		case p.Optional && p.Default != "":
			b.WriteString("=" + p.Default)
			continue
		case p.Optional:
			b.WriteByte('?')
		}
		b.WriteString(": " + p.types())
		if f.Variadic && i == len(f.Params)-1 {
			b.WriteString(" …")
		}
	}
	b.WriteString(") ")
	b.WriteString(f.Returns.String())
	return b.String()
}

// types lists the accepted types.
func (p *Param) types() string {
	names := make([]string, len(p.Types))
	for i, t := range p.Types {
		names[i] = t.String()
	}
	return strings.Join(names, " or ")
}

// families in the order of the reference, with a title each.
var families = []struct{ name, title, about string }{
	{"analysis", "Baselines, anomalies, forecasts, correlation, causes", "The answer at a time depends on what came before it and on the options alone, never on the query's start, step or zoom. Too little history gives no value and a warning."},
	{"pattern", "Patterns of log lines", "A pattern is what lines have in common, with `<*>` where they differ. The counts of all patterns add up to the number of rows."},
	{"log", "Log rows as numbers", "Beside those of the next sections that take log rows, too."},
	{"counter", "Counters", ""},
	{"over_time", "Windows of time", ""},
	{"histogram", "Histograms", ""},
	{"math", "Numbers", ""},
	{"label", "Labels and order", ""},
	{"time", "Dates", "Without an argument they tell of the time of the evaluation."},
}

// Family returns the functions of a family, sorted by name.
func Family(name string) []*Func {
	var out []*Func
	for _, f := range All() {
		if f.Family == name {
			out = append(out, f)
		}
	}
	return out
}

// Reference is the reference of all functions in Markdown.
func Reference() string {
	var b strings.Builder
	b.WriteString(`# Functions

<!-- Made of the registry in query/funcs: go test ./query/funcs -run TestReference -update -->

Every function of the language, by what it is for. [The language](language.md) explains the rest. A parameter without a default is required; those below
a line "options" are given by name, as in ` + "`q=0.99`" + `. ` + "`tidemark functions NAME`" + ` prints the same.

`)
	for _, fam := range families {
		list := Family(fam.name)
		if len(list) == 0 {
			continue
		}
		links := make([]string, len(list))
		for i, f := range list {
			links[i] = "[" + escaped(f.Name) + "](#" + f.Name + ")"
		}
		fmt.Fprintf(&b, "- **%s**: %s\n", fam.title, strings.Join(links, ", "))
	}
	for _, fam := range families {
		list := Family(fam.name)
		if len(list) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n", fam.title)
		if fam.about != "" {
			fmt.Fprintf(&b, "\n%s\n", fam.about)
		}
		for _, f := range list {
			f.reference(&b)
		}
	}
	return b.String()
}

// escaped keeps Markdown from reading marks into a text.
func escaped(s string) string {
	return strings.NewReplacer("|", `\|`, "<", `\<`, "*", `\*`).Replace(s)
}

// reference writes the section of one function.
func (f *Func) reference(b *strings.Builder) {
	fmt.Fprintf(b, "\n### %s\n\n", escaped(f.Name))
	fmt.Fprintf(b, "`%s`\n\n%s\n", f.Signature(), escaped(f.Doc))
	if notes := f.Notes(); len(notes) > 0 {
		fmt.Fprintf(b, "%s\n", escaped(strings.Join(notes, " ")))
	}
	if len(f.Params) > 0 {
		b.WriteByte('\n')
		told := false
		for i := range f.Params {
			p := &f.Params[i]
			if p.NamedOnly && !told {
				b.WriteString("- options:\n")
				told = true
			}
			indent := ""
			if p.NamedOnly {
				indent = "  "
			}
			fmt.Fprintf(b, "%s- `%s` (%s): %s%s\n", indent, p.Name, p.types(), escaped(p.Doc), p.defaults())
		}
	}
	fmt.Fprintf(b, "\n```promql\n%s\n```\n", f.Example)
}

// defaults tells what is taken where the parameter is left out.
func (p *Param) defaults() string {
	switch {
	case p.Default != "":
		return "; by default " + escaped(p.Default)
	case p.Optional:
		return "; may be left out"
	}
	return ""
}

// Notes are sentences about how a function is used that its signature does not
// tell.
func (f *Func) Notes() []string {
	var out []string
	if f.Pairs {
		out = append(out, "Which series belong together is said by on(…) or ignoring(…).")
	}
	if f.Groups {
		out = append(out, "It takes by(…) or without(…).")
	}
	if f.Table {
		out = append(out, "Its labels hold what was computed, so it is the outermost expression of an instant query.")
	}
	return out
}

// Text is what a person at a terminal is told of a function.
func (f *Func) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s\n", f.Signature(), strings.Join(append([]string{f.Doc}, f.Notes()...), " "))
	if len(f.Params) > 0 {
		b.WriteByte('\n')
	}
	for i := range f.Params {
		p := &f.Params[i]
		def := ""
		if p.Default != "" {
			def = "; by default " + p.Default
		}
		fmt.Fprintf(&b, "  %s (%s): %s%s\n", p.Name, p.types(), p.Doc, def)
	}
	fmt.Fprintf(&b, "\nExample: %s\n", f.Example)
	return b.String()
}
