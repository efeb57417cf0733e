//go:build linux

package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestEachAnswerFollowsASync traces the program's system calls while it is
// given one write after the other: between the request's arrival and its
// answer there must be a sync of the write-ahead log that began after the
// former and succeeded before the latter. Killing the process (see
// TestAcknowledgedWritesSurviveKill) shows less: the page cache survives that.
func TestEachAnswerFollowsASync(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed: ", err)
	}
	dir := t.TempDir()
	s := start(t, filepath.Join(dir, "data"), "--no-self")
	out := filepath.Join(dir, "trace")
	trace := exec.Command(strace, "-f", "-y", "-s", "40", "-e", "trace=read,write,writev,fsync,fdatasync", "-o", out, "-p", strconv.Itoa(s.cmd.Process.Pid))
	stderr, err := trace.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := trace.Start(); err != nil {
		t.Fatal(err)
	}
	messages := bufio.NewScanner(stderr)
	attached := false
	for !attached && messages.Scan() {
		switch line := messages.Text(); {
		case strings.Contains(line, "attached"):
			attached = true
		case strings.Contains(line, "not permitted"):
			_ = trace.Wait()
			t.Skip("this machine forbids tracing: ", line)
		}
	}
	if !attached {
		t.Fatalf("strace did not attach: %v", trace.Wait())
	}
	go func() {
		for messages.Scan() { // so that it never waits for us
		}
	}()
	const writes = 12
	for i := range writes {
		s.write(fmt.Sprintf("traced,n=%d v=%d", i, i))
	}
	_ = trace.Process.Signal(os.Interrupt) // it detaches
	done := make(chan error, 1)
	go func() { done <- trace.Wait() }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		_ = trace.Process.Kill()
		t.Fatal("strace did not end")
	}
	s.stop()

	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := checkSyncs(string(text)); err != nil || n != writes {
		t.Errorf("%d answers follow a sync, want %d; %v\n%s", n, writes, err, text)
	}
}

var traceLine = regexp.MustCompile(`^(\d+) +(?:<\.\.\. (\w+) resumed>|(\w+)\()(.*)$`)

// checkSyncs reads a trace of serial writes and returns how many answers of
// 204 follow a sync of the log as they must; the error says which does not.
func checkSyncs(trace string) (answers int, err error) {
	const (
		waiting = iota // for a request
		arrived
		synced
	)
	state := waiting
	syncing := map[string]bool{} // threads in a sync of the log that began after the request
	for line := range strings.Lines(trace) {
		m := traceLine.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil {
			continue
		}
		thread, call, rest := m[1], m[2]+m[3], m[4]
		begins, ends := m[3] != "", !strings.Contains(rest, "<unfinished")
		switch call {
		case "read":
			if ends && strings.Contains(rest, `"POST /write`) {
				state = arrived
				clear(syncing)
			}
		case "fsync", "fdatasync":
			if begins {
				syncing[thread] = strings.Contains(rest, ".wal>")
			}
			if ends && syncing[thread] && strings.Contains(rest, "= 0") && state == arrived {
				state = synced
			}
			if ends {
				delete(syncing, thread)
			}
		case "write", "writev":
			if begins && strings.Contains(rest, "HTTP/1.1 204") {
				if state != synced {
					return answers, fmt.Errorf("an answer before its sync: %s", line)
				}
				state = waiting
				answers++
			}
		}
	}
	return answers, nil
}

// TestCheckSyncs holds the checker to traces in which the order is wrong.
func TestCheckSyncs(t *testing.T) {
	const (
		request = "1 read(7<socket:[1]>, \"POST /write HTTP/1.1\\r\\n\"..., 4096) = 130\n"
		answer  = "1 write(7<socket:[1]>, \"HTTP/1.1 204 No Content\\r\\n\"..., 90) = 90\n"
		sync    = "2 fdatasync(9</d/wal/00000000000000000001.wal>) = 0\n"
		begin   = "2 fdatasync(9</d/wal/00000000000000000001.wal> <unfinished ...>\n"
		end     = "2 <... fdatasync resumed>)       = 0\n"
		failed  = "2 fdatasync(9</d/wal/00000000000000000001.wal>) = -1 EIO (Input/output error)\n"
		other   = "2 fdatasync(9</d/index/000001.log>) = 0\n"
	)
	for _, c := range []struct {
		trace string
		n     int
		ok    bool
	}{
		{request + sync + answer + request + begin + end + answer, 2, true},
		{request + answer, 0, false},
		{sync + request + answer, 0, false},
		{begin + request + end + answer, 0, false},
		{request + failed + answer, 0, false},
		{request + other + answer, 0, false},
		{request + begin + answer + end, 0, false},
		{request + sync + answer + answer, 1, false},
	} {
		if n, err := checkSyncs(c.trace); n != c.n || (err == nil) != c.ok {
			t.Errorf("%d answers, %v, want %d and ok %v:\n%s", n, err, c.n, c.ok, c.trace)
		}
	}
}
