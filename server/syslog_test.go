package server

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// Messages by TCP, in both framings, and by UDP are log rows; Shutdown writes
// what was read.
func TestSyslog(t *testing.T) {
	h := startReal(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 2)
	go func() { ended <- h.srv.ServeSyslog(ln) }()
	go func() { ended <- h.srv.ServeSyslogPackets(pc) }()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	when := testNow.Add(-time.Minute).UTC().Format(time.RFC3339)
	counted := fmt.Sprintf("<11>1 %s h api - - - two", when)
	fmt.Fprintf(conn, "<14>1 %s h api - - - one\n%d %s", when, len(counted), counted)
	dgram, err := net.Dial("udp", pc.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(dgram, "<14>1 %s h api - - - three", when)
	want := []string{"one", "two", "three"}
	got := ""
	for range 100 {
		got = h.logRows(`{service_name="api"} | level=~"info|error"`)
		if strings.Count(got, ";") == len(want)-1 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	for _, w := range want {
		if !strings.Contains(got, " "+w) {
			t.Errorf("got %s, want %s in it", got, w)
		}
	}
	if !strings.Contains(got, `{"facility":"user","host":"h","level":"error","service_name":"api"}`) {
		t.Errorf("got %s", got)
	}
	conn.Close()
	dgram.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := h.srv.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}
