package query_test

import (
	"context"
	"fmt"
	"math"
	"math/rand"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the tests' zones, whatever the machine has

	"tidemark/query"
	"tidemark/query/querytest"
	"tidemark/storage/model"
)

// monday is 2026-01-05 00:00 UTC.
var monday = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// fill writes f of the time since monday every step in (from, to].
func fill(src *querytest.Source, name string, ls model.Labels, from, to, step time.Duration, f func(d time.Duration) float64) {
	for d := from + step; d <= to; d += step {
		src.AddSample(name, ls, monday.Add(d).UnixNano(), model.Float(f(d)))
	}
}

func wave(d time.Duration) float64 {
	return 50 + 20*math.Sin(2*math.Pi*float64(d%day)/float64(day))
}

// asker runs queries on one source at one present.
type asker struct {
	t   *testing.T
	e   *query.Engine
	now time.Duration // since monday
}

func newAsker(t *testing.T, src *querytest.Source, now time.Duration) *asker {
	return &asker{t, query.NewEngine(src, query.Options{Now: func() time.Time { return monday.Add(now) }}), now}
}

func (a *asker) ask(req query.Request) *query.Result {
	a.t.Helper()
	r, err := a.e.Query(context.Background(), req)
	if err != nil {
		a.t.Fatalf("%s: %v", req.Text, err)
	}
	return r
}

func (a *asker) instant(text string, at time.Duration) *query.Result {
	a.t.Helper()
	return a.ask(query.Request{Text: text, Instant: true, Start: monday.Add(at), End: monday.Add(at)})
}

func (a *asker) over(text string, from, to, step time.Duration) *query.Result {
	a.t.Helper()
	return a.ask(query.Request{Text: text, Start: monday.Add(from), End: monday.Add(to), Step: step})
}

// values returns the points of the only series by time since monday.
func (a *asker) values(r *query.Result) map[time.Duration]float64 {
	a.t.Helper()
	if len(r.Series) != 1 {
		a.t.Fatalf("got %d series, want one; warnings %v", len(r.Series), r.Warnings)
	}
	out := map[time.Duration]float64{}
	for _, p := range r.Series[0].Points {
		out[time.UnixMilli(p.T).Sub(monday)] = p.V
	}
	return out
}

// one returns the value of an instant query with one series.
func (a *asker) one(text string, at time.Duration) float64 {
	a.t.Helper()
	v, ok := a.values(a.instant(text, at))[at]
	if !ok {
		a.t.Fatalf("%s: no value at %s", text, at)
	}
	return v
}

// refused runs a query that must fail and returns its error.
func (a *asker) refused(text string) string {
	a.t.Helper()
	_, err := a.e.Query(context.Background(), query.Request{Text: text, Instant: true, Start: monday, End: monday})
	if err == nil {
		a.t.Fatalf("%s: want an error", text)
	}
	return err.Error()
}

const spikeAt = 30*day + 18*time.Hour // at the day's low

// seasonal is five weeks of a daily wave by the minute, with one spike that is
// no higher than the day's peak, and its counter.
func seasonal() *querytest.Source {
	src := querytest.NewSource()
	r := rand.New(rand.NewSource(1))
	total := 0.0
	f := func(d time.Duration) float64 {
		v := wave(d) + r.NormFloat64()
		if d > spikeAt-10*time.Minute && d <= spikeAt {
			v = 70
		}
		return v
	}
	for d := time.Minute; d <= 35*day; d += time.Minute {
		v := f(d)
		src.AddSample("load", model.FromStrings("host", "a"), monday.Add(d).UnixNano(), model.Float(v))
		total += v
		src.AddSample("work_total", model.FromStrings("host", "a"), monday.Add(d).UnixNano(), model.Float(total))
	}
	return src
}

// The spike scores beyond the band, the same value at the day's peak does
// not, and every query that asks for a time gets the same score for it,
// whatever its start, step and kind.
func TestScoresDoNotDependOnTheQuery(t *testing.T) {
	a := newAsker(t, seasonal(), 35*day)
	for _, text := range []string{
		`anomaly_score(load[4w])`,
		`anomaly_score(load[2w], res=1m, season="1d")`,
		`anomaly_score(rate(work_total[5m])[1w:1m], tz="Europe/Berlin")`,
		`anomaly_score(load[4w], hindsight="true")`,
	} {
		if s := a.one(text, spikeAt); s < 1.5 {
			t.Errorf("%s: the spike scores %g, want far above 1", text, s)
		}
		if s := a.one(text, 30*day+6*time.Hour); math.Abs(s) > 1.5 {
			t.Errorf("%s: the day's peak scores %g", text, s)
		}
		wide := a.values(a.over(text, 29*day, 31*day, 15*time.Minute))
		near := a.values(a.over(text, spikeAt-30*time.Minute, spikeAt+30*time.Minute, time.Minute))
		odd := a.values(a.over(text, spikeAt-7*7*time.Minute, spikeAt, 7*time.Minute))
		if len(wide) != 193 || len(near) != 61 || len(odd) != 8 {
			t.Fatalf("%s: %d, %d and %d points", text, len(wide), len(near), len(odd))
		}
		compared := 0
		for _, m := range []map[time.Duration]float64{near, odd} {
			for at, v := range m {
				if w, ok := wide[at]; ok {
					compared++
					if w != v {
						t.Fatalf("%s at %s: %v wide and %v near", text, at, w, v)
					}
				}
			}
		}
		for _, at := range []time.Duration{spikeAt, spikeAt - 7*time.Minute, spikeAt - 14*time.Minute} {
			compared++
			if v := a.one(text, at); v != near[at] || v != odd[at] {
				t.Fatalf("%s at %s: %v alone, %v near, %v odd", text, at, v, near[at], odd[at])
			}
		}
		if compared < 8 {
			t.Fatalf("%s: only %d times were compared", text, compared)
		}
	}
}

func TestScoresFollowOffsetAndAt(t *testing.T) {
	a := newAsker(t, seasonal(), 35*day)
	want := a.one(`anomaly_score(load[4w])`, spikeAt)
	if v := a.one(`anomaly_score(load[4w] offset 1d)`, spikeAt+day); v != want {
		t.Errorf("offset: %v, want %v", v, want)
	}
	at := fmt.Sprintf(`anomaly_score(load[4w] @ %d)`, monday.Add(spikeAt).Unix())
	for _, v := range a.values(a.over(at, 34*day, 34*day+time.Hour, 10*time.Minute)) {
		if v != want {
			t.Errorf("@: %v, want %v", v, want)
		}
	}
	if v := a.one(`anomaly_score(load[4w], dir="down")`, spikeAt); v != 0 {
		t.Errorf("dir=down: %v, want 0", v)
	}
	if v := a.one(`anomaly_score(load[4w], dir="up")`, spikeAt); v != want {
		t.Errorf("dir=up: %v, want %v", v, want)
	}
}

func TestBaselineIsABandWithItsSeason(t *testing.T) {
	a := newAsker(t, seasonal(), 35*day)
	r := a.instant(`baseline(load[4w])`, spikeAt)
	band := map[string]float64{}
	for _, s := range r.Series {
		if s.Labels.Get("season") != "1d" || s.Labels.Get("host") != "a" || s.Labels.Has(model.MetricName) {
			t.Errorf("labels %s", s.Labels)
		}
		band[s.Labels.Get("band")] = s.Points[0].V
	}
	if len(band) != 3 || !(band["lower"] < band["expected"] && band["expected"] < band["upper"]) {
		t.Fatalf("band %v", band)
	}
	if math.Abs(band["expected"]-30) > 1 || band["upper"]-band["lower"] > 8 {
		t.Errorf("band %v, want around 30", band)
	}
	// The score is the place in the band.
	score := a.one(`anomaly_score(load[4w])`, spikeAt)
	want := (70 - band["expected"]) / (band["upper"] - band["expected"])
	if math.Abs(score-want) > 1e-9*math.Abs(want) {
		t.Errorf("score %v, place in the band %v", score, want)
	}
	// An option widens it.
	wide := a.instant(`baseline(load[4w], min_abs=25)`, spikeAt).Series
	if w := wide[len(wide)-1].Points[0].V - wide[1].Points[0].V; w != 50 {
		t.Errorf("min_abs=25: the band is %g wide", w)
	}
	if s := a.one(`anomaly_score(load[4w], min_abs=50)`, spikeAt); s > 1 {
		t.Errorf("min_abs=50: the spike scores %g", s)
	}
}

func TestTooLittleHistoryWarnsOnce(t *testing.T) {
	src := querytest.NewSource()
	for k := range 50 {
		fill(src, "young", model.FromStrings("host", fmt.Sprint(k)), 0, 100*time.Minute, 5*time.Minute, wave)
	}
	a := newAsker(t, src, day)
	for _, text := range []string{`anomaly_score(young[4w], refit=5m)`, `baseline(young[4w], refit=5m)`, `time_to(young[4w], 1000, refit=5m)`, `forecast(young[4w])`} {
		r := a.instant(text, 100*time.Minute)
		if len(r.Series) != 0 {
			t.Errorf("%s: got %d series, want none", text, len(r.Series))
		}
		if timed := strings.HasPrefix(text, "forecast"); timed != (r.Kind == query.KindMatrix) {
			t.Errorf("%s: an empty answer of kind %d", text, r.Kind)
		}
		if len(r.Warnings) != 1 {
			t.Fatalf("%s: %d warnings: %v", text, len(r.Warnings), r.Warnings)
		}
		for _, part := range []string{"50 of 50 series", `{host="`, "points of 5m in 4w: want at least 32", "47 more"} {
			if strings.HasPrefix(text, "forecast") || strings.HasPrefix(text, "time_to") {
				part = strings.Replace(part, "of 5m", "of 10m", 1)
			}
			if !strings.Contains(r.Warnings[0], part) {
				t.Errorf("%s: warning %q lacks %q", text, r.Warnings[0], part)
			}
		}
	}
	fill(src, "twin", nil, 0, 20*time.Minute, 5*time.Minute, wave)
	r := a.instant(`corr_over_time(twin[1h], twin[1h])`, 20*time.Minute)
	if len(r.Series) != 0 || len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "4 common points of 5m in 1h: want at least 10") {
		t.Errorf("corr_over_time: %v, %v", r.Series, r.Warnings)
	}
}

func TestForecastFollowsARamp(t *testing.T) {
	src := querytest.NewSource()
	ramp := func(d time.Duration) float64 { return 100 + 2*float64(d)/float64(day) }
	fill(src, "disk", model.FromStrings("host", "a"), 0, 28*day, 10*time.Minute, ramp)
	a := newAsker(t, src, 28*day)

	r := a.instant(`forecast(disk[4w], h="2w")`, 28*day)
	if r.Kind != query.KindMatrix || len(r.Series) != 3 {
		t.Fatalf("kind %d of %d series; %v", r.Kind, len(r.Series), r.Warnings)
	}
	for k, q := range []string{"0.1", "0.5", "0.9"} {
		s := r.Series[k]
		if s.Labels.Get("q") != q || s.Labels.Get("host") != "a" || s.Labels.Has(model.MetricName) {
			t.Errorf("labels %s", s.Labels)
		}
		if n := len(s.Points); n < 100 || n > 1000 {
			t.Errorf("%d points", n)
		}
		for _, p := range s.Points {
			d := time.UnixMilli(p.T).Sub(monday)
			if d <= 28*day || d > 42*day {
				t.Fatalf("a point at %s, want within two weeks after the origin", d)
			}
			if want := ramp(d); math.Abs(p.V-want) > 0.05*want {
				t.Fatalf("q=%s at %s: %g, want %g", q, d, p.V, want)
			}
		}
	}
	// A range that ends in the future shows the forecast; before now it shows
	// what would have been forecast. Steps and starts do not matter.
	wide := a.values(a.over(`forecast(disk[2w], q=0.5)`, 20*day, 40*day, 6*time.Hour))
	if len(wide) != 81 {
		t.Fatalf("%d points, want 81", len(wide))
	}
	for d, v := range wide {
		if want := ramp(d); math.Abs(v-want) > 0.05*want {
			t.Errorf("range at %s: %g, want %g", d, v, want)
		}
	}
	for d, v := range a.values(a.over(`forecast(disk[2w], q=0.5)`, 26*day, 35*day, day)) {
		if wide[d] != v {
			t.Errorf("range at %s: %v and %v", d, wide[d], v)
		}
	}
	// The origin may be said.
	said := fmt.Sprintf(`forecast(disk[2w] @ %d, q=0.5, h="1w", step="1d")`, monday.Add(20*day).Unix())
	got := a.values(a.instant(said, 28*day))
	if len(got) != 7 {
		t.Fatalf("@: %v", got)
	}
	for d, v := range got {
		if d <= 20*day || math.Abs(v-ramp(d)) > 0.05*ramp(d) {
			t.Errorf("@: %g at %s", v, d)
		}
	}
	// Within another function it is a value per time.
	if v := a.one(`max(forecast(disk[2w])) - max(forecast(disk[2w], q=0.5))`, 35*day); v < -1e-9 {
		t.Errorf("nested: %g", v)
	}
}

// What would have been forecast knows nothing of what came.
func TestForecastOfThePastIsHonest(t *testing.T) {
	src := querytest.NewSource()
	fill(src, "m", nil, 0, 21*day, 10*time.Minute, func(d time.Duration) float64 {
		if d > 15*day {
			return 1000
		}
		return 10
	})
	a := newAsker(t, src, 21*day)
	got := a.values(a.over(`forecast(m[2w], q=0.5, lead="1d")`, 14*day, 16*day, 6*time.Hour))
	for d, v := range got {
		if d <= 16*day && math.Abs(v-10) > 1 {
			t.Errorf("a day ahead at %s: %g, want 10", d, v)
		}
	}
	if len(got) != 9 {
		t.Errorf("%d points, want 9", len(got))
	}
}

func TestTimeToOfARamp(t *testing.T) {
	src := querytest.NewSource()
	r := rand.New(rand.NewSource(2))
	fill(src, "disk", model.FromStrings("host", "a"), 0, 14*day, 10*time.Minute, func(d time.Duration) float64 {
		return 20 + 2*float64(d)/float64(day) + 0.2*r.NormFloat64()
	})
	a := newAsker(t, src, 14*day)
	at := 14*day - 5*time.Hour
	res := a.instant(`time_to(disk[2w], 90)`, at)
	if len(res.Series) != 3 {
		t.Fatalf("%d series; %v", len(res.Series), res.Warnings)
	}
	want := (90-20)/2*86400 - at.Seconds()
	for k, q := range []string{"0.1", "0.5", "0.9"} {
		s := res.Series[k]
		if s.Labels.Get("q") != q || math.Abs(s.Points[0].V-want) > 0.1*want {
			t.Errorf("%s: %g s, want %g", s.Labels, s.Points[0].V, want)
		}
	}
	if v := a.one(`time_to(disk[2w], 90, q=0.5, max="1w")`, at); !math.IsInf(v, 1) {
		t.Errorf("beyond max: %g, want +Inf", v)
	}
	if v := a.one(`time_to(disk[2w], 30, q=0.5)`, at); v != 0 {
		t.Errorf("reached: %g, want 0", v)
	}
	// The same in a range, at any step.
	wide := a.values(a.over(`time_to(disk[2w], 90, q=0.5)`, 12*day, 14*day, time.Hour))
	for d, v := range a.values(a.over(`time_to(disk[2w], 90, q=0.5)`, at-30*time.Minute, at, 30*time.Minute)) {
		if w, ok := wide[d]; ok && w != v {
			t.Errorf("at %s: %v and %v", d, w, v)
		}
	}
	if wide[at] != a.one(`time_to(disk[2w], 90, q=0.5)`, at) {
		t.Errorf("range %v, instant %v", wide[at], a.one(`time_to(disk[2w], 90, q=0.5)`, at))
	}
}

func TestCorrelation(t *testing.T) {
	src := querytest.NewSource()
	r := rand.New(rand.NewSource(3))
	const end = 2 * day
	base := map[time.Duration]float64{}
	for _, host := range []string{"a", "b"} {
		ls := model.FromStrings("host", host)
		for d := -day; d <= end+time.Hour; d += time.Minute {
			base[d] = r.NormFloat64()
		}
		fill(src, "x", ls, 0, end, time.Minute, func(d time.Duration) float64 { return base[d] })
		fill(src, "linear", ls.With("unit", "s"), 0, end, time.Minute, func(d time.Duration) float64 { return 1e6 - 3*base[d] })
		fill(src, "late", ls, 0, end, time.Minute, func(d time.Duration) float64 { return base[d-10*time.Minute] })
		fill(src, "other", ls, 0, end, time.Minute, func(time.Duration) float64 { return r.NormFloat64() })
	}
	fill(src, "single", nil, 0, end, time.Minute, func(d time.Duration) float64 { return base[d] })
	fill(src, "still", nil, 0, end, time.Minute, func(time.Duration) float64 { return 0.1 })
	a := newAsker(t, src, end)
	f := func(text string, tol float64, want ...float64) {
		t.Helper()
		res := a.instant(text, end)
		if len(res.Series) != len(want) {
			t.Fatalf("%s: %d series, want %d; %v", text, len(res.Series), len(want), res.Warnings)
		}
		for k, s := range res.Series {
			if math.Abs(s.Points[0].V-want[k]) > tol {
				t.Errorf("%s: %s %g, want %g", text, s.Labels, s.Points[0].V, want[k])
			}
		}
	}
	f(`corr_over_time(x[1d], x[1d])`, 1e-12, 1, 1)
	f(`corr_over_time(x[1d], linear[1d]) on (host)`, 1e-9, -1, -1)
	f(`corr_over_time(x[1d], linear[1d], method="spearman") on (host)`, 1e-9, -1, -1)
	f(`corr_over_time(x[1d], linear[1d]) ignoring (unit)`, 1e-9, -1, -1)
	f(`corr_over_time(x[1d], other[1d])`, 0.1, 0, 0)
	f(`corr_over_time(x[1d], late[1d])`, 0.1, 0, 0)
	f(`corr_over_time(x[1d], late[1d], lag="10m")`, 1e-9, 1, 1)
	f(`corr_over_time(late[1d], x[1d], lag=-10m)`, 1e-9, 1, 1)
	f(`corr_over_time(x[1d], late[1d] offset -10m)`, 0.02, 1, 1)
	f(`corr_over_time(x[1d], x[1d], diff="true")`, 1e-12, 1, 1)
	f(`corr_over_time(single[1d], x[1d])`, 0.1, 0, 1)
	f(`corr_over_time(single[1d], single[1d] offset 1d)`, 0.1, 0)
	f(`corr_over_time(single[1d], still[1d])`, 0) // one side does not move
	f(`corr_over_time(avg_over_time(x[5m])[1d:1m], avg_over_time(linear[5m])[1d:1m]) on (host)`, 1e-9, -1, -1)
	if got := a.instant(`corr_over_time(x[1d], linear[1d]) on (host)`, end).Series[0].Labels.String(); got != `{host="a"}` {
		t.Errorf("labels %s", got)
	}
	wide := a.over(`corr_over_time(x{host="a"}[6h], other{host="a"}[6h])`, day, end, 10*time.Minute)
	near := a.over(`corr_over_time(x{host="a"}[6h], other{host="a"}[6h])`, end-time.Hour, end, 5*time.Minute)
	w, n := a.values(wide), a.values(near)
	if len(w) != 145 || len(n) != 13 {
		t.Fatalf("%d and %d points", len(w), len(n))
	}
	for d, v := range n {
		if x, ok := w[d]; ok && x != v {
			t.Errorf("at %s: %v and %v", d, x, v)
		}
	}
	if msg := a.refused(`corr_over_time(x[1d], x[2d])`); !strings.Contains(msg, "equal length, got 1d and 2d") {
		t.Errorf("windows: %s", msg)
	}
	if _, err := a.e.Query(context.Background(), query.Request{Text: `corr_over_time(x[1d], x[1d]) on (unit)`, Instant: true, Start: monday.Add(end), End: monday.Add(end)}); err == nil || !strings.Contains(err.Error(), "one on at least one side") {
		t.Errorf("many to many: %v", err)
	}
}

// Times at which an expression is true are left out of training, for the
// series they concern.
func TestExcludedTimes(t *testing.T) {
	src := querytest.NewSource()
	r := rand.New(rand.NewSource(4))
	down := func(d time.Duration) bool { return d > 5*day && d <= 20*day }
	for _, host := range []string{"a", "b"} {
		fill(src, "m", model.FromStrings("host", host), 0, 29*day, 5*time.Minute, func(d time.Duration) float64 {
			if down(d) {
				return 500 + r.NormFloat64()
			}
			return 10 + r.NormFloat64()
		})
	}
	fill(src, "maintenance", model.FromStrings("host", "a", "by", "ops"), 0, 29*day, 5*time.Minute, func(d time.Duration) float64 {
		if down(d) {
			return 1
		}
		return 0
	})
	a := newAsker(t, src, 29*day)
	get := func(text, host string) float64 {
		for _, s := range a.instant(text, 28*day+time.Hour).Series {
			if s.Labels.Get("host") == host && s.Labels.Get("band") == "expected" {
				return s.Points[0].V
			}
		}
		t.Fatalf("%s: nothing for %s", text, host)
		return 0
	}
	if v := get(`baseline(m[4w], exclude=maintenance, season="none")`, "a"); math.Abs(v-10) > 1 {
		t.Errorf("excluded: expected %g, want 10", v)
	}
	if v := get(`baseline(m[4w], exclude=maintenance, season="none")`, "b"); v < 100 {
		t.Errorf("another host's maintenance: expected %g, want about 500", v)
	}
	if v := get(`baseline(m[4w], exclude=max(maintenance), season="none")`, "b"); math.Abs(v-10) > 1 {
		t.Errorf("everyone's maintenance: expected %g, want 10", v)
	}
}

func TestAnalysisOfLogs(t *testing.T) {
	src := querytest.NewSource()
	r := rand.New(rand.NewSource(5))
	for d := time.Duration(0); d <= 8*day; d += 10 * time.Minute {
		n := 3 + r.Intn(3)
		if d == 8*day-10*time.Minute {
			n = 80
		}
		for range n {
			src.AddRow(model.FromStrings("app", "api"), monday.Add(d-time.Duration(r.Int63n(int64(10*time.Minute)))).UnixNano(), "level=error", nil)
		}
	}
	a := newAsker(t, src, 8*day)
	text := `anomaly_score(count_over_time({app="api"}[10m])[1w:10m])`
	if v := a.one(text, 8*day-10*time.Minute); v < 2 {
		t.Errorf("a burst of errors scores %g", v)
	}
	if v := a.one(text, 8*day-20*time.Minute); math.Abs(v) > 1.5 {
		t.Errorf("ordinary errors score %g", v)
	}
}

func TestAnalysisErrorsNameWhatIsWrong(t *testing.T) {
	a := newAsker(t, seasonal(), 35*day)
	for text, want := range map[string]string{
		`anomaly_score(load[4w], tz="Europe/Berlim")`: `unknown time zone "Europe/Berlim"`,
		`anomaly_score(load[4w], season="daily")`:     `season "daily"`,
		`anomaly_score(load[4w], dir="left")`:         `left`,
		`anomaly_score(load[4w], q=1.5)`:              `q: want 0.5 to`,
		`forecast(load[4w], q=(0.1, 2))`:              `quantiles between 0 and 1, got 2`,
		`forecast(load[4w], model="arima")`:           `arima`,
		`forecast(load[4w], h="30d", step="1s")`:      `at most 11000 points`,
		`time_to(load[4w], 1, max="0s")`:              `max: want at least 1s`,
		`baseline(load[4w], res=-5m)`:                 `res: want at least`,
	} {
		if msg := a.refused(text); !strings.Contains(msg, want) || !strings.HasPrefix(msg, "1:") {
			t.Errorf("%s\n got %s\nwant a place and %q", text, msg, want)
		}
	}
}

// Series that differ by their name only cannot both be answered.
func TestAnalysisRefusesEqualLabels(t *testing.T) {
	src := querytest.NewSource()
	for _, name := range []string{"m_a", "m_b"} {
		fill(src, name, nil, 0, 8*day, 10*time.Minute, wave)
	}
	a := newAsker(t, src, 8*day)
	for _, text := range []string{`anomaly_score({__name__=~"m_.*"}[1w])`, `forecast({__name__=~"m_.*"}[1w])`} {
		_, err := a.e.Query(context.Background(), query.Request{Text: text, Instant: true, Start: monday.Add(8 * day), End: monday.Add(8 * day)})
		if err == nil || !strings.Contains(err.Error(), "same labelset") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// A band ends one refit distance after the last sample, and a score with it.
func TestBandsEndWithTheirSeries(t *testing.T) {
	src := querytest.NewSource()
	fill(src, "gone", nil, 0, 8*day, 5*time.Minute, wave)
	a := newAsker(t, src, 10*day)
	r := a.over(`baseline(gone[1w])`, 8*day-time.Hour, 10*day, time.Hour)
	for _, s := range r.Series {
		last := time.UnixMilli(s.Points[len(s.Points)-1].T).Sub(monday)
		if last < 8*day || last > 8*day+6*time.Hour {
			t.Errorf("%s ends at %s", s.Labels, last)
		}
	}
	scores := a.values(a.over(`anomaly_score(gone[1w])`, 8*day-time.Hour, 10*day, time.Hour))
	if keys := len(scores); keys != 2 {
		t.Errorf("%d scores, want those of the last two hours", keys)
	}
}

// Models are kept between queries, and what is written late into their window
// is seen at once.
func TestKeptModelsSeeLateWrites(t *testing.T) {
	src := querytest.NewSource()
	r := rand.New(rand.NewSource(6))
	fill(src, "m", nil, 0, 9*day, 5*time.Minute, func(d time.Duration) float64 { return 10 + r.NormFloat64() })
	a, fresh := newAsker(t, src, 9*day), newAsker(t, src, 9*day)
	const text = `baseline(m[1w])`
	first := fmt.Sprint(a.instant(text, 9*day).Series)
	if again := fmt.Sprint(a.instant(text, 9*day).Series); again != first {
		t.Errorf("asked again:\n%s\n%s", again, first)
	}
	fill(src, "m", nil, 4*day, 8*day, 5*time.Minute, func(d time.Duration) float64 { return 90 + r.NormFloat64() })
	late := fmt.Sprint(a.instant(text, 9*day).Series)
	if late == first {
		t.Error("a late write changed nothing")
	}
	if want := fmt.Sprint(fresh.instant(text, 9*day).Series); late != want {
		t.Errorf("after a late write:\n%s\nwithout kept models:\n%s", late, want)
	}
}
