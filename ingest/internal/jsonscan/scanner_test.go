package jsonscan

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestString(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		var s Scanner
		s.Reset([]byte(in))
		got, next, ok := s.String(0)
		if !ok || string(got) != want || next != len(in) {
			t.Errorf("%s: got %q to %d, %v %s", in, got, next, ok, s.Reason)
		}
	}
	f(`""`, "")
	f(`"abc é"`, "abc é")
	f(`"a\"\\\/\b\f\n\r\tz"`, "a\"\\/\b\f\n\r\tz")
	f(`"\u0041\u00e9\u20ac\u0000"`, "Aé€\x00")
	f(`"\ud83d\ude00!"`, "😀!")
	f(`"\uD83D\uDE00"`, "😀")
	f(`"\ud83d"`, "\ufffd")
	f(`"\ude00x"`, "\ufffdx")
	f(`"\ud83d\ud83d\ude00"`, "\ufffd😀")
	f(`"\ud83dA"`, "\ufffdA")
	f("\"\xff\\n\"", "\xff\n")
}

func TestRefusals(t *testing.T) {
	f := func(in string, at int, reason string) {
		t.Helper()
		var s Scanner
		s.Reset([]byte(in))
		next, ok := s.Skip(0)
		if ok && !s.End(next) {
			ok = false
		}
		if ok || s.At != at || !strings.Contains(s.Reason, reason) {
			t.Errorf("%s: got %v at %d: %q, want %d: %q", in, ok, s.At, s.Reason, at, reason)
		}
	}
	f("", 0, "the text ends: want a value")
	f("nul", 0, "unexpected 'n': want a value")
	f(`"a`, 2, "the text ends within a string")
	f(`"a\`, 2, "bad escape")
	f(`"\x"`, 1, "bad escape")
	f(`"\u12"`, 1, "four hexadecimal digits")
	f("\"a\nb\"", 2, "control character")
	f("01", 1, "want the end of the text")
	f("-", 1, "want a digit")
	f("1.", 2, "after the point")
	f("1e+", 3, "the exponent")
	f("+1", 0, "want a value")
	f(`{"a" 1}`, 5, `want ':'`)
	f(`{"a":1,}`, 7, "want a string")
	f(`{a:1}`, 1, "want a string")
	f(`[1,]`, 3, "want a value")
	f(`[1 2]`, 3, `want a comma or ']'`)
	f(`[1}`, 2, `want a comma or ']'`)
	f("NaN", 0, "want a value")
	f("{}x", 2, "want the end of the text")
	f(strings.Repeat("[", 1e6), MaxDepth, "MaxDepth")
}

func TestSkipNests(t *testing.T) {
	for _, in := range []string{"[]", "{ }", `[[],{},[1,{"a":[true,false,null,-0.5e-3,"x"]}]]`,
		strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth), strings.Repeat(`{"a":`, MaxDepth) + "1" + strings.Repeat("}", MaxDepth)} {
		var s Scanner
		s.Reset([]byte(in))
		if next, ok := s.Skip(0); !ok || next != len(in) {
			t.Errorf("%.40s: to %d, %v at %d: %s", in, next, ok, s.At, s.Reason)
		}
	}
}

// FuzzSkip holds the scanner against encoding/json: both accept the same
// texts, but for depth, and strings mean the same.
func FuzzSkip(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e3,"x\u00e9\ud83d\ude00"],"b":{}}`, `"\ud800"`, "[[[]]]", "-0", "1e5", "\"\xff\"", `"\u12`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var s Scanner
		s.Reset(in)
		next, ok := s.Skip(0)
		ok = ok && s.End(next)
		if !ok {
			if s.Reason == "" || s.At < 0 || s.At > len(in) {
				t.Fatalf("%q: refused at %d of %d: %q", in, s.At, len(in), s.Reason)
			}
			if json.Valid(in) && !strings.Contains(s.Reason, "MaxDepth") {
				t.Fatalf("%q is JSON, refused at %d: %s", in, s.At, s.Reason)
			}
			return
		}
		if !json.Valid(in) {
			t.Fatalf("%q is no JSON", in)
		}
		if i := s.Space(0); in[i] == '"' && utf8.Valid(in) {
			var want string
			if err := json.Unmarshal(in, &want); err != nil {
				t.Fatal(err)
			}
			if got, _, _ := s.String(i); !bytes.Equal(got, []byte(want)) {
				t.Fatalf("%q: got %q, want %q", in, got, want)
			}
		}
	})
}
