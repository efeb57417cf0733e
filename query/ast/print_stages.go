package ast

import "strings"

func (p *printer) stage(st Stage) {
	switch s := st.(type) {
	case *LineFilter:
		p.str(s.Op, " ")
		for i, v := range s.Values {
			if i > 0 {
				p.str(" or ")
			}
			p.str(Quote(v))
		}
		for i, v := range s.IPs {
			if i+len(s.Values) > 0 {
				p.str(" or ")
			}
			p.str("ip(", Quote(v), ")")
		}
	case *LineFormat:
		p.str("| line_format ", Quote(s.Template))
	case *LabelFormat:
		p.str("| label_format ")
		for i := range s.Items {
			if i > 0 {
				p.str(", ")
			}
			it := &s.Items[i]
			if p.str(it.Label, "="); it.From != "" {
				p.str(it.From)
			} else {
				p.str(Quote(it.Template))
			}
		}
	case *Patterns:
		p.str("| patterns")
	case *Shape, *Context, *Sort, *Limit, *Stats, *Uniq, *Top:
		p.pipe(s)
	case *Decolorize:
		p.str("| decolorize")
	case *Parser:
		p.str("| ", s.Name)
		if s.Name == "regexp" || s.Name == "pattern" {
			p.str(" ", Quote(s.Text))
		}
		for _, f := range s.Flags {
			p.str(" ", f)
		}
		for i := range s.Extractions {
			if i > 0 {
				p.str(",")
			}
			x := &s.Extractions[i]
			p.str(" ", x.Label)
			if x.Path != x.Label {
				p.str("=", Quote(x.Path))
			}
		}
	case *LabelFilter:
		p.str("| ")
		p.cond(s.Cond, 0)
	case *Unwrap:
		p.str("| unwrap ")
		if s.Conv != "" {
			p.str(s.Conv, "(", s.Label, ")")
		} else {
			p.str(s.Label)
		}
	case *DropKeep:
		if s.Keep {
			p.str("| keep ")
		} else {
			p.str("| drop ")
		}
		for i := range s.Labels {
			if i > 0 {
				p.str(", ")
			}
			if m := s.Labels[i].Matcher; m != nil {
				p.matcher(m)
			} else {
				p.str(s.Labels[i].Name)
			}
		}
	}
}

// cond prints a condition; and binds tighter (2) than or (1). Both are
// printed as grouping to the left.
func (p *printer) cond(c Cond, lowest int) {
	switch n := c.(type) {
	case *CondBinary:
		prec := 1
		if n.Op == "and" {
			prec = 2
		}
		if prec < lowest {
			p.str("(")
		}
		p.cond(n.LHS, prec)
		p.str(" ", n.Op, " ")
		p.cond(n.RHS, prec+1)
		if prec < lowest {
			p.str(")")
		}
	case *CondIP:
		p.str(n.Name, n.Op, "ip(", Quote(n.Value), ")")
	case *CondMatch:
		p.str(n.Name, n.Type.String(), Quote(n.Value))
	case *CondNumber:
		p.str(n.Name, " ", n.Op, " ", strings.TrimPrefix(n.Text, "+"))
	}
}
