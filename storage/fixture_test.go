package storage

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidemark/storage/model"
	"tidemark/storage/storagetest"
)

var updateFixture = flag.Bool("update-fixture", false, "rewrite the store in testdata/fixture: before the first release only, after which it stays and a new one joins it")

// fixtureLimit is what a fixture store may take.
const fixtureLimit = 200 << 10

// TestFixture opens a store that an earlier program wrote, and reads what that
// program read. Each folder below testdata/fixture holds one: the store, and
// content.txt, all its samples and rows. Until the first release there is one,
// of the present format; whoever changes a format writes it anew:
//
//	go test ./storage -run TestFixture -update-fixture
func TestFixture(t *testing.T) {
	if *updateFixture {
		writeFixture(t, filepath.Join("testdata", "fixture", "present"))
	}
	dirs, err := filepath.Glob(filepath.Join("testdata", "fixture", "*"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no fixture: %v", err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			size := int64(0)
			err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
				if err == nil && !e.IsDir() {
					info, err := e.Info()
					if err != nil {
						return err
					}
					size += info.Size()
				}
				return err
			})
			if err != nil || size > fixtureLimit {
				t.Fatalf("want at most %d bytes, got %d, error %v", fixtureLimit, size, err)
			}
			want, err := os.ReadFile(filepath.Join(dir, "content.txt"))
			if err != nil {
				t.Fatal(err)
			}
			// Opening writes: into a copy.
			work := t.TempDir()
			if err := os.CopyFS(work, os.DirFS(filepath.Join(dir, "store"))); err != nil {
				t.Fatal(err)
			}
			for _, what := range []string{"as it was", "flushed", "compacted"} {
				db, err := Open(work, Options{Now: fixtureNow})
				if err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				if what == "compacted" {
					if err := db.Compact(context.Background()); err != nil {
						t.Fatal(err)
					}
				}
				got, err := allOf(db)
				if err := errors.Join(err, db.Close()); err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				if got != string(want) {
					t.Errorf("%s: reads differently than %s says:\n%s", what, filepath.Join(dir, "content.txt"), got)
				}
			}
		})
	}
}

func fixtureNow() time.Time { return time.Date(2026, 1, 3, 12, 0, 0, 0, time.UTC) }

// allOf prints every sample and every row.
func allOf(db *DB) (string, error) {
	ctx := context.Background()
	v, err := db.View()
	if err != nil {
		return "", err
	}
	samples, err := storagetest.PrintSamples(ctx, v, model.SampleSelection{Mint: minInt64, Maxt: maxInt64,
		Matchers: []*model.Matcher{model.MustMatcher(model.MatchRegexp, model.MetricName, ".+")}})
	if err != nil {
		return "", errors.Join(err, v.Close())
	}
	rows, err := storagetest.PrintRows(ctx, v, model.RowSelection{Mint: minInt64, Maxt: maxInt64, AllFields: true,
		Matchers: []*model.Matcher{model.MustMatcher(model.MatchRegexp, model.MeasurementLabel, ".+")}})
	return abridged(samples + rows), errors.Join(err, v.Close())
}

// abridged cuts long lines, and what follows the first forty, and puts hashes in
// place of what is gone.
func abridged(text string) string {
	var b strings.Builder
	n := 0
	rest := sha256.New()
	for line := range strings.Lines(text) {
		if len(line) > 300 {
			line = fmt.Sprintf("%s... %d bytes, SHA-256 %x\n", line[:200], len(line), sha256.Sum256([]byte(line)))
		}
		if n++; n <= 40 {
			b.WriteString(line)
		}
		_, _ = rest.Write([]byte(line))
	}
	fmt.Fprintf(&b, "%d lines, SHA-256 %x\n", n, rest.Sum(nil))
	return b.String()
}

// writeFixture writes a store that has something of everything: each type in
// long and short chunks, odd floats, late and repeated samples, logs, states,
// deletions, a compacted day, and rows that are in the log only.
func writeFixture(t *testing.T, to string) {
	t.Helper()
	dir := t.TempDir()
	db, err := Open(dir, Options{Now: fixtureNow})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	start := time.Date(2026, 1, 1, 20, 0, 0, 0, time.UTC).UnixNano()
	column := func(name string, typ model.Type) model.Column {
		return model.Column{Name: "m_" + name, Measurement: "m", Field: name, Type: typ}
	}
	metrics := &model.Schema{Kind: model.MetricRow, Columns: []model.Column{column("gauge", model.TypeFloat), column("count", model.TypeInt),
		column("on", model.TypeBool), column("state", model.TypeText), column("real", model.TypeFloat)}}
	logs := &model.Schema{Kind: model.LogRow, Columns: []model.Column{{Field: model.LineField, Type: model.TypeText},
		{Name: "web_ms", Measurement: "web", Field: "ms", Type: model.TypeFloat}, {Measurement: "web", Field: "user", Type: model.TypeText}}}
	odd := []float64{math.NaN(), math.Float64frombits(model.StaleNaNBits), math.Inf(1), math.Copysign(0, -1), 1.0 / 3, 1e300}
	write := func(from, to, step int64) {
		var b model.Batch
		for host := range int64(2) {
			st := model.NewStream(model.FromStrings("host", fmt.Sprint("h", host)))
			lst := model.NewStream(model.FromStrings("host", fmt.Sprint("h", host), "measurement", "web"))
			for i := from; i < to; i += step {
				at := start + i*30e9 + i*i%7*1e6*host
				gauge := float64(i*i%97) / 10
				if i%113 == 0 {
					gauge = odd[i/113%int64(len(odd))]
				}
				b.Add(st, metrics, at, model.Float(gauge), model.Int(i*1000-i%300*host), model.Bool(i%50 < 40), model.Text(fmt.Sprint("state ", i/200)), model.Float(math.Sin(float64(i)/30)))
				if i%20 == 0 {
					b.Add(lst, logs, at, model.Text(fmt.Sprintf("GET /item/%d HTTP/1.1 %d", i%13, 200+i%2*304)), model.Float(float64(i)/8), model.Text(fmt.Sprint("u", i%5)))
				}
			}
		}
		h := &model.Histogram{Integer: true, Count: float64(6 + to), Sum: 3.5, ZeroThreshold: 0.001, ZeroCount: 1,
			Positive: model.Buckets{Index: []int32{-1, 0, 4}, Count: []float64{2, 3, float64(to)}}}
		hs := &model.Schema{Kind: model.MetricRow, Columns: []model.Column{column("histogram", model.TypeHistogram), {Type: model.TypeStart}}}
		b.Begin(model.NewStream(model.FromStrings("host", "h0")), hs, start+to*30e9)
		b.Text(model.AppendHistogram(nil, h))
		b.Int(start)
		if _, err := db.Append(ctx, &b); err != nil {
			t.Fatal(err)
		}
	}
	flush := func() {
		if err := db.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	write(0, 600, 1)
	flush()
	write(600, 1200, 1)
	flush()
	if err := db.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	write(300, 400, 9) // late, and partly again
	flush()
	one := model.Deletion{Selectors: [][]*model.Matcher{{model.MustMatcher(model.MatchEqual, "host", "h1")}}, Mint: start + 3000e9, Maxt: start + 4000e9, Scope: model.ScopeAll}
	if err := db.Delete(ctx, one); err != nil {
		t.Fatal(err)
	}
	write(1200, 1230, 3) // in the log only
	content, err := allOf(db)
	if err != nil {
		t.Fatal(err)
	}
	// Closing flushes: the fixture is the folder of before.
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(to, "store"), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(to, "content.txt"), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
