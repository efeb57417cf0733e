package server

import (
	"context"
	"errors"
	"math"
	"strconv"

	"tidemark/query/parse"
	"tidemark/storage"
	"tidemark/storage/model"
)

// Admin is what the administrative paths do to the store; *storage.DB
// satisfies it.
type Admin interface {
	// Compact merges and cleans what the store holds until nothing is left to
	// be done, and returns then.
	Compact(ctx context.Context) error
	// Delete hides what was written until now and matches.
	Delete(ctx context.Context, d model.Deletion) error
	// Snapshot copies the store as of now to snapshots/<name> in its folder.
	Snapshot(ctx context.Context) (name string, err error)
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
	case errors.Is(err, storage.ErrInvalid):
		return at(400, kindBadData)
	case errors.Is(err, storage.ErrClosed), errors.Is(err, storage.ErrFull), errors.Is(err, storage.ErrReadOnly), errors.Is(err, context.Canceled):
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

// handleDeleteSeries deletes samples of the series that match[] selects, as
// Prometheus does at this path; numbers within log rows stay with their rows.
func (s *Server) handleDeleteSeries(c *call) error {
	return s.delete(c, "match[]", model.ScopeMetrics)
}

// handleLokiDelete deletes the log rows of the streams that query selects, as
// Loki does at this path; a line filter is refused, for rows are deleted by
// stream and time.
func (s *Server) handleLokiDelete(c *call) error { return s.delete(c, "query", model.ScopeLogs) }

func (s *Server) delete(c *call, param string, scope model.Scope) error {
	a, err := s.admin()
	if err != nil {
		return err
	}
	d := model.Deletion{Scope: scope}
	texts := c.params.all(param)
	if len(texts) == 0 {
		return &apiError{status: 400, kind: kindBadData, msg: "no " + param + " parameter provided"}
	}
	for _, text := range texts {
		ms, err := parse.ParseSelector(text)
		if err != nil {
			return badParam(param, err)
		}
		d.Selectors = append(d.Selectors, append(ms, c.enforce()...))
	}
	at := parsePromTime
	if scope == model.ScopeLogs {
		at = parseLokiTime
	}
	if d.Mint, err = c.params.time("start", at, math.MinInt64); err != nil {
		return err
	}
	if d.Maxt, err = c.params.time("end", at, math.MaxInt64); err != nil {
		return err
	}
	if scope == model.ScopeMetrics && d.Maxt < math.MaxInt64-1e6 {
		d.Maxt += 1e6 - 1 // times are in milliseconds there, and the end is included
	}
	if d.Maxt < d.Mint {
		return badParam("end", errors.New("end timestamp must not be before start time"))
	}
	if err := a.Delete(s.base, d); err != nil {
		return adminError(err)
	}
	c.ctx.SetStatusCode(204)
	return nil
}

// handleSnapshot takes a snapshot and answers with its name, as Prometheus does
// at this path.
func (s *Server) handleSnapshot(c *call) error {
	a, err := s.admin()
	if err != nil {
		return err
	}
	name, err := a.Snapshot(s.base)
	if err != nil {
		return adminError(err)
	}
	c.ctx.SetContentType(contentJSON)
	c.ctx.SetBodyString(`{"status":"success","data":{"name":` + strconv.Quote(name) + `}}`)
	return nil
}
