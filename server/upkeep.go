package server

import (
	"context"
	"errors"

	"tidemark/storage"
)

// Admin is what the administrative paths do to the store; *storage.DB
// satisfies it.
type Admin interface {
	// Compact merges and cleans what the store holds until nothing is left to
	// be done, and returns then.
	Compact(ctx context.Context) error
}

// admin returns the store's side of the administrative paths, or the error
// that Prometheus answers with where they are off.
func (s *Server) admin() (Admin, error) {
	if s.opts.Admin == nil {
		return nil, &apiError{status: 503, kind: kindUnavailable, msg: "admin APIs disabled: start the server with --enable-admin-api"}
	}
	return s.opts.Admin, nil
}

// adminError finds the place in HTTP of an error of the store.
func adminError(err error) error {
	at := func(status int, kind string) error {
		return &apiError{status: status, kind: kind, msg: err.Error(), cause: err}
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, storage.ErrClosed), errors.Is(err, storage.ErrReadOnly), errors.Is(err, context.Canceled):
		return at(503, kindUnavailable)
	}
	return at(500, kindInternal)
}

// handleCleanTombstones merges the store's chunks and removes what was deleted
// from disk, as Prometheus does at this path: 204 once it is done.
func (s *Server) handleCleanTombstones(c *call) error {
	a, err := s.admin()
	if err != nil {
		return err
	}
	if err := a.Compact(s.base); err != nil {
		return adminError(err)
	}
	c.ctx.SetStatusCode(204)
	return nil
}
