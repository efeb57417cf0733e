package demo

import (
	"strconv"
	"time"

	"tidemark/storage/model"
)

// nanosPerMinute is the length of a minute in the record's unit of time.
const nanosPerMinute = int64(time.Minute)

var lineSchema = &model.Schema{Kind: model.LogRow, Columns: []model.Column{
	{Field: model.LineField, Type: model.TypeText},
}}

// accessSchema has numbers beside the line, which are metrics too.
var accessSchema = &model.Schema{Kind: model.LogRow, Columns: []model.Column{
	{Field: model.LineField, Type: model.TypeText},
	{Name: "nginx_bytes", Measurement: "nginx", Field: "bytes", Type: model.TypeInt},
	{Name: "nginx_duration", Measurement: "nginx", Field: "duration", Type: model.TypeFloat},
	{Name: "nginx_status", Measurement: "nginx", Field: "status", Type: model.TypeInt},
}}

// jobSchema is that of a finished job.
var jobSchema = &model.Schema{Kind: model.LogRow, Columns: []model.Column{
	{Field: model.LineField, Type: model.TypeText},
	{Name: "job_duration", Measurement: "job", Field: "duration", Type: model.TypeFloat},
	{Name: "job_rows", Measurement: "job", Field: "rows", Type: model.TypeInt},
}}

// levels of application logs; their indexes are used below.
const (
	levelInfo = iota
	levelWarn
	levelError
)

var levelNames = []string{"info", "warn", "error"}

// logs is the part of the estate that log rows make.
type logs struct {
	table     *timetable
	from      int64 // no rows before this minute
	processes []*process
	rnd       random // of the lines alone: it runs only once rows are written
	seed      uint64

	app    map[string][][]*model.Stream // service -> instance -> level
	access []*model.Stream
	nginx  []*model.Stream // error logs of the web hosts
	other  map[string]*model.Stream

	b    *model.Batch
	line []byte
}

func newLogs(seed uint64, t *timetable, weeks int) *logs {
	p := &logs{
		table: t, from: t.origin - int64(weeks)*minutesPerWeek, seed: seed,
		app:   map[string][][]*model.Stream{},
		other: map[string]*model.Stream{},
	}
	s := trafficSeason(0)
	for i := range services {
		p.processes = append(p.processes, newProcess(seed, t, s, &services[i]))
	}
	for _, reg := range regions {
		for n := 1; n <= 3; n++ {
			host := "api-" + reg.short + "-" + strconv.Itoa(n)
			for _, sv := range services {
				if sv.name == "recommendations" && host != "api-us-3" {
					continue // one instance, so that its leak shows on its host
				}
				var byLevel []*model.Stream
				for _, level := range levelNames {
					byLevel = append(byLevel, model.NewStream(model.FromStrings("service", sv.name, "host", host, "level", level)))
				}
				p.app[sv.name] = append(p.app[sv.name], byLevel)
			}
		}
		for n := 1; n <= 2; n++ {
			host := "web-" + reg.short + "-" + strconv.Itoa(n)
			p.access = append(p.access, model.NewStream(model.FromStrings("service", "storefront", "host", host, "measurement", "nginx")))
			p.nginx = append(p.nginx, model.NewStream(model.FromStrings("service", "storefront", "host", host, "level", "error")))
		}
	}
	return p
}

func (p *logs) name() string { return "logs" }

// step writes the rows of one minute. The lines' randomness is drawn anew for
// each minute, so that skipped minutes cost nothing.
func (p *logs) step(minute int64, b *model.Batch) {
	p.b = b
	if b == nil || minute < p.from {
		for _, sv := range p.processes {
			sv.step(minute)
		}
		return
	}
	p.rnd = newRandom(p.seed^uint64(minute)*0xd1342543de82ef95, "logs")
	for _, sv := range p.processes {
		o := sv.step(minute)
		p.application(sv.service, minute, o)
	}
	p.jobs(minute)
	p.databases(minute)
	p.operations(minute)
	p.b = nil
}

// spread returns n ascending times within a minute, one call at a time.
func (p *logs) spread(minute int64, i, n int) int64 {
	share := (float64(i) + p.rnd.float()) / float64(n)
	return minute*nanosPerMinute + int64(share*float64(nanosPerMinute-1))
}

// stream returns a rarely used stream by its labels.
func (p *logs) stream(nv ...string) *model.Stream {
	key := ""
	for _, s := range nv {
		key += s + "\x00"
	}
	if st := p.other[key]; st != nil {
		return st
	}
	st := model.NewStream(model.FromStrings(nv...))
	p.other[key] = st
	return st
}

// row writes the line built so far.
func (p *logs) row(st *model.Stream, at int64) {
	p.b.Begin(st, lineSchema, at)
	p.b.Text(p.line)
}

// Builders of lines. begin starts one; the others append to it.

func (p *logs) begin(s string) { p.line = append(p.line[:0], s...) }
func (p *logs) text(s string)  { p.line = append(p.line, s...) }
func (p *logs) int(s string, n int) {
	p.line = strconv.AppendInt(append(p.line, s...), int64(n), 10)
}
func (p *logs) fixed(s string, v float64, digits int) {
	p.line = strconv.AppendFloat(append(p.line, s...), v, 'f', digits, 64)
}
func (p *logs) hex(s string, v uint64) {
	p.line = append(p.line, s...)
	for shift := 60; shift >= 0; shift -= 4 {
		p.line = append(p.line, "0123456789abcdef"[v>>shift&15])
	}
}
func (p *logs) ip(s string) {
	p.int(s, 11+p.rnd.below(200))
	p.int(".", p.rnd.below(256))
	p.int(".", p.rnd.below(256))
	p.int(".", 1+p.rnd.below(254))
}
func (p *logs) pick(list []string) string { return list[p.rnd.below(len(list))] }
