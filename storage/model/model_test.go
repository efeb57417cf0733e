package model_test

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"tidemark/storage/model"
)

func drawLabels(t *rapid.T) model.Labels {
	n := rapid.IntRange(0, 6).Draw(t, "n")
	pairs := make([]model.Label, n)
	for i := range pairs {
		pairs[i] = model.Label{
			Name:  rapid.StringN(1, 8, -1).Draw(t, "name"),
			Value: rapid.StringN(0, 8, -1).Draw(t, "value"),
		}
	}
	return model.NewLabels(pairs...)
}

func TestNewLabelsIsCanonical(t *testing.T) {
	f := func(want string, nv ...string) {
		t.Helper()
		if got := model.FromStrings(nv...).String(); got != want {
			t.Errorf("FromStrings(%q) = %s, want %s", nv, got, want)
		}
	}
	f(`{}`)
	f(`{a="1", b="2"}`, "b", "2", "a", "1")
	f(`{a="2"}`, "a", "1", "a", "2")
	f(`{b="2"}`, "a", "", "b", "2")
	f(`{}`, "a", "1", "a", "")
	f(`up{a="\""}`, "__name__", "up", "a", `"`)
}

func TestLabelsKeyRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ls := drawLabels(t)
		got, err := model.DecodeLabels([]byte(ls.Key()))
		if err != nil {
			t.Fatalf("decode %s: %v", ls, err)
		}
		if !got.Equal(ls) {
			t.Fatalf("got %s, want %s", got, ls)
		}
	})
}

func TestLabelsEditsKeepOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ls := drawLabels(t)
		name := rapid.StringN(1, 3, -1).Draw(t, "name")
		value := rapid.StringN(0, 3, -1).Draw(t, "value")
		m := ls.Map()
		delete(m, name)
		if !ls.Without(name).Equal(model.FromMap(m)) {
			t.Fatalf("Without(%q) of %s = %s", name, ls, ls.Without(name))
		}
		m[name] = value
		got := ls.With(name, value)
		if !got.Equal(model.FromMap(m)) {
			t.Fatalf("With(%q, %q) of %s = %s", name, value, ls, got)
		}
		if got.Get(name) != value {
			t.Fatalf("Get(%q) = %q, want %q", name, got.Get(name), value)
		}
	})
}

func TestDecodeLabelsRefusesWhatIsNotCanonical(t *testing.T) {
	f := func(key string) {
		t.Helper()
		if ls, err := model.DecodeLabels([]byte(key)); !errors.Is(err, model.ErrBadLabels) {
			t.Errorf("DecodeLabels(%q) = %v, %v; want ErrBadLabels", key, ls, err)
		}
	}
	f("\x01")                             // length beyond the end
	f("\x01a")                            // no value
	f("\x01a\x02b")                       // value too short
	f("\x00\x01b")                        // empty name
	f("\x01a\x00")                        // empty value
	f("\x01b\x01x\x01a\x01x")             // descending
	f("\x01a\x01x\x01a\x01y")             // repeated
	f("\xff\xff\xff\xff\xff\xff\xff\xff") // endless varint
	f("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
}

func FuzzDecodeLabels(f *testing.F) {
	f.Add([]byte(model.FromStrings("a", "1", "host", "x").Key()))
	f.Add([]byte("\x01a\x02b"))
	f.Fuzz(func(t *testing.T, key []byte) {
		ls, err := model.DecodeLabels(key)
		if err != nil {
			return
		}
		if got := ls.AppendKey(nil); !bytes.Equal(got, key) {
			// Only an over-long varint may differ from the canonical bytes.
			if len(got) >= len(key) {
				t.Fatalf("decoded %q to %s, which encodes as %q", key, ls, got)
			}
		}
	})
}

func TestMatchers(t *testing.T) {
	f := func(typ model.MatchType, value, in string, want bool) {
		t.Helper()
		m, err := model.NewMatcher(typ, "l", value)
		if err != nil {
			t.Fatal(err)
		}
		if m.Matches(in) != want {
			t.Errorf("%s on %q = %v, want %v", m, in, !want, want)
		}
	}
	f(model.MatchEqual, "a", "a", true)
	f(model.MatchEqual, "", "", true)
	f(model.MatchNotEqual, "a", "", true)
	f(model.MatchRegexp, "a|b", "b", true)
	f(model.MatchRegexp, "a|b", "ab", false) // anchored as a whole
	f(model.MatchRegexp, "a.*", "a\nb", true)
	f(model.MatchNotRegexp, "a.*", "b", true)
	f(model.MatchNotRegexp, ".+", "", true)
	if _, err := model.NewMatcher(model.MatchRegexp, "l", "("); err == nil {
		t.Error("an unclosed group compiled")
	}
}

func TestBatchKeepsValues(t *testing.T) {
	st := model.NewStream(model.FromStrings("host", "a"))
	sc := &model.Schema{Kind: model.LogRow, Columns: []model.Column{
		{Field: model.LineField, Type: model.TypeText}, {Field: "n", Type: model.TypeInt},
		{Field: "f", Type: model.TypeFloat}, {Field: "b", Type: model.TypeBool}, {Field: "s", Type: model.TypeText}}}
	var b model.Batch
	for range 2 { // the second time in reused memory
		b.Reset()
		b.Add(st, sc, -5, model.Text("line\x00"), model.Int(math.MinInt64), model.Float(math.Copysign(0, -1)), model.Bool(true), model.Text(""))
		b.Begin(st, sc, 7)
		b.TextString("dropped")
		b.Rollback()
		b.Begin(st, sc, 8)
		b.Text([]byte("two"))
		b.Int(2)
		b.Float(math.NaN())
		b.Bool(false)
		if b.Valid() {
			t.Fatal("a batch that lacks a value is valid")
		}
		b.TextString("x")
		if !b.Valid() || b.Len() != 2 {
			t.Fatalf("valid %v, %d rows; want a valid batch of 2", b.Valid(), b.Len())
		}
		r := b.Rows()[0]
		w := b.Words(&r)
		if string(b.TextOf(w[0])) != "line\x00" || int64(w[1]) != math.MinInt64 || w[2] != 1<<63 || w[3] != 1 || len(b.TextOf(w[4])) != 0 {
			t.Fatalf("row 0: got words %x", w)
		}
		r = b.Rows()[1]
		if w = b.Words(&r); string(b.TextOf(w[0])) != "two" || string(b.TextOf(w[4])) != "x" || r.Time != 8 {
			t.Fatalf("row 1: got words %x", w)
		}
	}
}

func TestValuesReadAsFloats(t *testing.T) {
	f := func(v model.Value, want float64, ok bool, text string) {
		t.Helper()
		got, gotOK := v.AsFloat()
		if gotOK != ok || got != want || v.String() != text {
			t.Errorf("%v %q: got %v %v, want %v %v %q", v.Type, v, got, gotOK, want, ok, text)
		}
	}
	f(model.Float(1.5), 1.5, true, "1.5")
	f(model.Int(math.MaxInt64), 1<<63, true, "9223372036854775807")
	f(model.Bool(true), 1, true, "true")
	f(model.Bool(false), 0, true, "false")
	f(model.Text("x"), 0, false, "x")
	f(model.Value{}, 0, false, "")
	if !model.IsStale(math.Float64frombits(model.StaleNaNBits)) || model.IsStale(math.NaN()) {
		t.Error("the staleness marker is not told from another NaN")
	}
}
