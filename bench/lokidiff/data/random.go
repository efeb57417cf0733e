package data

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// Random makes n different queries of a grammar of LogQL over the rows of Push,
// always the same ones of a seed. Most of them mean something; some are refused.
func Random(seed uint64, n int) []string {
	r := &random{rand.New(rand.NewPCG(seed, 0))}
	var out []string
	for len(out) < n {
		q := r.logs()
		if r.IntN(5) >= 2 {
			q = r.vector(2)
		}
		if len(q) < 400 && !slices.Contains(out, q) {
			out = append(out, q)
		}
	}
	return out
}

type random struct{ *rand.Rand }

func (r *random) of(s ...string) string { return s[r.IntN(len(s))] }

func (r *random) one(in int) bool { return r.IntN(in) == 0 }

// shape of rows by application: its parser and the labels that this gives.
var kinds = []struct {
	app     string
	parsers []string
	labels  []string
	numbers []string
}{
	{"api", []string{"| logfmt", "| logfmt", "| logfmt --strict", "| logfmt --keep-empty", `| logfmt level, took, status, x="path"`, `| regexp "level=(?P<level>\\w+) status=(?P<status>\\d+)"`, `| pattern "ts=<ts> level=<level> status=<status> took=<took> size=<size> path=<path> <_>"`},
		[]string{"level", "path", "env", "status", "took", "msg", "size", "nope", "detected_level"}, []string{"status", "took", "size", "ts"}},
	{"web", []string{"| json", "| json", `| json n, u="user.id", t="tags[0]", d="duration"`, `| json user="user"`, "| logfmt"},
		[]string{"level", "user_id", "user_name", "n", "ok", "trace", "pod", "pod_extracted", "msg", "duration", "t", "nope"}, []string{"n", "user_id", "duration"}},
	{"nginx", []string{`| pattern "<ip> - - [<_>] \"<method> <path> <_>\" <status> <size>"`, `| regexp "^(?P<ip>\\S+) .*\"(?P<method>[A-Z]+) (?P<path>\\S+) [^ ]+ (?P<status>\\d+) (?P<size>\\d+)"`, `| pattern "<ip> <_> <rest>"`},
		[]string{"ip", "method", "path", "status", "size"}, []string{"status", "size"}},
	{"packed", []string{"| unpack", "| unpack | logfmt", "| json"}, []string{"pod", "app", "level", "n", "app_extracted"}, []string{"n"}},
}

func (r *random) text() string {
	return r.of("error", "info", "warn", "/a", "/b", "200", "500", "p1", "t2", "GET", "10.0.0.3", "", "k1", "true", "u1", "x")
}

func (r *random) pattern() string {
	return r.of("err.*", "info|warn", "[0-9]+", "/[ab]", ".+", "5..", "", "p[01]", "(?i)ERROR", ".*1$", "^x", "^.*o")
}

func (r *random) selector(app string) string {
	out := []string{r.of(fmt.Sprintf("app=%q", app), fmt.Sprintf("app=%q", app), fmt.Sprintf("app=~%q", app+"|none"))}
	if r.one(3) {
		out = append(out, r.of(`env="prod"`, `env!="dev"`, `env=~"pr.*"`, `env!~"de.*"`, `none=""`, `env=~".+"`))
	}
	return "{" + strings.Join(out, ", ") + "}"
}

func (r *random) lineFilter() string {
	op := r.of("|=", "|=", "!=", "|~", "!~", "|>", "!>")
	value := func() string {
		switch op {
		case "|~", "!~":
			return "`" + r.pattern() + "`"
		case "|>", "!>":
			return r.of("`<_> level=error <_>`", "`<_>GET<_>`", "`<_>level<_>`", "`ts=<_> level=<_>`", "`<_>`", "`not json <_>`")
		}
		if r.one(8) {
			return r.of(`ip("10.0.0.0/30")`, `ip("10.0.0.2-10.0.0.5")`, `ip("10.0.0.3")`, `ip("::1")`)
		}
		return fmt.Sprintf("%q", r.text())
	}
	out := op + " " + value()
	for r.one(4) {
		out += " or " + value()
	}
	return out
}

func (r *random) cond(labels, numbers []string, depth int) string {
	if depth > 0 && r.one(3) {
		c := r.cond(labels, numbers, depth-1) + r.of(" and ", " or ", ", ", " ") + r.cond(labels, numbers, depth-1)
		if r.one(2) {
			return "(" + c + ")"
		}
		return c
	}
	switch r.IntN(5) {
	case 0, 1:
		return fmt.Sprintf("%s%s%q", r.of(labels...), r.of("=", "!="), r.text())
	case 2:
		return fmt.Sprintf("%s%s`%s`", r.of(labels...), r.of("=~", "!~"), r.pattern())
	}
	name := r.of(numbers...)
	if r.one(6) {
		name = r.of(labels...)
	}
	if r.one(9) {
		return fmt.Sprintf("%s %s %s", name, r.of("=", "!="), r.of(`ip("10.0.0.0/29")`, `ip("10.0.0.7")`, `ip("fe80::/10")`))
	}
	return fmt.Sprintf("%s %s %s", name, r.of("==", "=", "!=", ">", ">=", "<", "<="), r.of("200", "300", "5", "1", "30ms", "0.06s", "1KB", "2kb", "1.5KiB", "0", "-1", "1e2"))
}

func (r *random) template(labels []string) string {
	l := func() string { return "." + r.of(labels...) }
	switch r.IntN(9) {
	case 0:
		return "{{" + l() + "}} {{" + l() + " | ToUpper}}"
	case 1:
		return "{{ if " + l() + " }}y{{ else }}n{{ end }}"
	case 2:
		return "{{ __line__ | trunc " + r.of("5", "-5", "0", "100") + " }}"
	case 3:
		return "{{ " + l() + " | default `none` | replace `a` `b` }}"
	case 4:
		return "{{ add 1 2 }}{{ " + l() + " | " + r.of("int", "float64", "bytes", "duration", "unixEpoch", "len", "quote", "urlencode", "sha1sum") + " }}"
	case 5:
		return "{{ range $i := fromJson `[1,2]` }}{{ $i }},{{ end }}{{" + l() + "}}"
	case 6:
		return "{{ regexReplaceAll `[0-9]+` " + l() + " `#` }} {{ contains `a` " + l() + " }}"
	case 7:
		return "{{ __timestamp__ | date `15` | len }}{{" + l() + " | substr 0 2 }}"
	}
	return "{{ printf `%5s|%-4s` " + l() + " " + l() + " }}"
}

// pipeline is stages for rows of a kind.
func (r *random) pipeline(k int, values bool) string {
	kind := &kinds[k]
	var out []string
	for r.one(3) {
		out = append(out, r.lineFilter())
	}
	if !r.one(4) || values {
		out = append(out, r.of(kind.parsers...))
		if r.one(3) {
			out = append(out, `| __error__=""`)
		}
	}
	for r.one(2) {
		switch r.IntN(9) {
		case 0, 1, 2:
			out = append(out, "| "+r.cond(kind.labels, kind.numbers, 2))
		case 3:
			out = append(out, "| line_format `"+strings.ReplaceAll(r.template(kind.labels), "`", `"`)+"`")
		case 4:
			out = append(out, "| label_format "+r.of("a", "level", "path", "app")+"="+r.of(append([]string{"`" + strings.ReplaceAll(r.template(kind.labels), "`", `"`) + "`"}, kind.labels...)...))
		case 5:
			out = append(out, "| "+r.of("drop", "keep")+" "+r.of(kind.labels...)+", "+r.of(kind.labels...)+r.of("", "", `="`+r.text()+`"`, "=~`"+r.pattern()+"`"))
		case 6:
			out = append(out, "| drop __error__, __error_details__")
		case 7:
			out = append(out, r.lineFilter())
		case 8:
			out = append(out, r.of("| decolorize", "| logfmt", "| json"))
		}
	}
	return strings.Join(out, " ")
}

func (r *random) logs() string {
	k := r.IntN(len(kinds))
	return strings.TrimSpace(r.selector(kinds[k].app) + " " + r.pipeline(k, false))
}

func (r *random) grouping(labels []string) string {
	names := []string{r.of(labels...)}
	if r.one(2) {
		names = append(names, r.of("app", "env", r.of(labels...)))
	}
	return r.of("by", "by", "without") + " (" + strings.Join(names, ", ") + ")"
}

// samples is a range aggregation.
func (r *random) samples() (query string, labels []string) {
	k := r.IntN(len(kinds))
	labels = append([]string{"app", "env"}, kinds[k].labels...)
	window := " [" + r.of("30s", "1m", "2m", "45s") + "]"
	if r.one(6) {
		window += " offset " + r.of("1m", "30s", "-30s")
	}
	if r.one(2) {
		sel := r.selector(kinds[k].app) + " " + r.pipeline(k, false)
		return r.of("count_over_time", "rate", "bytes_over_time", "bytes_rate", "count_over_time", "absent_over_time") + "(" + sel + window + ")", labels
	}
	number := r.of(kinds[k].numbers...)
	value := r.of(number, number, "duration("+number+")", "bytes("+number+")", "duration_seconds("+number+")")
	sel := r.selector(kinds[k].app) + " " + r.pipeline(k, true) + " | unwrap " + value
	if !r.one(3) {
		sel += ` | __error__=""`
	}
	f := r.of("sum_over_time", "avg_over_time", "max_over_time", "min_over_time", "stddev_over_time", "stdvar_over_time", "first_over_time", "last_over_time", "rate", "rate_counter", "quantile_over_time")
	grouping := ""
	if f != "sum_over_time" && f != "rate" && f != "rate_counter" && r.one(2) || r.one(30) {
		grouping = " " + r.grouping(labels)
	}
	if f == "quantile_over_time" {
		sel = r.of("0.5", "0.9", "1", "0") + ", " + sel
	}
	return f + "(" + sel + window + ")" + grouping, labels
}

func (r *random) vector(depth int) string {
	q, labels := r.samples()
	if depth == 0 {
		return q
	}
	switch r.IntN(10) {
	case 0:
		return q
	case 1: // Loki takes any of equal ones: all there are
		return r.of("topk", "bottomk") + "(" + r.of("100", "200") + ", sum by (" + r.of(labels...) + ") (" + q + "))"
	case 2:
		return "sum by (app) (" + q + ") " + r.of("+", "-", "*", "/", "%", "^", ">", "<=", "==", "!=", "> bool", "and", "or", "unless") + " sum by (app) (" + r.vector(0) + ")"
	case 3:
		scalar := r.of("2", "0", "0.5", "-1", "(1 + 2)", "vector(3)")
		op := " " + r.of("+", "-", "*", "/", "%", "^", ">", "<", ">=", "==", "!=", "== bool", "< bool") + " "
		if r.one(2) {
			return scalar + op + "sum(" + q + ")"
		}
		return "sum(" + q + ")" + op + scalar
	case 4:
		return r.of("sum", "avg", "count") + " by (app, " + r.of(labels...) + ") (" + q + ") " + r.of("*", "/", "-") + " on (app) group_left " + "sum by (app) (" + r.vector(0) + ")"
	case 5:
		return "label_replace(sum " + r.grouping(labels) + " (" + q + "), \"" + r.of("new", "app") + "\", \"" + r.of("$1", "x-$1", "", "$0") + "\", \"" + r.of(labels...) + "\", \"" + r.of("(.*)", "(.).*", "x", "(.+)") + "\")"
	case 6:
		return "sort" + r.of("", "_desc") + "(sum by (" + r.of(labels...) + ") (" + q + "))"
	}
	return r.of("sum", "avg", "max", "min", "count", "stddev", "stdvar") + " " + r.grouping(labels) + " (" + q + ")"
}
