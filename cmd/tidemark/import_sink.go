package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tidemark/ingest"
	"tidemark/ingest/lineprotocol"
	"tidemark/storage"
	"tidemark/storage/model"
)

// folderSink appends to a store.
type folderSink struct{ db *storage.DB }

func (s *folderSink) lines(ctx context.Context, p *piece) (ingest.Report, error) {
	return s.rows(ctx, p)
}

// rows appends the decoded rows; what the decoder refused is refused.
func (s *folderSink) rows(ctx context.Context, p *piece) (ingest.Report, error) {
	refused := ingest.Report{Rejected: p.block.Report.Rejected, Errors: p.block.Report.Errors}
	if p.block.Batch.Len() == 0 {
		return refused, nil
	}
	p.block.Batch.RequestKey = p.key
	for attempt := 0; ; attempt++ {
		_, err := s.db.Append(ctx, p.block.Batch)
		if err == nil || !errors.Is(err, storage.ErrOverloaded) || attempt >= maxAttempts {
			return refused, err
		}
		if err := sleep(ctx, backoff(attempt, 0)); err != nil {
			return refused, err
		}
	}
}

// serverSink sends pieces to a server.
type serverSink struct {
	client *client
	job    *importJob
}

// maxAttempts bounds the attempts to send a piece; with the pauses between
// them a server may be away for about two minutes.
const maxAttempts = 10

// backoff is the pause before the next attempt: what the server asked for, or
// one that doubles up to half a minute.
func backoff(attempt int, asked time.Duration) time.Duration {
	return max(min(asked, 5*time.Minute), min(500*time.Millisecond<<attempt, 30*time.Second))
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// lines sends line protocol as it is in the file; the server's line numbers
// count from the beginning of the piece.
func (s *serverSink) lines(ctx context.Context, p *piece) (ingest.Report, error) {
	if p.block.Report.Lines == 0 {
		return ingest.Report{}, nil
	}
	rep, err := s.send(ctx, p)
	for i := range rep.Errors {
		rep.Errors[i].Line += p.first - 1
	}
	return rep, err
}

// rows sends rows of a CSV file as line protocol. What the server refuses
// beyond what the decoder did has no line of the file.
func (s *serverSink) rows(ctx context.Context, p *piece) (ingest.Report, error) {
	refused := ingest.Report{Rejected: p.block.Report.Rejected, Errors: p.block.Report.Errors}
	if p.block.Batch.Len() == 0 {
		return refused, nil
	}
	rep, err := s.send(ctx, p)
	if rep.Rejected > 0 {
		refused.Rejected += rep.Rejected
		for _, e := range rep.Errors {
			e.Reason = "refused by the server: " + e.Reason
			refused.Errors = append(refused.Errors, e)
		}
	}
	return refused, err
}

// wireRefusal is the body of a partial write.
type wireRefusal struct {
	Error string
	Data  []struct {
		LineNumber   int    `json:"line_number"`
		Column       int    `json:"column"`
		OriginalLine string `json:"original_line"`
		ErrorMessage string `json:"error_message"`
	}
}

// send posts one piece until the server has it or refuses it for good.
func (s *serverSink) send(ctx context.Context, p *piece) (ingest.Report, error) {
	v := url.Values{"precision": {precisionName(p.prec)}}
	if p.flags.DB != "" {
		v.Set("db", p.flags.DB)
	}
	path := "/write?" + v.Encode()
	if p.path != "" {
		path = p.path
	}
	header := http.Header{"Idempotency-Key": {p.key}, "Content-Type": {"text/plain; charset=utf-8"}}
	for attempt := 0; ; attempt++ {
		resp, body, err := s.client.do(ctx, http.MethodPost, path, header, p.raw)
		var asked time.Duration
		switch {
		case ctx.Err() != nil:
			return ingest.Report{}, ctx.Err()
		case err == nil && resp.StatusCode/100 == 2:
			return ingest.Report{}, nil
		case err == nil && resp.StatusCode == http.StatusBadRequest:
			return refusal(body)
		case err == nil && resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusServiceUnavailable:
			return ingest.Report{}, s.client.queryError(resp, body)
		case err == nil:
			err = s.client.queryError(resp, body)
			seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After")) // 0 where there is none
			asked = time.Duration(seconds) * time.Second
		case !transient(err):
			return ingest.Report{}, err
		}
		if attempt+1 >= maxAttempts {
			return ingest.Report{}, fmt.Errorf("given up after %d attempts: %w", maxAttempts, err)
		}
		wait := backoff(attempt, asked)
		fmt.Fprintf(s.job.console.err, "%v; trying again in %s\n", err, wait.Round(time.Millisecond))
		if err := sleep(ctx, wait); err != nil {
			return ingest.Report{}, err
		}
	}
}

// transient reports whether an error without an answer may pass: connections
// that break do, those that no one ever listened to may be a mistyped address,
// but also a server that restarts.
func transient(err error) bool {
	var bad *usageError
	return !errors.As(err, &bad) && !strings.Contains(err.Error(), "certificate") && !strings.Contains(err.Error(), "token")
}

func refusal(body []byte) (ingest.Report, error) {
	var w wireRefusal
	if err := json.Unmarshal(body, &w); err != nil || len(w.Data) == 0 {
		if w.Error == "" {
			w.Error = clip(string(body), 300)
		}
		return ingest.Report{}, errors.New(w.Error)
	}
	rep := ingest.Report{Rejected: len(w.Data)}
	// The list is bounded; the count in the message is not.
	if i := strings.LastIndex(w.Error, "dropped="); i >= 0 {
		if n, err := strconv.Atoi(w.Error[i+len("dropped="):]); err == nil && n > rep.Rejected {
			rep.Rejected = n
		}
	}
	for _, d := range w.Data {
		rep.Errors = append(rep.Errors, ingest.LineError{Line: d.LineNumber, Column: d.Column, Text: d.OriginalLine, Reason: d.ErrorMessage})
	}
	return rep, nil
}

func precisionName(p lineprotocol.Precision) string {
	switch p {
	case lineprotocol.Microsecond:
		return "us"
	case lineprotocol.Millisecond:
		return "ms"
	case lineprotocol.Second:
		return "s"
	case lineprotocol.Minute:
		return "m"
	case lineprotocol.Hour:
		return "h"
	}
	return "ns"
}

// appendLineProtocol prints the rows of a batch as line protocol with times in
// nanoseconds. A log row's line is the field message.
func appendLineProtocol(dst []byte, b *model.Batch) []byte {
	rows := b.Rows()
	for i := range rows {
		r := &rows[i]
		measurement := ""
		if len(r.Schema.Columns) > 0 {
			measurement = r.Schema.Columns[len(r.Schema.Columns)-1].Measurement
		}
		if r.Schema.Kind == model.LogRow {
			measurement = r.Stream.Labels.Get(model.MeasurementLabel)
		}
		labels := r.Stream.Labels
		if r.Schema.Kind == model.LogRow {
			labels = labels.Without(model.MeasurementLabel)
		}
		dst = appendTags(appendEscaped(dst, measurement, ", "), labels)
		words := b.Words(r)
		sep := byte(' ')
		for c := range r.Schema.Columns {
			col := &r.Schema.Columns[c]
			if col.Type == model.TypeNone {
				continue
			}
			dst, sep = append(dst, sep), ','
			name := col.Field
			if name == model.LineField {
				name = "message"
			}
			dst = append(appendEscaped(dst, name, ",= "), '=')
			v := model.Value{Type: col.Type, Bits: words[c]}
			if col.Type == model.TypeText {
				v.Text = string(b.TextOf(words[c]))
			}
			dst = appendLineValue(dst, v)
		}
		dst = append(strconv.AppendInt(append(dst, ' '), r.Time, 10), '\n')
	}
	return dst
}

// appendEscaped puts a backslash before each of the special characters.
func appendEscaped(dst []byte, s, special string) []byte {
	for i := range len(s) {
		if strings.IndexByte(special, s[i]) >= 0 {
			dst = append(dst, '\\')
		}
		dst = append(dst, s[i])
	}
	return dst
}
