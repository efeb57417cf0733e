package logpipe

import (
	"regexp"
	"strings"
)

// decolorize is the stage `| decolorize`: it removes the escape sequences of
// terminals, as ECMA-48 has them: control sequences (ESC [ … letter), operating
// system commands (ESC ] … BEL) and two-character escapes.
type decolorize struct{}

func (decolorize) readsLine() {}

var escapes = regexp.MustCompile("[\x1b\u009b][\\[\\]()#;?]*" +
	"(?:(?:[0-9A-Za-z]*(?:;[0-9A-Za-z]*)*)?\x07|(?:[0-9]{1,4}(?:;[0-9]{0,4})*)?[0-9A-PRZcf-ntqry=><~])")

func (decolorize) run(r *row) bool {
	if strings.IndexByte(r.line, 0x1b) >= 0 || strings.Contains(r.line, "\u009b") {
		r.line = escapes.ReplaceAllString(r.line, "")
	}
	return true
}
