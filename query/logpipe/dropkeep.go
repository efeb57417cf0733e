package logpipe

import (
	"tidemark/query/ast"
	"tidemark/storage/model"
)

// dropKeep removes the labels it names, or all others. A pick with a matcher
// means the label only where its value matches.
type dropKeep struct {
	keep  bool
	picks map[string][]*model.Matcher
}

func compileDropKeep(st *ast.DropKeep) (stage, error) {
	d := &dropKeep{keep: st.Keep, picks: map[string][]*model.Matcher{}}
	for _, l := range st.Labels {
		if l.Matcher == nil {
			d.picks[l.Name] = append(d.picks[l.Name], nil)
			continue
		}
		m, err := model.NewMatcher(l.Matcher.Type, l.Name, l.Matcher.Value)
		if err != nil {
			return nil, errorAt(l.Matcher.Pos, err.Error())
		}
		d.picks[l.Name] = append(d.picks[l.Name], m)
	}
	return d, nil
}

func (d *dropKeep) picked(name, value string) bool {
	for _, m := range d.picks[name] {
		if m == nil || m.Matches(value) {
			return true
		}
	}
	return false
}

func (d *dropKeep) run(r *row) bool {
	for _, l := range r.base {
		if r.slot(l.Name) == nil && d.picked(l.Name, l.Value) != d.keep {
			r.remove(l.Name)
		}
	}
	for i := range r.over {
		if s := &r.over[i]; !s.gone && d.picked(s.name, s.value) != d.keep {
			s.value, s.meta, s.gone = "", false, true
		}
	}
	if !d.keep {
		if r.err != "" && d.picked(ErrorLabel, r.err) {
			r.err = ""
		}
		if r.details != "" && d.picked(ErrorDetailsLabel, r.details) {
			r.details = ""
		}
	}
	return true
}
