package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tidemark/query"
)

// plainSelector is a metric's name with or without matchers, whose samples can
// be read as they are.
var plainSelector = regexp.MustCompile(`^[a-zA-Z_:][\w:]*\s*(\{[^{}]*\})?$`)

// history writes a query as a range to learn from.
func history(text, window string) string {
	text = strings.TrimSpace(text)
	if plainSelector.MatchString(text) {
		return text + "[" + window + "]"
	}
	return "(" + text + ")[" + window + ":5m]"
}

// seconds writes a duration for the language.
func seconds(d time.Duration) string { return fmt.Sprintf("%ds", max(int64(d/time.Second), 1)) }

// overlay adds what --with asks for to the answer of a range query.
func (q *queryCommand) overlay(ctx context.Context, s source, req query.Request, res *query.Result) error {
	if len(q.With) == 0 {
		return nil
	}
	if req.Instant || res.Kind != query.KindMatrix {
		return usage("--with %s is for numbers over time: give --start", q.With[0])
	}
	add := func(r query.Request) error {
		r.Dialect, r.Timeout = req.Dialect, longTimeout
		more, err := s.Query(ctx, r)
		if err != nil {
			return fmt.Errorf("%s: %w", r.Text, err)
		}
		res.Series = append(res.Series, more.Series...)
		res.Warnings = append(res.Warnings, more.Warnings...)
		return nil
	}
	if slices.Contains(q.With, "baseline") {
		r := req
		r.Text = "baseline(" + history(req.Text, "4w") + ")"
		if err := add(r); err != nil {
			return err
		}
	}
	if slices.Contains(q.With, "forecast") {
		at := req.End
		if now := time.Now(); at.After(now) {
			at = now
		}
		horizon := max(req.End.Sub(at), req.End.Sub(req.Start)/2)
		return add(query.Request{Instant: true, End: at,
			Text: "forecast(" + history(req.Text, "4w") + `, h="` + seconds(horizon) + `")`})
	}
	return nil
}
