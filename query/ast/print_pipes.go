package ast

import (
	"math"
	"strconv"
)

// pipe prints one of the stages that LogQL does not have.
func (p *printer) pipe(st Stage) {
	switch s := st.(type) {
	case *Shape:
		p.str("| shape")
	case *Context:
		p.str("| stream_context before ", strconv.Itoa(s.Before), " after ", strconv.Itoa(s.After))
	case *Sort:
		p.str("| sort by (")
		for i, k := range s.Keys {
			if i > 0 {
				p.str(", ")
			}
			p.str(labelName(k.Name))
			if k.Desc {
				p.str(" desc")
			}
		}
		p.str(")")
	case *Limit:
		p.str("| limit ", strconv.Itoa(s.N))
	case *Stats:
		p.str("| stats ")
		if len(s.By) > 0 {
			p.str("by ")
			p.labels(s.By)
			p.str(" ")
		}
		for i := range s.Funcs {
			if i > 0 {
				p.str(", ")
			}
			p.statsFunc(&s.Funcs[i])
		}
	case *Uniq:
		p.str("| uniq by ")
		p.labels(s.By)
	case *Top:
		p.str("| top ", strconv.Itoa(s.N), " by ")
		p.labels(s.By)
	}
}

func (p *printer) statsFunc(f *StatsFunc) {
	p.str(f.Func, "(")
	if !math.IsNaN(f.Param) {
		p.str(strconv.FormatFloat(f.Param, 'g', -1, 64), ", ")
	}
	switch {
	case f.Conv != "":
		p.str(f.Conv, "(", labelName(f.Field), ")")
	case f.Field != "":
		p.str(labelName(f.Field))
	}
	p.str(")")
	if f.As != "" {
		p.str(" as ", f.As)
	}
}
