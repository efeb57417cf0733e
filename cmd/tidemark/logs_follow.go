package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/fasthttp/websocket"

	"tidemark/cmd/tidemark/internal/render"
	"tidemark/query"
)

// maxTailMessage bounds one message of a server that is followed.
const maxTailMessage = 64 << 20

// follow prints the rows since start and then every row as it arrives, until
// ctx ends. A connection that breaks is made anew, from where it broke.
func (l *logsCommand) follow(ctx context.Context, c *console, start time.Time) error {
	if l.Data != "" {
		return usage("--follow needs a server: nobody writes to a folder that this command has open")
	}
	if l.Output == "chart" || l.Output == "csv" {
		return usage("--follow prints as table or json")
	}
	cl, err := l.client()
	if err != nil {
		return err
	}
	f := &follower{logsCommand: l, console: c, client: cl, start: start, limit: l.Limit}
	for attempt := 0; ; attempt++ {
		begun, shown := time.Now(), f.shown
		err := f.tail(ctx)
		var told *toldError
		switch {
		case ctx.Err() != nil:
			return nil // Ctrl-C is how following ends
		case attempt == 0 && f.shown == 0 && time.Since(begun) < time.Second, errors.As(err, &told):
			return err // it never began
		case f.shown > shown:
			attempt = 0
		}
		wait := backoff(min(attempt, 6), 0)
		fmt.Fprintf(c.err, "following was interrupted (%v); trying again in %s\n", err, wait.Round(time.Millisecond))
		if sleep(ctx, wait) != nil {
			return nil
		}
	}
}

// maxTailLimit is how many rows are fetched that came while the connection was
// broken.
const maxTailLimit = 5000

// follower follows over as many connections as it takes.
type follower struct {
	*logsCommand
	console *console
	client  *client

	start time.Time // where the next connection begins: at the newest row
	limit int
	shown int
	// latest are the rows at start, which the next connection tells again.
	latest map[string]bool
}

// tail follows by one connection until that breaks.
func (f *follower) tail(ctx context.Context) error {
	cl := f.client
	form := url.Values{"query": {f.Expr}, "start": {strconv.FormatInt(f.start.UnixNano(), 10)}, "limit": {strconv.Itoa(f.limit)}}
	header := http.Header{}
	if cl.token != "" {
		header.Set("Authorization", "Bearer "+cl.token)
	}
	dialer := websocket.Dialer{HandshakeTimeout: 10 * time.Second, Proxy: http.ProxyFromEnvironment, TLSClientConfig: cl.tls()}
	conn, resp, err := dialer.DialContext(ctx, "ws"+strings.TrimPrefix(cl.base, "http")+"/loki/api/v1/tail?"+form.Encode(), header)
	if err != nil {
		return f.refused(resp, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	conn.SetReadLimit(maxTailMessage)
	for {
		_, msg, err := conn.ReadMessage()
		if err != nil {
			return err
		}
		var m struct {
			Streams []wireStream
			Dropped []json.RawMessage `json:"dropped_entries"`
		}
		if err := json.Unmarshal(msg, &m); err != nil {
			return fmt.Errorf("a message of %s: %w", cl.base, err)
		}
		if len(m.Dropped) > 0 {
			fmt.Fprintf(f.console.err, "%d rows came faster than they could be shown, and were left out\n", len(m.Dropped))
		}
		for i := range m.Streams {
			st, err := m.Streams[i].decode()
			if err != nil {
				return err
			}
			if err := f.show(&st); err != nil {
				return &toldError{err} // nobody reads on
			}
		}
	}
}

// refused explains why a connection was not made.
func (f *follower) refused(resp *http.Response, err error) error {
	switch {
	case resp == nil:
		return f.client.explain(err)
	case resp.StatusCode == http.StatusUnauthorized:
		return f.client.unauthorized()
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 4096)) // as far as it came
	return showQueryError(f.console.err, f.Expr, f.client.queryError(resp, body))
}

// show prints the rows that were not printed yet.
func (f *follower) show(st *query.Stream) error {
	fresh := query.Stream{Labels: st.Labels}
	for _, e := range st.Entries {
		t, id := time.Unix(0, e.T), st.Labels.Key()+"\x00"+e.Line
		switch {
		case t.Equal(f.start) && f.latest[id]:
			continue
		case t.After(f.start):
			f.start, f.latest, f.limit = t, map[string]bool{}, maxTailLimit
		}
		if t.Equal(f.start) && f.latest != nil {
			f.latest[id] = true
		}
		fresh.Entries = append(fresh.Entries, e)
	}
	f.shown += len(fresh.Entries)
	if f.Output == "json" {
		return writeJSONRows(f.console.out, &fresh)
	}
	return render.WriteRows(f.console.out, &fresh)
}

// writeJSONRows prints each row as a line of JSON.
func writeJSONRows(w io.Writer, st *query.Stream) error {
	for _, e := range st.Entries {
		b, err := json.Marshal(struct {
			Time   string            `json:"time"`
			Stream map[string]string `json:"stream"`
			Line   string            `json:"line"`
		}{time.Unix(0, e.T).UTC().Format(time.RFC3339Nano), st.Labels.Map(), e.Line})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s\n", b); err != nil {
			return err
		}
	}
	return nil
}

// tls is how the client checks certificates, or nil.
func (c *client) tls() *tls.Config {
	if t, ok := c.http.Transport.(*http.Transport); ok && t.TLSClientConfig != nil {
		return t.TLSClientConfig.Clone()
	}
	return nil
}
