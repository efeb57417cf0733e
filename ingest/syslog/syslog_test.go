package syslog

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"tidemark/ingest"
	"tidemark/storage/model"
)

func rowText(b *model.Batch) string {
	var out []string
	for i := range b.Rows() {
		r := &b.Rows()[i]
		text := fmt.Sprintf("%s @%d", r.Stream.Labels, r.Time/1e9)
		for j, w := range b.Words(r) {
			text += fmt.Sprintf(" %s=%q", r.Schema.Columns[j].Field, b.TextOf(w))
		}
		out = append(out, text)
	}
	return strings.Join(out, "\n")
}

func decoder(t testing.TB, o Options) *Decoder {
	t.Helper()
	d, err := NewDecoder(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

var received = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestDecode(t *testing.T) {
	d := decoder(t, Options{})
	f := func(msg, want string) {
		t.Helper()
		var b model.Batch
		if err := d.Decode([]byte(msg), Params{Peer: "10.0.0.9", Now: received.UnixNano()}, &b); err != nil {
			t.Errorf("%s: %v", msg, err)
		}
		if got := rowText(&b); got != want {
			t.Errorf("%s\n got %s\nwant %s", msg, got, want)
		}
	}
	f(`<165>1 2026-01-02T03:00:00.003Z web1 api 8710 ID47 [x@1 a.b="v \"q\"" c="w"][y d="e"] it broke`,
		`{facility="local4", host="web1", service_name="api"} @1767322800 _line="it broke" level="info" msg_id="ID47" proc_id="8710" severity="notice" x_1_a_b="v \"q\"" x_1_c="w" y_d="e"`)
	f(`<11>1 - - - - - - `, `{facility="user", host="10.0.0.9", service_name="unknown_service"} @1767323045 _line="" level="error" severity="err"`)
	f(`<34>Oct 11 22:14:15 mymachine su: 'su root' failed`, `{facility="auth", host="mymachine", service_name="su"} @1760220855 _line="'su root' failed" level="critical" severity="crit"`)
	f(`<13>Jan  1 00:00:01 h app[42]: hello`, `{facility="user", host="h", service_name="app"} @1767225601 _line="hello" level="info" proc_id="42" severity="notice"`)
	f(`no priority`, `{facility="user", host="10.0.0.9", service_name="unknown_service"} @1767323045 _line="no priority" level="info" severity="notice"`)
	f(`<27>what is this`, `{facility="daemon", host="10.0.0.9", service_name="unknown_service"} @1767323045 _line="what is this" level="error" severity="err"`)
	f(`<999>x`, `{facility="user", host="10.0.0.9", service_name="unknown_service"} @1767323045 _line="<999>x" level="info" severity="notice"`)
}

func TestRefusals(t *testing.T) {
	d := decoder(t, Options{Options: ingest.Options{Limits: ingest.Limits{MaxLineBytes: 100, MaxColumns: 3}}})
	for msg, want := range map[string]string{
		strings.Repeat("x", 101):                              "MaxLineBytes",
		`<13>1 2026-01-02T03:04:05Z h a p m - x`:              "MaxColumns",
		`<13>1 1999-01-02T03:04:05Z h a - - - x`:              "too old",
		"<13>1 2026-01-02T03:04:05Z h a - - [x _=\"\xff\"] y": "",
	} {
		var b model.Batch
		err := d.Decode([]byte(msg), Params{Peer: "p", Now: received.UnixNano(), MinTime: 1.6e18}, &b)
		if want != "" && (err == nil || !strings.Contains(err.Error(), want) || b.Len() != 0) {
			t.Errorf("%q: got %v, want %s", msg, err, want)
		}
	}
}

func TestScanner(t *testing.T) {
	f := func(stream, want string) {
		t.Helper()
		sc := NewScanner(strings.NewReader(stream), 10)
		var got []string
		for {
			msg, err := sc.Next()
			if errors.Is(err, ErrTooLong) {
				got = append(got, "long")
				continue
			}
			if err != nil {
				if err != io.EOF {
					got = append(got, map[bool]string{true: "framing", false: "cut"}[errors.Is(err, ErrFraming)])
				}
				break
			}
			got = append(got, string(msg))
		}
		if g := strings.Join(got, "|"); g != want {
			t.Errorf("%q: got %s, want %s", stream, g, want)
		}
	}
	f("<1>a\n<2>b\r\n\n<3>c", "<1>a|<2>b|<3>c")
	f("4 <1>a5 <2>b\n<3>c\n4 <4>d", "<1>a|<2>b|<3>c|<4>d")
	f("20 "+strings.Repeat("x", 20)+"<1>a\n", "long|<1>a")
	f("<"+strings.Repeat("x", 100000)+"\n<1>a\n", "long|<1>a")
	f("9 <1>a", "cut")
	f("12x", "framing")
	f("9999999999 x", "framing")
	f("", "")
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`<165>1 2026-01-02T03:00:00.003Z web1 api 8710 ID47 [x@1 a.b="v"] it broke`))
	f.Add([]byte(`<34>Oct 11 22:14:15 mymachine su: 'su root' failed`))
	f.Add([]byte(`<13>`))
	d := decoder(f, Options{})
	f.Fuzz(func(t *testing.T, msg []byte) {
		var b model.Batch
		err := d.Decode(msg, Params{Peer: "p", Now: received.UnixNano()}, &b)
		if !b.Valid() || (err == nil) != (b.Len() == 1) {
			t.Fatalf("%d rows, %v", b.Len(), err)
		}
	})
}

func FuzzScanner(f *testing.F) {
	f.Add([]byte("<1>a\n4 <1>a"))
	f.Add([]byte("99999 x"))
	f.Fuzz(func(t *testing.T, in []byte) {
		sc := NewScanner(strings.NewReader(string(in)), 100)
		for range len(in) + 2 {
			msg, err := sc.Next()
			if len(msg) > 100 {
				t.Fatalf("%d bytes", len(msg))
			}
			if err != nil && !errors.Is(err, ErrTooLong) {
				return
			}
		}
		t.Fatal("the end never comes")
	})
}
