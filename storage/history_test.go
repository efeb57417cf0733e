package storage

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/storage/model"
	"tidemark/storage/storagetest"
)

// TestHistories runs the scripts in testdata/histories. Commands:
//
//	open [retention=<duration>] [head=<bytes>]
//	append [key=<request key>]     one row per line, see parseRow
//	flush | close | kill           kill leaves the log for the next open
//	crash                          power cut: only what was synced is left
//	now <days>                     sets the clock, in days since the epoch
//	samples | rows [backward] | names | values <label> | sets
//	                               one matcher per line, e.g. host=~"a|b"
//	state                          positions and counts
func TestHistories(t *testing.T) {
	datadriven.Walk(t, "testdata/histories", func(t *testing.T, path string) {
		var (
			fs   = vfs.NewCrashableMem()
			days atomic.Int64 // the clock, which the store asks from goroutines of its own
			db   *DB
			o    Options
		)
		ctx := context.Background()
		defer func() {
			if db != nil {
				_ = db.Close()
			}
		}()
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			fail := func(err error) string {
				if err != nil {
					return "error: " + err.Error() + "\n"
				}
				return "ok\n"
			}
			var ms []*model.Matcher
			view := func(f func(v model.View) (string, error)) string {
				for _, line := range strings.Fields(d.Input) {
					ms = append(ms, parseMatcher(t, line))
				}
				v := mustView(t, db)
				defer v.Close()
				s, err := f(v)
				if err != nil {
					return fail(err)
				}
				if s = strings.TrimSpace(s); s == "" {
					s = "none"
				}
				return s + "\n"
			}
			labels := func() model.LabelSelection {
				l := model.LabelSelection{Mint: minInt64, Maxt: maxInt64}
				if len(ms) > 0 {
					l.Selectors = [][]*model.Matcher{ms}
				}
				return l
			}
			switch d.Cmd {
			case "open":
				o = Options{FS: fs, Now: func() time.Time { return time.Unix(days.Load()*86400, 0) }, FlushAge: 1000 * time.Hour}
				for _, a := range d.CmdArgs {
					if a.Key == "retention" {
						r, err := time.ParseDuration(a.Vals[0])
						if err != nil {
							t.Fatal(err)
						}
						o.Retention = r
					}
				}
				var err error
				db, err = Open("db", o)
				return fail(err)
			case "close":
				err := db.Close()
				return fail(err)
			case "kill":
				err := db.close(false)
				return fail(err)
			case "crash":
				crashed := fs.CrashClone(vfs.CrashCloneCfg{})
				err := db.close(false)
				fs = crashed
				return fail(err)
			case "flush":
				return fail(db.Flush(ctx))
			case "now":
				n, err := strconv.Atoi(d.CmdArgs[0].Key)
				if err != nil {
					t.Fatal(err)
				}
				days.Store(int64(n))
				return "ok\n"
			case "append":
				b := &model.Batch{}
				if d.HasArg("key") {
					d.ScanArgs(t, "key", &b.RequestKey)
				}
				for _, line := range strings.Split(strings.TrimSpace(d.Input), "\n") {
					parseRow(t, b, line)
				}
				res, err := db.Append(ctx, b)
				if err != nil {
					return fail(err)
				}
				if res.Duplicate {
					return fmt.Sprintf("duplicate of %d\n", res.Position)
				}
				return fmt.Sprintf("position %d\n", res.Position)
			case "samples":
				return view(func(v model.View) (string, error) {
					return storagetest.PrintSamples(ctx, v, model.SampleSelection{Matchers: ms, Mint: minInt64, Maxt: maxInt64})
				})
			case "rows":
				return view(func(v model.View) (string, error) {
					sel := model.RowSelection{Matchers: ms, Mint: minInt64, Maxt: maxInt64, AllFields: true}
					if d.HasArg("backward") {
						sel.Direction = model.Backward
					}
					return storagetest.PrintRows(ctx, v, sel)
				})
			case "names":
				return view(func(v model.View) (string, error) {
					n, err := v.LabelNames(ctx, labels())
					return strings.Join(n, " "), err
				})
			case "values":
				return view(func(v model.View) (string, error) {
					n, err := v.LabelValues(ctx, d.CmdArgs[0].Key, labels())
					return strings.Join(n, " "), err
				})
			case "sets":
				return view(func(v model.View) (string, error) {
					n, err := v.LabelSets(ctx, labels())
					return strings.Trim(strings.ReplaceAll(fmt.Sprint(n), "} ", "}\n"), "[]"), err
				})
			case "state":
				m := db.Metrics()
				return fmt.Sprintf("visible=%d applied=%d head rows=%d replayed=%d chunks=%d groups=%d\n",
					m.VisiblePosition, m.AppliedPosition, m.HeadRows, m.ReplayedBatches, m.ChunksWritten, m.RowGroupsWritten)
			}
			t.Fatalf("unknown command %s", d.Cmd)
			return ""
		})
	})
}

func parseMatcher(t *testing.T, s string) *model.Matcher {
	t.Helper()
	for i, op := range []string{"=~", "!~", "!=", "="} {
		if name, value, ok := strings.Cut(s, op); ok {
			v, err := strconv.Unquote(value)
			if err != nil {
				t.Fatalf("matcher %s: %v", s, err)
			}
			return model.MustMatcher([]model.MatchType{model.MatchRegexp, model.MatchNotRegexp, model.MatchNotEqual, model.MatchEqual}[i], name, v)
		}
	}
	t.Fatalf("matcher %s has no operator", s)
	return nil
}

// parseRow adds a row such as
//
//	metric cpu host=a | user=3i idle=1.5 mode="x" up=true | 10
//	log nginx host=a | msg="GET /" ms=4i | 10
//
// Times are seconds, or days with the suffix d.
func parseRow(t *testing.T, b *model.Batch, line string) {
	t.Helper()
	parts := strings.Split(line, " | ")
	if len(parts) != 3 {
		t.Fatalf("row %q: want three parts", line)
	}
	head := strings.Fields(parts[0])
	var ls []model.Label
	for _, l := range head[2:] {
		n, v, _ := strings.Cut(l, "=")
		ls = append(ls, model.Label{Name: n, Value: v})
	}
	sc := &model.Schema{Kind: model.MetricRow}
	if head[0] == "log" {
		sc.Kind = model.LogRow
		ls = append(ls, model.Label{Name: model.MeasurementLabel, Value: head[1]})
	}
	var vals []model.Value
	for _, f := range strings.Fields(parts[1]) {
		n, v, _ := strings.Cut(f, "=")
		c := model.Column{Name: head[1] + "_" + n, Measurement: head[1], Field: n}
		var val model.Value
		switch {
		case v == "true" || v == "false":
			val = model.Bool(v == "true")
		case strings.HasSuffix(v, "i"):
			i, err := strconv.ParseInt(strings.TrimSuffix(v, "i"), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			val = model.Int(i)
		case strings.HasPrefix(v, `"`):
			val = model.Text(strings.ReplaceAll(strings.Trim(v, `"`), "_", " "))
			if sc.Kind == model.LogRow {
				c.Name = ""
			}
		default:
			x, err := strconv.ParseFloat(v, 64)
			if err != nil {
				t.Fatal(err)
			}
			val = model.Float(x)
		}
		c.Type = val.Type
		if sc.Kind == model.LogRow && len(sc.Columns) == 0 {
			c = model.Column{Field: model.LineField, Type: model.TypeText}
		}
		sc.Columns = append(sc.Columns, c)
		vals = append(vals, val)
	}
	unit := int64(time.Second)
	at, days := strings.CutSuffix(parts[2], "d")
	if days {
		unit = 86400 * int64(time.Second)
	}
	n, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	b.Add(model.NewStream(model.NewLabels(ls...)), sc, n*unit, vals...)
}
