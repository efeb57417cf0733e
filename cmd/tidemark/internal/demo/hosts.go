package demo

import (
	"fmt"
	"math"

	"tidemark/storage/model"
)

// region is a part of the world: its name in host names and labels, and the
// UTC hour of its midnight.
type region struct {
	short, name string
	midnight    float64
}

var regions = []region{{"eu", "eu-west", 0}, {"us", "us-east", 6}, {"ap", "ap-south", 18}}

// role says what hosts of a kind look like: per unit of traffic and idle.
type role struct {
	name      string
	count     int // in each region
	cores     float64
	user      float64 // percent at full traffic
	memory    float64 // percent
	bytes     float64 // received a second at full traffic
	mount     string  // the second mount, if any
	total     int64   // bytes of the mount that matters
	cleanWeek bool    // the / of these hosts fills all week
}

var roles = []role{
	{name: "web", count: 2, cores: 8, user: 46, memory: 41, bytes: 9e6, total: 80 << 30, cleanWeek: true},
	{name: "api", count: 3, cores: 8, user: 39, memory: 55, bytes: 5e6, total: 80 << 30, cleanWeek: true},
	{name: "db", count: 1, cores: 16, user: 31, memory: 76, bytes: 7e6, mount: "/data", total: 2 << 40},
	{name: "cache", count: 1, cores: 4, user: 17, memory: 83, bytes: 14e6, total: 40 << 30},
	{name: "batch", count: 1, cores: 16, user: 5, memory: 28, bytes: 1e6, mount: "/scratch", total: 500 << 30},
}

var hostSchema = &model.Schema{Kind: model.MetricRow, Columns: []model.Column{
	{Name: "cpu_usage_user", Measurement: "cpu", Field: "usage_user", Type: model.TypeFloat},
	{Name: "cpu_usage_system", Measurement: "cpu", Field: "usage_system", Type: model.TypeFloat},
	{Name: "cpu_usage_iowait", Measurement: "cpu", Field: "usage_iowait", Type: model.TypeFloat},
	{Name: "system_load1", Measurement: "system", Field: "load1", Type: model.TypeFloat},
	{Name: "mem_used_percent", Measurement: "mem", Field: "used_percent", Type: model.TypeFloat},
	{Name: "net_bytes_recv", Measurement: "net", Field: "bytes_recv", Type: model.TypeInt},
	{Name: "net_bytes_sent", Measurement: "net", Field: "bytes_sent", Type: model.TypeInt},
}}

var diskSchema = &model.Schema{Kind: model.MetricRow, Columns: []model.Column{
	{Name: "disk_total", Measurement: "disk", Field: "total", Type: model.TypeInt},
	{Name: "disk_used", Measurement: "disk", Field: "used", Type: model.TypeInt},
	{Name: "disk_used_percent", Measurement: "disk", Field: "used_percent", Type: model.TypeFloat},
}}

// disk is one mount of a host; used returns its fill in percent.
type disk struct {
	stream *model.Stream
	total  int64
	used   func(minute int64, load float64, r *random) float64
}

// host is one machine and the state of its processes.
type host struct {
	name     string
	role     *role
	season   *season
	midnight int64 // of its region, in minutes after UTC's
	stream   *model.Stream
	disks    []disk
	rnd      random
	load     drift
	memory   drift
	io       drift
	load1    float64
	recv     int64
	sent     int64
	stalls   bool // the host of the outage
	leaks    bool // the host of the leaking service
}

// hosts is the part of the estate that a run of hosts makes.
type hosts struct {
	part  string
	table *timetable
	list  []*host
}

func (p *hosts) name() string { return p.part }

// newHosts builds every host, in a fixed order.
func newHosts(seed uint64, t *timetable) []*host {
	var list []*host
	for _, reg := range regions {
		s := trafficSeason(reg.midnight)
		for i := range roles {
			for n := 1; n <= roles[i].count; n++ {
				list = append(list, newHost(seed, t, s, reg, &roles[i], n))
			}
		}
	}
	return list
}

func newHost(seed uint64, t *timetable, s *season, reg region, ro *role, n int) *host {
	name := fmt.Sprintf("%s-%s-%d", ro.name, reg.short, n)
	h := &host{
		name: name, role: ro, season: s, midnight: int64(reg.midnight) * 60,
		rnd:    newRandom(seed, "host/"+name),
		load:   newDrift(0.06, 25),
		memory: newDrift(1.6, 600),
		io:     newDrift(0.35, 12),
		stalls: name == "db-eu-1",
		leaks:  name == "api-us-3",
	}
	h.recv = int64(h.rnd.below(1 << 40))
	h.sent = int64(h.rnd.below(1 << 40))
	labels := model.FromStrings("host", name, "region", reg.name, "role", ro.name)
	h.stream = model.NewStream(labels)
	mount := func(path string, total int64, used func(int64, float64, *random) float64) {
		h.disks = append(h.disks, disk{model.NewStream(labels.With("path", path)), total, used})
	}
	base := 18 + 14*h.rnd.float()
	switch {
	case ro.cleanWeek:
		mount("/", ro.total, weeklyDisk(base, 34+18*h.rnd.float()))
	case ro.mount == "":
		mount("/", ro.total, steadyDisk(base))
	default:
		mount("/", 60<<30, steadyDisk(base))
	}
	switch {
	case name == "db-ap-1":
		mount(ro.mount, ro.total, fillingDisk(t))
	case ro.mount == "/data":
		mount(ro.mount, ro.total, growingDisk(44+12*h.rnd.float(), 0.05))
	case ro.mount == "/scratch":
		mount(ro.mount, ro.total, h.scratchDisk())
	}
	return h
}

// steadyDisk hardly moves.
func steadyDisk(base float64) func(int64, float64, *random) float64 {
	level := newDrift(0.4, 2000)
	return func(_ int64, _ float64, r *random) float64 { return base + level.step(r) }
}

// weeklyDisk fills with the traffic until Sunday 03:00, when it is cleaned.
func weeklyDisk(base, growth float64) func(int64, float64, *random) float64 {
	filled := -1.0
	return func(minute int64, load float64, r *random) float64 {
		m := minuteOfWeek(minute)
		const clean = 6*minutesPerDay + 180
		switch {
		case filled < 0: // the history starts in the middle of a week
			filled = growth * float64((m-clean+minutesPerWeek)%minutesPerWeek) / minutesPerWeek
		case m == clean:
			filled = 0
		}
		filled += growth / minutesPerWeek * (0.4 + load) * (1 + 0.2*r.norm())
		return base + filled
	}
}

// growingDisk grows by so many percent a day, a little more by day.
func growingDisk(base, perDay float64) func(int64, float64, *random) float64 {
	used := base
	return func(_ int64, load float64, r *random) float64 {
		used += perDay / minutesPerDay * (0.5 + load) * (1 + 0.3*r.norm())
		return math.Min(used, 99)
	}
}

// fillingDisk grows steadily and would be full at the time of the timetable;
// from diskCleanPercent it is cleaned and begins anew.
func fillingDisk(t *timetable) func(int64, float64, *random) float64 {
	wobble := newDrift(0.05, 90)
	cleaned := 0.0
	return func(minute int64, _ float64, r *random) float64 {
		used := 100 - diskPerDay*float64(t.diskFullAt-minute)/minutesPerDay - cleaned
		if used >= diskCleanPercent {
			cleaned += used - 24
			used = 24
		}
		return math.Max(used, 1) + wobble.step(r)
	}
}

// scratchDisk fills while the night's jobs run and is cleaned by 05:00 of the
// region's time.
func (h *host) scratchDisk() func(int64, float64, *random) float64 {
	used := 6.0
	return func(minute int64, _ float64, r *random) float64 {
		switch m := h.localMinute(minute); {
		case m >= jobsFrom && m < jobsTo:
			used += 0.42 * (1 + 0.3*r.norm())
		case m >= 240 && m < 300:
			used += (6 - used) * 0.12
		}
		return used
	}
}

// The night's jobs run in these minutes of the region's day.
const jobsFrom, jobsTo = 60, 210

// localMinute returns the minute of the day in the host's region.
func (h *host) localMinute(minute int64) int64 {
	return minute - h.midnight - dayStart(minute-h.midnight)
}

// step advances every host by one minute and, where b is not nil, adds the
// minute's rows.
func (p *hosts) step(minute int64, b *model.Batch) {
	for _, h := range p.list {
		h.step(p.table, minute, b)
	}
}

func (h *host) step(t *timetable, minute int64, b *model.Batch) {
	r := &h.rnd
	load := h.season[minuteOfWeek(minute)] * t.growth(minute) * (1 + h.load.step(r))
	user := 3 + h.role.user*load + 1.1*r.norm()
	iowait := 0.6 + 0.8*load + h.io.step(r)
	memory := h.role.memory + 4*load + h.memory.step(r)
	traffic := load
	if h.role.name == "batch" {
		if m := h.localMinute(minute); m >= jobsFrom && m < jobsTo {
			user += 62 + 4*r.norm()
			iowait += 6
			memory += 31
			traffic += 9
		}
	}
	if h.stalls {
		if bad := t.outage(minute); bad > 0 {
			user *= 1 - 0.5*bad
			iowait += 52 * bad
		}
	}
	if h.leaks {
		memory += 21 * t.leak(minute)
	}
	user = clamp(user, 0.2, 97)
	system := clamp(0.23*user+0.9+0.4*r.norm(), 0.1, 40)
	iowait = clamp(iowait, 0, 90)
	memory = clamp(memory, 2, 98)
	busy := h.role.cores * (user + system + 1.6*iowait) / 100
	h.load1 += 0.6 * (busy*(1+0.08*r.norm()) - h.load1)
	recv := 60 * h.role.bytes * (0.04 + traffic) * (1 + 0.05*r.norm())
	h.recv += int64(recv)
	h.sent += int64(recv * (1.7 + 0.1*r.norm()))
	at := minute * nanosPerMinute
	if b != nil {
		b.Begin(h.stream, hostSchema, at)
		b.Float(round2(user))
		b.Float(round2(system))
		b.Float(round2(iowait))
		b.Float(round2(math.Max(h.load1, 0)))
		b.Float(round2(memory))
		b.Int(h.recv)
		b.Int(h.sent)
	}
	for i := range h.disks {
		d := &h.disks[i]
		percent := round2(clamp(d.used(minute, load, r), 0.1, 100))
		if b != nil {
			b.Begin(d.stream, diskSchema, at)
			b.Int(d.total)
			b.Int(int64(percent*float64(d.total)/100) >> 12 << 12)
			b.Float(percent)
		}
	}
}

func clamp(v, lo, hi float64) float64 { return math.Max(lo, math.Min(hi, v)) }

// round2 keeps two decimals, which is what such agents report and what a
// store can pack.
func round2(v float64) float64 { return math.Round(v*100) / 100 }
