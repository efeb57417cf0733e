package server

import (
	"errors"

	"tidemark/query"
	"tidemark/query/ast"
	"tidemark/query/parse"
)

func (s *Server) handlePromFormat(c *call) error   { return s.format(c, ast.PromQL) }
func (s *Server) handleLokiFormat(c *call) error   { return s.format(c, ast.LogQL) }
func (s *Server) handleNativeFormat(c *call) error { return s.format(c, ast.Native) }

// formatWidth is how long a line of a formatted query may be, as in Prometheus.
const formatWidth = 100

// format answers a query as the language's printer writes it in the dialect.
func (s *Server) format(c *call, d ast.Dialect) error {
	text, err := c.params.query()
	if err != nil {
		return err
	}
	tree, err := parse.Parse(text, d)
	if err != nil {
		err = s.queryError(err)
		if c.family == prom {
			err = inParam("query", err)
		}
		return err
	}
	b := append([]byte(nil), `{"status":"success","data":`...)
	b = appendString(b, ast.Pretty(tree, d, formatWidth))
	answerBytes(c.ctx, 200, append(b, '}', '\n'))
	return nil
}

// handleNativeCheck says what kind of answer a query has, or what is wrong with
// it and where, without running it; editors ask while one types. A query that
// is wrong is a check well done, so the status is 200 either way:
//
//	{"status":"success","data":{"valid":true,"type":"instant vector"}}
//	{"status":"success","data":{"valid":false,"message":"…","line":1,"column":5,"offset":4,"token":"…","expected":[…],"suggest":"…"}}
func (s *Server) handleNativeCheck(c *call) error {
	text, err := c.params.query()
	if err != nil {
		return err
	}
	b := append([]byte(nil), `{"status":"success","data":{"valid":`...)
	t, err := query.Check(text, ast.Native)
	var qe *ast.Error
	switch {
	case errors.As(err, &qe):
		b = appendPlace(append(b, "false,"...), qe)
	case err != nil:
		return err
	default:
		b = appendString(append(b, `true,"type":`...), t.String())
	}
	answerBytes(c.ctx, 200, append(b, "}}\n"...))
	return nil
}
