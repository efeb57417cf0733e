package server

import (
	"slices"
	"sort"
	"strconv"

	"tidemark/query"
	"tidemark/query/ast"
	"tidemark/storage/model"
)

// This file has what Logs Drilldown asks before it shows anything: the labels
// and fields that rows have.

const (
	// detectLines is how many rows are looked at where line_limit is not given,
	// detectFields how many fields are told where limit is not given.
	detectLines  = 1000
	detectFields = 1000
	// maxDetectLines bounds line_limit.
	maxDetectLines = 5000
)

// staticLabels are told as labels whatever their values look like.
var staticLabels = []string{"cluster", "namespace", "instance", "pod"}

// handleLokiDetectedLabels tells the labels of streams with how many values
// they have; those that hold nothing but numbers, addresses or UUIDs are left
// out.
func (s *Server) handleLokiDetectedLabels(c *call) error {
	req, _, err := s.lokiMetaRequest(c, []string{c.params.get("query")})
	if err != nil {
		return err
	}
	sets, err := s.opts.Engine.LabelSets(s.base, req)
	if err != nil {
		return s.queryError(err)
	}
	values := map[string]map[string]bool{}
	for _, ls := range sets {
		for _, l := range ls {
			if values[l.Name] == nil {
				values[l.Name] = map[string]bool{}
			}
			values[l.Name][l.Value] = true
		}
	}
	var names []string
	for n, vs := range values {
		ids := true
		for v := range vs {
			ids = ids && query.LooksLikeID(v)
		}
		if !ids || slices.Contains(staticLabels, n) {
			names = append(names, n)
		}
	}
	sort.Strings(names)
	b := []byte(`{"detectedLabels":[`)
	for i, n := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"label":`...)
		b = appendString(b, n)
		b = append(b, `,"cardinality":`...)
		b = strconv.AppendInt(b, int64(len(values[n])), 10)
		b = append(b, '}')
	}
	answerBytes(c.ctx, 200, append(b, "]}\n"...))
	return nil
}

// detect reads some of the newest rows of a query and finds their fields.
func (s *Server) detect(c *call) (fields []query.DetectedField, limit int, err error) {
	req, err := c.logRequest(ast.LogQL)
	if err != nil {
		return nil, 0, err
	}
	if limit, err = c.params.limit("limit", detectFields); err != nil {
		return nil, 0, err
	}
	if req.Limit, err = c.params.limit("line_limit", detectLines); err != nil {
		return nil, 0, err
	}
	req.Limit = min(max(req.Limit, 1), maxDetectLines)
	req.Direction, req.Categorize = model.Backward, true
	if _, err = s.ranged(c, &req); err != nil {
		return nil, 0, err
	}
	res, err := s.ask(c, req)
	if err != nil {
		return nil, 0, err
	}
	return query.DetectFields(res.Streams, limit), limit, nil
}

// handleLokiDetectedFields tells the fields of rows with their types, how many
// values they have, and by which parser they are found.
func (s *Server) handleLokiDetectedFields(c *call) error {
	fields, limit, err := s.detect(c)
	if err != nil {
		return err
	}
	b := []byte(`{"fields":[`)
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"label":`...)
		b = appendString(b, f.Name)
		b = append(b, `,"type":"`+f.Type+`","cardinality":`...)
		b = strconv.AppendInt(b, int64(len(f.Values)), 10)
		b = append(b, `,"parsers":`...)
		if len(f.Parsers) == 0 {
			b = append(b, "null"...)
		} else {
			b = appendStrings(b, f.Parsers)
		}
		if len(f.JSONPath) > 0 {
			b = appendStrings(append(b, `,"jsonPath":`...), f.JSONPath)
		}
		b = append(b, '}')
	}
	b = append(b, `],"limit":`...)
	b = strconv.AppendInt(b, int64(limit), 10)
	answerBytes(c.ctx, 200, append(b, "}\n"...))
	return nil
}

// handleLokiDetectedFieldValues tells the values of one field.
func (s *Server) handleLokiDetectedFieldValues(c *call) error {
	fields, limit, err := s.detect(c)
	if err != nil {
		return err
	}
	var values []string
	for _, f := range fields {
		if f.Name == c.name {
			values = f.Values
		}
	}
	b := appendStrings([]byte(`{"values":`), values[:min(len(values), limit)])
	b = append(b, `,"limit":`...)
	b = strconv.AppendInt(b, int64(limit), 10)
	answerBytes(c.ctx, 200, append(b, "}\n"...))
	return nil
}

// handleLokiDrilldownLimits tells Logs Drilldown what it may ask for.
func (s *Server) handleLokiDrilldownLimits(c *call) error {
	b := []byte(`{"limits":{"discover_log_levels":true,"discover_service_name":["service_name"],"max_entries_limit_per_query":`)
	b = strconv.AppendInt(b, maxDetectLines, 10)
	b = append(b, `,"max_query_series":10000,"query_timeout":"5m","volume_enabled":true,"volume_max_series":1000},"pattern_ingester_enabled":true,"version":`...)
	b = appendString(b, lokiVersion)
	answerBytes(c.ctx, 200, append(b, "}\n"...))
	return nil
}
