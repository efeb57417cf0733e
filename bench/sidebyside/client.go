//go:build linux

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/valyala/fasthttp"
)

// client sends requests to one server over kept connections. It costs little
// beside the server, which shares the processors with it.
type client struct {
	http *fasthttp.HostClient
}

func newClient(addr string, conns int) *client {
	return &client{&fasthttp.HostClient{
		Addr: addr, MaxConns: conns, MaxConnWaitTimeout: time.Minute,
		ReadTimeout: 5 * time.Minute, WriteTimeout: 5 * time.Minute, MaxIdleConnDuration: time.Minute,
		ReadBufferSize: 64 << 10, WriteBufferSize: 64 << 10,
		// A write that is sent twice would count twice.
		RetryIfErr: func(*fasthttp.Request, int, error) (bool, bool) { return false, false },
	}}
}

func (c *client) close() { c.http.CloseIdleConnections() }

// do sends a request and returns the status and a copy of the body.
func (c *client) do(ctx context.Context, method, path string, body []byte, protocol string) (int, []byte, error) {
	if err := ctx.Err(); err != nil {
		return 0, nil, err
	}
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.SetRequestURI("http://" + c.http.Addr + path)
	req.Header.SetMethod(method)
	if body != nil {
		req.SetBodyRaw(body)
	}
	if protocol == "remote-write" {
		req.Header.Set("Content-Type", "application/x-protobuf")
		req.Header.Set("Content-Encoding", "snappy")
		req.Header.Set("X-Prometheus-Remote-Write-Version", "0.1.0")
	}
	if err := c.http.Do(req, resp); err != nil {
		return 0, nil, err
	}
	return resp.StatusCode(), append([]byte(nil), resp.Body()...), nil
}

// get expects success.
func (c *client) get(ctx context.Context, path string) error {
	_, err := c.text(ctx, "GET", path)
	return err
}

func (c *client) text(ctx context.Context, method, path string) ([]byte, error) {
	code, body, err := c.do(ctx, method, path, nil, "")
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if code/100 != 2 {
		return nil, fmt.Errorf("%s %s: status %d: %.300s", method, path, code, body)
	}
	return body, nil
}
