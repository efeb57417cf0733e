package ingest

import (
	"errors"
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	var r Report
	if err := r.Err(); err != nil {
		t.Errorf("nothing refused: %v", err)
	}
	part := Report{Lines: 5, Accepted: 3, Rejected: 2, MetricRows: 2, LogRows: 1, Values: 9, TooOld: 1,
		Errors: []LineError{{Line: 2, Column: 7, Text: "x", Reason: "no"}, {Line: 4, Column: 1, Reason: "never"}}}
	r.Add(part, 3)
	r.Add(part, 3)
	r.Add(part, 3)
	if r.Lines != 15 || r.Accepted != 9 || r.Rejected != 6 || r.MetricRows != 6 || r.LogRows != 3 || r.Values != 27 || r.TooOld != 3 || len(r.Errors) != 3 {
		t.Errorf("sum of three: %+v", r)
	}
	if got, want := r.Err().Error(), "6 of 15 lines refused, the first: line 2, column 7: no"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var le LineError
	if !errors.As(r.Err(), &le) || le != part.Errors[0] {
		t.Errorf("the first refusal is not in the error: %v", r.Err())
	}
	r.Errors = nil
	if got, want := r.Err().Error(), "6 of 15 lines refused"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOptionsValidate(t *testing.T) {
	if err := (Options{}).Validate(); err != nil {
		t.Errorf("defaults: %v", err)
	}
	o := Options{}.WithDefaults()
	if err := o.Validate(); err != nil || o.MaxLineBytes != 1<<20 || o.MaxLabels != 64 || o.MaxNameBytes != 1024 ||
		o.MaxLabelValueBytes != 4096 || o.MaxColumns != 1024 || o.MaxErrors != 100 || o.MaxErrorText != 256 || len(o.MessageFields) != 5 {
		t.Errorf("filled in: %+v, %v", o, err)
	}
	if o.MessageFields[0] = "x"; DefaultMessageFields[0] != "message" {
		t.Error("options share the default's memory")
	}
	if o := (Options{MessageFields: []string{}}).WithDefaults(); len(o.MessageFields) != 0 {
		t.Errorf("no message fields became %q", o.MessageFields)
	}
	bad := Options{Limits: Limits{MaxLineBytes: -1, MaxLabels: 1 << 20, MaxErrors: -5}, MessageFields: []string{"a", "a"}}
	err := bad.Validate()
	for _, want := range []string{"MaxLineBytes -1", "MaxLabels 1048576", "MaxErrors -5", `MessageFields[1] "a"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: want %s named", err, want)
		}
	}
}
