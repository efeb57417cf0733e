package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"
)

// watch shows something again and again until ctx ends. On a terminal each
// picture replaces the one before; elsewhere each has a line with its time.
// An error is shown and tried again, unless it is the first: a server that
// restarts does not end a watch.
func watch(ctx context.Context, c *console, every time.Duration, show func(*console) error) error {
	if every < 100*time.Millisecond {
		return usage("--watch %s: want 100ms or more", every)
	}
	terminal := isTerminal(c.out)
	for n := 0; ; n++ {
		var out, errs bytes.Buffer
		picture := &console{in: c.in, out: &sizedLike{&out, c.out}, err: &errs}
		err := show(picture)
		switch {
		case ctx.Err() != nil:
			return nil // the way to end a watch
		case err != nil && n == 0:
			_, _ = c.err.Write(errs.Bytes()) // what the query's error says of its place
			return err
		case err != nil:
			fmt.Fprintf(&out, "%v\n", err)
		}
		now := time.Now().UTC().Format("2006-01-02 15:04:05")
		var screen bytes.Buffer
		if terminal {
			screen.WriteString("\x1b[H\x1b[2J") // the top left corner; clear
		}
		fmt.Fprintf(&screen, "%s UTC, every %s\n", now, every)
		screen.Write(errs.Bytes())
		screen.Write(out.Bytes())
		if _, err := c.out.Write(screen.Bytes()); err != nil {
			return err
		}
		if sleep(ctx, every) != nil {
			return nil
		}
	}
}

// sizedLike is a buffer that stands for a terminal: what is written is sized
// and coloured for that.
type sizedLike struct {
	io.Writer
	like io.Writer
}
