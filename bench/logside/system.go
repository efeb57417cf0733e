package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// system is a server that takes JSON lines.
type system struct {
	name, path string
	args       func(dir, addr string) []string
	ready      string
	insert     string
	merge      string
	queries    func(f *facts) []query
}

// query asks one question of one system; parse makes its answer comparable.
type query struct {
	name  string
	path  string
	parse func(body []byte) (string, error)
}

func params(path string, kv ...string) string {
	v := url.Values{}
	for i := 0; i < len(kv); i += 2 {
		v.Set(kv[i], kv[i+1])
	}
	return path + "?" + v.Encode()
}

type result struct {
	name    string
	load    usage
	merge   time.Duration // CPU time of a merge of everything
	disk    int64
	queries []answered
}

type usage struct {
	rows float64
	wall time.Duration
	cpu  time.Duration
	peak int64
}

type answered struct {
	name      string
	wall, cpu time.Duration
	answer    string
}

// measure loads, settles and asks.
func measure(ctx context.Context, o *options, s system, corpus string, f *facts) (*result, error) {
	r := &result{name: s.name}
	dir := filepath.Join(o.dir, fmt.Sprintf("%s-%d-%d", s.name, o.rows, o.seed))
	_, err := os.Stat(dir)
	loaded := o.keep && err == nil
	if !loaded {
		if err := os.RemoveAll(dir); err != nil {
			return nil, err
		}
		p, err := launch(ctx, s, dir)
		if err != nil {
			return nil, err
		}
		if err := load(ctx, o, p, corpus, f, &r.load); err != nil {
			p.kill()
			return nil, err
		}
		if err := p.stop(); err != nil {
			return nil, err
		}
	}
	p, err := launch(ctx, s, dir)
	if err != nil {
		return nil, err
	}
	defer func() { p.kill() }()
	if s.merge != "" && !loaded {
		before, err := p.cpu()
		if err != nil {
			return nil, err
		}
		if _, err := p.do(ctx, "POST", s.merge, nil); err != nil {
			return nil, err
		}
		after, err := p.cpu()
		if err != nil {
			return nil, err
		}
		r.merge = after - before
		if err := p.stop(); err != nil {
			return nil, err
		}
		if p, err = launch(ctx, s, dir); err != nil {
			return nil, err
		}
	}
	if r.disk, err = settled(ctx, dir); err != nil {
		return nil, err
	}
	for _, q := range s.queries(f) {
		if !strings.Contains(q.name, o.only) {
			continue
		}
		a, err := p.ask(ctx, q, o.repeats)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", q.name, err)
		}
		r.queries = append(r.queries, a)
	}
	if err := p.stop(); err != nil {
		return nil, err
	}
	if !o.keep {
		return r, os.RemoveAll(dir)
	}
	return r, nil
}

// settled waits until the size of a folder no longer changes.
func settled(ctx context.Context, dir string) (int64, error) {
	last, same := int64(-1), 0
	for same < 5 {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(time.Second):
		}
		size := int64(0)
		err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || d.IsDir() {
				return err
			}
			info, err := d.Info()
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err == nil {
				size += info.Size()
			}
			return err
		})
		if err != nil {
			return 0, err
		}
		if size == last {
			same++
		} else {
			last, same = size, 0
		}
	}
	return last, nil
}

// process is a running server.
type process struct {
	sys  system
	addr string
	cmd  *exec.Cmd
	done chan error
	http http.Client
}

func launch(ctx context.Context, s system, dir string) (*process, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &process{sys: s, addr: ln.Addr().String(), done: make(chan error, 1)}
	if err := ln.Close(); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(dir+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	p.cmd = exec.Command(s.path, s.args(dir, p.addr)...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	go func() {
		p.done <- errors.Join(p.cmd.Wait(), log.Close())
	}()
	for began := time.Now(); ; {
		if _, err := p.get(ctx, s.ready); err == nil {
			return p, nil
		}
		select {
		case err := <-p.done:
			return nil, fmt.Errorf("ended at its start: %w", err)
		case <-ctx.Done():
			p.kill()
			return nil, ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
		if time.Since(began) > 2*time.Minute {
			p.kill()
			return nil, fmt.Errorf("no answer from %s", s.ready)
		}
	}
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	select {
	case <-p.done:
	case <-time.After(time.Second):
	}
}

func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	err := <-p.done
	p.done <- nil
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}

// errBusy is an answer that asks to come back, as writers then do.
var errBusy = errors.New("busy")

func (p *process) get(ctx context.Context, path string) ([]byte, error) {
	return p.do(ctx, "GET", path, nil)
}

func (p *process) do(ctx context.Context, method, path string, body io.Reader) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+p.addr+path, body)
	if err != nil {
		return nil, err
	}
	resp, err := p.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode == http.StatusServiceUnavailable {
		err = fmt.Errorf("%w: %s", errBusy, short(string(b)))
	}
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("%s: %s: %s", path, resp.Status, short(string(b)))
	}
	return b, err
}

// cpu is the CPU time that the process has taken so far; clock_getcpuclockid(3).
func (p *process) cpu() (time.Duration, error) {
	const schedClock = 2
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^p.cmd.Process.Pid<<3|schedClock), &ts); err != nil {
		return 0, err
	}
	return time.Duration(ts.Nano()), nil
}

// peak is the largest resident size so far.
func (p *process) peak() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("no VmHWM")
}

// load sends the corpus and counts the CPU time of the server until it has
// nothing more to do at once.
func load(ctx context.Context, o *options, p *process, corpus string, f *facts, u *usage) error {
	file, err := os.Open(corpus)
	if err != nil {
		return err
	}
	defer file.Close()
	before, err := p.cpu()
	if err != nil {
		return err
	}
	began := time.Now()
	var next atomic.Int64
	errs := make([]error, o.workers)
	var wg sync.WaitGroup
	for w := range o.workers {
		wg.Go(func() {
			for errs[w] == nil {
				i := int(next.Add(1)) - 1
				if i >= len(f.bodies) {
					return
				}
				from := int64(0)
				if i > 0 {
					from = f.bodies[i-1]
				}
				for errs[w] = errBusy; errors.Is(errs[w], errBusy); {
					_, errs[w] = p.do(ctx, "POST", p.sys.insert, io.NewSectionReader(file, from, f.bodies[i]-from))
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	u.wall = time.Since(began)
	// What was only put off belongs to the load: wait until the server rests.
	last := before
	for rest := 0; rest < 3; {
		time.Sleep(time.Second)
		now, err := p.cpu()
		if err != nil {
			return err
		}
		if now-last < 50*time.Millisecond {
			rest++
		} else {
			rest = 0
		}
		last = now
	}
	u.rows, u.cpu = float64(o.rows), last-before
	u.peak, err = p.peak()
	return err
}

// ask asks a query several times; the first answers warm up and are not counted.
func (p *process) ask(ctx context.Context, q query, repeats int) (answered, error) {
	a := answered{name: q.name}
	var body []byte
	var err error
	for range 2 {
		if body, err = p.get(ctx, q.path); err != nil {
			return a, err
		}
	}
	if a.answer, err = q.parse(body); err != nil {
		return a, fmt.Errorf("answer %s: %w", short(string(body)), err)
	}
	before, err := p.cpu()
	if err != nil {
		return a, err
	}
	var walls []time.Duration
	for range repeats {
		began := time.Now()
		if _, err := p.get(ctx, q.path); err != nil {
			return a, err
		}
		walls = append(walls, time.Since(began))
	}
	after, err := p.cpu()
	if err != nil {
		return a, err
	}
	slices.Sort(walls)
	a.wall, a.cpu = walls[len(walls)/2], (after-before)/time.Duration(repeats)
	return a, nil
}
