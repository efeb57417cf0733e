package otlp

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"

	"tidemark/ingest"
	"tidemark/ingest/protobuf"
	"tidemark/storage/model"
	"tidemark/storage/model/loglevel"
)

// indexed are attributes of resources that are labels of the stream, as in
// Loki; all others are structured metadata of its rows.
var indexed = map[string]bool{
	"service.name": true, "service.namespace": true, "service.instance.id": true, "deployment.environment": true, "deployment.environment.name": true,
	"cloud.region": true, "cloud.availability_zone": true, "k8s.cluster.name": true, "k8s.namespace.name": true, "k8s.pod.name": true,
	"k8s.container.name": true, "container.name": true, "k8s.replicaset.name": true, "k8s.deployment.name": true, "k8s.statefulset.name": true,
	"k8s.daemonset.name": true, "k8s.cronjob.name": true, "k8s.job.name": true,
}

// logResource is what the records of a resource have in common. It is
// immutable.
type logResource struct {
	stream *model.Stream
	meta   []attribute // not indexed
	reason string      // why its records are rejected, or ""
}

// DecodeLogs adds the records of an ExportLogsServiceRequest to b as log rows
// and says what became of each. The line is the body: its text, or JSON where
// it is a list or a map. Everything else that a record says is structured
// metadata under the names that Loki gives it, numbers and truth values typed,
// and so is detected_level. An error means that the body cannot be read; b is
// then to be dropped. body is not kept and not changed.
//
// The time is linear in the body's length, and for JSON so is the memory.
func (d *Decoder) DecodeLogs(body []byte, p Params, b *model.Batch) (ingest.Report, error) {
	if p.Encoding == JSON {
		var err error
		if body, err = toProtobuf(body, logsFields); err != nil {
			return ingest.Report{}, err
		}
	}
	s := logState{d: d, p: p, b: b}
	err := each(body, 1, s.resource)
	s.rep.Lines = s.rep.Accepted + s.rep.Rejected
	s.rep.LogRows = s.rep.Accepted
	return s.rep, err
}

// logState is one walk over a request.
type logState struct {
	d   *Decoder
	p   Params
	b   *model.Batch
	rep ingest.Report

	res    *logResource
	scope  []logField
	fields []logField
	names  []ingest.Field
	key    []byte
	values ingest.Values
}

// logField is one field of a record.
type logField struct {
	name  string
	value model.Value
}

func (s *logState) resource(msg []byte) error {
	var resource []byte
	if err := each(msg, 1, func(m []byte) error { resource = m; return nil }); err != nil {
		return err
	}
	s.key = append(append(append(s.key[:0], s.p.Tenant...), 0), resource...)
	res, ok := s.d.streams.Get(s.key)
	if !ok {
		var err error
		if res, err = s.d.newLogResource(resource, s.p.Tenant); err != nil {
			return err
		}
		res = s.d.streams.Put(s.key, res, int64(4*len(resource))+400)
	}
	s.res = res
	return each(msg, 2, s.scopeLogs)
}

func (d *Decoder) newLogResource(msg []byte, tenant string) (*logResource, error) {
	attrs, err := attributes(msg, 1)
	if err != nil {
		return nil, fmt.Errorf("resource: %w", err)
	}
	r := &logResource{}
	var labels []model.Label
	for _, a := range attrs {
		if a.value == "" {
			continue
		}
		if !indexed[a.name] {
			r.meta = append(r.meta, a)
			continue
		}
		name := plainName(a.name)
		if reason := d.opts.CheckLogLabel(name, a.value); reason != "" {
			r.reason = "resource: " + reason
			return r, nil
		}
		labels = append(labels, model.Label{Name: name, Value: a.value})
	}
	ls := model.NewLabels(labels...)
	if !ls.Has("service_name") {
		ls = ls.With("service_name", "unknown_service")
	}
	if reason := d.opts.CheckOrigin("", tenant); reason != "" {
		r.reason = reason
		return r, nil
	}
	r.stream = d.opts.NewLogStream("", tenant, ls)
	return r, nil
}

// plainName makes a label name of an attribute's as Loki does: what does not
// belong becomes an underscore.
func plainName(name string) string {
	b := []byte(name)
	for i, c := range b {
		if !letterOrDigit(c) && c != '_' {
			b[i] = '_'
		}
	}
	if len(b) > 0 && b[0] >= '0' && b[0] <= '9' {
		return "key_" + string(b)
	}
	return string(b)
}

func (s *logState) scopeLogs(msg []byte) error {
	s.scope = s.scope[:0]
	err := each(msg, 1, func(m []byte) error {
		c := protobuf.NewCursor(m)
		for c.Next() {
			switch {
			case c.Num == 1 && c.Want(protobuf.Bytes):
				s.scope = append(s.scope, logField{"scope_name", model.Text(string(c.Data))})
			case c.Num == 2 && c.Want(protobuf.Bytes):
				s.scope = append(s.scope, logField{"scope_version", model.Text(string(c.Data))})
			case c.Num == 3 && c.Want(protobuf.Bytes):
				f, err := typedAttribute(c.Data)
				if err != nil {
					return fmt.Errorf("scope: %w", err)
				}
				s.scope = append(s.scope, f)
			}
		}
		return c.Err()
	})
	if err != nil {
		return err
	}
	return each(msg, 2, s.record)
}

// typedAttribute decodes a KeyValue message; numbers and truth values keep
// their types.
func typedAttribute(msg []byte) (logField, error) {
	var f logField
	c := protobuf.NewCursor(msg)
	for c.Next() {
		switch {
		case c.Num == 1 && c.Want(protobuf.Bytes):
			f.name = plainName(string(c.Data))
		case c.Num == 2 && c.Want(protobuf.Bytes):
			v, err := typedValue(c.Data)
			if err != nil {
				return f, err
			}
			f.value = v
		}
	}
	return f, c.Err()
}

func typedValue(msg []byte) (model.Value, error) {
	v := model.Value{}
	c := protobuf.NewCursor(msg)
	for c.Next() {
		switch {
		case c.Num == 2 && c.Want(protobuf.Varint):
			v = model.Bool(c.Bits != 0)
		case c.Num == 3 && c.Want(protobuf.Varint):
			v = model.Int(int64(c.Bits))
		case c.Num == 4 && c.Want(protobuf.Fixed64):
			v = model.Float(c.Float())
		case c.Num >= 1 && c.Num <= 7:
			text, err := anyValue(nil, msg, 0)
			return model.Text(string(text)), err
		}
	}
	return v, c.Err()
}

// record adds one LogRecord.
func (s *logState) record(msg []byte) error {
	var t, observed uint64
	var line []byte
	severity := int64(0)
	level, hasLevel := "", false
	s.fields = s.fields[:0]
	add := func(name string, v model.Value) {
		if v.Type == model.TypeNone || v.Type == model.TypeText && v.Text == "" || name == "" {
			return
		}
		for i := range s.fields {
			if s.fields[i].name == name {
				s.fields[i].value = v // the last counts
				return
			}
		}
		s.fields = append(s.fields, logField{name, v})
	}
	for _, a := range s.res.meta {
		add(plainName(a.name), model.Text(a.value))
	}
	for _, f := range s.scope {
		add(f.name, f.value)
	}
	c := protobuf.NewCursor(msg)
	for c.Next() {
		switch {
		case c.Num == 1 && c.Want(protobuf.Fixed64):
			t = c.Bits
		case c.Num == 2 && c.Want(protobuf.Varint):
			severity = int64(c.Bits)
			add("severity_number", model.Int(severity))
		case c.Num == 3 && c.Want(protobuf.Bytes):
			add("severity_text", model.Text(string(c.Data)))
		case c.Num == 5 && c.Want(protobuf.Bytes):
			var err error
			if line, err = anyValue(line[:0], c.Data, 0); err != nil {
				return fmt.Errorf("body of log record %d: %w", s.rep.Accepted+s.rep.Rejected+1, err)
			}
		case c.Num == 6 && c.Want(protobuf.Bytes):
			f, err := typedAttribute(c.Data)
			if err != nil {
				return fmt.Errorf("attribute of log record %d: %w", s.rep.Accepted+s.rep.Rejected+1, err)
			}
			add(f.name, f.value)
		case c.Num == 8 && c.Want(protobuf.Fixed32):
			if c.Bits != 0 {
				add("flags", model.Int(int64(c.Bits)))
			}
		case c.Num == 9 && c.Want(protobuf.Bytes):
			add("trace_id", model.Text(hex.EncodeToString(c.Data)))
		case c.Num == 10 && c.Want(protobuf.Bytes):
			add("span_id", model.Text(hex.EncodeToString(c.Data)))
		case c.Num == 11 && c.Want(protobuf.Fixed64):
			observed = c.Bits
			add("observed_timestamp", model.Int(int64(c.Bits)))
		case c.Num == 12 && c.Want(protobuf.Bytes):
			add("event_name", model.Text(string(c.Data)))
		}
	}
	if c.Err() != nil {
		return c.Err()
	}
	at := int64(t)
	if t == 0 {
		if at = int64(observed); observed == 0 {
			at = s.p.Now
		}
	}
	level, hasLevel = s.level(severity, line)
	if hasLevel {
		add("detected_level", model.Text(level))
	}
	if reason := s.refusal(at, t, observed, line); reason != "" {
		s.reject(line, reason)
		return nil
	}
	l, reason := s.layout()
	if reason != "" {
		s.reject(line, reason)
		return nil
	}
	s.values.Reset()
	s.values.Text(line)
	for _, f := range s.fields {
		if f.value.Type == model.TypeText {
			s.values.Text([]byte(f.value.Text))
		} else {
			s.values.Bits(f.value.Bits)
		}
	}
	s.values.Bits(1) // MetadataField
	l.Append(s.b, s.res.stream, at, &s.values)
	s.rep.Accepted++
	s.rep.Values += 1 + len(s.fields)
	return nil
}

// level is the level of a record, in the order in which Loki looks for it.
func (s *logState) level(severity int64, line []byte) (string, bool) {
	for _, f := range s.fields {
		if f.name == "detected_level" {
			return "", false
		}
	}
	for _, n := range loglevel.Names {
		for _, f := range s.fields {
			if f.name == n && f.value.Type == model.TypeText {
				return loglevel.Normalize(f.value.Text), true
			}
		}
	}
	if severity != 0 {
		return loglevel.OfSeverity(int(min(max(severity, -1), 99))), true
	}
	return loglevel.Detect(string(line)), true
}

func (s *logState) refusal(at int64, t, observed uint64, line []byte) string {
	lim := &s.d.opts.Limits
	size := len(line)
	for _, f := range s.fields {
		size += len(f.name) + len(f.value.Text)
	}
	switch {
	case s.res.reason != "":
		return s.res.reason
	case t > math.MaxInt64 || observed > math.MaxInt64:
		return "time is beyond the year 2262"
	case s.p.MinTime != 0 && at < s.p.MinTime:
		s.rep.TooOld++
		return fmt.Sprintf("time %d is too old: want at least %d", at, s.p.MinTime)
	case lim.CheckLogTime(at, s.p.Now) != "":
		return lim.CheckLogTime(at, s.p.Now)
	case size > lim.MaxLineBytes:
		return fmt.Sprintf("record has %d bytes: want at most %d (MaxLineBytes)", size, lim.MaxLineBytes)
	case len(s.fields) > lim.MaxColumns:
		return fmt.Sprintf("record has %d fields: want at most %d (MaxColumns)", len(s.fields), lim.MaxColumns)
	}
	return ""
}

func (s *logState) reject(line []byte, reason string) {
	s.rep.Rejected++
	n := s.rep.Accepted + s.rep.Rejected
	if len(s.rep.Errors) < s.d.opts.MaxErrors {
		s.rep.Errors = append(s.rep.Errors, ingest.LineError{Line: n, Place: "log record " + strconv.Itoa(n),
			Text: strings.ToValidUTF8(string(line[:min(len(line), s.d.opts.MaxErrorText)]), "\ufffd"), Reason: reason})
	}
}

// layout returns the layout of a record with the fields gathered.
func (s *logState) layout() (*ingest.Layout, string) {
	s.key = s.key[:0]
	for _, f := range s.fields {
		s.key = append(binary.AppendUvarint(s.key, uint64(len(f.name))), f.name...)
		s.key = append(s.key, byte(f.value.Type))
	}
	if l, ok := s.d.layouts.Get(s.key); ok {
		return l, ""
	}
	s.names = append(s.names[:0], ingest.Field{Name: model.LineField, Type: model.TypeText})
	size := int64(200)
	for _, f := range s.fields {
		if reason := s.d.opts.CheckLogField(f.name); reason != "" {
			return nil, reason
		}
		s.names = append(s.names, ingest.Field{Name: f.name, Type: f.value.Type})
		size += int64(len(f.name)) + 120
	}
	s.names = append(s.names, ingest.Field{Name: model.MetadataField, Type: model.TypeBool})
	return s.d.layouts.Put(s.key, s.d.opts.NewLogLayout(s.names, 0, func(string) bool { return false }), size), ""
}
