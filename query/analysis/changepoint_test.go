package analysis

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// partition is the obvious twin of pelt: every start for every end.
func partition(n, least int, penalty float64, cost func(a, b int) float64) float64 {
	best := make([]float64, n+1)
	best[0] = -penalty
	for t := 1; t <= n; t++ {
		best[t] = math.Inf(1)
		for s := 0; s+least <= t; s++ {
			best[t] = min(best[t], best[s]+cost(s, t)+penalty)
		}
	}
	return best[n]
}

func TestPELTFindsTheBestPartition(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		n := 3 + rng.IntN(60)
		v := make([]float64, n)
		level := 0.0
		for i := range v {
			if rng.IntN(12) == 0 {
				level = rng.NormFloat64() * 4
			}
			v[i] = level + rng.NormFloat64()*[]float64{0, 0.1, 1}[rng.IntN(3)]
		}
		s := newLineSums(v)
		penalty := rng.Float64() * 20
		total, from := -penalty, 0
		for _, c := range append(pelt(n, changeSegment, penalty, s.cost), n) {
			total += s.cost(from, c) + penalty
			from = c
		}
		if want := partition(n, changeSegment, penalty, s.cost); math.Abs(total-want) > 1e-9 {
			t.Fatalf("n %d penalty %g: cost %g, want %g", n, penalty, total, want)
		}
	}
}

func TestLineSumsByHand(t *testing.T) {
	v := []float64{1, 3, 5, 7, 2, 2, 2}
	s := newLineSums(v)
	for _, c := range []struct {
		a, b              int
		level, slope, rss float64
	}{{0, 4, 4, 2, 0}, {4, 7, 2, 0, 0}, {0, 2, 2, 2, 0}, {3, 5, 4.5, -5, 0}, {2, 3, 5, 0, 0}} {
		level, slope, rss := s.line(c.a, c.b)
		if math.Abs(level-c.level)+math.Abs(slope-c.slope)+math.Abs(rss-c.rss) > 1e-9 {
			t.Errorf("[%d, %d): %g %g %g, want %+v", c.a, c.b, level, slope, rss, c)
		}
	}
}

// changesOf runs ChangePoints over minutes.
func changesOf(t *testing.T, v []float64, o ChangeOptions) []Change {
	t.Helper()
	var ts []int64
	for i := range v {
		ts = append(ts, int64(i+1)*Minute)
	}
	cs, err := ChangePoints(ts, v, 0, int64(len(v))*Minute, Minute, o)
	if err != nil {
		t.Fatal(err)
	}
	return cs
}

func TestChangePointsOfEachType(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, c := range []struct {
		want   ChangeType
		effect float64
		f      func(i int) float64
	}{
		{LevelChange, 8, func(i int) float64 { return 8*float64(min(i/200, 1)) + rng.NormFloat64() }},
		{LevelChange, -8, func(i int) float64 { return -8*float64(min(i/200, 1)) + rng.NormFloat64() }},
		{TrendChange, 20, func(i int) float64 { return max(float64(i-200), 0)/10 + rng.NormFloat64()/4 }},
		{VarianceChange, 7, func(i int) float64 { return rng.NormFloat64() * (1 + 7*float64(min(i/200, 1))) }},
	} {
		v := make([]float64, 400)
		for i := range v {
			v[i] = c.f(i)
		}
		cs := changesOf(t, v, ChangeOptions{})
		if len(cs) != 1 || cs[0].Type != c.want || math.Abs(cs[0].Effect-c.effect) > 0.2*math.Abs(c.effect) || cs[0].P > 1e-3 {
			t.Errorf("%s %g: %+v", c.want, c.effect, cs)
			continue
		}
		if at := cs[0].At / Minute; at < 190 || at > 212 {
			t.Errorf("%s: at %d, want about 201", c.want, at)
		}
	}
}

func TestSpikesAreToldWhenAskedFor(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	v := make([]float64, 300)
	for i := range v {
		v[i] = rng.NormFloat64()
	}
	v[100], v[200] = 60, -60
	if cs := changesOf(t, v, ChangeOptions{}); len(cs) != 0 {
		t.Errorf("not asked for: %+v", cs)
	}
	cs := changesOf(t, v, ChangeOptions{Spikes: true, Max: 2})
	if len(cs) != 2 || cs[0].Type != Spike || cs[0].At != 101*Minute || cs[1].Type != Dip || cs[1].At != 201*Minute {
		t.Errorf("got %+v", cs)
	}
}

// Noise has no changes, and the p-value of what is found in it is honest.
func TestNoChangesInNoise(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	found := 0
	for range 200 {
		v := make([]float64, 200)
		x := 0.0
		for i := range v {
			x = 0.3*x + rng.NormFloat64()
			v[i] = x
		}
		for _, c := range changesOf(t, v, ChangeOptions{}) {
			if c.P < 0.05 {
				found++
			}
		}
	}
	if found > 10 {
		t.Errorf("%d changes in 200 series of noise at p < 0.05", found)
	}
}

func TestChangePointsOfAwkwardSeries(t *testing.T) {
	inf := math.Inf(1)
	for name, v := range map[string][]float64{
		"flat":     slices.Repeat([]float64{7}, 50),
		"zero":     make([]float64, 50),
		"huge":     append(slices.Repeat([]float64{1e300}, 30), slices.Repeat([]float64{-1e300}, 30)...),
		"tiny":     append(slices.Repeat([]float64{1e-300}, 30), slices.Repeat([]float64{3e-300}, 30)...),
		"infinite": append(slices.Repeat([]float64{1, inf, 2, math.NaN()}, 20), -inf),
	} {
		for _, c := range changesOf(t, v, ChangeOptions{Spikes: true}) {
			if !finite(c.Effect) || !(c.P >= 0 && c.P <= 1) {
				t.Errorf("%s: %+v", name, c)
			}
		}
	}
	if cs := changesOf(t, append(slices.Repeat([]float64{1e300}, 30), slices.Repeat([]float64{-1e300}, 30)...), ChangeOptions{}); len(cs) != 1 {
		t.Errorf("huge step: %+v", cs)
	}
	if _, err := ChangePoints([]int64{1, 2}, []float64{1, 2}, 0, 10, 1, ChangeOptions{}); err == nil {
		t.Error("two points: want an error")
	}
}
