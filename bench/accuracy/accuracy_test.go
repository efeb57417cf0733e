package main

import (
	"context"
	"encoding/json"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tidemark/bench/accuracy/score"
)

const loghub = "../../../shared/data/loghub2k"

func TestScoreByHand(t *testing.T) {
	truth := []string{"a <*>", "a <*>", "b", "c", "", "c"}
	group := []string{"1", "1", "2", "2", "9", "3"}
	template := []string{"a <*>", "a <*>", "b", "b", "x", "c"}
	got := score.Patterns(truth, group, template)
	// Five lines count. One of three groups is exact (two lines). Templates: "a
	// <*>" and "c" have only lines that are truly theirs, "b" has one that is not.
	want := score.Scores{GA: 2. / 5, FGA: 2. * 1 / (3 + 3), PA: 4. / 5, FTA: 2. * 2 / (3 + 3), Groups: 3, TrueGroups: 3}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := score.Patterns(nil, nil, nil); got != (score.Scores{}) {
		t.Errorf("no lines: got %+v", got)
	}
}

func needData(t *testing.T) {
	if _, err := os.Stat(loghub); err != nil {
		t.Skip(loghub + " is absent")
	}
}

// means are the mean scores of all systems of a kind of truth.
func means(t *testing.T, kind string) (score.Scores, map[string]score.Scores) {
	files, err := systems(filepath.Join(loghub, kind))
	if err != nil {
		t.Fatal(err)
	}
	var mean score.Scores
	each := map[string]score.Scores{}
	for name, path := range files {
		rows, err := readTruth(path)
		if err != nil {
			t.Fatal(err)
		}
		p, err := predict(rows)
		if err != nil {
			t.Fatal(err)
		}
		truth := make([]string, len(rows))
		for i, r := range rows {
			truth[i] = r.template
		}
		s := score.Patterns(truth, p.group, p.template)
		each[name] = s
		n := float64(len(files))
		mean.GA += s.GA / n
		mean.FGA += s.FGA / n
		mean.PA += s.PA / n
		mean.FTA += s.FTA / n
	}
	return mean, each
}

// TestAccuracyStays holds the means of the eight systems above floors a little
// below what was measured.
func TestAccuracyStays(t *testing.T) {
	needData(t)
	if m, _ := means(t, "original"); m.GA < .985 {
		t.Errorf("original templates: GA %.4f, want at least .985", m.GA)
	}
	if m, _ := means(t, "corrected"); m.GA < .985 || m.FGA < .93 || m.PA < .90 || m.FTA < .87 {
		t.Errorf("corrected templates: GA %.4f FGA %.4f PA %.4f FTA %.4f, want at least .985 .93 .90 .87", m.GA, m.FGA, m.PA, m.FTA)
	}
}

// TestSameFiguresAsTheScorer compares with the data set's own scorer.
func TestSameFiguresAsTheScorer(t *testing.T) {
	needData(t)
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is absent")
	}
	dir := t.TempDir()
	if err := run(context.Background(), io.Discard, filepath.Dir(loghub), dir, "loghub2k"); err != nil {
		t.Fatal(err)
	}
	report := filepath.Join(dir, "scores.json")
	cmd := exec.Command(python, filepath.Join(loghub, "../scorers/logparse_score.py"),
		"--truth", filepath.Join(loghub, "corrected"), "--pred", filepath.Join(dir, "loghub2k"), "--json", report)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	var theirs struct{ Systems map[string]score.Scores }
	if err := json.Unmarshal(data, &theirs); err != nil {
		t.Fatal(err)
	}
	_, ours := means(t, "corrected")
	if len(ours) == 0 || len(ours) != len(theirs.Systems) {
		t.Fatalf("%d systems, the scorer has %d", len(ours), len(theirs.Systems))
	}
	for name, a := range ours {
		b := theirs.Systems[name]
		for _, d := range []float64{a.GA - b.GA, a.FGA - b.FGA, a.PA - b.PA, a.FTA - b.FTA} {
			if math.Abs(d) > 1e-9 {
				t.Errorf("%s: ours %+v, the scorer's %+v", name, a, b)
				break
			}
		}
	}
}

func TestMissingColumnsAreNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "X.csv")
	if err := os.WriteFile(path, []byte("LineId,Text\n1,a\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readTruth(path); err == nil || !strings.Contains(err.Error(), "want Content and EventTemplate") {
		t.Errorf("got %v", err)
	}
}
