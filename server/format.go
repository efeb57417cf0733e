package server

import (
	"tidemark/query/ast"
	"tidemark/query/parse"
)

func (s *Server) handlePromFormat(c *call) error   { return s.format(c, ast.PromQL) }
func (s *Server) handleLokiFormat(c *call) error   { return s.format(c, ast.LogQL) }
func (s *Server) handleNativeFormat(c *call) error { return s.format(c, ast.Native) }

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
	b = appendString(b, ast.Print(tree, d))
	answerBytes(c.ctx, 200, append(b, '}', '\n'))
	return nil
}
