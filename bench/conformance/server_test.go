package conformance

import (
	"context"
	"net"
	"testing"
	"time"

	"tidemark/query"
	"tidemark/server"
)

// serve runs our server over a store and returns its address.
func serve(t *testing.T, s *Store) string {
	t.Helper()
	srv, err := server.New(server.Options{Sink: s.db, Engine: query.NewEngine(s, query.Options{})})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "http://" + ln.Addr().String()
}
