package csv

import (
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"tidemark/ingest"
)

// Options say how the columns of a file are to be read. The zero value of
// each field, Measurement excepted, means the default.
type Options struct {
	ingest.Options
	// Measurement names the records; it must not be empty. The column `value`
	// is the metric of just this name.
	Measurement string
	// TimeColumn is the header of the time column. Default: the first of
	// time, timestamp, _time, date and ds, in this order, that the file has.
	TimeColumn string
	// TimeFormat is how times are written: "auto" (default), "rfc3339", "s",
	// "ms", "us", "ns" for numbers since the Unix epoch, or a layout of
	// package time.
	TimeFormat string
	// Location is where times without a zone are meant. Default UTC.
	Location *time.Location
	// Labels are the headers of columns that are labels; an empty cell means
	// that the record lacks the label.
	Labels []string
	// Ignore are the headers of columns to leave out; "" is a column without
	// a name.
	Ignore []string
	// Comma separates cells. Default ','.
	Comma rune
	// BlockRows is how many records make one block. Default 10,000. A block
	// ends earlier where its values take more than 8 MiB.
	BlockRows int
	// Database and Tenant become labels as with line protocol.
	Database, Tenant string
	// MinTime is the oldest time accepted, in nanoseconds; zero means no
	// bound.
	MinTime int64
}

const (
	defaultBlockRows = 10_000
	blockBytes       = 8 << 20
)

var defaultTimeColumns = []string{"time", "timestamp", "_time", "date", "ds"}

func (o Options) withDefaults() Options {
	o.Options = o.Options.WithDefaults()
	if o.TimeFormat == "" {
		o.TimeFormat = "auto"
	}
	if o.Location == nil {
		o.Location = time.UTC
	}
	if o.Comma == 0 {
		o.Comma = ','
	}
	if o.BlockRows == 0 {
		o.BlockRows = defaultBlockRows
	}
	return o
}

// Validate names everything that is wrong with the options.
func (o Options) Validate() error {
	errs := []error{o.Options.Validate()}
	lim := o.Limits.WithDefaults()
	if r := lim.CheckMeasurement(o.Measurement); r != "" {
		errs = append(errs, errors.New(r))
	}
	if r := lim.CheckOrigin(o.Database, o.Tenant); r != "" {
		errs = append(errs, errors.New(r))
	}
	if c := o.Comma; c != 0 && (c == '"' || c == '\n' || c == '\r' || c == utf8.RuneError || !utf8.ValidRune(c)) {
		errs = append(errs, fmt.Errorf("separator %q: want a character other than a quote or a line end", c))
	}
	if o.BlockRows < 0 {
		errs = append(errs, fmt.Errorf("BlockRows %d: want 0 (default) or more", o.BlockRows))
	}
	for _, l := range o.Labels {
		if slices.Contains(o.Ignore, l) || l == o.TimeColumn && l != "" {
			errs = append(errs, fmt.Errorf("column %q: want it to be one of time, label, ignored", l))
		}
	}
	return errors.Join(errs...)
}

// columns is what a header says under the options.
type columns struct {
	header []string
	time   int
	labels []int // sorted by name
	fields []int
}

// columns reads the header.
func (o *Options) columns(header []string) (columns, error) {
	c := columns{header: slices.Clone(header), time: -1}
	find := func(name string) int { return slices.Index(c.header, name) }
	if o.TimeColumn != "" {
		if c.time = find(o.TimeColumn); c.time < 0 {
			return c, fmt.Errorf("no time column %q: the header has %q", o.TimeColumn, clipHeader(header))
		}
	} else {
		for _, name := range defaultTimeColumns {
			if c.time = find(name); c.time >= 0 && !slices.Contains(o.Labels, name) && !slices.Contains(o.Ignore, name) {
				break
			}
			c.time = -1
		}
		if c.time < 0 {
			return c, fmt.Errorf("no time column: want one of %q, or one named in the options; the header has %q", defaultTimeColumns, clipHeader(header))
		}
	}
	for _, l := range append(slices.Clone(o.Labels), o.Ignore...) {
		if find(l) < 0 {
			return c, fmt.Errorf("no column %q: the header has %q", l, clipHeader(header))
		}
	}
	for i, name := range c.header {
		switch {
		case slices.Contains(o.Ignore, name):
			continue
		case find(name) != i:
			return c, fmt.Errorf("column %d: name %q is repeated: want every name once, or ignored", i+1, name)
		case i == c.time:
		case slices.Contains(o.Labels, name):
			if r := o.CheckLabel(name, "x"); r != "" {
				return c, fmt.Errorf("column %d: %s", i+1, r)
			}
			c.labels = append(c.labels, i)
		default:
			if r := o.CheckField(name); r != "" {
				return c, fmt.Errorf("column %d: %s", i+1, r)
			}
			c.fields = append(c.fields, i)
		}
	}
	slices.SortFunc(c.labels, func(a, b int) int {
		if c.header[a] < c.header[b] {
			return -1
		}
		return 1
	})
	switch {
	case len(c.fields) == 0:
		return c, errors.New("no column is a field: want at least one beside time and labels")
	case len(c.fields) > o.MaxColumns:
		return c, fmt.Errorf("%d fields: want at most %d (MaxColumns)", len(c.fields), o.MaxColumns)
	case len(c.labels) > o.MaxLabels:
		return c, fmt.Errorf("%d labels: want at most %d (MaxLabels)", len(c.labels), o.MaxLabels)
	}
	return c, nil
}

// clipHeader bounds what an error quotes.
func clipHeader(h []string) []string { return h[:min(len(h), 20)] }
