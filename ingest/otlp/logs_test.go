package otlp

import (
	"fmt"
	"strings"
	"testing"

	"tidemark/ingest"
	"tidemark/storage/model"
)

// logRows prints the rows of a batch.
func logRows(b *model.Batch) (out []string) {
	for i := range b.Rows() {
		r := &b.Rows()[i]
		text := fmt.Sprintf("%s @%d", r.Stream.Labels, r.Time)
		for j, w := range b.Words(r) {
			c := r.Schema.Columns[j]
			v := model.Value{Type: c.Type, Bits: w}
			if c.Type == model.TypeText {
				v = model.Text(string(b.TextOf(w)))
			}
			if c.Name != "" {
				text += " metric"
			}
			text += fmt.Sprintf(" %s=%s(%s)", c.Field, c.Type, v)
		}
		out = append(out, text)
	}
	return out
}

const logsJSON = `{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"cart"}},{"key":"host.name","value":{"stringValue":"h1"}}]},
"scopeLogs":[{"scope":{"name":"lib","version":"2","attributes":[{"key":"k","value":{"boolValue":true}}]},"logRecords":[
{"timeUnixNano":"1700000000000000001","severityNumber":17,"severityText":"ERROR","body":{"stringValue":"it broke"},"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","flags":1,
 "attributes":[{"key":"http.code","value":{"intValue":"500"}},{"key":"took","value":{"doubleValue":1.5}},{"key":"2x","value":{"stringValue":"y"}},{"key":"empty","value":{}}]},
{"observedTimeUnixNano":1700000000000000002,"body":{"kvlistValue":{"values":[{"key":"a","value":{"arrayValue":{"values":[{"intValue":1},{"stringValue":"x"}]}}}]}}},
{"body":{"stringValue":"level=warn x"},"eventName":"e"}]}]},
{"scopeLogs":[{"logRecords":[{"timeUnixNano":"5","body":{"stringValue":"old"}},{"timeUnixNano":"18446744073709551615","body":{"stringValue":"far"}},{"timeUnixNano":"1700000000000000003","body":{"intValue":7}}]}]}]}`

func TestLogs(t *testing.T) {
	d, err := NewDecoder(Options{})
	if err != nil {
		t.Fatal(err)
	}
	var b model.Batch
	rep, err := d.DecodeLogs([]byte(logsJSON), Params{Encoding: JSON, MinTime: 10, Now: 99, Tenant: "t"}, &b)
	if err != nil || rep.Accepted != 4 || rep.Rejected != 2 || rep.TooOld != 1 || rep.LogRows != 4 {
		t.Fatalf("%+v, %v", rep, err)
	}
	want := []string{
		`{service_name="cart", tenant="t"} @1700000000000000001 _line=text(it broke) _metadata=bool(true) detected_level=text(error) flags=int(1) host_name=text(h1) http_code=int(500) k=bool(true) key_2x=text(y) scope_name=text(lib) scope_version=text(2) severity_number=int(17) severity_text=text(ERROR) span_id=text(eee19b7ec3c1b174) took=float(1.5) trace_id=text(5b8efff798038103d269b633813fc60c)`,
		`{service_name="cart", tenant="t"} @1700000000000000002 _line=text({"a":[1,"x"]}) _metadata=bool(true) detected_level=text(unknown) host_name=text(h1) k=bool(true) observed_timestamp=int(1700000000000000002) scope_name=text(lib) scope_version=text(2)`,
		`{service_name="cart", tenant="t"} @99 _line=text(level=warn x) _metadata=bool(true) detected_level=text(warn) event_name=text(e) host_name=text(h1) k=bool(true) scope_name=text(lib) scope_version=text(2)`,
		`{service_name="unknown_service", tenant="t"} @1700000000000000003 _line=text(7) _metadata=bool(true) detected_level=text(unknown)`,
	}
	if got := strings.Join(logRows(&b), "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	if got, want := string(AppendLogsResponse(nil, JSON, &rep)), `{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"2 of 6 log records rejected; log record 4: time 5 is too old: want at least 10; log record 5: time is beyond the year 2262"}}`; got != want {
		t.Errorf("answer is %s, want %s", got, want)
	}
}

func TestLogsLimits(t *testing.T) {
	d, err := NewDecoder(Options{Options: ingest.Options{Limits: ingest.Limits{MaxLineBytes: 60, MaxColumns: 2}}})
	if err != nil {
		t.Fatal(err)
	}
	var b model.Batch
	rep, err := d.DecodeLogs([]byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"`+strings.Repeat("x", 70)+`"}},
		{"attributes":[{"key":"a","value":{"intValue":1}},{"key":"b","value":{"intValue":1}}]},{"attributes":[{"key":"_metadata","value":{"intValue":1}}]},{"body":{"stringValue":""}}]}]}]}`), Params{Encoding: JSON}, &b)
	if err != nil || rep.Rejected != 3 || rep.Accepted != 0 && b.Len() != 1 {
		t.Fatalf("%+v, %v", rep, err)
	}
	for i, want := range []string{"MaxLineBytes", "MaxColumns", "reserved"} {
		if !strings.Contains(rep.Errors[i].Error(), want) {
			t.Errorf("error %d is %v, want %s", i, rep.Errors[i], want)
		}
	}
	if _, err := d.DecodeLogs([]byte{0x0a, 0xff}, Params{}, &b); err == nil {
		t.Error("a broken message was read")
	}
}

func FuzzDecodeLogs(f *testing.F) {
	f.Add([]byte(logsJSON), true)
	pb, err := toProtobuf([]byte(logsJSON), logsFields)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(pb, false)
	d, err := NewDecoder(Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, in []byte, asJSON bool) {
		p := Params{Now: 1}
		if asJSON {
			p.Encoding = JSON
		}
		var b model.Batch
		rep, err := d.DecodeLogs(in, p, &b)
		if err != nil {
			return
		}
		if !b.Valid() || b.Len() != rep.Accepted || rep.Lines != rep.Accepted+rep.Rejected {
			t.Fatalf("%d rows, %+v", b.Len(), rep)
		}
	})
}
