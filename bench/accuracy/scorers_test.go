package main

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidemark/bench/accuracy/score"
)

const scorers = "../../../shared/data/scorers"

// theirs runs one of the data sets' own scorers and returns its JSON report.
func theirs(t *testing.T, report any, name string, args ...string) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is absent")
	}
	script := filepath.Join(scorers, name)
	if _, err := os.Stat(script); err != nil {
		t.Skip(script + " is absent")
	}
	out := filepath.Join(t.TempDir(), "report.json")
	cmd := exec.Command(python, append([]string{script}, append(args, "--json", out)...)...)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, text)
	}
	if err := readJSON(out, report); err != nil {
		t.Fatal(err)
	}
}

// put writes a test's file.
func put(t *testing.T, path string, v any) string {
	t.Helper()
	data, ok := v.(string)
	if !ok {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		data = string(raw)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func same(t *testing.T, what string, ours, theirs float64) {
	t.Helper()
	if !(math.Abs(ours-theirs) <= 1e-9*max(1, math.Abs(theirs))) {
		t.Errorf("%s: ours %v, the scorer's %v", what, ours, theirs)
	}
}

func TestNABAsTheScorer(t *testing.T) {
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 1))
	start := time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC)
	labels, pred := map[string][][2]string{}, map[string][]float64{}
	var files []score.NABFile
	for f := range 3 {
		name := fmt.Sprintf("cat/f%d.csv", f)
		var file score.NABFile
		text := "timestamp,value\n"
		at := start
		var stamps []string
		for i := range 900 {
			if rng.IntN(50) > 0 { // some rows share a time
				at = at.Add(5 * time.Minute)
			}
			stamps = append(stamps, at.Format("2006-01-02 15:04:05"))
			text += fmt.Sprintf("%s,%d\n", stamps[i], i)
			file.Times = append(file.Times, at.UnixMilli())
			file.Scores = append(file.Scores, math.Round(rng.Float64()*200)/200)
		}
		labels[name] = [][2]string{}
		for k := range f + 1 {
			a, b := 200+k*200, 260+k*210
			labels[name] = append(labels[name], [2]string{stamps[a] + ".000000", stamps[b] + ".000000"})
			file.Windows = append(file.Windows, [2]int64{file.Times[a], file.Times[b]})
			file.Scores[a+3] = .99
		}
		put(t, filepath.Join(dir, "data", name), text)
		pred[name] = file.Scores
		files = append(files, file)
	}
	var report struct {
		Profiles map[string]struct{ Normalised float64 }
	}
	theirs(t, &report, "nab_score.py", "--labels", put(t, filepath.Join(dir, "labels.json"), labels), "--data", filepath.Join(dir, "data"), "--pred", put(t, filepath.Join(dir, "pred.json"), pred))
	for i, name := range []string{"standard", "reward_low_FP_rate", "reward_low_FN_rate"} {
		got, _ := score.NAB(files, score.NABProfiles[i])
		same(t, name, got, report.Profiles[name].Normalised)
	}
}

func TestVUSAsTheScorer(t *testing.T) {
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(2, 2))
	list, pred, ours := map[string]string{}, map[string][]float64{}, map[string]float64{}
	for f := range 3 {
		name := fmt.Sprintf("s%d", f)
		text := "Data,Label\n"
		var data, sc []float64
		var label []bool
		for i := range 700 {
			data = append(data, math.Round(1e3*(math.Sin(float64(i)/(3+float64(f)))+rng.NormFloat64()/4))/1e3)
			label = append(label, i%211 > 190 || i == 5)
			s := rng.NormFloat64()
			if label[i] {
				s++
			}
			sc = append(sc, math.Round(s*20)/20) // ties
			l := 0
			if label[i] {
				l = 1
			}
			text += fmt.Sprintf("%g,%d\n", data[i], l)
		}
		put(t, filepath.Join(dir, name+".csv"), text)
		list[name], pred[name], ours[name] = name+".csv", sc, score.VUSPR(data, label, sc)
	}
	var report struct {
		Series map[string]map[string]float64
	}
	theirs(t, &report, "vuspr.py", "--list", put(t, filepath.Join(dir, "files.json"), list), "--pred", put(t, filepath.Join(dir, "pred.json"), pred))
	for name, v := range ours {
		same(t, name, v, report.Series[name]["VUS-PR"])
	}
}

func TestForecastsAsTheScorer(t *testing.T) {
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(3, 3))
	lines := ""
	pred := map[string]interval{}
	var all []score.Forecasted
	for f := range 6 {
		s := score.Forecasted{Period: 6}
		for i := range 100 {
			v := 50 + 10*math.Sin(float64(i)*math.Pi/3)*float64(f%2) + rng.NormFloat64()
			if i < 88 {
				s.Train = append(s.Train, v)
			} else {
				s.Test = append(s.Test, v)
				s.Mean = append(s.Mean, 50+rng.NormFloat64())
				s.Lo, s.Hi = append(s.Lo, 47), append(s.Hi, 52)
			}
		}
		id := fmt.Sprintf("X%d", f)
		raw, err := json.Marshal(map[string]any{"id": id, "group": "g", "m": 6, "train": s.Train, "test": s.Test})
		if err != nil {
			t.Fatal(err)
		}
		lines += string(raw) + "\n"
		pred[id] = interval{Mean: s.Mean, Lo: s.Lo, Hi: s.Hi}
		all = append(all, s)
	}
	var report map[string]map[string]float64
	theirs(t, &report, "m4_score.py", "--series", put(t, filepath.Join(dir, "s.jsonl"), lines), "--pred", put(t, filepath.Join(dir, "pred.json"), pred))
	ours, g := score.Forecasts(all), report["g"]
	same(t, "sMAPE", ours.SMAPE, g["smape"])
	same(t, "MASE", ours.MASE, g["mase"])
	same(t, "OWA", ours.OWA, g["owa"])
	same(t, "MSIS", ours.MSIS, g["msis"])
	same(t, "ACD", ours.ACD, g["acd"])
}

func TestChangePointsAsTheScorer(t *testing.T) {
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(4, 4))
	annotations, lengths, pred := map[string]map[string][]int{}, map[string]int{}, map[string][]int{}
	some := func(n int) []int {
		out := []int{}
		for range rng.IntN(6) {
			out = append(out, rng.IntN(n))
		}
		return out
	}
	for f := range 20 {
		name := fmt.Sprintf("s%d", f)
		lengths[name] = 40 + rng.IntN(60)
		pred[name] = some(lengths[name])
		annotations[name] = map[string][]int{"a": some(lengths[name]), "b": some(lengths[name]), "c": pred[name]}
	}
	var report struct {
		Series map[string]struct{ F1, Cover float64 }
	}
	theirs(t, &report, "tcpd_score.py", "--annotations", put(t, filepath.Join(dir, "a.json"), annotations), "--lengths", put(t, filepath.Join(dir, "l.json"), lengths), "--pred", put(t, filepath.Join(dir, "p.json"), pred))
	for name, a := range annotations {
		f1, cover := score.ChangePoints([][]int{a["a"], a["b"], a["c"]}, pred[name], lengths[name])
		same(t, name+" F1", f1, report.Series[name].F1)
		same(t, name+" covering", cover, report.Series[name].Cover)
	}
}

func TestCausesAsTheScorer(t *testing.T) {
	dir := t.TempDir()
	truth := map[string]map[string]string{}
	pred := map[string][]string{}
	var cases []score.RankedCase
	for i, found := range [][]string{{"a_cpu", "b_mem"}, {"b_mem", "b_cpu", "a_cpu"}, {"b_x", "c_x", "d_x", "a_x"}, {}, {"b", "a"}} {
		name := fmt.Sprint(i)
		truth[name] = map[string]string{"service": "a", "group": "g"}
		pred[name] = found
		cases = append(cases, score.RankedCase{Service: "a", Found: found})
	}
	var report map[string]map[string]float64
	theirs(t, &report, "rca_score.py", "ranked", "--truth", put(t, filepath.Join(dir, "t.json"), truth), "--pred", put(t, filepath.Join(dir, "p.json"), pred))
	for k, v := range score.Ranked(cases) {
		if want, ok := report["ALL"][fmt.Sprintf("AC@%d", k+1)]; ok {
			same(t, fmt.Sprintf("AC@%d", k+1), v, want)
		}
	}
	sets := map[string][]string{"x": {"a=1&b=2", "c=3"}, "y": {"d=4"}, "z": {"e=5"}}
	found := map[string][]string{"x": {"b=2&a=1"}, "y": {"d=4", "d=5"}}
	theirs(t, &report, "rca_score.py", "sets", "--truth", put(t, filepath.Join(dir, "st.json"), sets), "--pred", put(t, filepath.Join(dir, "sp.json"), found))
	same(t, "sets", score.Sets(sets, found), report["ALL"]["F1"])
}

// TestUnknownFolders holds the errors that name what is wrong.
func TestUnknownFolders(t *testing.T) {
	for _, c := range []struct{ data, only, want string }{
		{"", "", "--data is empty"},
		{t.TempDir(), "", "no benchmark's folder"},
		{t.TempDir(), "moon", `unknown benchmark "moon"`},
	} {
		if err := run(t.Context(), &strings.Builder{}, c.data, "", c.only); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// TestASmallFolder runs the whole way on a made folder: duplicate times, gaps
// and missing values included.
func TestASmallFolder(t *testing.T) {
	dir, out := t.TempDir(), t.TempDir()
	text := "timestamp,value,label\n"
	rng := rand.New(rand.NewPCG(5, 5))
	n := 0
	for i := range 600 {
		at := int64(1700000100 + 300*i)
		v, l := fmt.Sprintf("%.3f", 10+rng.NormFloat64()), "0"
		if i >= 500 && i < 505 {
			v, l = "90", "1"
		}
		switch {
		case i%97 == 0:
			v = ""
		case i%50 == 0: // told twice
			text += fmt.Sprintf("%d,%s,%s\n", at, v, l)
			n++
		}
		text += fmt.Sprintf("%d,%s,%s\n", at, v, l)
		if v != "" {
			n++
		}
	}
	put(t, filepath.Join(dir, "wsd", "x.csv"), text)
	var table strings.Builder
	if err := run(t.Context(), &table, dir, out, ""); err != nil {
		t.Fatal(err)
	}
	var pred map[string][]float64
	if err := readJSON(filepath.Join(out, "wsd", "pred.json"), &pred); err != nil {
		t.Fatal(err)
	}
	if len(pred["x.csv"]) != n {
		t.Errorf("%d scores for %d rows with a value", len(pred["x.csv"]), n)
	}
	if !strings.Contains(table.String(), "VUS-PR causal") {
		t.Errorf("table:\n%s", table.String())
	}
}
