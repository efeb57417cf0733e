package exec

import (
	"context"
	"strings"
	"unicode/utf8"

	"tidemark/query/plan"
	"tidemark/storage/model"
)

// texts reads the string arguments from place k on.
func (ev *evaluator) texts(call *plan.Call, k int) ([]string, error) {
	var out []string
	for _, a := range call.Args[k:] {
		if a == nil {
			continue
		}
		s, err := ev.textArg(a, "")
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func labelName(call *plan.Call, what, name string) error {
	if name == "" || !utf8.ValidString(name) {
		return errorAt(call.Pos, "invalid %s label name in %s(): %s", what, call.Func.Name, name)
	}
	return nil
}

// labelReplace is label_replace(v, dst, replacement, src, regex).
func labelReplace(ev *evaluator, ctx context.Context, call *plan.Call, g Grid, emit func(*Column) error) error {
	args, err := ev.texts(call, 1)
	if err != nil {
		return err
	}
	if len(args) != 4 {
		return errorAt(call.Pos, "label_replace: want 4 strings, got %d", len(args))
	}
	dst, replacement, src := args[0], args[1], args[2]
	re, err := model.CompileAnchored(args[3])
	if err != nil {
		return errorAt(call.Pos, "invalid regular expression in label_replace(): %s", args[3])
	}
	if err := labelName(call, "destination", dst); err != nil {
		return err
	}
	// Many series share a value.
	type result struct {
		text  string
		match bool
	}
	known := map[string]result{}
	return ev.relabelled(ctx, call, g, func(c *Column) {
		value := c.Labels.Get(src)
		r, ok := known[value]
		if !ok {
			if match := re.FindStringSubmatchIndex(value); match != nil {
				r = result{string(re.ExpandString(nil, replacement, value, match)), true}
			}
			if len(known) < maxReplaced {
				known[value] = r
			}
		}
		if r.match {
			c.relabel(dst, r.text)
		}
	}, emit)
}

// maxReplaced bounds the values that label_replace remembers.
const maxReplaced = 1 << 10

// labelJoin is label_join(v, dst, separator, src...).
func labelJoin(ev *evaluator, ctx context.Context, call *plan.Call, g Grid, emit func(*Column) error) error {
	args, err := ev.texts(call, 1)
	if err != nil {
		return err
	}
	if len(args) < 2 {
		return errorAt(call.Pos, "label_join: want at least 2 strings, got %d", len(args))
	}
	dst, separator, src := args[0], args[1], args[2:]
	for _, s := range src {
		if err := labelName(call, "source", s); err != nil {
			return err
		}
	}
	if err := labelName(call, "destination", dst); err != nil {
		return err
	}
	values := make([]string, len(src))
	return ev.relabelled(ctx, call, g, func(c *Column) {
		for i, s := range src {
			values[i] = c.Labels.Get(s)
		}
		c.relabel(dst, strings.Join(values, separator))
	}, emit)
}

// relabel sets a label. A metric name that was set is there to stay.
func (c *Column) relabel(name, value string) {
	c.Labels = c.Labels.With(name, value)
	if name == model.MetricName {
		c.Nameless = false
	}
}

// relabelled changes the labels of every series; series that become equal are
// made one.
func (ev *evaluator) relabelled(ctx context.Context, call *plan.Call, g Grid, change func(*Column), emit func(*Column) error) error {
	return ev.merged(call.Pos, func(emit func(*Column) error) error {
		return ev.each(ctx, call.Args[0], g, func(c *Column) error {
			change(c)
			return emit(c)
		})
	}, emit)
}
