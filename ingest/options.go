package ingest

import (
	"errors"
	"fmt"
	"slices"
)

// DefaultMessageFields are the fields whose text is a log row's line, the
// first that a record has being taken.
var DefaultMessageFields = []string{"message", "msg", "log", "line", "body"}

// Options are what every decoder of fielded records shares. The zero value
// means the defaults.
type Options struct {
	Limits
	// MessageFields make a record a log row where one of them holds text; the
	// first name in this order that the record has gives the line. nil means
	// DefaultMessageFields; an empty slice means that no field does.
	MessageFields []string
	// NoDatabaseLabel leaves out the label db. Equal series of two databases
	// are then one series, and later writes replace earlier ones.
	NoDatabaseLabel bool
}

// WithDefaults returns the options with defaults in place of zero values.
func (o Options) WithDefaults() Options {
	o.Limits = o.Limits.WithDefaults()
	if o.MessageFields == nil {
		o.MessageFields = DefaultMessageFields
	}
	o.MessageFields = slices.Clone(o.MessageFields)
	return o
}

// Validate names everything that is wrong with the options.
func (o Options) Validate() error {
	err := o.Limits.Validate()
	for i, f := range o.MessageFields {
		if f == "" || slices.Contains(o.MessageFields[:i], f) {
			err = errors.Join(err, fmt.Errorf("MessageFields[%d] %q: want names that are not empty and not repeated", i, f))
		}
	}
	return err
}
