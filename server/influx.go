package server

import (
	"fmt"
	"strconv"
	"strings"

	"tidemark/query"
	"tidemark/storage/model"
)

// influxVersion is what the probes say. Clients choose their dialect by it,
// and the dialect spoken here is that of the last 1.x.
const influxVersion = "1.8.10"

// handlePing answers the probe of InfluxDB 1 clients: 204, or with
// verbose=true 200 and the version as JSON.
func (s *Server) handlePing(c *call) error {
	h := &c.ctx.Response.Header
	h.Set("X-Influxdb-Version", influxVersion)
	h.Set("X-Influxdb-Build", "OSS")
	if v := c.params.get("verbose"); v != "" && v != "false" && v != "0" {
		answerBytes(c.ctx, 200, []byte(`{"version":"`+influxVersion+`"}`+"\n"))
		return nil
	}
	c.ctx.SetStatusCode(204)
	return nil
}

// handleHealth answers the probe of InfluxDB 2 clients.
func (s *Server) handleHealth(c *call) error {
	status, code, message := "pass", 200, "ready for queries and writes"
	if err := s.ready(); err != nil {
		status, code, message = "fail", 503, err.Error()
	}
	b := append([]byte(nil), `{"name":"tidemark","message":`...)
	b = appendString(b, message)
	b = append(b, `,"checks":[],"status":"`+status+`","version":`...)
	b = appendString(b, s.opts.Version)
	b = append(b, `,"commit":`...)
	b = appendString(b, s.opts.Revision)
	answerBytes(c.ctx, code, append(b, '}', '\n'))
	return nil
}

// maxStatements bounds the statements of one InfluxQL request.
const maxStatements = 100

// handleInfluxQuery answers the InfluxQL that writers need before they write:
// CREATE DATABASE, which needs no doing, because a database is the label db
// and comes to be with its first record; and SHOW DATABASES.
func (s *Server) handleInfluxQuery(c *call) error {
	q := c.params.get("q")
	if strings.TrimSpace(q) == "" {
		return &apiError{status: 400, kind: kindBadData, msg: `missing required parameter "q"`}
	}
	b := append([]byte(nil), `{"results":[`...)
	statements := splitStatements(q)
	if len(statements) > maxStatements {
		return &apiError{status: 400, kind: kindBadData, msg: fmt.Sprintf("q has %d statements: want at most %d", len(statements), maxStatements)}
	}
	for id, st := range statements {
		if id > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"statement_id":`...)
		b = strconv.AppendInt(b, int64(id), 10)
		words := strings.Fields(st)
		switch {
		case keywords(words, "CREATE", "DATABASE"):
			with, err := createDatabase(st)
			if err != nil {
				return err
			}
			if with {
				b = append(b, `,"messages":[{"level":"warning","text":"WITH is ignored: retention is the server's setting"}]`...)
			}
		case keywords(words, "SHOW", "DATABASES") && len(words) == 2:
			names, err := s.opts.Engine.LabelValues(s.base, model.DatabaseLabel, query.MetaRequest{Enforce: c.enforce()})
			if err != nil {
				return s.queryError(err)
			}
			b = append(b, `,"series":[{"name":"databases","columns":["name"]`...)
			if len(names) > 0 {
				b = append(b, `,"values":[`...)
				for i, n := range names {
					if i > 0 {
						b = append(b, ',')
					}
					b = appendStrings(b, []string{n})
				}
				b = append(b, ']')
			}
			b = append(b, `}]`...)
		default:
			return &apiError{status: 400, kind: kindBadData, msg: fmt.Sprintf(
				"cannot answer %q: of InfluxQL only CREATE DATABASE and SHOW DATABASES are understood; ask /tidemark/api/v1/query", excerpt(st))}
		}
		b = append(b, '}')
	}
	answerBytes(c.ctx, 200, append(b, ']', '}', '\n'))
	return nil
}

func excerpt(s string) string {
	const most = 200
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// splitStatements splits at semicolons outside of quotes and drops what is
// blank.
func splitStatements(q string) []string {
	var out []string
	add := func(s string) {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	quote, from := byte(0), 0
	for i := 0; i < len(q); i++ {
		switch b := q[i]; {
		case b == '\\' && quote != 0:
			i++
		case quote != 0:
			if b == quote {
				quote = 0
			}
		case b == '"' || b == '\'':
			quote = b
		case b == ';':
			add(q[from:i])
			from = i + 1
		}
	}
	add(q[from:])
	return out
}

func keywords(words []string, want ...string) bool {
	if len(words) < len(want) {
		return false
	}
	for i, w := range want {
		if !strings.EqualFold(words[i], w) {
			return false
		}
	}
	return true
}

// createDatabase checks CREATE DATABASE name [WITH …].
func createDatabase(st string) (with bool, err error) {
	rest := st
	for range 2 { // the keywords, however they are spaced
		rest = strings.TrimLeft(rest, " \t\r\n")
		rest = rest[strings.IndexAny(rest+" ", " \t\r\n"):]
	}
	rest = strings.TrimSpace(rest)
	name := ""
	if strings.HasPrefix(rest, `"`) {
		end := 1
		for end < len(rest) && rest[end] != '"' {
			if rest[end] == '\\' {
				end++
			}
			end++
		}
		if end >= len(rest) {
			return false, &apiError{status: 400, kind: kindBadData, msg: fmt.Sprintf("error parsing query: %q: want a closing quote", excerpt(st))}
		}
		name, rest = strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(rest[1:end]), rest[end+1:]
	} else {
		end := strings.IndexAny(rest+" ", " \t\r\n")
		name, rest = rest[:end], rest[end:]
	}
	if err := checkDatabase("database", name); err != nil {
		return false, err
	}
	if name == "" {
		return false, &apiError{status: 400, kind: kindBadData, msg: "error parsing query: want a database name after CREATE DATABASE"}
	}
	words := strings.Fields(rest)
	if len(words) > 0 && !(strings.EqualFold(words[0], "WITH") && len(words) > 1) {
		return false, &apiError{status: 400, kind: kindBadData, msg: fmt.Sprintf("error parsing query: found %q, want WITH or the end", words[0])}
	}
	return len(words) > 0, nil
}
