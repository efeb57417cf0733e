package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// manCommand prints the manual, made of the same declarations as --help.
type manCommand struct{}

// Help is what --help prints below the summary.
func (manCommand) Help() string {
	return `Examples:
  tidemark man | man -l -
  tidemark man > /usr/local/share/man/man1/tidemark.1`
}

// Run prints the page.
func (manCommand) Run(c *console, app *kong.Kong) error {
	_, err := fmt.Fprint(c.out, manual(app.Model.Node))
	return err
}

// exitCodes and files are told by the manual and by docs/.
var exitCodes = []struct {
	code  int
	means string
}{
	{exitOK, "everything done"},
	{exitError, "an error, told in one line on standard error (more only where the place in a query or refused lines are shown)"},
	{exitUsage, "the command line or the configuration makes no sense"},
	{exitUnreachable, "no server answered, or it wants another token: worth trying again"},
	{exitUnexpected, "the answer is not as --expect wants it"},
	{exitInterrupted, "ended by a signal before it was done"},
}

var environment = []struct{ name, means string }{
	{serverVariable, "the server's URL where no --server is given"},
	{tokenVariable, "the server's token"},
	{tokenFileVariable, "a file with the token"},
	{tlsCAVariable, "a PEM file to check the server's certificate with"},
	{configVariable, "the configuration file, in place of tidemark/config.json in the user's folder of configuration: an object of server, token, token_file and tls_ca"},
}

// roff writes a manual page.
type roff struct{ strings.Builder }

// escape makes text that roff prints as it is.
func escape(s string) string {
	s = strings.NewReplacer(`\`, `\e`, `-`, `\-`, `'`, `\(aq`, "`", "\\(ga").Replace(s)
	if strings.HasPrefix(s, ".") {
		s = `\&` + s
	}
	return s
}

func (r *roff) macro(name string, args ...string) {
	r.WriteString("." + name)
	for _, a := range args {
		fmt.Fprintf(r, ` "%s"`, strings.ReplaceAll(escape(a), `"`, `""`))
	}
	r.WriteByte('\n')
}

func (r *roff) text(s string) { r.WriteString(escape(s) + "\n") }

// item is a tagged paragraph: a bold head and what it means.
func (r *roff) item(head, means string) {
	r.WriteString(".TP\n")
	fmt.Fprintf(r, "\\fB%s\\fR\n", escape(head))
	r.text(means)
}

// manual makes the page of a command line.
func manual(root *kong.Node) string {
	var r roff
	r.macro("TH", "TIDEMARK", "1", "", "tidemark "+version, "")
	r.macro("SH", "NAME")
	r.text("tidemark - a store for metrics and logs with one query language")
	r.macro("SH", "SYNOPSIS")
	r.WriteString("\\fBtidemark\\fR \\fIcommand\\fR [\\fIflags\\fR]\n")
	r.macro("SH", "DESCRIPTION")
	r.text(root.Help)
	r.macro("SH", "COMMANDS")
	for _, node := range root.Children {
		if node.Hidden {
			continue
		}
		r.macro("SS", strings.TrimPrefix(node.Summary(), "tidemark "))
		r.text(node.Help)
		for _, p := range node.Positional {
			r.item(p.Summary(), p.Help)
		}
		for _, f := range node.Flags {
			if f.Hidden {
				continue
			}
			head := f.String()
			if f.Short != 0 {
				head = "-" + string(f.Short) + ", " + head
			}
			r.item(head, f.Help)
		}
		if node.Detail != "" {
			r.WriteString(".PP\n.nf\n")
			for _, l := range strings.Split(node.Detail, "\n") {
				r.text(l)
			}
			r.WriteString(".fi\n")
		}
	}
	r.macro("SH", "EXIT STATUS")
	for _, e := range exitCodes {
		r.item(fmt.Sprint(e.code), e.means)
	}
	r.macro("SH", "ENVIRONMENT")
	for _, e := range environment {
		r.item(e.name, e.means)
	}
	return r.String()
}

// reference is the same in Markdown: docs/command-line.md.
func reference(root *kong.Node) string {
	var b strings.Builder
	b.WriteString(`# Command line

<!-- Made of the declarations in cmd/tidemark: go test ./cmd/tidemark -run TestCommandLineReference -update -->

` + "`tidemark COMMAND --help`" + ` prints the section of a command, and ` + "`tidemark man | man -l -`" + ` all of them. ` + "`source <(tidemark completion bash)`" + ` completes them.

| command | |
| --- | --- |
`)
	for _, node := range root.Children {
		if !node.Hidden {
			fmt.Fprintf(&b, "| [%s](#tidemark-%s) | %s |\n", node.Name, node.Name, node.Help)
		}
	}
	b.WriteString("\n## Exit codes\n\n| code | means |\n| --- | --- |\n")
	for _, e := range exitCodes {
		fmt.Fprintf(&b, "| %d | %s |\n", e.code, e.means)
	}
	b.WriteString("\n## Environment and configuration\n\nA flag comes before the environment, and that before the configuration file.\n\n| variable | means |\n| --- | --- |\n")
	for _, e := range environment {
		fmt.Fprintf(&b, "| `%s` | %s |\n", e.name, e.means)
	}
	b.WriteString("\n```json\n{\"server\": \"https://tidemark.example:8433\", \"token_file\": \"/home/me/.tidemark-token\", \"tls_ca\": \"/etc/ssl/ours.pem\"}\n```\n")
	for _, node := range root.Children {
		if node.Hidden {
			continue
		}
		fmt.Fprintf(&b, "\n## tidemark %s\n\n%s\n\n`%s`\n", node.Name, node.Help, node.Summary())
		if len(node.Positional)+len(node.Flags) > 0 {
			b.WriteByte('\n')
		}
		for _, p := range node.Positional {
			fmt.Fprintf(&b, "- `%s`: %s\n", p.Summary(), p.Help)
		}
		for _, f := range node.Flags {
			if f.Hidden {
				continue
			}
			head := f.String()
			if f.Short != 0 {
				head = "-" + string(f.Short) + ", " + head
			}
			fmt.Fprintf(&b, "- `%s`: %s\n", head, strings.ReplaceAll(f.Help, "|", `\|`))
		}
		if node.Detail != "" {
			fmt.Fprintf(&b, "\n```\n%s\n```\n", strings.TrimSpace(node.Detail))
		}
	}
	return b.String()
}
