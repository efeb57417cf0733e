//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"tidemark/bench/gen"
)

// bodies are all requests of a load, in a file.
type bodies struct {
	file    *os.File
	index   []span
	samples int64
	series  int
	metrics []string
	bytes   int64
}

type span struct {
	off, n  int64
	samples int
}

func writeBodies(ctx context.Context, path string, o *options) (*bodies, error) {
	w, err := gen.New(o.workload)
	if err != nil {
		return nil, err
	}
	b := &bodies{series: w.Samples(), metrics: w.Metrics()}
	if b.file, err = os.Create(path); err != nil {
		return nil, err
	}
	next := func(dst []byte) ([]byte, int) { return w.AppendLines(dst, o.lines) }
	if o.protocol == "remote-write" {
		r := gen.NewRemoteWriter(w)
		next = func(dst []byte) ([]byte, int) { return r.AppendRequest(dst, o.samples) }
	} else if o.protocol != "line" {
		return nil, fmt.Errorf("protocol %q: want line or remote-write", o.protocol)
	}
	out := bufio.NewWriterSize(b.file, 1<<20)
	var buf []byte
	for ctx.Err() == nil {
		var n int
		if buf, n = next(buf[:0]); n == 0 {
			break
		}
		if _, err := out.Write(buf); err != nil {
			return nil, err
		}
		b.index = append(b.index, span{b.bytes, int64(len(buf)), n})
		b.bytes += int64(len(buf))
		b.samples += int64(n)
	}
	if err := out.Flush(); err != nil {
		return nil, err
	}
	// Written now, so that it is not while a server is being measured.
	return b, b.file.Sync()
}

func (b *bodies) close() { _ = b.file.Close() }

// loaded says what a load did.
type loaded struct {
	samples int64 // acknowledged
	took    time.Duration
	retries int64
}

// load sends all bodies, in order, over a number of connections, until the end
// or until stop is closed. What is answered 429 or 503 is sent again.
func (b *bodies) load(ctx context.Context, p *process, o *options, stop <-chan struct{}) (loaded, error) {
	var next, samples, retries atomic.Int64
	path, ok := p.sys.writes[o.protocol]
	if !ok {
		return loaded{}, fmt.Errorf("no path for %s", o.protocol)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c := newClient(p.addr, o.workers)
	defer c.close()
	if p.sys.name == "influxdb" {
		if _, err := c.text(ctx, "POST", "/query?q=CREATE+DATABASE+bench"); err != nil {
			return loaded{}, err
		}
	}
	var wg sync.WaitGroup
	began := time.Now()
	for range o.workers {
		wg.Go(func() {
			var buf []byte
			for {
				select {
				case <-stop:
					return
				default:
				}
				i := next.Add(1) - 1
				if i >= int64(len(b.index)) || ctx.Err() != nil {
					return
				}
				sp := b.index[i]
				if int64(cap(buf)) < sp.n {
					buf = make([]byte, sp.n, sp.n+sp.n/4)
				}
				buf = buf[:sp.n]
				if _, err := b.file.ReadAt(buf, sp.off); err != nil {
					cancel(err)
					return
				}
				for {
					code, body, err := c.do(ctx, "POST", path, buf, o.protocol)
					if err != nil {
						cancel(fmt.Errorf("body %d: %w", i, err))
						return
					}
					if code == 429 || code == 503 {
						retries.Add(1)
						time.Sleep(100 * time.Millisecond)
						continue
					}
					if code/100 != 2 {
						cancel(fmt.Errorf("body %d: status %d: %.300s", i, code, body))
						return
					}
					break
				}
				samples.Add(int64(sp.samples))
			}
		})
	}
	wg.Wait()
	res := loaded{samples.Load(), time.Since(began), retries.Load()}
	return res, context.Cause(ctx)
}
