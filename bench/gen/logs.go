package gen

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"math/rand/v2"
	"strconv"
	"time"
)

// Logs generates JSON lines of a service estate, in order of time. One line is
//
//	{"_time":"2026-03-02T00:00:00.012Z","host":"node-017","service":"checkout","level":"info","region":"eu-west",
//	 "component":"http","pid":20418,"trace_id":"<32 hex>","duration_ms":12.34,"_msg":"…"}
//
// (without the line break). How values are distributed decides what a store
// can make of them, so it is written down:
//
//	field        distribution
//	-----------  ---------------------------------------------------------------
//	_time        exponential gaps around 24 h / rows, whole milliseconds
//	host         100, four services each: 400 streams of (host, service)
//	service      16, the k-th drawn in proportion to 1/k
//	region       4, by host
//	component    5, by the message's template
//	level        by the template: about 10 % debug, 80 % info, 6 % warn, 4 % error
//	pid          by stream; a process restarts after 20,000 lines on average
//	trace_id     a line opens a new trace with probability 1/4.5, or else belongs
//	             to one of the 48 traces opened last, drawn uniformly: the lines of a
//	             trace are of many streams and lie within a few seconds
//	duration_ms  log-normal (median 8 ms, sigma 1.4) in hundredths
//	_msg         54 templates, the k-th of a service's own order drawn in
//	             proportion to 1/(k+2); variables: counters that grow, integers,
//	             decimals, addresses of a /16, paths, a few hundred users (skewed),
//	             hexadecimal ids, UUIDs; and in about 5 of a million lines the word
//	             "quarantined"
type Logs struct {
	rng      *rand.Rand
	clock    float64 // nanoseconds
	gap      float64
	services []float64 // cumulative shares
	hosts    [][]int   // of each service
	pids     [][]int
	orders   [][]float64 // cumulative shares of templates, by service
	traces   [48][16]byte
	next     int
	counter  int64
	msg      []byte
}

// LogServices are the generator's services, the most frequent first.
var LogServices = []string{"gateway", "checkout", "catalog", "auth", "payments", "search", "inventory", "mailer",
	"scheduler", "billing", "storage", "profile", "media", "notify", "ledger", "audit"}

var logRegions = []string{"eu-west", "eu-north", "us-east", "ap-south"}

// LogHosts is the number of hosts.
const LogHosts = 100

// NewLogs returns a generator of that many lines over the 24 hours from start on.
func NewLogs(rows int, start time.Time, seed uint64) *Logs {
	g := &Logs{rng: rand.New(rand.NewPCG(seed, 1)), clock: float64(start.UnixNano()), gap: 24 * 3600e9 / float64(rows)}
	n := len(LogServices)
	g.services = shares(n, 1)
	g.hosts, g.pids = make([][]int, n), make([][]int, n)
	for h := range LogHosts {
		for k := range 4 {
			s := (h*4 + k*5 + h/4) % n
			g.hosts[s] = append(g.hosts[s], h)
			g.pids[s] = append(g.pids[s], 1000+g.rng.IntN(30000))
		}
	}
	g.orders = make([][]float64, n)
	for s := range n {
		g.orders[s] = make([]float64, len(logTemplates))
		base, sum := shares(len(logTemplates), 3), 0.0
		for k, t := range g.rng.Perm(len(logTemplates)) {
			w := base[k]
			if k > 0 {
				w -= base[k-1]
			}
			g.orders[s][t] = w * logTemplates[t].weight
		}
		for t := range logTemplates {
			sum += g.orders[s][t]
		}
		run := 0.0
		for t := range logTemplates {
			run += g.orders[s][t] / sum
			g.orders[s][t] = run
		}
	}
	for i := range g.traces {
		g.fill(g.traces[i][:])
	}
	return g
}

// shares returns the cumulative shares of n things, the k-th (from 0) drawn in
// proportion to 1/(k+shift).
func shares(n int, shift float64) []float64 {
	out, sum := make([]float64, n), 0.0
	for k := range out {
		sum += 1 / (float64(k) + shift)
		out[k] = sum
	}
	for k := range out {
		out[k] /= sum
	}
	return out
}

func (g *Logs) draw(cumulative []float64) int {
	x := g.rng.Float64()
	lo, hi := 0, len(cumulative)-1
	for lo < hi {
		if m := (lo + hi) / 2; cumulative[m] < x {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

func (g *Logs) fill(b []byte) {
	for i := 0; i < len(b); i += 8 {
		v := g.rng.Uint64()
		for k := range 8 {
			b[i+k] = byte(v >> (8 * k))
		}
	}
}

// AppendLine appends the next line, its line feed included, and returns its
// time in nanoseconds.
func (g *Logs) AppendLine(dst []byte) ([]byte, int64) {
	g.clock += g.rng.ExpFloat64() * g.gap
	at := int64(g.clock) / 1e6 * 1e6
	s := g.draw(g.services)
	k := g.rng.IntN(len(g.hosts[s]))
	host := g.hosts[s][k]
	if g.rng.IntN(20000) == 0 {
		g.pids[s][k] = 1000 + g.rng.IntN(30000)
	}
	trace := g.rng.IntN(len(g.traces))
	if g.rng.Float64() < 1/4.5 {
		trace = g.next
		g.next = (g.next + 1) % len(g.traces)
		g.fill(g.traces[trace][:])
	}
	t := &logTemplates[g.draw(g.orders[s])]
	if g.rng.IntN(200_000) == 0 {
		t = &rareTemplate
	}
	ms := 8 * math.Exp(1.4*g.rng.NormFloat64())
	g.counter++
	g.msg = t.text(g, g.msg[:0])

	dst = append(dst, `{"_time":"`...)
	dst = time.Unix(0, at).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z")
	dst = append(dst, `","host":"node-`...)
	dst = append(dst, byte('0'+host/100), byte('0'+host/10%10), byte('0'+host%10))
	dst = append(dst, `","service":"`...)
	dst = append(dst, LogServices[s]...)
	dst = append(dst, `","level":"`...)
	dst = append(dst, t.level...)
	dst = append(dst, `","region":"`...)
	dst = append(dst, logRegions[host%4]...)
	dst = append(dst, `","component":"`...)
	dst = append(dst, t.component...)
	dst = append(dst, `","pid":`...)
	dst = strconv.AppendInt(dst, int64(g.pids[s][k]), 10)
	dst = append(dst, `,"trace_id":"`...)
	dst = hex.AppendEncode(dst, g.traces[trace][:])
	dst = append(dst, `","duration_ms":`...)
	dst = strconv.AppendFloat(dst, math.Round(ms*100)/100, 'f', -1, 64)
	dst = append(dst, `,"_msg":`...)
	quoted, _ := json.Marshal(string(g.msg)) // a string marshals
	dst = append(dst, quoted...)
	return append(dst, '}', '\n'), at
}

// logTemplate is one statement that logs.
type logTemplate struct {
	level, component string
	weight           float64
	text             func(g *Logs, dst []byte) []byte
}
