package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"tidemark/query"
	"tidemark/storage/model"
)

// completionCommand prints a shell's script. The script asks the hidden command
// complete at each press of the key, so that it never grows old.
type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"The shell: ${enum}."`
}

// Help is what --help prints below the summary.
func (completionCommand) Help() string {
	return `  bash:  source <(tidemark completion bash)          in ~/.bashrc
  zsh:   source <(tidemark completion zsh)           in ~/.zshrc, below compinit
  fish:  tidemark completion fish | source           in ~/.config/fish/config.fish

Commands, flags and their values are completed; of query, series, forecast and labels also the names
of metrics and labels, asked from the server within half a second.`
}

var completionScripts = map[string]string{
	"bash": `_tidemark() {
	local IFS=$'\n'
	COMPREPLY=($(tidemark complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _tidemark tidemark
`,
	"zsh": `#compdef tidemark
_tidemark() {
	local -a found
	found=("${(@f)$(tidemark complete -- "${(@)words[2,$CURRENT]}" 2>/dev/null)}")
	if [[ -n "${found[1]}" ]]; then
		compadd -- "${found[@]}"
	else
		_files
	fi
}
compdef _tidemark tidemark
`,
	"fish": `function __tidemark_complete
	tidemark complete -- (commandline -opc)[2..-1] (commandline -ct | string collect --allow-empty) 2>/dev/null
end
complete -c tidemark -f -n 'count (__tidemark_complete) >/dev/null' -a '(__tidemark_complete)'
`,
}

// Run prints the script.
func (k *completionCommand) Run(c *console) error {
	_, err := fmt.Fprint(c.out, completionScripts[k.Shell])
	return err
}

// completeCommand prints what may stand in the place of the last word.
type completeCommand struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

// completeTimeout is how long a server may take to name metrics.
const completeTimeout = 500 * time.Millisecond

// Run prints one word a line. Where it knows nothing it prints nothing, and the
// shell completes files.
func (k *completeCommand) Run(c *console, app *kong.Kong) error {
	words := k.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	last := ""
	if n := len(words); n > 0 {
		last, words = words[n-1], words[:n-1]
	}
	for _, w := range complete(app.Model.Node, words, last, askNames) {
		if _, err := fmt.Fprintln(c.out, w); err != nil {
			return err
		}
	}
	return nil
}

// complete returns, sorted, what can continue the word last after the words
// before it. names tells the metrics and labels of a server.
func complete(node *kong.Node, words []string, last string, names func(command string) []string) []string {
	var value *kong.Flag // the flag whose value comes next
	for _, w := range words {
		switch {
		case value != nil:
			value = nil
		case strings.HasPrefix(w, "-"):
			value = flagOf(node, w)
		default:
			if child := childOf(node, w); child != nil {
				node = child
			}
		}
	}
	var out []string
	switch name, _, assigned := strings.Cut(last, "="); {
	case value != nil:
		out = enumOf(value.Value)
	case assigned && strings.HasPrefix(last, "-"):
		if f := flagOf(node, name); f != nil {
			for _, v := range enumOf(f.Value) {
				out = append(out, name+"="+v)
			}
		}
	case strings.HasPrefix(last, "-"):
		for _, group := range node.AllFlags(true) {
			for _, f := range group {
				out = append(out, "--"+f.Name)
			}
		}
	case len(node.Children) > 0:
		for _, child := range node.Children {
			if !child.Hidden {
				out = append(out, child.Name)
			}
		}
	case len(node.Positional) > 0:
		if out = enumOf(node.Positional[0]); out == nil {
			out = names(node.Name)
		}
	}
	out = slices.DeleteFunc(out, func(s string) bool { return !strings.HasPrefix(s, last) })
	slices.Sort(out)
	return slices.Compact(out)
}

func childOf(node *kong.Node, name string) *kong.Node {
	for _, child := range node.Children {
		if child.Name == name {
			return child
		}
	}
	return nil
}

// flagOf returns the flag that a word names and whose value is the next word,
// or nil.
func flagOf(node *kong.Node, word string) *kong.Flag {
	for _, group := range node.AllFlags(false) {
		for _, f := range group {
			if (word == "--"+f.Name || f.Short != 0 && word == "-"+string(f.Short)) && !f.IsBool() {
				return f
			}
		}
	}
	return nil
}

func enumOf(v *kong.Value) []string {
	if v.Enum == "" {
		return nil
	}
	return slices.DeleteFunc(v.EnumSlice(), func(s string) bool { return s == "" })
}

// askNames asks the configured server for what a command's argument may be.
func askNames(command string) []string {
	ctx, cancel := context.WithTimeout(context.Background(), completeTimeout)
	defer cancel()
	cl, err := (&target{}).client()
	if err != nil {
		return nil
	}
	var list []string
	switch command {
	case "query", "series", "forecast":
		list, err = metricNames(ctx, cl, time.Now())
	case "labels":
		list, err = cl.LabelNames(ctx, query.MetaRequest{Scope: model.ScopeAll})
	}
	if err != nil { // a key that is pressed gets no error
		return nil
	}
	return list
}
