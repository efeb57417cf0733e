//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is a server that was started here.
type process struct {
	sys     system
	dir     string
	addr    string
	cmd     *exec.Cmd
	log     *os.File
	done    chan error
	started time.Duration // from exec to the first answer
}

// start starts a system on a folder and waits until it answers.
func start(ctx context.Context, s system, dir string) (*process, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	if s.prepare != nil {
		if err := s.prepare(dir, addr); err != nil {
			return nil, err
		}
	}
	p := &process{sys: s, dir: dir, addr: addr, done: make(chan error, 1)}
	if p.log, err = os.OpenFile(dir+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644); err != nil {
		return nil, err
	}
	p.cmd = exec.Command(s.path, s.args(dir, addr)...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	// A server must not outlive this program.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(err, p.log.Close())
	}
	go func() { p.done <- p.cmd.Wait() }()
	c := newClient(addr, 1)
	defer c.close()
	for {
		if code, _, err := c.do(ctx, "GET", s.ready, nil, ""); err == nil && code/100 == 2 {
			p.started = time.Since(began)
			return p, nil
		}
		select {
		case err := <-p.done:
			return nil, fmt.Errorf("ended at its start (%v): %s", err, tail(dir+".log"))
		case <-ctx.Done():
			p.kill()
			return nil, ctx.Err()
		case <-time.After(2 * time.Millisecond):
		}
		if time.Since(began) > 5*time.Minute {
			p.kill()
			return nil, fmt.Errorf("does not answer %s: %s", s.ready, tail(dir+".log"))
		}
	}
}

func freeAddr() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}

func tail(path string) string {
	b, _ := os.ReadFile(path)
	return string(b[max(0, len(b)-2000):])
}

// kill ends the process at once.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
	_ = p.log.Close()
}

// stop ends the process cleanly and returns the CPU time of its whole life.
func (p *process) stop() (cpu time.Duration, err error) {
	defer func() { _ = p.log.Close() }()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, err
	}
	select {
	case err := <-p.done:
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			return 0, err
		}
	case <-time.After(5 * time.Minute):
		p.cmd.Process.Kill()
		<-p.done
		return 0, errors.New("did not end within 5 minutes of SIGTERM")
	}
	return p.cmd.ProcessState.SystemTime() + p.cmd.ProcessState.UserTime(), nil
}

// usage is what a process took so far.
type usage struct {
	cpu  time.Duration
	peak int64 // resident bytes at most
}

func (p *process) usage() (usage, error) {
	var u usage
	// The clock of another process's CPU time; clock_getcpuclockid(3).
	const schedClock = 2
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^p.cmd.Process.Pid<<3|schedClock), &ts); err != nil {
		return u, fmt.Errorf("CPU time of process %d: %w", p.cmd.Process.Pid, err)
	}
	u.cpu = time.Duration(ts.Nano())
	proc := fmt.Sprintf("/proc/%d/", p.cmd.Process.Pid)
	status, err := os.ReadFile(proc + "status")
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				return u, err
			}
			u.peak = kib << 10
		}
	}
	return u, nil
}

// diskBytes is what a folder takes on disk, but for some parts of it.
func diskBytes(dir string, besides []string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if rel, _ := filepath.Rel(dir, path); slices.Contains(besides, rel) {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		sum += info.Sys().(*syscall.Stat_t).Blocks * 512
		return nil
	})
	return sum, err
}
