package elastic

import (
	"bytes"
	"errors"
	"fmt"

	"tidemark/ingest"
	"tidemark/ingest/internal/jsonscan"
	"tidemark/ingest/jsonlines"
	"tidemark/storage/model"
)

// Errors of whole requests.
var (
	// ErrMalformed marks a body whose actions cannot be read.
	ErrMalformed = errors.New("malformed bulk request")
	// ErrTooManyItems says that a body is beyond Options.MaxItems.
	ErrTooManyItems = errors.New("too many items")
)

// Options configure a Decoder. The zero value means the defaults.
type Options struct {
	// MaxItems bounds the items of a request, each of which has a place in the
	// answer. Default 500,000.
	MaxItems int
}

const defaultMaxItems = 500_000

// DefaultTimeFields are where a request names none.
var DefaultTimeFields = []string{"@timestamp"}

// Item says what became of one action.
type Item struct {
	// Action is create, index, update or delete.
	Action    string
	Index, ID string
	// Reason says why the item was refused; it is empty for one that was
	// accepted. TooOld is set where only its time was.
	Reason string
	TooOld bool
}

// Result says what became of a request.
type Result struct {
	// Report counts items as lines. Its errors have the line of the body on
	// which an item starts.
	ingest.Report
	Items []Item // in their order
}

// Decoder decodes bulk requests. It is safe for concurrent use.
type Decoder struct {
	lines *jsonlines.Decoder
	opts  Options
}

// NewDecoder returns a decoder that gives documents to lines.
func NewDecoder(lines *jsonlines.Decoder, opts Options) (*Decoder, error) {
	if opts.MaxItems < 0 {
		return nil, fmt.Errorf("bulk options: MaxItems %d: want 0 (default) or more", opts.MaxItems)
	}
	if opts.MaxItems == 0 {
		opts.MaxItems = defaultMaxItems
	}
	return &Decoder{lines: lines, opts: opts}, nil
}

// Decode adds the documents of a whole request body to b and reports what
// became of each item. An error, which is ErrMalformed or ErrTooManyItems,
// means that the request is refused whole and nothing was added. body is not
// kept and not changed.
//
// The time is linear in the body's length.
func (d *Decoder) Decode(body []byte, p jsonlines.Params, b *model.Batch) (res Result, err error) {
	if p.TimeFields == nil {
		p.TimeFields = DefaultTimeFields
	}
	before := b.Len()
	defer func() {
		if err != nil {
			for b.Len() > before {
				b.Rollback()
			}
			res = Result{}
		}
	}()
	lim := d.lines.Limits()
	rows := d.lines.Begin(p, b)
	defer rows.End()
	var scan jsonscan.Scanner
	var act action
	index, extra := "", []jsonlines.Pair(nil)
	next := func() (line []byte) {
		if n := bytes.IndexByte(body, '\n'); n >= 0 {
			line, body = body[:n], body[n+1:]
		} else {
			line, body = body, nil
		}
		return line
	}
	for number := 1; len(body) > 0; number++ {
		text := next()
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		scan.Reset(text)
		act = action{}
		if !act.read(&scan) {
			return res, fmt.Errorf("%w: line %d, column %d: %s", ErrMalformed, number, scan.At+1, scan.Reason)
		}
		if len(res.Items) == d.opts.MaxItems {
			return res, fmt.Errorf("%w: want at most %d (MaxItems)", ErrTooManyItems, d.opts.MaxItems)
		}
		if string(act.index) != index {
			index = string(act.index)
			// The extra fields of the request come last: they win.
			extra = append([]jsonlines.Pair{{Name: "_index", Value: index}}, p.ExtraFields...)
			if index == "" {
				extra = p.ExtraFields
			}
			rows.SetExtra(extra)
		}
		item := Item{Action: act.name, Index: index, ID: string(act.id)}
		res.Lines++
		start, doc, column := number, text, 1
		switch act.name {
		case "delete":
			item.Reason = "delete is not offered: records are not deleted by id"
		default:
			if len(body) == 0 {
				return res, fmt.Errorf("%w: line %d: want a document after the action", ErrMalformed, number)
			}
			doc = next()
			number++
			if act.name == "update" {
				item.Reason = "update is not offered: records are not replaced by id"
				break
			}
			start = number
			bad, ok := rows.Add(doc)
			if ok {
				res.Accepted++
				res.LogRows++
				res.Values += rows.Columns()
				break
			}
			item.Reason, item.TooOld, column = bad.Reason, bad.TooOld, bad.Column
			if item.TooOld {
				res.TooOld++
			}
		}
		if item.Reason != "" {
			res.Rejected++
			if len(res.Errors) < lim.MaxErrors {
				res.Errors = append(res.Errors, ingest.LineError{Line: start, Column: column, Reason: item.Reason,
					Text: string(doc[:min(len(doc), lim.MaxErrorText)])})
			}
		}
		res.Items = append(res.Items, item)
	}
	return res, nil
}

// action is an action line. Its bytes die with the scanner's text.
type action struct {
	name      string
	index, id []byte
}

// read reads {"name": {"_index": …, "_id": …}}.
func (a *action) read(s *jsonscan.Scanner) bool {
	i, ok := s.Want(0, '{')
	if !ok {
		return false
	}
	i = s.Space(i)
	at := i
	name, i, ok := s.Name(i)
	if !ok {
		return false
	}
	for _, known := range [...]string{"create", "index", "update", "delete"} {
		if string(name) == known {
			a.name = known
		}
	}
	if a.name == "" {
		return s.Fail(at, fmt.Sprintf("unknown action %q: want create, index, update or delete", clip(name)))
	}
	if i, ok = s.Want(i, '{'); !ok {
		return false
	}
	if end := s.Space(i); s.Byte(end) == '}' {
		i = end + 1
	} else {
		for more := true; more; {
			if name, i, ok = s.Name(i); !ok {
				return false
			}
			into := (*[]byte)(nil)
			switch string(name) {
			case "_index":
				into = &a.index
			case "_id":
				into = &a.id
			}
			if into != nil && s.Byte(i) == '"' {
				*into, i, ok = s.String(i)
			} else {
				i, ok = s.Skip(i)
			}
			if !ok {
				return false
			}
			if i, more, ok = s.More(i, '}'); !ok {
				return false
			}
		}
	}
	if i, ok = s.Want(i, '}'); !ok {
		return false
	}
	return s.End(i)
}

// clip bounds what a reason quotes.
func clip(s []byte) string {
	const most = 80
	if len(s) <= most {
		return string(s)
	}
	return string(s[:most]) + "…"
}
