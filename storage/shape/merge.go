package shape

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"
)

// Count is how often a shape occurs in a range of lines.
type Count struct {
	Template []byte
	N        uint64
}

// Pattern is a merge of shapes.
type Pattern struct {
	// ID is the hash of Template: the same in every answer that has this template.
	ID uint64
	// Template is constant text with placeholders of kind Any, white space
	// collapsed to single spaces.
	Template []byte
	// N is the sum of the counts of the shapes.
	N uint64
	// Shapes are the members, as indices into the argument of Merge, ascending.
	Shapes []int
}

// Text is the template for people, with <*> for each placeholder. The words <*>
// of a line itself look the same.
func (p Pattern) Text() string {
	return string(bytes.ReplaceAll(bytes.ReplaceAll(p.Template, []byte(hole), []byte("<*>")), []byte{Mark, MarkLiteral}, []byte{Mark}))
}

// Thresholds of Merge, one set for every log.
const (
	// minNames is the number of different names with digits (eth0, eth1 …) that
	// make a place variable.
	minNames = 4
	// minWords is the number of different words without digits that make a place
	// variable.
	minWords = 6
	// minValues is the same behind key=.
	minValues = 3
	// minTogether is the same where several places vary at once.
	minTogether = 2 * minWords
	// minAnchors is the number of constant words a pattern must keep around a
	// place that becomes variable on the strength of words alone.
	minAnchors = 2
	// dominance is how many times more lines than its words a place must have that
	// is a placeholder elsewhere, for the words to be values too.
	dominance = 4
	// maxRounds bounds the repetitions that let one variable place reveal another.
	maxRounds = 8
)

// row is one candidate pattern during a merge.
type row struct {
	words   []*word // the pattern
	seen    []*word // the words under the present view, opened so far
	n       uint64
	members []int
}

// Merge groups shapes into patterns. Every index of counts is in exactly one
// pattern, so the counts of the patterns add up to those of the shapes. The
// answer depends on the multiset of (template, n) only; it is sorted by falling
// N, then by template. A shape may occur in counts more than once, as it does
// where several batches are put together.
//
// The time is proportional to the bytes of the templates, about 10 µs a shape.
// The only error is that of ctx, looked at between passes over the shapes.
func Merge(ctx context.Context, counts []Count) ([]Pattern, error) {
	v := vocabulary{}
	rows := make([]row, 0, len(counts))
	var texts []string
	for i, c := range counts {
		texts = canon(texts[:0], c.Template)
		words := make([]*word, len(texts))
		for j, t := range texts {
			words[j] = v.word(t)
		}
		rows = append(rows, row{words: words, n: c.N, members: []int{i}})
	}
	rows = v.openUnder(ctx, rows, exact)
	// Once only: after it, the words that set events apart vary as widely as
	// values did.
	if ctx.Err() == nil && v.openTogether(rows) {
		rows = v.settle(ctx, unite(rows))
	}
	rows = v.openUnder(ctx, rows, listless)
	rows = v.openUnder(ctx, rows, bare)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for i := range rows {
		rows[i].seen = rows[i].words
	}
	rows = unite(rows) // equal templates are one pattern, however they came about
	out := make([]Pattern, 0, len(rows))
	for _, r := range rows {
		t := []byte(key(r.words))
		slices.Sort(r.members)
		out = append(out, Pattern{ID: ID(t), Template: t, N: r.n, Shapes: r.members})
	}
	slices.SortFunc(out, func(a, b Pattern) int {
		if c := cmp.Compare(b.N, a.N); c != 0 {
			return c
		}
		return bytes.Compare(a.Template, b.Template)
	})
	return out, nil
}

func key(words []*word) string {
	n := 0
	for _, w := range words {
		n += len(w.text)
	}
	b := make([]byte, 0, n)
	for _, w := range words {
		b = append(b, w.text...)
	}
	return string(b)
}

// openUnder opens places of the rows as seen through view and unites rows that
// then look the same. Rows that nothing joins keep their words.
func (v vocabulary) openUnder(ctx context.Context, rows []row, view func([]*word) []*word) []row {
	for i := range rows {
		rows[i].seen = view(rows[i].words)
	}
	return v.settle(ctx, unite(rows)) // open counts a word once for each row that has it
}

// settle opens single places until nothing changes or ctx is done.
func (v vocabulary) settle(ctx context.Context, rows []row) []row {
	for range maxRounds {
		if ctx.Err() != nil || !v.open(rows) {
			break
		}
		rows = unite(rows)
	}
	return rows
}

// The views, from the strictest on. A row without a constant word shows itself
// exactly under each: nothing else would tell it from any other.

func exact(words []*word) []*word { return words }

// listless shows placeholders in a row, divided by spaces or commas, as one:
// lists of different lengths are the same pattern.
func listless(words []*word) []*word {
	if !anchored(words) {
		return words
	}
	out := make([]*word, 0, len(words))
	for _, w := range words {
		if n := len(out); w.sort == holeWord && n >= 2 && (out[n-1].text == " " || out[n-1].text == ",") && out[n-2].sort == holeWord {
			out = out[:n-1]
			continue
		}
		out = append(out, w)
	}
	return out
}

// bare also leaves out a parenthesis that holds only a placeholder ("1133 bytes
// (1.1 KB)") and the unit behind a number: 5 ms and 2 s are the same pattern.
func bare(words []*word) []*word {
	if !anchored(words) {
		return words
	}
	out := make([]*word, 0, len(words))
	for _, w := range listless(words) {
		n := len(out)
		switch {
		case w.text == ")" && n >= 2 && out[n-1].sort == holeWord && out[n-2].text == "(":
			out = out[:n-2]
			if n >= 3 && out[n-3].text == " " {
				out = out[:n-3]
			}
		case n >= 2 && out[n-1].text == " " && out[n-2].sort == holeWord && timeUnit(w.text):
			out = out[:n-1]
		default:
			out = append(out, w)
		}
	}
	return out
}

func anchored(words []*word) bool {
	return slices.ContainsFunc(words, func(w *word) bool { return w.sort == plainWord })
}

func timeUnit(w string) bool {
	switch w {
	case "s", "sec", "secs", "ms", "us", "ns", "min", "mins", "second", "seconds", "minutes", "hours", "milliseconds":
		return true
	}
	return false
}

// unite joins rows that look the same. If their words differ, what they look
// like stands for them.
func unite(rows []row) []row {
	at := make(map[string]int, len(rows))
	out := rows[:0]
	for _, r := range rows {
		k := key(r.seen)
		i, ok := at[k]
		if !ok {
			at[k] = len(out)
			out = append(out, r)
			continue
		}
		o := &out[i]
		o.n += r.n
		o.members = append(o.members, r.members...)
		if !slices.Equal(o.words, r.words) {
			o.words = o.seen
		}
	}
	return out
}

// word is a word or separator of patterns, with what merging asks of it.
type word struct {
	text string
	hash uint64
	sort sort
	stem string // of a name
}

// vocabulary holds each word of a merge once.
type vocabulary map[string]*word

func (v vocabulary) word(text string) *word {
	w := v[text]
	if w == nil {
		w = &word{text: text, hash: ID([]byte(text)), sort: sortOf(text)}
		if w.sort == nameWord {
			w.stem = stem(text)
		}
		v[text] = w
	}
	return w
}

// sort of a word, as far as merging cares.
type sort uint8

const (
	fixed     sort = iota // separator or punctuation: never merged
	plainWord             // letters
	nameWord              // carries a digit, or is a single letter
	partWord              // a placeholder with a name: core.<*>
	holeWord              // a placeholder
)

func sortOf(w string) sort {
	if w == hole {
		return holeWord
	}
	var or uint8
	for i := 0; i < len(w); i++ {
		if w[i] == Mark {
			return partWord
		}
		or |= class[w[i]]
	}
	switch {
	case or&digit != 0, or&letter != 0 && len(w) == 1:
		return nameWord
	case or&letter != 0:
		return plainWord
	}
	return fixed
}

// family is the set of words seen at one place between equal neighbours.
type family struct {
	words, names   int    // different ones
	nWords, nHoles uint64 // lines
	anchors        int    // constant words elsewhere in the rows
	stem           string // what the names have in common, digits aside
	stems          int    // 0 no name yet, 1 one stem, 2 several
	introduced     bool   // behind a word that announces a name
	value          bool   // behind key=
}

// stem is a name without its digits.
func stem(w string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, w)
}

// introduces reports whether what follows w is usually somebody's or
// something's name.
func introduces(w string) bool {
	switch w {
	case "user", "User", "USER", "username", "account", "host", "hostname", "login":
		return true
	}
	return false
}

// tells reports whether the value of key says what kind of line it is, rather
// than what the line is about.
func tells(key string) bool {
	switch strings.ToLower(key) {
	case "level", "lvl", "severity", "msg", "message", "event", "error", "err", "reason", "status", "state", "method", "type", "kind", "op", "action", "code", "result",
		"logger", "component", "module", "service", "app":
		return true
	}
	return false
}

// open turns places that vary into placeholders and reports whether it did. All
// decisions of one call are taken on the same state, so no order matters.
func (v vocabulary) open(rows []row) bool {
	type place struct {
		rest uint64
		at   int
	}
	places := 0
	for _, r := range rows {
		places += len(r.seen)
	}
	of := make([]int32, 0, places) // the family of each place of each row
	at := make(map[place]int32, places/2)
	families := make([]family, 0, places/2)
	var hs []uint64
	for _, r := range rows {
		var sum uint64
		hs = hs[:0]
		anchors := 0
		for j, w := range r.seen {
			hs = append(hs, mix(w.hash, uint64(j)))
			sum += hs[j]
			if w.sort == plainWord {
				anchors++
			}
		}
		sum += mix(uint64(len(r.seen)), 1<<32)
		for j, w := range r.seen {
			if w.sort == fixed {
				of = append(of, -1)
				continue
			}
			p := place{sum - hs[j], j}
			x, ok := at[p]
			if !ok {
				x = int32(len(families))
				at[p] = x
				families = append(families, family{anchors: anchors})
			}
			of = append(of, x)
			f := &families[x]
			if !ok {
				if w.sort == plainWord {
					f.anchors--
				}
				if j >= 2 {
					before, key := r.seen[j-1].text, r.seen[j-2]
					f.introduced = (before == " " || before == "=") && introduces(key.text)
					f.value = before == "=" && key.sort == plainWord && !tells(key.text)
				}
			}
			switch w.sort {
			case plainWord:
				f.words++
				f.nWords += r.n
			case nameWord:
				f.names++
				switch {
				case f.stems == 0:
					f.stem, f.stems = w.stem, 1
				case f.stem != w.stem:
					f.stems = 2
				}
			case holeWord:
				f.nHoles += r.n
			}
		}
	}
	changed := false
	hole, next := v.word(hole), 0
	for i := range rows {
		r := &rows[i]
		var words []*word
		for j, w := range r.seen {
			f := of[next+j]
			if f < 0 || w.sort == holeWord || !families[f].varies(w.sort) {
				continue
			}
			if words == nil {
				words = slices.Clone(r.seen)
			}
			words[j] = hole
		}
		next += len(r.seen)
		if words != nil {
			r.seen = words
			changed = true
		}
	}
	return changed
}

// varies decides whether words of sort s at this place are values.
func (f *family) varies(s sort) bool {
	different := f.words + f.names
	switch s {
	case partWord:
		return f.nHoles > 0
	case nameWord:
		return f.nHoles > 0 || f.names >= minNames || f.names > 1 && f.stems == 1 ||
			f.names > 0 && different >= minWords && f.anchors >= minAnchors
	}
	switch {
	case f.introduced:
		return different > 1 || f.nHoles > 0
	case f.anchors < minAnchors:
		return f.anchors > 0 && different >= 2*minWords
	case f.value && different >= minValues:
		return true
	case different >= minWords:
		return true
	}
	return f.nHoles >= dominance*f.nWords
}

func mix(h, salt uint64) uint64 {
	h ^= (salt + 1) * 0x9e3779b97f4a7c15
	h ^= h >> 29
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 32
	return h
}
