package plain

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"tidemark/ingest"
	"tidemark/storage/model"
)

var base = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func TestTimeOf(t *testing.T) {
	oslo, err := time.LoadLocation("Europe/Oslo")
	if err != nil {
		t.Fatal(err)
	}
	f := func(line, want string) {
		t.Helper()
		got := "none"
		if ns, ok := timeOf([]byte(line), base, oslo); ok {
			got = time.Unix(0, ns).UTC().Format(time.RFC3339Nano)
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
	f("2026-02-01T10:00:00.25Z x", "2026-02-01T10:00:00.25Z")
	f("2026-02-01 10:00:00,250 x", "2026-02-01T09:00:00.25Z") // Oslo's winter
	f("2026-07-01 10:00:00 x", "2026-07-01T08:00:00Z")
	f("2026-07-01T10:00:00+05:30 x", "2026-07-01T04:30:00Z")
	f("[2026/07/01 10:00:00] x", "2026-07-01T08:00:00Z")
	f(`10.0.0.1 - - [01/Feb/2026:10:00:00 +0000] "GET /"`, "2026-02-01T10:00:00Z")
	f("<13>Feb  1 10:00:00 host x", "2026-02-01T09:00:00Z")
	f("Dec 31 23:00:00 host x", "2025-12-31T22:00:00Z") // the year before
	f("1700000000.5 x", "2023-11-14T22:13:20.5Z")
	f("1700000000123 x", "2023-11-14T22:13:20.123Z")
	f("17000000001 x", "none")
	f("\tat com.example.Main", "none")
	f("2026-13-01T10:00:00Z", "none")
	f("", "none")
}

func TestScan(t *testing.T) {
	text := "before any time\n2026-02-01T10:00:00Z one\n\tat two\r\n\n2026-02-01T10:00:01Z three\n" + strings.Repeat("x", 200) + "\n1999-01-01T00:00:00Z old"
	var got []string
	var rep ingest.Report
	err := Scan(context.Background(), strings.NewReader(text), Options{Options: ingest.Options{Limits: ingest.Limits{MaxLineBytes: 100}}, Measurement: "app", Labels: model.FromStrings("host", "a"), Default: base, MinTime: 1e18}, func(b ingest.Block) error {
		for i := range b.Batch.Rows() {
			r := &b.Batch.Rows()[i]
			got = append(got, fmt.Sprintf("%s %d %s", r.Stream.Labels, r.Time/1e9, b.Batch.TextOf(b.Batch.Words(r)[0])))
		}
		rep = b.Report
		if b.Read != int64(len(text)) {
			t.Errorf("read %d of %d bytes", b.Read, len(text))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `{host="a", measurement="app"} 1772323200 before any time
{host="a", measurement="app"} 1769940000 2026-02-01T10:00:00Z one
{host="a", measurement="app"} 1769940000 ` + "\tat two" + `
{host="a", measurement="app"} 1769940001 2026-02-01T10:00:01Z three`
	if g := strings.Join(got, "\n"); g != want {
		t.Errorf("got\n%s\nwant\n%s", g, want)
	}
	if rep.Rejected != 2 || rep.Errors[0].Line != 6 || !strings.Contains(rep.Errors[0].Reason, "MaxLineBytes") || rep.Errors[1].Line != 7 || rep.TooOld != 1 {
		t.Errorf("%+v", rep)
	}
}

func FuzzScan(f *testing.F) {
	f.Add("2026-02-01T10:00:00.25Z x\n[01/Feb/2026:10:00:00 +0000]\n1700000000 x")
	f.Fuzz(func(t *testing.T, text string) {
		err := Scan(context.Background(), strings.NewReader(text), Options{Measurement: "m", Default: base}, func(b ingest.Block) error {
			if !b.Batch.Valid() || b.Batch.Len() != b.Report.Accepted || b.Report.Lines != b.Report.Accepted+b.Report.Rejected {
				t.Fatalf("%+v", b.Report)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
