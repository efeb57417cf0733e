package rowgroup

import "tidemark/storage/model"

// Field is a typed field of a row being added. Bits is used for TypeFloat,
// TypeInt and TypeBool as in model.Value, Text for TypeText. A field of
// TypeNone is absent.
type Field struct {
	Name string
	Type model.Type
	Bits uint64
	Text []byte
}

// FieldOf returns the field of a value.
func FieldOf(name string, v model.Value) Field {
	return Field{Name: name, Type: v.Type, Bits: v.Bits, Text: []byte(v.Text)}
}

// encodable reports whether columns hold values of the type.
func encodable(t model.Type) bool {
	return t == model.TypeFloat || t == model.TypeInt || t == model.TypeBool || t == model.TypeText
}
