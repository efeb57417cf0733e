package ast

import (
	"regexp"
	"slices"

	"tidemark/storage/model"
)

// NamesMetric reports whether the selector names a metric: by name, by a
// quoted name in braces, or by any matcher on __name__.
func (s *Selector) NamesMetric() bool {
	if s.Name != "" {
		return true
	}
	for i := range s.Matchers {
		if s.Matchers[i].Name == model.MetricName {
			return true
		}
	}
	return false
}

// Meaning returns Metrics or Logs: what the selector selects in the dialect.
//
//	written                      native  promql   logql
//	metrics(…)                   metrics metrics  metrics
//	logs(…)                      logs    logs     logs
//	{…} with a log pipeline      logs    logs     logs
//	up, {"up"}, {__name__=~"u"}  metrics metrics  metrics
//	{job="x"}                    logs    metrics  logs
func (s *Selector) Meaning(d Dialect) Domain {
	switch {
	case s.Domain != Bare:
		return s.Domain
	case len(s.Stages) > 0:
		return Logs
	case s.NamesMetric(), d == PromQL:
		return Metrics
	}
	return Logs
}

// Compile returns the selector's matchers, the one on __name__ first where
// the selector has a name. The error, an *Error, tells of a bad regular
// expression, of a name given twice, and of a selector that every series
// would match because each matcher accepts the empty value.
func (s *Selector) Compile() ([]*model.Matcher, error) {
	ms, err := s.AllMatchers()
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(ms, func(m *model.Matcher) bool { return !m.MatchesEmpty() }) {
		return nil, &Error{
			Pos: s.Pos, Message: "selector must contain at least one matcher that does not match the empty value",
			Expected: []string{"one such as `job=\"api\"` rather than `job=~\".*\"`"},
		}
	}
	return ms, nil
}

// AllMatchers is Compile for matchers that may accept everything.
func (s *Selector) AllMatchers() ([]*model.Matcher, error) {
	ms := make([]*model.Matcher, 0, len(s.Matchers)+1)
	if s.Name != "" {
		ms = append(ms, model.MustMatcher(model.MatchEqual, model.MetricName, s.Name))
	}
	for i := range s.Matchers {
		m := &s.Matchers[i]
		if s.Name != "" && m.Name == model.MetricName {
			return nil, &Error{Pos: m.Pos, Token: m.Name, Message: "metric name must not be set twice: `" + s.Name + "` and `" + m.Value + "`"}
		}
		c, err := model.NewMatcher(m.Type, m.Name, m.Value)
		if err != nil {
			if _, bare := regexp.Compile(m.Value); bare != nil {
				err = bare // without what makes it anchored
			}
			return nil, &Error{Pos: m.Pos, Token: m.Value, Message: "matcher of `" + m.Name + "`: " + err.Error()}
		}
		ms = append(ms, c)
	}
	return ms, nil
}
