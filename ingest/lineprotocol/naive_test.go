package lineprotocol

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"tidemark/ingest"
	"tidemark/storage/model"
)

// naive is the slow twin of Decoder: a reader that takes one byte at a time,
// keeps nothing between records, and spells the record model out once more.
// It answers in the form of dump, and with the line of every refused record.
type naive struct {
	in  string
	pos int
}

type naiveField struct {
	name string
	typ  model.Type
	text string // or the number as dump prints it
}

// refusal carries where reading goes on; -1 for after the next newline.
type refusal struct{ resume int }

// naiveLimits are those of the decoders that the twin is compared with.
var naiveLimits = ingest.Limits{}.WithDefaults()

func naiveDecode(in string, p Params) (rows []string, bad []int) {
	unit := int64(max(p.Precision, 1))
	n := &naive{in: in}
	for n.pos < len(in) {
		start := n.pos
		line := 1 + strings.Count(in[:start], "\n")
		for n.more() && (n.peek() == ' ' || n.peek() == '\t') {
			n.pos++
		}
		if n.atEnd() || n.peek() == '#' {
			n.nextLine()
			continue
		}
		row, err := n.record(unit, p)
		if err == nil {
			rows = append(rows, row)
			n.nextLine() // from the line end
			continue
		}
		bad = append(bad, line)
		if err.resume >= 0 {
			n.pos = err.resume
		} else {
			n.nextLine()
		}
	}
	return rows, bad
}

func (n *naive) more() bool { return n.pos < len(n.in) }
func (n *naive) peek() byte { return n.in[n.pos] }
func (n *naive) nextLine() {
	for n.more() && n.peek() != '\n' {
		n.pos++
	}
	if n.more() {
		n.pos++
	}
}

// atEnd reports a line end: of input, newline, or a carriage return before
// either.
func (n *naive) atEnd() bool {
	rest := n.in[n.pos:]
	return rest == "" || rest == "\r" || strings.HasPrefix(rest, "\n") || strings.HasPrefix(rest, "\r\n")
}

func (n *naive) atValueEnd() bool { return n.atEnd() || n.peek() == ' ' || n.peek() == ',' }

// word reads up to one of stops that is not escaped, and unescapes.
func (n *naive) word(stops, escapes string) string {
	var out strings.Builder
	for n.more() && n.peek() != '\n' {
		if n.peek() == '\\' && n.pos+1 < len(n.in) && strings.ContainsRune(escapes, rune(n.in[n.pos+1])) {
			out.WriteByte(n.in[n.pos+1])
			n.pos += 2
			continue
		}
		if strings.IndexByte(stops, n.peek()) >= 0 {
			break
		}
		out.WriteByte(n.peek())
		n.pos++
	}
	return out.String()
}

var (
	fail        = &refusal{-1}
	floatSyntax = regexp.MustCompile(`^-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`)
	intSyntax   = regexp.MustCompile(`^(-?[0-9]+)i$|^([0-9]+)u$`)
	timeSyntax  = regexp.MustCompile(`^-?[0-9]+$`)
)

func (n *naive) record(unit int64, p Params) (string, *refusal) {
	// A key part without a space has no fields: nothing else counts then.
	rest := n.in[n.pos:]
	if i := strings.IndexByte(rest, '\n'); i >= 0 {
		rest = rest[:i]
	}
	if !regexp.MustCompile(`(?s)(^|[^\\]) `).MatchString(rest) {
		return "", fail
	}
	start := n.pos
	// In a measurement a backslash before = stays.
	name := n.word(", ", ", ")
	if !okName(name) {
		return "", fail
	}
	tags := map[string]string{}
	for n.peek() == ',' {
		n.pos++
		k := n.word(",= ", ",= ")
		if !n.more() || n.peek() != '=' || !okName(k) || k == "time" || k == "__name__" {
			return "", fail
		}
		n.pos++
		v := n.word(",= ", ",= ")
		if _, twice := tags[k]; twice || v == "" || !utf8.ValidString(v) || len(v) > naiveLimits.MaxLabelValueBytes ||
			len(tags) == naiveLimits.MaxLabels || !n.more() || n.peek() == '=' {
			return "", fail
		}
		tags[k] = v
	}
	var fields []naiveField
	for n.more() && n.peek() == ' ' {
		n.pos++
	}
	if n.atEnd() {
		return "", fail
	}
	badName := false // found only once the record is known to be well-formed
	for {
		k := n.word(",= ", ",= ")
		if k == "" || !n.more() || n.peek() != '=' {
			return "", fail
		}
		badName = badName || !okName(k) || k == "time" || k == "_line"
		n.pos++
		if len(fields) == naiveLimits.MaxColumns {
			return "", fail
		}
		f, err := n.value()
		if err != nil {
			return "", err
		}
		f.name = k
		fields = append(fields, f)
		if n.more() && n.peek() == ',' {
			n.pos++
			continue
		}
		break
	}
	for n.more() && n.peek() == ' ' {
		n.pos++
	}
	t := p.Now - (p.Now%unit+unit)%unit
	if !n.atEnd() {
		from := n.pos
		for !n.atEnd() && n.peek() != ' ' {
			n.pos++
		}
		s := n.in[from:n.pos]
		if !timeSyntax.MatchString(s) {
			return "", fail
		}
		big1, _ := new(big.Int).SetString(s, 10)
		big1.Mul(big1, big.NewInt(unit))
		if big1.CmpAbs(big.NewInt(9223372036854775806)) > 0 {
			return "", fail
		}
		t = big1.Int64()
		for n.more() && n.peek() == ' ' {
			n.pos++
		}
		if !n.atEnd() {
			return "", fail
		}
	}
	if n.pos-start > naiveLimits.MaxLineBytes {
		return "", fail
	}
	if badName || p.MinTime != 0 && t < p.MinTime {
		return "", fail
	}
	return naiveRow(name, tags, fields, t, p), nil
}

func okName(s string) bool {
	return s != "" && utf8.ValidString(s) && len(s) <= naiveLimits.MaxNameBytes
}

func (n *naive) value() (naiveField, *refusal) {
	if n.more() && n.peek() == '"' {
		open := n.pos
		firstNewline := -1
		var out strings.Builder
		for n.pos++; ; n.pos++ {
			if !n.more() {
				n.pos = open
				return naiveField{}, fail
			}
			c := n.peek()
			if c == '"' {
				break
			}
			if c == '\n' && firstNewline < 0 {
				firstNewline = n.pos
			}
			if c == '\\' && n.pos+1 < len(n.in) && (n.in[n.pos+1] == '"' || n.in[n.pos+1] == '\\') {
				n.pos++
				c = n.peek()
			}
			out.WriteByte(c)
		}
		n.pos++
		if !n.atValueEnd() {
			if firstNewline >= 0 {
				return naiveField{}, &refusal{firstNewline + 1}
			}
			return naiveField{}, fail
		}
		return naiveField{typ: model.TypeText, text: out.String()}, nil
	}
	from := n.pos
	for !n.atValueEnd() {
		n.pos++
	}
	s := n.in[from:n.pos]
	switch {
	case floatSyntax.MatchString(s):
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return naiveField{}, fail
		}
		return naiveField{typ: model.TypeFloat, text: model.Float(f).String()}, nil
	case intSyntax.MatchString(s):
		i, _ := new(big.Int).SetString(s[:len(s)-1], 10)
		if !i.IsInt64() {
			return naiveField{}, fail
		}
		return naiveField{typ: model.TypeInt, text: i.String()}, nil
	}
	switch s {
	case "t", "T", "true", "True", "TRUE":
		return naiveField{typ: model.TypeBool, text: "true"}, nil
	case "f", "F", "false", "False", "FALSE":
		return naiveField{typ: model.TypeBool, text: "false"}, nil
	}
	return naiveField{}, fail
}

// naiveRow is the record model.
func naiveRow(name string, tags map[string]string, all []naiveField, t int64, p Params) string {
	var fields []naiveField
	for i, f := range all {
		keep := true
		for _, g := range all[i+1:] {
			keep = keep && g.name != f.name
		}
		if keep {
			fields = append(fields, f)
		}
	}
	line, found := "", ""
	var texts []naiveField
	numbers := false
	for _, f := range fields {
		if f.typ == model.TypeText {
			texts = append(texts, f)
		} else {
			numbers = true
		}
	}
	for _, m := range []string{"message", "msg", "log", "line", "body"} {
		for _, f := range texts {
			if f.name == m && found == "" {
				line, found = f.text, m
			}
		}
	}
	isLog := found != "" || !numbers
	if isLog && found == "" {
		if len(texts) == 1 {
			line, found = texts[0].text, texts[0].name
		} else {
			var parts []string
			for _, f := range texts {
				key := regexp.MustCompile("[\x00- =\"\x7f]").ReplaceAllString(f.name, "_")
				val := f.text
				if val == "" || strings.ContainsAny(val, "=\"\\\x7f") || strings.IndexFunc(val, func(r rune) bool { return r <= ' ' }) >= 0 {
					val = `"` + escapeLogfmt(val) + `"`
				}
				parts = append(parts, key+"="+val)
			}
			line = strings.Join(parts, " ")
		}
	}
	extra := map[string]string{}
	if isLog {
		extra["measurement"] = name
	}
	if p.Database != "" {
		extra["db"] = p.Database
	}
	if p.Tenant != "" {
		extra["tenant"] = p.Tenant
	}
	labels := map[string]string{}
	for k, v := range tags {
		labels[k] = v
	}
	for _, k := range []string{"measurement", "db", "tenant"} {
		if extra[k] == "" {
			continue
		}
		if v, taken := labels[k]; taken {
			to := k
			for {
				to = "exported_" + to
				if _, taken := labels[to]; !taken {
					break
				}
			}
			labels[to] = v
		}
		labels[k] = extra[k]
	}
	out := fmt.Sprintf("metric %s %d", model.FromMap(labels), t)
	if isLog {
		out = fmt.Sprintf("log %s %d _line=%q", model.FromMap(labels), t, line)
	}
	for _, f := range fields {
		metric := name + "_" + f.name
		if f.name == "value" {
			metric = name
		}
		switch {
		case isLog && f.name == found:
		case isLog && f.typ == model.TypeText:
			out += fmt.Sprintf(" %s=%q", f.name, f.text)
		case isLog:
			out += fmt.Sprintf(" %s[%s]=%s:%s", f.name, metric, f.typ, f.text)
		case f.typ == model.TypeText:
			out += fmt.Sprintf(" %s=%q", metric, f.text)
		default:
			out += fmt.Sprintf(" %s=%s:%s", metric, f.typ, f.text)
		}
	}
	return out
}

func escapeLogfmt(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteString("\\" + string(c))
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// compareWithNaive decodes with the given decoder, whatever it knows already.
func compareWithNaive(t *testing.T, d *Decoder, in string, p Params) {
	t.Helper()
	var b model.Batch
	rep := d.Decode([]byte(in), p, &b)
	rows, bad := naiveDecode(in, p)
	var at []int
	for _, e := range rep.Errors {
		at = append(at, e.Line)
		if e.Reason == "" || e.Column < 1 || e.Column > len(in)+1 {
			t.Errorf("%q: error without place or reason: %+v", in, e)
		}
	}
	if fmt.Sprint(at) != fmt.Sprint(bad[:min(len(bad), len(at))]) || len(bad) != rep.Rejected {
		t.Fatalf("%q:\nrefused lines %v (%d)\n       twin's %v\n%v", in, at, rep.Rejected, bad, rep.Errors)
	}
	if got, want := dump(&b), strings.Join(rows, "\n"); got != want {
		t.Fatalf("%q:\n got %s\ntwin %s", in, got, want)
	}
	if !b.Valid() || b.Len() != rep.Accepted {
		t.Fatalf("%q: batch of %d rows, valid %v, %d accepted", in, b.Len(), b.Valid(), rep.Accepted)
	}
}

// TestAgainstNaive compares on random and on damaged input, with one decoder
// for all of it, so that what it remembers is put to the test.
func TestAgainstNaive(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	defer func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	}()
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	names := []string{"a", "b", "msg", "value", "measurement", "db", `x\,y`, `x\ y`, `x\=y`, `w\x`, "line", "long_name"}
	values := []string{"1", "-2.5", "3i", "-4i", "5u", "t", "FALSE", `"x"`, `"a b"`, `"q\"q\\"`, "\"n\nn\"", `""`, "1e5", "0.1", "123456.789", "9223372036854775807i"}
	line := func() string {
		s := pick(names...)
		for _, i := range r.Perm(len(names))[:r.IntN(4)] {
			s += "," + names[i] + "=" + pick("v", "w", `a\,b`, `\ `, `é`)
		}
		s += " "
		for i := range 1 + r.IntN(4) {
			if i > 0 {
				s += ","
			}
			s += pick(names...) + "=" + pick(values...)
		}
		return s + pick("", " 5", " 6", " -7", " 1700000000") + pick("\n", "\n", "\n", "\r\n", "\n\n", " \n", "\n# c\n")
	}
	var pool []string
	for range 60 {
		pool = append(pool, line())
	}
	const special = "\"\"\"\n\n\r,,==  \\\\#\t09iutf.-eNaN\xff\x00"
	d := newDecoder(t, Options{CacheBytes: 24 << 10})
	rounds := 6_000
	if testing.Short() {
		rounds = 2_000
	}
	for range rounds {
		var in string
		for range 1 + r.IntN(5) {
			if r.IntN(20) == 0 {
				pool[r.IntN(len(pool))] = line()
			}
			in += pick(pool...)
		}
		in = in[:len(in)-r.IntN(2)]
		b := []byte(in)
		if r.IntN(2) == 0 {
			for range 1 + r.IntN(3) {
				i := r.IntN(len(b) + 1)
				c := special[r.IntN(len(special))]
				switch r.IntN(3) {
				case 0:
					b = append(b[:i], append([]byte{c}, b[i:]...)...)
				case 1:
					if i < len(b) {
						b[i] = c
					}
				default:
					if i < len(b) {
						b = append(b[:i], b[i+1:]...)
					}
				}
			}
		}
		p := Params{Now: 1_700_000_000_123_456_789, Precision: pickPrecision(r)}
		if r.IntN(4) == 0 {
			p.Database, p.Tenant, p.MinTime = pick("", "d"), pick("", "t"), 1
		}
		compareWithNaive(t, d, string(b), p)
		if t.Failed() {
			return
		}
	}
	if st := d.CacheStats(); st.Hits == 0 || st.Misses == 0 || st.Evictions == 0 {
		t.Errorf("%+v: want hits, misses and evictions to have been tried", st)
	}
}

func pickPrecision(r *rand.Rand) Precision {
	all := []Precision{Nanosecond, Microsecond, Millisecond, Second, Minute, Hour}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	return all[r.IntN(len(all))]
}

// FuzzDecode: no input panics, and what is accepted is what the twin accepts.
func FuzzDecode(f *testing.F) {
	var tags strings.Builder
	for i := range 65 {
		fmt.Fprintf(&tags, ",t%d=x", i)
	}
	for _, s := range []string{
		"cpu,host=a usage_user=3,usage_system=1i 5\n",
		"m msg=\"a\nb\\\"c\\\\\",v=t\r\n# c\n\nm,t\\ u=\\,x v\\==-1.5e-3 -7",
		"m v=\"x\nm v=1\n", "m,a=b,a=c v=1\n,a v=2u", "m a=\"\",b=\"x y\" 1\n", "m v=1 5 6\nm v= 5",
		// Beyond a limit: a name, a label's value, and how many there are.
		strings.Repeat("n", 1025) + " v=1\nm," + strings.Repeat("n", 1025) + "=x v=1\nm " + strings.Repeat("n", 1025) + "=1\n",
		"m,a=" + strings.Repeat("x", 4097) + " v=1\n",
		"m" + tags.String() + " v=1\nm v=1" + strings.Repeat(",v=1", 1024) + "\n",
	} {
		f.Add([]byte(s), uint8(0))
	}
	f.Fuzz(func(t *testing.T, in []byte, how uint8) {
		// A decoder of its own keeps coverage a function of the input; the
		// second pass is with keys and fields known.
		d := newDecoder(t, Options{CacheBytes: 64 << 10})
		p := Params{Now: 12_345_678_901_234, Precision: [...]Precision{1, 1e3, 1e6, 1e9}[how%4]}
		if how&4 != 0 {
			p.Database = "d"
		}
		compareWithNaive(t, d, string(in), p)
		compareWithNaive(t, d, string(in), p)
	})
}
