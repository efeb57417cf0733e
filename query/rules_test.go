package query_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tidemark/query"
	"tidemark/query/funcs"
	"tidemark/query/querytest"
	"tidemark/storage/model"
)

// ruleCalls has a call of every analysis function. %s is the selector of the
// series it is about; %w a window of three days.
var ruleCalls = map[string]string{
	"baseline":         `baseline(%s[3d])`,
	"anomaly_score":    `anomaly_score(%s[3d])`,
	"anomaly_pvalue":   `anomaly_pvalue(%s[3d])`,
	"anomalous":        `anomalous(%s[3d])`,
	"anomaly_shape":    `anomaly_shape(%s[1d])`,
	"anomaly_onset":    `anomaly_onset(%s[1d])`,
	"decompose":        `decompose(%s[3d])`,
	"periods":          `periods(%s[3d])`,
	"change_points":    `change_points(%s[3d], spikes=true)`,
	"excess_over_time": `excess_over_time(%s[2h], train="3d")`,
	"peer_outliers":    `peer_outliers(%s[1h])`,
	"fdr":              `fdr(0.5, anomaly_pvalue(%s[3d]))`,
	"backtest":         `backtest(anomalous(%s[1d]), 12h, step=30m)`,
	"threshold_for":    `threshold_for(%s, 1d)`,
	"forecast":         `forecast(%s[3d], h="1d")`,
	"forecast_at":      `forecast_at(%s[3d], 6h)`,
	"time_to":          `time_to(%s[3d], 1000)`,
	"p_breach":         `p_breach(%s[3d], 1000, 1d)`,
	"headroom":         `headroom(%s[3d], 100, 1d)`,
	"rightsize":        `rightsize(%s[3d])`,
	"knee":             `knee(%s[1d], %s[1d])`,
	"corr_over_time":   `corr_over_time(%s[1d], %s[1d])`,
	"lead_lag":         `lead_lag(%s[1d], %s[1d], 30m)`,
	"rank_changes":     `rank_changes(%s[1h])`,
	"root_cause":       `root_cause(%s[1h], %s[1h], node="host")`,
	"contrib":          `contrib(%s[1h])`,
	"diff_attrs":       `diff_attrs(%s, %s offset 1h)`,
}

func ruleCall(name, sel string) string { return strings.ReplaceAll(ruleCalls[name], "%s", sel) }

// awkward are series of four days at ten minutes that have broken such
// functions elsewhere.
var awkward = map[string]func(d time.Duration, r *rand.Rand) float64{
	"noise":   func(d time.Duration, r *rand.Rand) float64 { return 50 + r.NormFloat64() },
	"season":  func(d time.Duration, r *rand.Rand) float64 { return wave(d) + r.NormFloat64() },
	"flat":    func(d time.Duration, r *rand.Rand) float64 { return 7 },
	"zero":    func(d time.Duration, r *rand.Rand) float64 { return 0 },
	"rare":    func(d time.Duration, r *rand.Rand) float64 { return float64(r.IntN(40) / 39) },
	"counter": func(d time.Duration, r *rand.Rand) float64 { return float64(int64(d/time.Second) % 20000) },
	"holes": func(d time.Duration, r *rand.Rand) float64 {
		return []float64{1, math.NaN(), 3, math.Inf(1), math.Inf(-1), 5}[r.IntN(6)]
	},
	"huge":     func(d time.Duration, r *rand.Rand) float64 { return 1e300 * (1 + r.Float64()) },
	"tiny":     func(d time.Duration, r *rand.Rand) float64 { return 1e-300 * (1 + r.Float64()) },
	"negative": func(d time.Duration, r *rand.Rand) float64 { return -10 + r.NormFloat64() },
	"steps":    func(d time.Duration, r *rand.Rand) float64 { return float64(d / (18 * time.Hour)) },
	"nothing":  func(d time.Duration, r *rand.Rand) float64 { return math.NaN() },
}

func rulesSource() *querytest.Source {
	src := querytest.NewSource()
	r := rand.New(rand.NewPCG(1, 9))
	for name, f := range awkward {
		for _, host := range []string{"a", "b", "c"} {
			for d := 10 * time.Minute; d <= 4*day; d += 10 * time.Minute {
				if name == "holes" && d > day && d < 30*time.Hour {
					continue
				}
				src.AddSample(name, model.FromStrings("host", host), monday.Add(d).UnixNano(), model.Float(f(d, r)))
			}
		}
		src.AddSample("young", model.FromStrings("host", name), monday.Add(4*day-time.Minute).UnixNano(), model.Float(1))
	}
	return src
}

func TestEveryAnalysisFunctionIsHeldToTheRules(t *testing.T) {
	for _, f := range funcs.All() {
		if f.Family == "analysis" && ruleCalls[f.Name] == "" {
			t.Errorf("no call of %s in ruleCalls", f.Name)
		}
	}
}

// Whatever a series does, answers are finite: an infinity only says never.
func TestAnswersAreFinite(t *testing.T) {
	a := newAsker(t, rulesSource(), 4*day)
	for name := range ruleCalls {
		for series := range awkward {
			sel := series
			if strings.Contains(name, "root_cause") {
				sel = series // its target is one series
			}
			text := ruleCall(name, sel)
			if name == "root_cause" {
				text = strings.Replace(text, series+"[1h]", series+`{host="a"}[1h]`, 1)
			}
			if name == "knee" || name == "corr_over_time" || name == "lead_lag" {
				text = strings.Replace(text, series+"[1d], "+series, series+`{host="a"}[1d], `+series, 1)
			}
			r := a.instant(text, 4*day)
			for _, s := range r.Series {
				for _, p := range s.Points {
					if math.IsNaN(p.V) && name != "threshold_for" || math.IsInf(p.V, 0) && name != "time_to" && name != "threshold_for" {
						t.Errorf("%s: %s is %v", text, s.Labels, p.V)
					}
				}
			}
		}
	}
}

// Too little history is no value, never a zero, and a warning where a
// function needs one.
func TestYoungSeriesHaveNoValue(t *testing.T) {
	a := newAsker(t, rulesSource(), 4*day)
	silent := map[string]bool{"backtest": true, "threshold_for": true, "diff_attrs": true, "contrib": true, "peer_outliers": true}
	for name := range ruleCalls {
		if silent[name] { // answer from whatever there is
			continue
		}
		text := ruleCall(name, "young")
		if name == "root_cause" {
			text = strings.Replace(text, "young[1h]", `young{host="flat"}[1h]`, 1)
		}
		r := a.instant(text, 4*day)
		if len(r.Series) != 0 {
			t.Errorf("%s: %d series, want none", text, len(r.Series))
		}
		if len(r.Warnings) == 0 {
			t.Errorf("%s: no warning", text)
		}
	}
}

// The same time has the same answer in an instant query, a range query and
// any zoom.
func TestAnalysisIgnoresZoom(t *testing.T) {
	src := rulesSource()
	a := newAsker(t, src, 4*day)
	rng := rand.New(rand.NewPCG(4, 4))
	for name := range ruleCalls {
		if funcs.Lookup(name).Table || name == "forecast" { // forecast: TestForecastInRanges
			continue
		}
		text := ruleCall(name, `{__name__=~"season|rare|holes|steps"}`)
		if name == "corr_over_time" {
			text = `corr_over_time(season[1d], rare[1d])`
		}
		text = strings.ReplaceAll(text, `{__name__=~"season|rare|holes|steps"}`, []string{"season", "holes"}[rng.IntN(2)])
		{
			start := (3*day + time.Duration(rng.Int64N(int64(12*time.Hour)))).Truncate(time.Millisecond)
			step := (time.Duration(rng.Int64N(int64(20*time.Minute))) + time.Minute).Truncate(time.Millisecond)
			end := start + 5*step
			got := map[string]float64{}
			for _, s := range a.over(text, start, end, step).Series {
				for _, p := range s.Points {
					got[fmt.Sprint(p.T, s.Labels)] = p.V
				}
			}
			count := 0
			for at := start; at <= end; at += step {
				for _, s := range a.instant(text, at).Series {
					count++
					v, ok := got[fmt.Sprint(s.Points[0].T, s.Labels)]
					if w := s.Points[0].V; !ok || v != w && math.Abs(v-w) > 1e-9*max(1, math.Abs(w)) {
						t.Fatalf("%s at %s: %s is %v (%t) in a range query, %v in an instant one", text, at, s.Labels, v, ok, w)
					}
				}
			}
			if count != len(got) {
				t.Fatalf("%s: %d values in a range query, %d in instant ones", text, len(got), count)
			}
		}
	}
}

// What comes later changes no answer.
func TestAnalysisIsCausal(t *testing.T) {
	for name := range ruleCalls {
		src := rulesSource()
		at := 3*day + 7*time.Hour
		a := newAsker(t, src, 4*day)
		series := "season"
		text := ruleCall(name, series)
		switch name {
		case "root_cause":
			text = strings.Replace(text, series+"[1h]", series+`{host="a"}[1h]`, 1)
		case "knee", "corr_over_time", "lead_lag":
			text = strings.Replace(text, series+"[1d], "+series, series+`{host="a"}[1d], `+series, 1)
		}
		before := fmt.Sprint(a.instant(text, at).Series)
		for _, host := range []string{"a", "b", "c"} {
			for d := at + time.Minute; d < 4*day; d += 5 * time.Minute {
				src.AddSample(series, model.FromStrings("host", host), monday.Add(d).UnixNano(), model.Float(-1e6))
			}
		}
		if after := fmt.Sprint(a.instant(text, at).Series); after != before {
			t.Errorf("%s changes with what comes later:\n%s\n%s", text, before, after)
		}
	}
}

// A level ten times higher, which stays, is one episode.
func TestALevelShiftIsOneEpisode(t *testing.T) {
	src := querytest.NewSource()
	r := rand.New(rand.NewPCG(7, 7))
	fill(src, "shift", nil, 0, 12*day, 5*time.Minute, func(d time.Duration) float64 {
		v := wave(d) + 2*r.NormFloat64()
		if d > 9*day+11*time.Hour {
			v *= 10
		}
		return v
	})
	a := newAsker(t, src, 12*day)
	res := a.over(`anomalous(shift[1w])`, 9*day, 9*day+20*time.Hour, 5*time.Minute)
	episodes, before := 0, 0.0
	for _, p := range res.Series[0].Points {
		if p.V > 0 && before == 0 {
			episodes++
		}
		before = p.V
	}
	if episodes != 1 {
		t.Errorf("%d episodes, want one", episodes)
	}
}

// P-values of ordinary points are uniform, far into the tail.
func TestPValuesAreUniform(t *testing.T) {
	src := querytest.NewSource()
	r := rand.New(rand.NewPCG(8, 8))
	for k := range 40 {
		fill(src, "null", model.FromStrings("k", fmt.Sprint(k)), 0, 15*day, 10*time.Minute, func(d time.Duration) float64 {
			return wave(d) + 3*r.NormFloat64()
		})
	}
	a := newAsker(t, src, 15*day)
	var below [4]int
	levels := [4]float64{0.5, 0.1, 0.01, 0.001}
	n := 0
	for _, s := range a.over(`anomaly_pvalue(null[2w])`, 14*day+10*time.Minute, 15*day, 10*time.Minute).Series {
		for _, p := range s.Points {
			n++
			for i, l := range levels {
				if p.V <= l {
					below[i]++
				}
			}
		}
	}
	t.Logf("%v of %d p-values are at most %v", below, n, levels)
	for i, l := range levels {
		if share := float64(below[i]) / float64(n); share < l*0.6-2/float64(n) || share > l*1.5+2/float64(n) {
			t.Errorf("%.4f of %d p-values are at most %g", share, n, l)
		}
	}
	// None of these is a discovery; one real outlier is.
	if got := len(a.instant(`fdr(0.05, anomaly_pvalue(null[2w]))`, 14*day+5*time.Hour).Series); got != 0 {
		t.Errorf("%d discoveries among null series", got)
	}
	src.AddSample("null", model.FromStrings("k", "3"), monday.Add(14*day+5*time.Hour).UnixNano(), model.Float(300))
	if got := a.instant(`fdr(0.05, anomaly_pvalue(null[2w]))`, 14*day+5*time.Hour).Series; len(got) != 1 || got[0].Labels.Get("k") != "3" {
		t.Errorf("an outlier among null series: %v", got)
	}
}

func TestExcessCountsWhatWasLost(t *testing.T) {
	src := querytest.NewSource()
	fill(src, "rps", nil, 0, 9*day, 5*time.Minute, func(d time.Duration) float64 {
		if d > 8*day+10*time.Hour && d <= 8*day+11*time.Hour {
			return 0 // one hour without requests
		}
		return 100
	})
	a := newAsker(t, src, 9*day)
	if v := a.one(`excess_over_time(rps[2h], train="1w")`, 8*day+11*time.Hour+30*time.Minute); math.Abs(v+360_000) > 1 {
		t.Errorf("lost %g requests, want -360000", v)
	}
}

func TestPeersBacktestAndThresholds(t *testing.T) {
	src := querytest.NewSource()
	r := rand.New(rand.NewPCG(5, 6))
	for k := range 24 {
		fill(src, "cpu", model.FromStrings("host", fmt.Sprint(k), "role", []string{"web", "db"}[k/12]), 0, 2*day, 5*time.Minute, func(d time.Duration) float64 {
			v := 20 + 30*float64(k/12) + r.NormFloat64()
			if k == 2 {
				v += 25
			}
			return v
		})
	}
	// A flag that goes up every six hours for half an hour, twice rightly.
	fill(src, "flag", nil, 0, 2*day, 5*time.Minute, func(d time.Duration) float64 {
		if d%(6*time.Hour) > 0 && d%(6*time.Hour) <= 30*time.Minute {
			return 1
		}
		return 0
	})
	fill(src, "trouble", nil, 0, 2*day, 5*time.Minute, func(d time.Duration) float64 {
		if h := d - 6*time.Hour; h > -10*time.Minute && h < 20*time.Minute || d-12*time.Hour > -10*time.Minute && d-12*time.Hour < time.Hour || d > 45*time.Hour {
			return 1
		}
		return 0
	})
	a := newAsker(t, src, 2*day)
	for _, method := range []string{"mad", "dbscan"} {
		for _, s := range a.instant(fmt.Sprintf(`peer_outliers(cpu[1h], method=%q) by (role)`, method), 2*day).Series {
			if out := math.Abs(s.Points[0].V) > 1; out != (s.Labels.Get("host") == "2") {
				t.Errorf("%s: %s scores %g", method, s.Labels, s.Points[0].V)
			}
		}
	}
	stats := map[string]float64{}
	for _, s := range a.instant(`backtest(flag, 2d, truth=trouble, step=5m)`, 2*day).Series {
		stats[s.Labels.Get("stat")] = s.Points[0].V
	}
	for stat, want := range map[string]float64{"alerts_per_week": 28, "precision": 0.25, "recall": 2. / 3, "delay": 600} {
		if math.Abs(stats[stat]-want) > 0.001*want {
			t.Errorf("%s is %g, want %g: %v", stat, stats[stat], want, stats)
		}
	}
	if v := a.one(`threshold_for(flag, 2d, budget="1/week")`, 2*day); v != 1 {
		t.Errorf("threshold %g, want 1", v)
	}
}

func TestCapacityFunctions(t *testing.T) {
	src := querytest.NewSource()
	r := rand.New(rand.NewPCG(3, 8))
	fill(src, "disk", nil, 0, 15*day, 10*time.Minute, func(d time.Duration) float64 { return 10 + 2*d.Hours()/24 + 0.2*r.NormFloat64() })
	fill(src, "load", nil, 0, 2*day, time.Minute, func(d time.Duration) float64 { return 100 * math.Abs(math.Sin(d.Hours())) })
	fill(src, "latency", nil, 0, 2*day, time.Minute, func(d time.Duration) float64 {
		return 1 + max(100*math.Abs(math.Sin(d.Hours()))-60, 0)/5 + 0.05*r.NormFloat64()
	})
	fill(src, "follower", nil, 0, 2*day, time.Minute, func(d time.Duration) float64 { return noisy(d-7*time.Minute) + 0.3*r.NormFloat64() })
	fill(src, "leader", nil, 0, 2*day, time.Minute, noisy)
	a := newAsker(t, src, 15*day)
	if v := a.one(`forecast_at(disk[2w], 5d)`, 15*day); math.Abs(v-50) > 3 {
		t.Errorf("forecast_at: %g, want about 50", v)
	}
	if v := a.one(`headroom(disk[2w], 100, 5d, q=0.5)`, 15*day); math.Abs(v-50) > 3 {
		t.Errorf("headroom: %g, want about 50", v)
	}
	if v := a.one(`p_breach(disk[2w], 60, 20d)`, 15*day); v < 0.9 {
		t.Errorf("p_breach of a sure thing: %g", v)
	}
	if v := a.one(`p_breach(disk[2w], 60, 2d)`, 15*day); v > 0.1 {
		t.Errorf("p_breach of the impossible: %g", v)
	}
	if v := a.one(`rightsize(disk[2w], q=1, buffer=0.1)`, 15*day); v < 43 || v > 46 {
		t.Errorf("rightsize: %g, want about 44", v)
	}
	if v := a.one(`rightsize(disk[2w], cap=30)`, 15*day); v != 30 {
		t.Errorf("rightsize with a cap: %g", v)
	}
	if v := a.one(`knee(load[1d], latency[1d])`, 2*day); math.Abs(v-60) > 5 {
		t.Errorf("knee: %g, want about 60", v)
	}
	got := a.instant(`lead_lag(leader[1d], follower[1d], 20m)`, 2*day).Series
	if len(got) != 1 || got[0].Labels.Get("lag") != "7m" {
		t.Errorf("lead_lag: %v", got)
	}
	got = a.instant(`lead_lag(follower[1d], leader[1d], 20m)`, 2*day).Series
	if len(got) != 1 || got[0].Labels.Get("lag") != "-7m" {
		t.Errorf("lead_lag the other way: %v", got)
	}
}

// noisy is noise that is a function of time.
func noisy(d time.Duration) float64 {
	return rand.New(rand.NewPCG(uint64(d/time.Minute), 5)).NormFloat64()
}

func TestDiffAttrsTellsBadFromGood(t *testing.T) {
	src := querytest.NewSource()
	for _, region := range []string{"eu", "us"} {
		for _, version := range []string{"1", "2", "3"} {
			bad := 10.0
			if region == "us" && version == "2" {
				bad = 500
			}
			ls := model.FromStrings("region", region, "version", version)
			src.AddSample("bad", ls, monday.UnixNano(), model.Float(bad))
			src.AddSample("good", ls, monday.UnixNano(), model.Float(1000))
		}
	}
	a := newAsker(t, src, 0)
	r := a.ask(query.Request{Text: `diff_attrs(bad, good, k=1)`, Instant: true, End: monday})
	stats := map[string]float64{}
	for _, s := range r.Series {
		if s.Labels.Get("region") != "us" || s.Labels.Get("version") != "2" {
			t.Errorf("first is %s", s.Labels)
		}
		stats[s.Labels.Get("stat")] = s.Points[0].V
	}
	if stats["count_bad"] != 500 || stats["count_good"] != 1000 || stats["lift"] < 5 || stats["p_adj"] > 1e-20 {
		t.Errorf("got %v", stats)
	}
	if _, err := a.e.Query(context.Background(), query.Request{Text: `sum(diff_attrs(bad, good))`, Instant: true, End: monday}); err == nil {
		t.Error("a table within an expression: want an error")
	}
}
