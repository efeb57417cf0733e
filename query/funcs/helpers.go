package funcs

// The shorthands below keep a family file one line per function.

func vec(name, doc string) Param  { return Param{Name: name, Types: []Type{Vector}, Doc: doc} }
func num(name, doc string) Param  { return Param{Name: name, Types: []Type{Scalar}, Doc: doc} }
func str(name, doc string) Param  { return Param{Name: name, Types: []Type{Str}, Doc: doc} }
func rng(name, doc string) Param  { return Param{Name: name, Types: []Type{Range}, Doc: doc} }
func rows(name, doc string) Param { return Param{Name: name, Types: []Type{LogRange}, Doc: doc} }

// either accepts samples as well as log rows of a window.
func either(name, doc string) Param {
	return Param{Name: name, Types: []Type{Range, LogRange}, Doc: doc}
}

// opt makes a parameter optional with a printed default.
func (p Param) opt(def string) Param {
	p.Optional, p.Default = true, def
	return p
}

// option is an optional parameter that is given by name only.
func option(name string, t Type, def, doc string, oneOf ...string) Param {
	return Param{Name: name, Types: []Type{t}, Default: def, Optional: true, NamedOnly: true, Doc: doc, OneOf: oneOf}
}

func params(ps ...Param) []Param { return ps }
