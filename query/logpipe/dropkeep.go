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
		if !r.overridden(l.Name) && d.picked(l.Name, l.Value) != d.keep {
			r.set(l.Name, "")
		}
	}
	for i := range r.over {
		if l := &r.over[i]; l.Value != "" && d.picked(l.Name, l.Value) != d.keep {
			l.Value = ""
		}
	}
	if !d.keep {
		if r.err != "" && d.picked(ErrorLabel, r.err) {
			r.err = ""
		}
		if r.err == "" || d.picked(ErrorDetailsLabel, r.details) {
			r.details = ""
		}
	}
	return true
}
