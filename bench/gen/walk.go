package gen

import (
	"math"
	"math/rand/v2"
)

// walk is a random walk with normally distributed steps.
type walk struct {
	mean, dev float64 // of a step
	min, max  float64
	rising    bool // the absolute value of a step is added
	state     float64
}

// counter only rises; it starts at 0.
func counter(mean float64) walk {
	return walk{mean: mean, dev: 1, min: math.Inf(-1), max: math.Inf(1), rising: true}
}

// drift is a walk without bounds; it starts at 0.
func drift(mean float64) walk {
	return walk{mean: mean, dev: 1, min: math.Inf(-1), max: math.Inf(1)}
}

// gauge is a walk held within [0, max].
func gauge(mean, dev, max, start float64) walk {
	return walk{mean: mean, dev: dev, max: max, state: start}
}

func (w *walk) advance(rng *rand.Rand) {
	step := rng.NormFloat64()*w.dev + w.mean
	if w.rising {
		step = math.Abs(step)
	}
	w.state = min(max(w.state+step, w.min), w.max)
}
