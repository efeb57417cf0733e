package selfmon

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/ingest"
	"tidemark/storage/model"
)

// Options configure a Monitor. The zero value of a field means its default.
type Options struct {
	// Host is the label host; default the host's name.
	Host string
	// Service is the label service of the program's own metrics and logs;
	// default "tidemark".
	Service string
	// Interval is how often figures are read; default 10 s.
	Interval time.Duration
	// Gatherer is the program's registry; default none. The labels service and
	// host are added to what it gives.
	Gatherer prometheus.Gatherer
	// MaxRecords bounds the log records that wait to be written; default
	// 4,096. Records beyond it are dropped.
	MaxRecords int
	// WriteTimeout bounds one write; default 10 s.
	WriteTimeout time.Duration
	// OnError, where set, is told of refused writes. It must not log through
	// Handler, which would feed on itself.
	OnError func(error)
	// Now is the clock; default time.Now.
	Now func() time.Time
}

// Monitor records into a sink. Handler may be used by any goroutine.
type Monitor struct {
	sink ingest.Sink
	opts Options
	host hostReader

	hostRows, ownRows *rows
	wake              chan struct{} // a record of weight arrived
	dropped           atomic.Int64

	mu      sync.Mutex // guards waiting
	waiting []record
}

// logInterval is how long log records wait for others, those of weight (which
// are written at once) excepted.
const logInterval = 2 * time.Second

// New returns a monitor that writes to sink once Run is called; log records
// are collected from the beginning.
func New(sink ingest.Sink, opts Options) *Monitor {
	if opts.Host == "" {
		opts.Host, _ = os.Hostname() // "" has its replacement below
	}
	if opts.Host == "" {
		opts.Host = "localhost"
	}
	if opts.Service == "" {
		opts.Service = "tidemark"
	}
	if opts.Interval <= 0 {
		opts.Interval = 10 * time.Second
	}
	if opts.MaxRecords <= 0 {
		opts.MaxRecords = 4096
	}
	if opts.WriteTimeout <= 0 {
		opts.WriteTimeout = 10 * time.Second
	}
	if opts.OnError == nil {
		opts.OnError = func(error) {}
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Monitor{
		sink: sink, opts: opts,
		hostRows: newRows("host", opts.Host),
		ownRows:  newRows("host", opts.Host, "service", opts.Service),
		wake:     make(chan struct{}, 1),
	}
}

// SetGatherer replaces Options.Gatherer; it must be called before Run.
func (m *Monitor) SetGatherer(g prometheus.Gatherer) { m.opts.Gatherer = g }

// Dropped returns how many log records found the buffer full.
func (m *Monitor) Dropped() int64 { return m.dropped.Load() }

// Waiting returns how many log records are not written yet.
func (m *Monitor) Waiting() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.waiting)
}

// record takes one log record, or drops it where too many wait.
func (m *Monitor) record(r record) {
	m.mu.Lock()
	full := len(m.waiting) >= m.opts.MaxRecords
	if !full {
		m.waiting = append(m.waiting, r)
	}
	m.mu.Unlock()
	if full {
		m.dropped.Add(1)
		return
	}
	if r.level >= slog.LevelWarn {
		select {
		case m.wake <- struct{}{}:
		default:
		}
	}
}

// Run reads and writes until ctx ends; then it writes the records that still
// wait, within WriteTimeout, and returns. Figures that the store refuses are
// given up; log records are kept for the next time.
func (m *Monitor) Run(ctx context.Context) {
	t := time.NewTicker(m.opts.Interval)
	defer t.Stop()
	logs := time.NewTicker(min(m.opts.Interval, logInterval))
	defer logs.Stop()
	m.figures(ctx) // shares of CPU time need a first reading
	for {
		select {
		case <-ctx.Done():
			m.logs(context.WithoutCancel(ctx))
			return
		case <-t.C:
			m.figures(ctx)
		case <-logs.C:
			m.logs(ctx)
		case <-m.wake:
			m.logs(ctx)
		}
	}
}

// figures writes one reading.
func (m *Monitor) figures(ctx context.Context) {
	var b model.Batch
	at := m.opts.Now().UnixNano()
	m.host.read(ctx, func(measurement string, labels []string, fields ...field) {
		m.hostRows.metric(&b, at, measurement, labels, fields)
	})
	if m.opts.Gatherer != nil {
		gather(m.opts.Gatherer, func(name string, labels []string, fields ...field) {
			m.ownRows.metric(&b, at, name, labels, fields)
		})
	}
	m.ownRows.metric(&b, at, "tidemark_selfmon_dropped_records_total", nil, []field{integer("value", uint64(m.dropped.Load()))})
	m.append(ctx, &b)
}

// logs writes the records that wait.
func (m *Monitor) logs(ctx context.Context) {
	m.mu.Lock()
	taken := m.waiting
	m.waiting = nil
	m.mu.Unlock()
	if len(taken) == 0 {
		return
	}
	var b model.Batch
	// The key makes the next attempt harmless if this one's answer was lost.
	b.RequestKey = "selfmon/" + m.opts.Host + "/" + strconv.FormatInt(taken[0].time, 36) + "/" + strconv.Itoa(len(taken)) + "/" + strconv.FormatInt(taken[len(taken)-1].time, 36)
	for _, r := range taken {
		b.Begin(m.ownRows.stream([]string{"level", levelName(r.level)}), logSchema, r.time)
		b.TextString(r.line)
	}
	if m.append(ctx, &b) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(taken) + len(m.waiting) - m.opts.MaxRecords; n > 0 {
		m.dropped.Add(int64(n)) // the oldest go first
		taken = taken[min(n, len(taken)):]
	}
	m.waiting = append(taken, m.waiting...)
}

// append writes a batch and reports whether the store took it.
func (m *Monitor) append(ctx context.Context, b *model.Batch) bool {
	if b.Len() == 0 {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, m.opts.WriteTimeout)
	defer cancel()
	if _, err := m.sink.Append(ctx, b); err != nil {
		if !errors.Is(err, context.Canceled) {
			m.opts.OnError(err)
		}
		return false
	}
	return true
}
