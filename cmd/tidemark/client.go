package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"tidemark/query"
	"tidemark/query/ast"
	"tidemark/storage/model"
)

// maxAnswer bounds an answer that is read into memory.
const maxAnswer = 1 << 30

// client speaks to a server.
type client struct {
	base  string
	token string
	http  *http.Client
}

// client returns a client for the server that flags, environment and
// configuration name.
func (t *target) client() (*client, error) {
	set, err := t.settings()
	if err != nil {
		return nil, err
	}
	base := strings.TrimRight(set.Server, "/")
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, usage("server %q: want a URL such as http://127.0.0.1:8433", set.Server)
	}
	c := &client{base: base, token: set.Token}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if set.TLSCA != "" {
		pem, err := os.ReadFile(set.TLSCA)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate in PEM form", set.TLSCA)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	c.http = &http.Client{Transport: transport}
	return c, nil
}

// do sends one request and returns the whole answer.
func (c *client) do(ctx context.Context, method, path string, header http.Header, body []byte) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, nil, c.explain(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, nil, fmt.Errorf("read the answer of %s: %w", c.base, err)
	}
	if resp.StatusCode == http.StatusUnauthorized {
		return nil, nil, c.unauthorized()
	}
	return resp, answer, nil
}

func (c *client) unauthorized() error {
	return &unreachableError{fmt.Errorf("%s asks for a token: give --token-file, or set %s", c.base, tokenVariable)}
}

// explain shortens the errors of a request that met no server.
func (c *client) explain(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	return &unreachableError{fmt.Errorf("no answer from %s: %w", c.base, err)}
}

// endpoints are the paths of instant and range queries in each dialect.
var endpoints = map[ast.Dialect][2]string{
	ast.Native: {"/tidemark/api/v1/query", "/tidemark/api/v1/query_range"},
	ast.PromQL: {"/api/v1/query", "/api/v1/query_range"},
	ast.LogQL:  {"/loki/api/v1/query", "/loki/api/v1/query_range"},
}

// Query asks one question.
func (c *client) Query(ctx context.Context, r query.Request) (*query.Result, error) {
	form := url.Values{"query": {r.Text}}
	path := endpoints[r.Dialect][1]
	if r.Instant {
		path = endpoints[r.Dialect][0]
		form.Set("time", r.End.UTC().Format(time.RFC3339Nano))
	} else {
		form.Set("start", r.Start.UTC().Format(time.RFC3339Nano))
		form.Set("end", r.End.UTC().Format(time.RFC3339Nano))
		form.Set("step", strconv.FormatFloat(r.Step.Seconds(), 'f', -1, 64))
	}
	if r.Limit > 0 && r.Dialect != ast.PromQL {
		form.Set("limit", strconv.Itoa(r.Limit))
	}
	if r.Direction == model.Forward {
		form.Set("direction", "forward")
	} else {
		form.Set("direction", "backward")
	}
	if r.Timeout > 0 {
		form.Set("timeout", strconv.FormatFloat(r.Timeout.Seconds(), 'f', -1, 64)+"s")
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	resp, body, err := c.do(ctx, http.MethodPost, path, header, []byte(form.Encode()))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		return nil, c.queryError(resp, body)
	}
	res, err := decodeAnswer(body)
	if err != nil {
		return nil, fmt.Errorf("answer of %s%s: %w", c.base, path, err)
	}
	return res, nil
}

// wireError is the error body of every query protocol.
type wireError struct {
	Error, Message, ErrorType string
	Line, Column, Offset      int
	Token, Suggest            string
	Expected                  []string
}

var leadingPlace = regexp.MustCompile(`^(?:invalid parameter "query": )?(\d+):(\d+): `)

// queryError turns an error body into the error it came from: one of the
// query's text keeps its place.
func (c *client) queryError(resp *http.Response, body []byte) error {
	var e wireError
	if json.Unmarshal(body, &e) != nil || e.Error == "" && e.Message == "" {
		return fmt.Errorf("%s answered %s: %s", c.base, resp.Status, clip(strings.TrimSpace(string(body)), 300))
	}
	if e.Line > 0 {
		return &ast.Error{Pos: ast.Pos{Offset: e.Offset, Line: e.Line, Column: e.Column},
			Token: e.Token, Message: e.Message, Expected: e.Expected, Suggest: e.Suggest}
	}
	if m := leadingPlace.FindStringSubmatch(e.Error); m != nil {
		line, _ := strconv.Atoi(m[1]) // digits by the expression
		col, _ := strconv.Atoi(m[2])
		return &ast.Error{Pos: ast.Pos{Line: line, Column: col}, Message: e.Error[len(m[0]):]}
	}
	return errors.New(e.Error)
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// wireAnswer is the envelope of every query protocol.
type wireAnswer struct {
	Data struct {
		ResultType string
		Result     json.RawMessage
	}
	Stats    struct{ Series, Samples, Rows int64 }
	Warnings []string
	Infos    []string
}

type wireSeries struct {
	Metric map[string]string
	Value  *wirePoint
	Values []wirePoint
	// Histogram and Histograms are the same of native histograms.
	Histogram  *wireHistogram
	Histograms []wireHistogram
}

type wireStream struct {
	Stream  map[string]string
	Entries []struct {
		Time   string
		Line   string
		Fields []struct{ Name, Type, Value string }
	}
	// Values is Loki's form: [nanoseconds, line, …].
	Values [][]json.RawMessage
}

// wirePoint is [seconds,"value"].
type wirePoint query.Point

// UnmarshalJSON reads a point; seconds are rounded to milliseconds.
func (p *wirePoint) UnmarshalJSON(b []byte) error {
	var pair []json.RawMessage
	if err := json.Unmarshal(b, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return fmt.Errorf("point %s: want [seconds, value]", clip(string(b), 60))
	}
	seconds, err := strconv.ParseFloat(string(pair[0]), 64)
	if err != nil {
		return fmt.Errorf("point %s: time: %w", clip(string(b), 60), err)
	}
	var text string
	if err := json.Unmarshal(pair[1], &text); err != nil {
		return fmt.Errorf("point %s: value: %w", clip(string(b), 60), err)
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return fmt.Errorf("point %s: value: %w", clip(string(b), 60), err)
	}
	p.T, p.V = int64(seconds*1000+0.5), v
	if seconds < 0 {
		p.T = int64(seconds*1000 - 0.5)
	}
	return nil
}

// decodeAnswer reads the answer of any of the query protocols.
func decodeAnswer(body []byte) (*query.Result, error) {
	var a wireAnswer
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, err
	}
	r := &query.Result{Warnings: a.Warnings, Infos: a.Infos,
		Stats: query.Stats{Series: a.Stats.Series, Samples: a.Stats.Samples, Rows: a.Stats.Rows}}
	switch a.Data.ResultType {
	case "scalar":
		r.Kind = query.KindScalar
		var p wirePoint
		if err := json.Unmarshal(a.Data.Result, &p); err != nil {
			return nil, err
		}
		r.Points = []query.Point{query.Point(p)}
	case "string":
		r.Kind = query.KindString
		var pair [2]any
		if err := json.Unmarshal(a.Data.Result, &pair); err != nil {
			return nil, err
		}
		r.Text, _ = pair[1].(string)
	case "vector", "matrix":
		r.Kind = query.KindMatrix
		if a.Data.ResultType == "vector" {
			r.Kind = query.KindVector
		}
		var list []wireSeries
		if err := json.Unmarshal(a.Data.Result, &list); err != nil {
			return nil, err
		}
		for _, s := range list {
			out := query.Series{Labels: model.FromMap(s.Metric)}
			if s.Value != nil {
				out.Points = append(out.Points, query.Point(*s.Value))
			}
			for _, p := range s.Values {
				out.Points = append(out.Points, query.Point(p))
			}
			if s.Histogram != nil {
				out.Histograms = append(out.Histograms, query.HistogramPoint(*s.Histogram))
			}
			for _, h := range s.Histograms {
				out.Histograms = append(out.Histograms, query.HistogramPoint(h))
			}
			r.Series = append(r.Series, out)
		}
	case "streams":
		r.Kind = query.KindStreams
		var list []wireStream
		if err := json.Unmarshal(a.Data.Result, &list); err != nil {
			return nil, err
		}
		for _, s := range list {
			st, err := s.decode()
			if err != nil {
				return nil, err
			}
			r.Streams = append(r.Streams, st)
		}
	default:
		return nil, fmt.Errorf("result type %q: want scalar, string, vector, matrix or streams", a.Data.ResultType)
	}
	return r, nil
}

func (s *wireStream) decode() (query.Stream, error) {
	out := query.Stream{Labels: model.FromMap(s.Stream)}
	for _, v := range s.Values {
		var ns, line string
		if len(v) < 2 || json.Unmarshal(v[0], &ns) != nil || json.Unmarshal(v[1], &line) != nil {
			return out, errors.New("log row: want [nanoseconds, line]")
		}
		t, err := strconv.ParseInt(ns, 10, 64)
		if err != nil {
			return out, fmt.Errorf("log row: time: %w", err)
		}
		out.Entries = append(out.Entries, query.Entry{T: t, Line: line})
	}
	for _, e := range s.Entries {
		t, err := strconv.ParseInt(e.Time, 10, 64)
		if err != nil {
			return out, fmt.Errorf("log row: time: %w", err)
		}
		entry := query.Entry{T: t, Line: e.Line}
		for _, f := range e.Fields {
			v, err := decodeField(f.Type, f.Value)
			if err != nil {
				return out, fmt.Errorf("log row: field %s: %w", f.Name, err)
			}
			entry.Fields = append(entry.Fields, query.Field{Name: f.Name, Value: v})
		}
		out.Entries = append(out.Entries, entry)
	}
	return out, nil
}

func decodeField(typ, text string) (model.Value, error) {
	switch typ {
	case "float":
		v, err := strconv.ParseFloat(text, 64)
		return model.Float(v), err
	case "int":
		v, err := strconv.ParseInt(text, 10, 64)
		return model.Int(v), err
	case "bool":
		v, err := strconv.ParseBool(text)
		return model.Bool(v), err
	}
	return model.Text(text), nil
}
