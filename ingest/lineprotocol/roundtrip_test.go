package lineprotocol

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tidemark/storage/model"
)

// TestRoundTrip: any point, printed by the rules of the protocol, is decoded
// to the same labels, time, names and values, bit for bit.
func TestRoundTrip(t *testing.T) {
	tagEscape := strings.NewReplacer(",", `\,`, " ", `\ `, "=", `\=`)
	nameEscape := strings.NewReplacer(",", `\,`, " ", `\ `)
	textEscape := strings.NewReplacer(`"`, `\"`, `\`, `\\`)
	// A backslash at the end of a name would escape what follows it, and
	// before a special byte it cannot be told from an escape: the protocol
	// has no way to write these.
	name := rapid.StringMatching(`[a-zA-Z_é][a-z0-9 ,=.é"#-]{0,8}[a-z]`).Filter(func(s string) bool {
		return s != "time" && s != model.LineField && s != "value"
	})
	tagValue := rapid.StringMatching(`[a-zA-Z0-9 ,=.:/é"#-]{1,12}`)
	value := rapid.OneOf(
		rapid.Map(rapid.Float64().Filter(func(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }), model.Float),
		rapid.Map(rapid.Int64(), model.Int),
		rapid.Map(rapid.Bool(), model.Bool),
		rapid.Map(rapid.String(), model.Text),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) model.Value { return model.Text(string(b)) }),
	)
	d := newDecoder(t, Options{})
	rapid.Check(t, func(t *rapid.T) {
		measurement := name.Draw(t, "measurement")
		tags := rapid.MapOfN(name.Filter(func(s string) bool { return s != "measurement" }), tagValue, 0, 5).Draw(t, "tags")
		fields := rapid.MapOfN(name, value, 1, 6).Draw(t, "fields")
		time := rapid.Int64Range(-math.MaxInt64+1, math.MaxInt64-1).Draw(t, "time")

		line := nameEscape.Replace(measurement)
		for k, v := range tags {
			line += "," + tagEscape.Replace(k) + "=" + tagEscape.Replace(v)
		}
		sep := " "
		for k, v := range fields {
			line += sep + tagEscape.Replace(k) + "="
			sep = ","
			switch v.Type {
			case model.TypeFloat:
				line += strconv.FormatFloat(math.Float64frombits(v.Bits), rapid.SampledFrom([]byte("gef")).Draw(t, "format"), -1, 64)
			case model.TypeInt:
				line += v.String() + "i"
			case model.TypeBool:
				line += v.String()
			default:
				line += `"` + textEscape.Replace(v.Text) + `"`
			}
		}
		line += " " + strconv.FormatInt(time, 10)
		if strings.HasPrefix(line, "#") {
			t.Skip("a comment")
		}

		var b model.Batch
		if rep := d.Decode([]byte(line), Params{}, &b); rep.Accepted != 1 {
			t.Fatalf("%q: %v", line, rep.Err())
		}
		row := &b.Rows()[0]
		want := model.FromMap(tags)
		if row.Schema.Kind == model.LogRow {
			want = want.With(model.MeasurementLabel, measurement)
		}
		if row.Time != time || !row.Stream.Labels.Equal(want) {
			t.Fatalf("%q: time %d, labels %s, want %d, %s", line, row.Time, row.Stream.Labels, time, want)
		}
		words := b.Words(row)
		got := map[string]model.Value{}
		for i, c := range row.Schema.Columns {
			v := model.Value{Type: c.Type, Bits: words[i]}
			if c.Type == model.TypeText {
				v = model.Text(string(b.TextOf(words[i])))
			}
			got[c.Field] = v
			if c.Type.Numeric() && c.Name != measurement+"_"+c.Field {
				t.Fatalf("%q: field %q is metric %q", line, c.Field, c.Name)
			}
		}
		lineText, isLog := got[model.LineField]
		delete(got, model.LineField)
		missing := 0
		for k, v := range fields {
			g, ok := got[k]
			if !ok && isLog && v.Type == model.TypeText && v.Text == lineText.Text {
				missing++ // the line is not repeated
				continue
			}
			if g != v {
				t.Fatalf("%q: field %q is %+v, want %+v", line, k, g, v)
			}
		}
		if missing > 1 || len(got)+missing != len(fields) {
			t.Fatalf("%q: %d columns beside the line for %d fields", line, len(got), len(fields))
		}
	})
}

// TestNumbersAreStrconvs: the fast path reads what strconv reads.
func TestNumbersAreStrconvs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(
			rapid.StringMatching(`-?[0-9]{1,20}(\.[0-9]{0,25})?([eE][+-]?[0-9]{1,3})?`),
			rapid.StringMatching(`-?[0-9]{0,3}\.[0-9]{1,18}`),
		).Draw(t, "number")
		want, err := strconv.ParseFloat(s, 64)
		bits, typ, n, reason := parseNumber([]byte(s))
		if err != nil {
			if reason != reasonFloat {
				t.Fatalf("%q: got %v, %q, want it out of range", s, math.Float64frombits(bits), reason)
			}
			return
		}
		if reason != "" || typ != model.TypeFloat || n != len(s) || bits != math.Float64bits(want) {
			t.Fatalf("%q: got %v (%s, %d bytes, %q), want %v", s, math.Float64frombits(bits), typ, n, reason, want)
		}
	})
}
