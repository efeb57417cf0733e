package server

import (
	"errors"
	"strconv"
	"time"

	"tidemark/ingest/elastic"
	"tidemark/storage/model"
)

// elasticVersion is what the probes say. Shippers refuse servers that are
// older than themselves by a major version, and newer ones not.
const elasticVersion = "8.9.0"

// handleElasticBulk is Elasticsearch's POST /_bulk. The answer is 200 with one
// item per action, in order, 201 or 400 each: shippers drop what is 400 and
// log its reason. The arguments of JSON lines apply.
func (s *Server) handleElasticBulk(c *call) error {
	p, err := c.logFields()
	if err != nil {
		return err
	}
	key, err := requestKey(c, "/_bulk", "")
	if err != nil {
		return err
	}
	body, release, err := s.body(c.ctx)
	if err != nil {
		return err
	}
	defer release()
	var res elastic.Result
	err = s.append(key, func(b *model.Batch) (err error) {
		p.Now, p.MinTime = s.opts.Now().UnixNano(), s.opts.Sink.MinTime()
		res, err = s.push.elastic.Decode(body, p, b)
		switch {
		case errors.Is(err, elastic.ErrTooManyItems):
			return &apiError{status: 413, kind: kindTooLarge, msg: err.Error() + "; send fewer at a time", cause: err}
		case err != nil:
			return &apiError{status: 400, kind: kindBadData, msg: err.Error(), cause: err}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.countWrite(&res.Report)
	setElasticProduct(c)
	answerBytes(c.ctx, 200, appendBulkResult(nil, &res, time.Since(c.start)))
	return nil
}

// appendBulkResult is the answer to a bulk request.
func appendBulkResult(dst []byte, res *elastic.Result, took time.Duration) []byte {
	dst = append(dst, `{"took":`...)
	dst = strconv.AppendInt(dst, took.Milliseconds(), 10)
	dst = append(dst, `,"errors":`...)
	dst = strconv.AppendBool(dst, res.Rejected > 0)
	dst = append(dst, `,"items":[`...)
	for i := range res.Items {
		it := &res.Items[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"`...)
		dst = append(dst, it.Action...)
		dst = append(dst, `":{"_index":`...)
		dst = appendString(dst, it.Index)
		dst = append(dst, `,"_id":`...)
		dst = appendString(dst, it.ID)
		if it.Reason == "" {
			dst = append(dst, `,"result":"created","status":201}}`...)
			continue
		}
		kind := "document_parsing_exception"
		if it.TooOld {
			kind = "illegal_argument_exception"
		}
		dst = append(dst, `,"status":400,"error":{"type":"`+kind+`","reason":`...)
		dst = appendString(dst, it.Reason)
		dst = append(dst, "}}}"...)
	}
	return append(dst, "]}\n"...)
}

// setElasticProduct sets the header by which clients since 7.14 tell the real
// product from others; they refuse to write without it.
func setElasticProduct(c *call) {
	c.ctx.Response.Header.Set("X-Elastic-Product", "Elasticsearch")
}

// handleElasticRoot answers the first question of every shipper.
func (s *Server) handleElasticRoot(c *call) error {
	setElasticProduct(c)
	answerBytes(c.ctx, 200, []byte(`{"name":"tidemark","cluster_name":"tidemark","version":{"number":"`+elasticVersion+`","build_flavor":"oss"},"tagline":"You Know, for Search"}`+"\n"))
	return nil
}

// handleElasticLicense answers Filebeat, which asks before it writes.
func (s *Server) handleElasticLicense(c *call) error {
	setElasticProduct(c)
	answerBytes(c.ctx, 200, []byte(`{"license":{"uid":"tidemark","type":"basic","status":"active"}}`+"\n"))
	return nil
}

// handleElasticNothing acknowledges what has no meaning here: policies,
// templates and pipelines that shippers look for or put before they write.
func (s *Server) handleElasticNothing(c *call) error {
	setElasticProduct(c)
	answerBytes(c.ctx, 200, []byte(`{"acknowledged":true}`+"\n"))
	return nil
}
