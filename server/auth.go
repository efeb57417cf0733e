package server

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"

	"github.com/valyala/fasthttp"
)

var errUnauthorized = &apiError{status: 401, kind: kindUnauthorized,
	msg: "unauthorized: want the token as Authorization: Bearer, Token or the password of Basic (for InfluxDB 1 clients also p=)"}

// authorized reports whether a request carries the token, in any of the forms
// that clients of the protocols use:
//
//	Authorization: Bearer TOKEN          Prometheus, Grafana, Loki
//	Authorization: Token TOKEN           InfluxDB 2
//	Authorization: Token user:TOKEN      InfluxDB 1 talking to 2
//	Authorization: Basic user:TOKEN      everything; the user name is free
//	?u=user&p=TOKEN                      InfluxDB 1 paths only
func (s *Server) authorized(h *fasthttp.RequestHeader, args *fasthttp.Args, f family) bool {
	if s.opts.Token == "" {
		return true
	}
	if s.authorizedHeader(h.Peek(fasthttp.HeaderAuthorization)) {
		return true
	}
	return f == influx && args != nil && args.Has("p") && s.isToken(args.Peek("p"))
}

func (s *Server) authorizedHeader(v []byte) bool {
	scheme, rest, ok := bytes.Cut(v, []byte(" "))
	if !ok {
		return false
	}
	rest = bytes.TrimSpace(rest)
	switch {
	case bytes.EqualFold(scheme, []byte("Bearer")):
		return s.isToken(rest)
	case bytes.EqualFold(scheme, []byte("Token")):
		if s.isToken(rest) {
			return true
		}
		_, password, ok := bytes.Cut(rest, []byte(":"))
		return ok && s.isToken(password)
	case bytes.EqualFold(scheme, []byte("Basic")):
		plain, err := base64.StdEncoding.AppendDecode(nil, rest)
		if err != nil {
			return false
		}
		_, password, ok := bytes.Cut(plain, []byte(":"))
		return ok && s.isToken(password)
	}
	return false
}

// isToken compares in a time that depends on neither the token nor its
// length, because hashes of both are compared.
func (s *Server) isToken(v []byte) bool {
	sum := sha256.Sum256(v)
	return subtle.ConstantTimeCompare(sum[:], s.tokenSum[:]) == 1
}
