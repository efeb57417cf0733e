package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"tidemark/storage/model"
)

// epoch is the time that a script's times are relative to.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// entry is one log row that a script loads.
type entry struct {
	labels model.Labels
	time   int64
	line   string
	meta   []model.Label
}

// command is one command of a script: clear, load or eval.
type command struct {
	line int
	name string
	body []string
	head string
}

// commands cuts a script into commands. Comments begin with # outside of
// quotes, and indented lines belong to the command above.
func commands(text string) []command {
	var out []command
	for i, l := range strings.Split(text, "\n") {
		l = strings.TrimRight(uncomment(l), " \t\r")
		if l == "" {
			continue
		}
		if l[0] == ' ' || l[0] == '\t' {
			if n := len(out); n > 0 {
				out[n-1].body = append(out[n-1].body, strings.TrimSpace(l))
			}
			continue
		}
		name, head, _ := strings.Cut(l, " ")
		out = append(out, command{line: i + 1, name: name, head: strings.TrimSpace(head)})
	}
	return out
}

func uncomment(l string) string {
	quote := byte(0)
	for i := range len(l) {
		switch c := l[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '`':
			quote = c
		case c == '#':
			return l[:i]
		}
	}
	return l
}

var (
	atForm     = regexp.MustCompile(`^\s*@\s*(\S+)`)
	repeatForm = regexp.MustCompile(`^\s*\[repeat every\s+(\S+)\s+for\s+(\d+)\]`)
	metaForm   = regexp.MustCompile(`^\s*\[metadata\s+(.*?)\]\s*$`)
	pairForm   = regexp.MustCompile(`(?:"([^"]*)"|([^\s"=]+))="([^"]*)"`)
)

// rows reads one line of a load command.
func rows(l string) ([]entry, error) {
	ls, rest, err := cutLabels(l)
	if err != nil {
		return nil, err
	}
	rest = strings.TrimSpace(rest)
	if rest == "" || rest[0] != '"' && rest[0] != '`' {
		return nil, fmt.Errorf("%q: want a quoted line", rest)
	}
	end := strings.IndexByte(rest[1:], rest[0])
	if end < 0 {
		return nil, fmt.Errorf("%q: the line is not closed", rest)
	}
	line, rest := rest[1:1+end], rest[end+2:]
	m := atForm.FindStringSubmatch(rest)
	if m == nil {
		return nil, fmt.Errorf("%q: want @ and a time", rest)
	}
	start, err := time.ParseDuration(m[1])
	if err != nil {
		return nil, err
	}
	rest = rest[len(m[0]):]
	count, step := 1, time.Duration(0)
	if m := repeatForm.FindStringSubmatch(rest); m != nil {
		if step, err = time.ParseDuration(m[1]); err != nil {
			return nil, err
		}
		if count, err = strconv.Atoi(m[2]); err != nil {
			return nil, err
		}
		rest = rest[len(m[0]):]
	}
	var meta []model.Label
	if m := metaForm.FindStringSubmatch(rest); m != nil {
		for _, kv := range pairForm.FindAllStringSubmatch(m[1], -1) {
			meta = append(meta, model.Label{Name: kv[1] + kv[2], Value: kv[3]})
		}
		rest = ""
	}
	if rest = strings.TrimSpace(rest); rest != "" {
		return nil, fmt.Errorf("%q: not understood", rest)
	}
	var out []entry
	for i := range count {
		out = append(out, entry{labels: model.NewLabels(ls...), time: epoch.Add(start + time.Duration(i)*step).UnixNano(),
			line: strings.ReplaceAll(line, "{{.i}}", strconv.Itoa(i)), meta: meta})
	}
	return out, nil
}

// cutLabels reads {a="b", …} in front of a text. Empty values stay.
func cutLabels(s string) ([]model.Label, string, error) {
	s = strings.TrimSpace(s)
	if !strings.HasPrefix(s, "{") {
		return nil, "", fmt.Errorf("%q: want labels in braces", s)
	}
	var ls []model.Label
	for s = s[1:]; ; {
		s = strings.TrimLeft(s, " ,")
		if strings.HasPrefix(s, "}") {
			return ls, s[1:], nil
		}
		name, rest, ok := strings.Cut(s, "=")
		quoted, err := strconv.QuotedPrefix(strings.TrimLeft(rest, " "))
		if !ok || err != nil {
			return nil, "", fmt.Errorf("%q: want name=\"value\"", s)
		}
		value, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, "", err
		}
		ls = append(ls, model.Label{Name: strings.Trim(strings.TrimSpace(name), `"`), Value: value})
		s = strings.TrimLeft(rest, " ")[len(quoted):]
	}
}

// eval is a question and what is to come of it.
type eval struct {
	instant          bool
	start, end, step time.Duration
	query            string

	fails          bool
	message, match string
	empty, ordered bool
	series         []series // a scalar is one without labels
	scalar         bool
}

type series struct {
	labels []model.Label
	points []point
}

type point struct {
	there bool
	v     float64
}

func parseEval(c command) (*eval, error) {
	e := &eval{}
	words := strings.Fields(c.head)
	rest := c.head
	next := func() string {
		if len(words) == 0 {
			return ""
		}
		w := words[0]
		words = words[1:]
		rest = strings.TrimSpace(rest[strings.Index(rest, w)+len(w):])
		return w
	}
	duration := func(after string) (time.Duration, error) {
		if w := next(); w != after {
			return 0, fmt.Errorf("got %q, want %s", w, after)
		}
		w := next()
		if w == "0" {
			w = "0s"
		}
		return time.ParseDuration(w)
	}
	var err error
	switch kind := next(); kind {
	case "instant":
		e.instant = true
		if e.end, err = duration("at"); err != nil {
			return nil, err
		}
		e.start = e.end
	case "range":
		if e.start, err = duration("from"); err != nil {
			return nil, err
		}
		if e.end, err = duration("to"); err != nil {
			return nil, err
		}
		if e.step, err = duration("step"); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("got %q, want instant or range", kind)
	}
	e.query = rest
	for _, l := range c.body {
		if err := e.expect(l); err != nil {
			return nil, err
		}
	}
	if !e.fails && !e.empty && !e.scalar && len(e.series) == 0 {
		return nil, fmt.Errorf("nothing is expected")
	}
	return e, nil
}

func (e *eval) expect(l string) error {
	switch {
	case strings.HasPrefix(l, "expect fail"):
		e.fails = true
		l = strings.TrimSpace(strings.TrimPrefix(l, "expect fail"))
		e.message, _ = strings.CutPrefix(l, "msg:")
		if re, ok := strings.CutPrefix(l, "regex:"); ok {
			e.message, e.match = "", strings.TrimSpace(re)
		}
		e.message = strings.TrimSpace(e.message)
	case l == "expect empty":
		e.empty = true
	case l == "expect ordered":
		e.ordered = true
	case strings.HasPrefix(l, "skip "):
		// Some of Loki's own ways to run a query answer with an estimate; ours
		// is held to the value.
	case strings.HasPrefix(l, "{"):
		ls, rest, err := cutLabels(l)
		if err != nil {
			return err
		}
		s := series{labels: ls}
		for _, w := range strings.Fields(rest) {
			ps, err := points(w)
			if err != nil {
				return err
			}
			s.points = append(s.points, ps...)
		}
		e.series = append(e.series, s)
	default:
		v, err := strconv.ParseFloat(l, 64)
		if err != nil {
			return fmt.Errorf("%q: want an expectation", l)
		}
		e.scalar = true
		e.series = []series{{points: []point{{true, v}}}}
	}
	return nil
}

var runForm = regexp.MustCompile(`^(.+?)(?:([+-][0-9.]+))?x(\d+)$`)

// points reads one word of a series: a number, _ for none, or a run such as
// 2+3x2 for 2 5 8.
func points(w string) ([]point, error) {
	if w == "_" {
		return []point{{}}, nil
	}
	if v, err := strconv.ParseFloat(w, 64); err == nil {
		return []point{{true, v}}, nil
	}
	m := runForm.FindStringSubmatch(w)
	if m == nil {
		return nil, fmt.Errorf("%q: want a value", w)
	}
	n, err := strconv.Atoi(m[3])
	if err != nil || n > 1e6 {
		return nil, fmt.Errorf("%q: want a count behind x", w)
	}
	if m[1] == "_" {
		return make([]point, n+1), nil
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return nil, err
	}
	d := 0.0
	if m[2] != "" {
		if d, err = strconv.ParseFloat(m[2], 64); err != nil {
			return nil, err
		}
	}
	var out []point
	for i := range n + 1 {
		out = append(out, point{true, v + float64(i)*d})
	}
	return out, nil
}
