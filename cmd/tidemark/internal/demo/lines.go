package demo

import (
	"math"
	"time"

	"tidemark/storage/model"
)

// volume is the share of good requests that leave an application or access row:
// a real estate samples its logs, and this one must fit on a laptop. Failures
// are all logged, up to a bound.
const volume = 0.006

// application writes the rows of one service: for each request that is
// sampled a line, for each failed one an error line (up to a bound), and an
// access line where the service faces the outside.
func (p *logs) application(sv *service, minute int64, o minuteOf) {
	r := &p.rnd
	good := r.poisson(float64(o.requests-o.failed) * sv.sampling())
	bad := min(o.failed, 40)
	n := good + bad
	instances := p.app[sv.name]
	for i := range n {
		at := p.spread(minute, i, n)
		trace := r.next()
		ms := 1000 * o.median * math.Exp(sv.spread*r.norm())
		failed := r.below(n) < bad
		level := levelInfo
		switch {
		case failed:
			level = levelError
		case ms > 4000*sv.latency || r.below(100) == 0:
			level = levelWarn
		}
		if sv.name == "storefront" {
			// Errors are all logged, but the access log is a sample of both.
			if !failed || r.float() < sv.sampling()*float64(o.failed)/float64(bad) {
				p.accessLine(at, ms, trace, failed, o.outage)
			}
			if level != levelError {
				continue
			}
		}
		p.appLine(sv, level, ms, trace, o)
		if sv.name == "storefront" {
			p.row(p.nginx[r.below(len(p.nginx))], at)
			continue
		}
		p.row(instances[r.below(len(instances))][level], at)
	}
	if sv.name == "recommendations" {
		p.leaking(minute, instances[0], o)
	}
}

// sampling returns the share of good requests that leave a row.
func (sv *service) sampling() float64 {
	if sv.rps < 10 {
		return 2.5 * volume
	}
	return volume
}

var (
	paths  = []string{"/", "/search", "/p/", "/p/", "/p/", "/c/garden", "/c/kitchen", "/c/tools", "/cart", "/checkout", "/account"}
	agents = []string{"Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1)", "Mozilla/5.0 (Windows NT 10.0; Win64)", "okhttp/4.12"}
	images = []string{"cover", "detail", "thumb"}
)

// accessLine writes one row of the storefront's access log.
func (p *logs) accessLine(at int64, ms float64, trace uint64, failed bool, outage float64) {
	r := &p.rnd
	status, path := 200, p.pick(paths)
	switch x := r.below(1000); {
	case failed && outage > 0:
		status, path = 504, "/checkout"
	case failed:
		status = 502
	case x < 21:
		status = 404
	case x < 80:
		status = 304
	}
	size := 900 + r.below(60000)
	if status != 200 {
		size = r.below(600)
	}
	p.begin("")
	p.ip("")
	p.text(" - - [")
	p.line = time.Unix(0, at).UTC().AppendFormat(p.line, "02/Jan/2006:15:04:05 -0700")
	if path == "/checkout" {
		p.text(`] "POST `)
	} else {
		p.text(`] "GET `)
	}
	p.text(path)
	switch path {
	case "/p/":
		p.int("", 10000+r.below(4000))
	case "/search":
		p.text("?q=")
		p.text(p.pick(terms))
	}
	p.int(` HTTP/2.0" `, status)
	p.int(" ", size)
	p.text(` "`)
	p.text(p.pick(agents))
	p.fixed(`" `, ms/1000, 3)
	p.hex(" trace=", trace)
	p.b.Begin(p.access[r.below(len(p.access))], accessSchema, at)
	p.b.Text(p.line)
	p.b.Int(int64(size))
	p.b.Float(math.Round(ms) / 1000)
	p.b.Int(int64(status))
}

var terms = []string{"lamp", "drill", "tent", "kettle", "hose", "shelf", "rug", "ladder", "grill", "desk"}

// appLine builds a line in the manner of the service.
func (p *logs) appLine(sv *service, level int, ms float64, trace uint64, o minuteOf) {
	r := &p.rnd
	if level == levelError && o.outage > 0 && r.below(100) < 92 {
		p.outageLine(sv.name, trace)
		return
	}
	switch sv.name {
	case "storefront":
		p.begin("upstream prematurely closed connection while reading response header from upstream, client: ")
		p.ip("")
		p.int(`, request: "GET /p/`, 10000+r.below(4000))
		p.text(` HTTP/2.0", upstream: "http://catalog:8080/"`)
	case "checkout":
		switch level {
		case levelInfo:
			p.begin(`level=info msg="order placed" order=`)
			p.int("o-", 180000+r.below(90000))
			p.int(" items=", 1+r.below(9))
			p.fixed(" total_eur=", 5+190*r.float(), 2)
		case levelWarn:
			p.begin(`level=warn msg="slow call" peer=payments attempt=1`)
		default:
			p.begin(`level=error msg="payment declined" order=`)
			p.int("o-", 180000+r.below(90000))
			p.int(" code=", 50+r.below(9))
		}
		p.logfmtTail(ms, trace)
	case "payments":
		switch level {
		case levelInfo:
			p.begin(`level=info msg="charge captured" provider=acmepay`)
			p.fixed(" amount_eur=", 5+190*r.float(), 2)
		case levelWarn:
			p.begin(`level=warn msg="provider is slow" provider=acmepay`)
		default:
			p.begin(`level=error msg="provider refused" provider=acmepay status=`)
			p.int("", 500+r.below(4))
		}
		p.logfmtTail(ms, trace)
	case "auth":
		switch level {
		case levelInfo:
			p.begin(`level=info msg="token issued"`)
			p.int(" user=u-", 1000+r.below(9000))
			p.text(" ttl=3600s")
		case levelWarn:
			p.begin(`level=warn msg="login refused" reason=bad_password`)
			p.int(" user=u-", 1000+r.below(9000))
			p.ip(" ip=")
		default:
			p.begin(`level=error msg="key set not refreshed" issuer=internal`)
		}
		p.logfmtTail(ms, trace)
	case "cart":
		switch level {
		case levelInfo:
			p.begin(`level=info msg="item added"`)
			p.int(" sku=", 10000+r.below(4000))
			p.int(" count=", 1+r.below(4))
		case levelWarn:
			p.begin(`level=warn msg="stock is low"`)
			p.int(" sku=", 10000+r.below(4000))
			p.int(" left=", r.below(5))
		default:
			p.begin(`level=error msg="cart not saved" reason=conflict`)
		}
		p.logfmtTail(ms, trace)
	case "catalog":
		p.jsonHead(level, []string{"page served", "page served without image", "page not rendered"})
		p.int(`,"sku":`, 10000+r.below(4000))
		p.text(`,"image":"`)
		p.text(p.pick(images))
		p.text(`"`)
		p.jsonTail(ms, trace)
	case "search":
		p.jsonHead(level, []string{"query", "query is slow", "shard did not answer"})
		p.text(`,"term":"`)
		p.text(p.pick(terms))
		p.int(`","hits":`, r.below(800))
		p.int(`,"shard":`, r.below(6))
		p.jsonTail(ms, trace)
	case "recommendations":
		p.jsonHead(level, []string{"list ranked", "model is stale", "features missing"})
		p.int(`,"candidates":`, 50+r.below(400))
		p.jsonTail(ms, trace)
	case "notifications":
		p.jsonHead(level, []string{"mail sent", "mail delayed", "mail bounced"})
		p.int(`,"queue":`, int(o.backlog))
		p.jsonTail(ms, trace)
	default:
		p.jsonHead(level, []string{"report rendered", "report is large", "report aborted"})
		p.int(`,"rows":`, 1000+r.below(90000))
		p.jsonTail(ms, trace)
	}
}

func (p *logs) logfmtTail(ms float64, trace uint64) {
	p.fixed(" duration=", ms, 0)
	p.hex("ms trace=", trace)
}

func (p *logs) jsonHead(level int, messages []string) {
	p.begin(`{"level":"`)
	p.text(levelNames[level])
	p.text(`","msg":"`)
	p.text(messages[level])
	p.text(`"`)
}

func (p *logs) jsonTail(ms float64, trace uint64) {
	p.fixed(`,"ms":`, ms, 1)
	p.hex(`,"trace":"`, trace)
	p.text(`"}`)
}

// outageLine builds one of the lines by which the outage explains itself.
func (p *logs) outageLine(service string, trace uint64) {
	r := &p.rnd
	if service == "storefront" {
		p.begin("upstream timed out (110: Connection timed out) while reading response header from upstream, client: ")
		p.ip("")
		p.text(`, request: "POST /checkout HTTP/2.0", upstream: "http://checkout:8080/order"`)
		return
	}
	switch r.below(3) {
	case 0:
		p.begin(`level=error msg="query failed: timeout connecting to db-eu-1:5432 after 3000ms"`)
		p.int(" attempt=", 1+r.below(3))
		p.int(" order=o-", 180000+r.below(90000))
	case 1:
		p.begin(`level=error msg="could not begin transaction: connection to db-eu-1:5432 timed out"`)
		p.int(" pool_wait=", 3000+r.below(60))
		p.text("ms in_use=40/40")
	default:
		p.begin(`level=error msg="read tcp: i/o timeout"`)
		p.int(" local=10.4.2.17:", 32768+r.below(28000))
		p.text(" remote=db-eu-1:5432")
	}
	p.hex(" trace=", trace)
}

// leaking writes what recommendations says about its memory: pauses that grow
// with the heap, and the end of it.
func (p *logs) leaking(minute int64, instance []*model.Stream, o minuteOf) {
	phase := p.table.leakPhase(minute)
	heap := int(o.memory / (1 << 20))
	switch {
	case phase == 0:
		p.begin(`{"level":"info","msg":"started","version":"v1.8.2"`)
		p.int(`,"pid":`, 2000+p.rnd.below(30000))
		p.text("}")
		p.row(instance[levelInfo], p.spread(minute, 1, 2))
	case phase == leakPeriod-1:
		p.begin(`out of memory: killed process (recommendations)`)
		p.int(" rss=", heap)
		p.text("MiB")
		p.row(p.stream("service", "kernel", "host", "api-us-3", "level", "error"), p.spread(minute, 1, 2))
	case phase%30 == 0 && phase > leakPeriod/3:
		p.begin(`{"level":"warn","msg":"long pause of the garbage collector"`)
		p.int(`,"ms":`, heap/9+p.rnd.below(30))
		p.int(`,"heap_mb":`, heap)
		p.text("}")
		p.row(instance[levelWarn], p.spread(minute, 1, 2))
	}
}

// job is one of the night's jobs: when it starts and how long it takes, in
// minutes of the region's night.
type job struct {
	name    string
	start   int64
	minutes int64
	rows    int
}

var nightly = []job{
	{"orders-export", 62, 24, 310_000},
	{"search-index", 90, 71, 4_200_000},
	{"invoices", 95, 38, 88_000},
	{"backup-verify", 165, 40, 12},
}

// jobs writes the log of the batch hosts.
func (p *logs) jobs(minute int64) {
	for _, reg := range regions {
		local := minute - int64(reg.midnight)*60
		local -= dayStart(local)
		for i := range nightly {
			j := &nightly[i]
			st := p.stream("service", "jobs", "host", "batch-"+reg.short+"-1", "level", "info", "measurement", "job")
			switch {
			case local == j.start:
				p.begin("job=")
				p.text(j.name)
				p.text(" state=started")
				p.row(st, p.spread(minute, 0, 2))
			case local == j.start+j.minutes:
				seconds := float64(j.minutes*60) * (1 + 0.03*p.rnd.norm())
				rows := int(float64(j.rows) * (1 + 0.05*p.rnd.norm()))
				p.begin("job=")
				p.text(j.name)
				p.text(" state=finished")
				p.b.Begin(st, jobSchema, p.spread(minute, 0, 2))
				p.b.Text(p.line)
				p.b.Float(math.Round(seconds*10) / 10)
				p.b.Int(int64(rows))
			case local > j.start && local < j.start+j.minutes && (local-j.start)%10 == 0:
				p.begin("job=")
				p.text(j.name)
				p.int(" state=running percent=", int(100*(local-j.start)/j.minutes))
				p.row(st, p.spread(minute, 0, 2))
			}
		}
	}
}

// databases writes the logs of the db hosts: checkpoints every five minutes,
// and what a stalled disk looks like from there.
func (p *logs) databases(minute int64) {
	r := &p.rnd
	bad := p.table.outage(minute)
	for i, reg := range regions {
		host := "db-" + reg.short + "-1"
		if minute%5 == int64(i) {
			p.begin("LOG:  checkpoint complete: wrote ")
			p.int("", 300+r.below(9000))
			p.fixed(" buffers; write=", 20+9*r.float()+200*bad, 3)
			p.fixed(" s, sync=", 0.02+0.1*r.float()+40*bad, 3)
			p.text(" s")
			p.row(p.stream("service", "postgres", "host", host, "level", "info"), p.spread(minute, 1, 3))
		}
	}
	if bad == 0 {
		return
	}
	for i := range 1 + r.below(3) {
		p.int2("nvme nvme1: I/O ", r.below(1024), " QID ", 1+r.below(8))
		p.text(" timeout, aborting")
		p.row(p.stream("service", "kernel", "host", "db-eu-1", "level", "error"), p.spread(minute, i, 3))
	}
	for i := range 2 + r.below(5) {
		if r.below(2) == 0 {
			p.begin("ERROR:  canceling statement due to statement timeout")
		} else {
			p.begin("FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute")
		}
		p.row(p.stream("service", "postgres", "host", "db-eu-1", "level", "error"), p.spread(minute, i, 7))
	}
}

// int2 begins a line with two numbers.
func (p *logs) int2(a string, x int, b string, y int) {
	p.begin("")
	p.int(a, x)
	p.int(b, y)
}

// operations writes what people and their tools do: deployments and the weekly
// cleaning.
func (p *logs) operations(minute int64) {
	for _, d := range p.table.deploys {
		if d.at == minute {
			p.begin("deploy service=" + d.service + " version=" + d.version + " previous=" + d.previous + " by=pipeline state=rolling")
			p.row(p.stream("service", "deployer", "host", "batch-eu-1", "level", "info"), p.spread(minute, 0, 1))
		}
	}
	if minuteOfWeek(minute) == 6*minutesPerDay+180 {
		for _, reg := range regions {
			for _, prefix := range []string{"web", "api"} {
				host := prefix + "-" + reg.short + "-1"
				p.begin("logrotate: removed ")
				p.int("", 40+p.rnd.below(90))
				p.fixed(" files, freed ", 25+12*p.rnd.float(), 1)
				p.text(" GB on /")
				p.row(p.stream("service", "cron", "host", host, "level", "info"), p.spread(minute, 0, 1))
			}
		}
	}
}
