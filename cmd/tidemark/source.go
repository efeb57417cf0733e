package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"tidemark/query"
	"tidemark/query/ast"
	"tidemark/storage"
	"tidemark/storage/model"
)

// source is who answers questions: a server or a folder.
type source interface {
	Query(ctx context.Context, req query.Request) (*query.Result, error)
	LabelNames(ctx context.Context, req query.MetaRequest) ([]string, error)
	LabelValues(ctx context.Context, name string, req query.MetaRequest) ([]string, error)
	LabelSets(ctx context.Context, req query.MetaRequest) ([]model.Labels, error)
	Export(ctx context.Context, req query.ExportRequest, series func(*model.Series) error, rows func(*model.RowBlock) error) error
	Close() error
}

// source opens what the flags name. Nothing was asked yet when it returns.
func (t *target) source() (source, error) {
	if t.Data == "" {
		return t.client()
	}
	db, err := t.openFolder(storage.Options{}, false)
	if err != nil {
		return nil, err
	}
	// Nobody else waits for a folder: a question may take as long as it states.
	return &folder{query.NewEngine(db, query.Options{MaxTimeout: folderTimeout}), db}, nil
}

// folderTimeout is the longest time that a question to a folder may ask for.
const folderTimeout = 24 * time.Hour

// folder is a store that this process has opened.
type folder struct {
	*query.Engine
	db *storage.DB
}

func (f *folder) Close() error { return f.db.Close() }

// with opens the source, uses it and closes it.
func (t *target) with(use func(source) error) (err error) {
	s, err := t.source()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return use(s)
}

// Close ends idle connections.
func (c *client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// LabelNames asks for the names of labels.
func (c *client) LabelNames(ctx context.Context, req query.MetaRequest) ([]string, error) {
	return scoped(req, func(req query.MetaRequest) ([]string, error) {
		return labelAnswer[string](ctx, c, "labels", req)
	})
}

// LabelValues asks for the values of a label.
func (c *client) LabelValues(ctx context.Context, name string, req query.MetaRequest) ([]string, error) {
	return scoped(req, func(req query.MetaRequest) ([]string, error) {
		return labelAnswer[string](ctx, c, "label/"+url.PathEscape(name)+"/values", req)
	})
}

// LabelSets asks for series and log streams.
func (c *client) LabelSets(ctx context.Context, req query.MetaRequest) ([]model.Labels, error) {
	var out []model.Labels
	for _, scope := range scopes(req.Scope) {
		req.Scope = scope
		list, err := labelAnswer[map[string]string](ctx, c, "series", req)
		if err != nil {
			return nil, err
		}
		for _, m := range list {
			out = append(out, model.FromMap(m))
		}
	}
	return out, nil
}

// scopes are the kinds of data that one path of the server can tell.
func scopes(s model.Scope) []model.Scope {
	if s == model.ScopeAll {
		return []model.Scope{model.ScopeMetrics, model.ScopeLogs}
	}
	return []model.Scope{s}
}

// scoped asks for each kind of data and merges what comes.
func scoped(req query.MetaRequest, ask func(query.MetaRequest) ([]string, error)) ([]string, error) {
	var out []string
	for _, scope := range scopes(req.Scope) {
		req.Scope = scope
		list, err := ask(req)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// labelAnswer asks one of the label paths of the Prometheus API, or of Loki's
// for logs.
func labelAnswer[T any](ctx context.Context, c *client, path string, req query.MetaRequest) ([]T, error) {
	form := url.Values{}
	prefix := "/api/v1/"
	match := "match[]"
	if req.Scope == model.ScopeLogs {
		prefix = "/loki/api/v1/"
		if path != "series" {
			match = "query"
		}
	}
	for _, m := range req.Match {
		form.Add(match, m)
	}
	if !req.Start.IsZero() {
		form.Set("start", req.Start.UTC().Format(time.RFC3339Nano))
	}
	if !req.End.IsZero() {
		form.Set("end", req.End.UTC().Format(time.RFC3339Nano))
	}
	if req.Limit > 0 {
		form.Set("limit", strconv.Itoa(req.Limit))
	}
	var out []T
	err := c.get(ctx, prefix+path+"?"+form.Encode(), &out)
	return out, err
}

// get asks a path of the server that answers with {"data":…}, and reads that.
func (c *client) get(ctx context.Context, path string, data any) error {
	resp, body, err := c.do(ctx, http.MethodGet, path, nil, nil)
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return c.queryError(resp, body)
	}
	if err := json.Unmarshal(body, &struct{ Data any }{data}); err != nil {
		return fmt.Errorf("answer of %s%s: %w", c.base, path, err)
	}
	return nil
}

// instant asks a query of the native dialect for one time.
func instant(ctx context.Context, s source, text string, at time.Time) (*query.Result, error) {
	return s.Query(ctx, query.Request{Text: text, Dialect: ast.Native, Instant: true, End: at, Timeout: longTimeout})
}

// longTimeout is what commands ask for whose queries read weeks. A server may
// allow less.
const longTimeout = 5 * time.Minute
