package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	if b, ok := w.(*sizedLike); ok {
		w = b.like
	}
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// terminalSize returns the size of the terminal that w is, or zeros.
func terminalSize(w io.Writer) (width, height int) {
	if b, ok := w.(*sizedLike); ok {
		w = b.like
	}
	if f, ok := w.(*os.File); ok {
		if width, height, err := term.GetSize(int(f.Fd())); err == nil {
			return width, height
		}
	}
	return 0, 0
}

// progress shows how far something long has come: a bar on a terminal, a line
// every few seconds elsewhere. It may be used by several goroutines.
type progress struct {
	mu     sync.Mutex
	w      io.Writer
	what   string
	bytes  bool // the amounts are bytes
	note   string
	bar    *progressbar.ProgressBar
	total  int64
	begun  time.Time
	told   time.Time
	silent bool // nothing was shown yet
}

// progressEvery is the distance of the lines where there is no terminal, and
// progressAfter how long something may take without being shown at all.
const (
	progressEvery = 5 * time.Second
	progressAfter = 500 * time.Millisecond
)

func newProgress(w io.Writer, what string, bytes bool) *progress {
	now := time.Now()
	return &progress{w: w, what: what, bytes: bytes, begun: now, told: now, silent: true}
}

// set shows that done of total is reached; total may be 0, unknown.
func (p *progress) set(done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.silent && now.Sub(p.begun) < progressAfter {
		return
	}
	if !isTerminal(p.w) {
		if p.silent || now.Sub(p.told) >= progressEvery {
			p.silent, p.told = false, now
			p.line(done, total)
		}
		return
	}
	if p.bar == nil || p.total != total {
		p.silent, p.total = false, total
		if total <= 0 {
			total = -1
		}
		p.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(p.w), progressbar.OptionSetDescription(p.what),
			progressbar.OptionShowBytes(p.bytes), progressbar.OptionSetWidth(30),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetPredictTime(true))
	}
	if p.note != "" {
		p.bar.Describe(p.what + " (" + p.note + ")")
	}
	_ = p.bar.Set64(done) // a bar that cannot be drawn is no reason to stop
}

// annotate adds a few words, such as a count of rows.
func (p *progress) annotate(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note = fmt.Sprintf(format, args...)
}

// line prints one plain line.
func (p *progress) line(done, total int64) {
	note := ""
	if p.note != "" {
		note = ", " + p.note
	}
	switch {
	case total > 0:
		fmt.Fprintf(p.w, "%s: %d%%%s\n", p.what, 100*done/total, note)
	case p.bytes:
		fmt.Fprintf(p.w, "%s: %.1f MiB%s\n", p.what, float64(done)/(1<<20), note)
	default:
		fmt.Fprintf(p.w, "%s: %d%s\n", p.what, done, note)
	}
}

// end removes the bar.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
