package logpipe

import (
	"fmt"
	"strings"

	"tidemark/storage/shape"
)

// Labels of the stage shape.
const (
	ShapeLabel   = "shape"
	ShapeIDLabel = "shape_id"
)

// ShapeLabels returns the values of ShapeLabel and ShapeIDLabel for a template.
func ShapeLabels(template []byte) (text, id string) {
	return strings.ToValidUTF8(string(shape.AppendText(nil, template)), "\ufffd"), fmt.Sprintf("%016x", shape.ID(template))
}

// shapes is the stage shape. As with parsers, a row that has such a label
// already gets the one with extracted behind.
type shapes struct{}

func (*shapes) readsLine() {}

func (*shapes) run(r *row) bool {
	text, id := r.own.shapes.of(r.line)
	if n, ok := r.claim(ShapeLabel); ok {
		r.set(n, text)
	}
	if n, ok := r.claim(ShapeIDLabel); ok {
		r.set(n, id)
	}
	return true
}

// shapeNames remembers the labels of templates.
type shapeNames struct {
	parsed shape.Parsed
	byText map[string][2]string
}

func (s *shapeNames) of(line string) (text, id string) {
	shape.Parse([]byte(line), &s.parsed)
	if n, ok := s.byText[string(s.parsed.Template)]; ok {
		return n[0], n[1]
	}
	text, id = ShapeLabels(s.parsed.Template)
	if s.byText == nil {
		s.byText = map[string][2]string{}
	}
	if len(s.byText) < maxNames {
		s.byText[string(s.parsed.Template)] = [2]string{text, id}
	}
	return text, id
}
