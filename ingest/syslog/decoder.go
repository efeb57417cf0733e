package syslog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	gosyslog "github.com/leodido/go-syslog/v4"
	"github.com/leodido/go-syslog/v4/rfc3164"
	"github.com/leodido/go-syslog/v4/rfc5424"

	"tidemark/ingest"
	"tidemark/ingest/internal/gencache"
	"tidemark/storage/model"
)

// Options configure a Decoder. The zero value means the defaults.
type Options struct {
	ingest.Options
	// CacheBytes bounds the memory of the cache of streams. Default 16 MiB.
	CacheBytes int
}

const defaultCacheBytes = 16 << 20

// Params are what is known of a message beside its bytes.
type Params struct {
	// Peer is the sender's address.
	Peer string
	// Now is the time of reception, in nanoseconds.
	Now int64
	// MinTime is the oldest time accepted, in nanoseconds. Zero means no bound.
	MinTime int64
}

// Decoder decodes messages. It is safe for concurrent use.
type Decoder struct {
	opts    Options
	streams *gencache.Cache[*model.Stream]
	layouts *gencache.Cache[*ingest.Layout]
	readers sync.Pool
}

// reader has the parsers, which belong to one goroutine, and scratch memory.
type reader struct {
	now    time.Time
	new    gosyslog.Machine // RFC 5424
	old    gosyslog.Machine // RFC 3164
	names  []ingest.Field
	values ingest.Values
	key    []byte
}

// NewDecoder returns a decoder; the error names every invalid option.
func NewDecoder(opts Options) (*Decoder, error) {
	if err := opts.Validate(); err != nil {
		return nil, fmt.Errorf("syslog options: %w", err)
	}
	if opts.CacheBytes < 0 {
		return nil, fmt.Errorf("syslog options: CacheBytes %d: want 0 (default) or more", opts.CacheBytes)
	}
	if opts.CacheBytes == 0 {
		opts.CacheBytes = defaultCacheBytes
	}
	opts.Options = opts.WithDefaults()
	d := &Decoder{opts: opts, streams: gencache.New[*model.Stream](int64(opts.CacheBytes)), layouts: gencache.New[*ingest.Layout](int64(opts.CacheBytes / 4))}
	d.readers.New = func() any {
		r := &reader{}
		r.new = rfc5424.NewParser(rfc5424.WithBestEffort())
		r.old = rfc3164.NewParser(rfc3164.WithBestEffort(), rfc3164.WithTimezone(time.UTC), rfc3164.WithRFC3339(), rfc3164.WithLenientDay())
		return r
	}
	return d, nil
}

// MaxLineBytes is the limit that a Scanner should have.
func (d *Decoder) MaxLineBytes() int { return d.opts.Limits.MaxLineBytes }

// message is what is read of a message, of either form.
type message struct {
	at       time.Time
	priority int // -1: none
	host     string
	app      string
	fields   []pair
	line     string
}

type pair struct{ name, value string }

var facilities = [...]string{"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp", "audit", "alert", "clock",
	"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"}

var severities = [...]string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}

// levels are the severities as other sources write them.
var levels = [...]string{"fatal", "fatal", "critical", "error", "warn", "info", "info", "debug"}

// unexplained is the priority of a message that has none: user.notice.
const unexplained = 13

// Decode adds a message to b. The error names why it is refused; it is then not
// added. msg is not kept.
func (d *Decoder) Decode(msg []byte, p Params, b *model.Batch) error {
	r := d.readers.Get().(*reader)
	defer d.readers.Put(r)
	r.now = time.Unix(0, p.Now).UTC()
	m := r.read(msg)
	if m.host == "" || m.host == "-" {
		m.host = p.Peer
	}
	at := p.Now
	if !m.at.IsZero() {
		if m.at.Before(time.Unix(0, math.MinInt64)) || m.at.After(time.Unix(0, math.MaxInt64)) {
			return fmt.Errorf("time %s is beyond the years 1677 to 2262", m.at.Format(time.RFC3339))
		}
		at = m.at.UnixNano()
	}
	if reason := d.opts.CheckLogTime(at, p.Now); reason != "" {
		return errors.New(reason)
	}
	switch {
	case p.MinTime != 0 && at < p.MinTime:
		return fmt.Errorf("time %s is too old: want at least %s", time.Unix(0, at).UTC().Format(time.RFC3339), time.Unix(0, p.MinTime).UTC().Format(time.RFC3339))
	case len(msg) > d.opts.Limits.MaxLineBytes:
		return fmt.Errorf("message has %d bytes: want at most %d (MaxLineBytes)", len(msg), d.opts.Limits.MaxLineBytes)
	case len(m.fields)+2 > d.opts.Limits.MaxColumns:
		return fmt.Errorf("message has %d fields: want at most %d (MaxColumns)", len(m.fields)+2, d.opts.Limits.MaxColumns)
	}
	if m.priority < 0 {
		m.priority = unexplained
	}
	severity := m.priority & 7
	m.fields = append(m.fields, pair{"level", levels[severity]}, pair{"severity", severities[severity]})
	st, err := d.stream(r, &m)
	if err != nil {
		return err
	}
	l, err := d.layout(r, &m)
	if err != nil {
		return err
	}
	r.values.Reset()
	r.values.Text([]byte(m.line))
	for _, f := range m.fields {
		r.values.Text([]byte(f.value))
	}
	l.Append(b, st, at, &r.values)
	r.values.Forget()
	return nil
}

// read reads a message in the form that it has.
func (r *reader) read(msg []byte) message {
	if isNew(msg) {
		if parsed, _ := r.new.Parse(msg); parsed != nil {
			if n, ok := parsed.(*rfc5424.SyslogMessage); ok && n.Priority != nil {
				m := base(&n.Base)
				if n.StructuredData != nil {
					m.structured(*n.StructuredData)
				}
				return m
			}
		}
	}
	if bytes.HasPrefix(msg, []byte("<")) {
		if parsed, _ := r.old.Parse(msg); parsed != nil {
			if o, ok := parsed.(*rfc3164.SyslogMessage); ok && o.Priority != nil && o.Message != nil {
				m := base(&o.Base)
				m.at = nearest(m.at, r.now)
				return m
			}
		}
	}
	line, priority := msg, -1
	if end := bytes.IndexByte(msg, '>'); bytes.HasPrefix(msg, []byte("<")) && end > 1 && end < 5 {
		if n, err := strconv.ParseUint(string(msg[1:end]), 10, 8); err == nil && n < 192 {
			line, priority = msg[end+1:], int(n)
		}
	}
	return message{priority: priority, line: string(line)}
}

// isNew reports whether a message has the version of RFC 5424 behind its
// priority.
func isNew(msg []byte) bool {
	end := bytes.IndexByte(msg[:min(len(msg), 5)], '>')
	rest := msg[end+1:]
	n := 0
	for n < len(rest) && n < 3 && rest[n] >= '0' && rest[n] <= '9' {
		n++
	}
	return end > 1 && n > 0 && rest[0] != '0' && n < len(rest) && rest[n] == ' '
}

func base(n *gosyslog.Base) message {
	m := message{priority: -1}
	text := func(p *string) string {
		if p == nil {
			return ""
		}
		return *p
	}
	if n.Priority != nil {
		m.priority = int(*n.Priority)
	}
	if n.Timestamp != nil {
		m.at = *n.Timestamp
	}
	m.host, m.app, m.line = text(n.Hostname), text(n.Appname), strings.TrimPrefix(text(n.Message), "\ufeff")
	if v := text(n.ProcID); v != "" {
		m.fields = append(m.fields, pair{"proc_id", v})
	}
	if v := text(n.MsgID); v != "" {
		m.fields = append(m.fields, pair{"msg_id", v})
	}
	return m
}

// structured adds structured data in the order of names, so that equal ones
// have one layout.
func (m *message) structured(data map[string]map[string]string) {
	at := len(m.fields)
	for id, params := range data {
		for name, value := range params {
			if value != "" {
				m.fields = append(m.fields, pair{ingest.LabelName(id + "_" + name), value})
			}
		}
	}
	sort.Slice(m.fields[at:], func(i, j int) bool { return m.fields[at+i].name < m.fields[at+j].name })
	m.fields = slices.CompactFunc(m.fields, func(a, b pair) bool { return a.name == b.name })
}

// nearest gives a time without a year the one that brings it nearest to now.
func nearest(t, now time.Time) time.Time {
	if t.Year() != 0 {
		return t
	}
	t = t.AddDate(now.Year(), 0, 0)
	switch {
	case t.Sub(now) > 182*24*time.Hour:
		return t.AddDate(-1, 0, 0)
	case now.Sub(t) > 182*24*time.Hour:
		return t.AddDate(1, 0, 0)
	}
	return t
}

// stream returns the stream of a message.
func (d *Decoder) stream(r *reader, m *message) (*model.Stream, error) {
	if m.app == "" {
		m.app = "unknown_service"
	}
	facility := facilities[min(m.priority>>3, len(facilities)-1)]
	r.key = r.key[:0]
	for _, v := range []string{m.host, m.app, facility} {
		r.key = append(binary.AppendUvarint(r.key, uint64(len(v))), v...)
	}
	if st, ok := d.streams.Get(r.key); ok {
		return st, nil
	}
	ls := model.NewLabels(model.Label{Name: "host", Value: m.host}, model.Label{Name: "service_name", Value: m.app}, model.Label{Name: "facility", Value: facility})
	for _, l := range ls {
		if reason := d.opts.CheckLogLabel(l.Name, l.Value); reason != "" {
			return nil, fmt.Errorf("%s", reason)
		}
	}
	return d.streams.Put(r.key, d.opts.NewLogStream("", "", ls), int64(2*len(r.key))+300), nil
}

func (d *Decoder) layout(r *reader, m *message) (*ingest.Layout, error) {
	r.key = r.key[:0]
	for _, f := range m.fields {
		r.key = append(binary.AppendUvarint(r.key, uint64(len(f.name))), f.name...)
	}
	if l, ok := d.layouts.Get(r.key); ok {
		return l, nil
	}
	r.names = append(r.names[:0], ingest.Field{Name: model.LineField, Type: model.TypeText})
	for _, f := range m.fields {
		if reason := d.opts.CheckLogField(f.name); reason != "" {
			return nil, fmt.Errorf("%s", reason)
		}
		r.names = append(r.names, ingest.Field{Name: f.name, Type: model.TypeText})
	}
	return d.layouts.Put(r.key, d.opts.NewLogLayout(r.names, 0, nil), int64(3*len(r.key))+120*int64(len(r.names))+200), nil
}
