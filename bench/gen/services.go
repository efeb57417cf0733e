package gen

import (
	"math"
	"math/rand/v2"
	"strconv"
	"time"
)

// paths are what each host of shape Services serves.
var paths = []string{"/", "/login", "/cart", "/checkout", "/api/items", "/api/prices", "/api/orders", "/static", "/health", "/search"}

// bounds are the upper bounds of the buckets of request times in seconds; one
// more is open.
var bounds = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5}

// perBucket is how many requests of a step each bucket is given on average.
var perBucket = []float64{2, 8, 30, 60, 40, 18, 8, 4, 2, 1, 0.5}

// services returns what a host reports of what it serves: of each path a
// counter of requests and a gauge of the mean time in milliseconds to three
// digits, and of the host the buckets of a classic histogram.
func services() []*measurement {
	var all []*measurement
	for _, path := range paths {
		m := &measurement{name: "http", fields: append(ints("requests_total"), Field{"mean_ms", true})}
		m.start = func(rng *rand.Rand) source {
			return source{m: m, tags: []Tag{{"path", path}}, walks: []walk{counter(20), gauge(0, 2, 500, 20+80*rng.Float64())}}
		}
		m.values = func(dst []float64, s *source, _ time.Duration) []float64 {
			return append(dst, math.Trunc(s.walks[0].state), math.Round(s.walks[1].state*1000)/1000)
		}
		all = append(all, m)
	}
	// The buckets of a host count the same requests: the source of the first
	// bucket advances the counts of all of them, and each adds up those up to
	// its bound.
	var counts []walk
	for i := range perBucket {
		m := &measurement{name: "http_request_seconds", fields: ints("bucket")}
		m.start = func(*rand.Rand) source {
			le := "+Inf"
			if i < len(bounds) {
				le = strconv.FormatFloat(bounds[i], 'g', -1, 64)
			}
			s := source{m: m, tags: []Tag{{"le", le}}}
			if i == 0 {
				counts = make([]walk, len(perBucket))
				for j, mean := range perBucket {
					counts[j] = counter(mean)
					counts[j].dev = math.Sqrt(mean)
				}
				s.walks = counts
			}
			s.reads = counts[:i+1]
			return s
		}
		m.values = func(dst []float64, s *source, _ time.Duration) []float64 {
			sum := 0.0
			for j := range s.reads {
				sum += math.Trunc(s.reads[j].state)
			}
			return append(dst, sum)
		}
		all = append(all, m)
	}
	return all
}
