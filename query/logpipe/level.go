package logpipe

import (
	"tidemark/storage/model"
	"tidemark/storage/model/loglevel"
)

// levelFields are the labels and fields that are looked at for a row's level.
var levelFields = loglevel.Names

// detectLevel names the level of the row: by a label or field that is called
// like one, otherwise by what its line says.
func (r *row) detectLevel() string {
	for _, n := range levelFields {
		if v := r.base.Get(n); v != "" {
			return loglevel.Normalize(v)
		}
	}
	for _, n := range levelFields {
		if f, ok := r.field(n); ok && f.Type == model.TypeText && f.Text != "" {
			return loglevel.Normalize(f.Text)
		}
		if s := r.slot(n); s != nil && s.value != "" {
			return loglevel.Normalize(s.value)
		}
	}
	return loglevel.Detect(r.line)
}
