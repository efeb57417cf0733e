package gen

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// words of variables that are texts.
var (
	logUsers = func() (out []string) {
		for _, a := range strings.Fields("root deploy backup www postgres nagios ana ben carla dmitri elena farid greta hugo ines jonas kemal lena marco nadia olga pavel quentin rosa stefan tomas ulrich vera wanda yusuf") {
			for _, b := range []string{"", "01", "_svc", ".k", ".m", "-ops", "2", ".dev"} {
				out = append(out, a+b)
			}
		}
		return out
	}()
	logPaths = strings.Fields("/api/v1/orders /api/v1/items /api/v1/carts /api/v2/search /api/v1/users /healthz /static/app.js /static/app.css /img/logo.png /api/v1/payments /login /logout /api/v1/stock /metrics")
	logFiles = strings.Fields("/var/lib/data/segments /srv/media/originals /srv/media/thumbs /tmp/upload /var/spool/mail /opt/batch/input /var/log/journal")
	logHosts = strings.Fields("db-a.internal db-b.internal cache.internal queue.internal smtp.example.com files.example.com ldap.corp.example.org")
	logTasks = strings.Fields("reindex compact vacuum report invoice rollup expire mirror snapshot warmup")
	logVerbs = strings.Fields("GET GET GET GET POST POST PUT DELETE HEAD")
)

// logTemplates are built by expand: %i a small integer, %I a large one, %c the
// line counter, %d a decimal, %a an address, %p a port, %u a user, %P a request
// path, %F a file, %h a host, %k a task, %x 8 hexadecimal digits, %X 16, %U a
// UUID, %v a verb, %s a status, %b bytes.
var logTemplates = []logTemplate{
	{"info", "http", 3, expand("%v %P/%I status=%s bytes=%b took=%dms client=%a")},
	{"info", "http", 2, expand("request finished method=%v path=%P status=%s in %d ms")},
	{"debug", "http", 2, expand("keepalive connection from %a:%p reused %i times")},
	{"warn", "http", .6, expand("slow request %v %P/%I took %d s, limit is 1.5 s")},
	{"error", "http", .5, expand("upstream %h:%p refused the connection after %i attempts: connection refused")},
	{"info", "http", 1, expand("route table reloaded, %i routes, generation %i")},
	{"info", "auth", 2, expand("session opened for user %u by uid=%i")},
	{"info", "auth", 2, expand("session closed for user %u after %d s")},
	{"warn", "auth", 1.2, expand("authentication failure; logname= uid=0 euid=0 tty=ssh rhost=%a  user=%u")},
	{"warn", "auth", .8, expand("authentication failure; logname= uid=0 euid=0 tty=ssh rhost=%a  user=root")},
	{"info", "auth", 1, expand("accepted publickey for %u from %a port %p ssh2: RSA SHA256:%X")},
	{"error", "auth", .3, expand("token %U expired %i s ago, user %u must sign in again")},
	{"info", "auth", .8, expand("issued token %U to %u valid for %i minutes")},
	{"info", "db", 2, expand("query %x returned %i rows in %d ms")},
	{"debug", "db", 1.5, expand("prepared statement S_%i on connection %i of pool primary")},
	{"warn", "db", .5, expand("connection pool primary at %i of 64, waiting %d ms for a free connection")},
	{"error", "db", .4, expand("deadlock detected: transaction %I waits for ShareLock on transaction %I")},
	{"info", "db", 1, expand("checkpoint complete: wrote %i buffers, %i segments recycled; sync=%d s, total=%d s")},
	{"info", "db", .6, expand("automatic vacuum of table shop.public.orders: pages: %i removed, %I remain")},
	{"info", "cache", 2, expand("cache hit key=item:%I ttl=%is size=%b")},
	{"info", "cache", 1.5, expand("cache miss key=item:%I, loading from %h")},
	{"debug", "cache", 1, expand("evicted %i entries, %b bytes free")},
	{"info", "queue", 2, expand("published message %X to topic orders.created partition %i offset %c")},
	{"info", "queue", 2, expand("consumed message %X from topic orders.created partition %i lag %i")},
	{"warn", "queue", .4, expand("consumer group billing is %I messages behind on partition %i")},
	{"error", "queue", .3, expand("message %X failed %i times and was moved to the dead letter queue")},
	{"info", "queue", .8, expand("rebalance finished: member consumer-%i-%U owns %i partitions")},
	{"info", "store", 2, expand("Received block blk_%I of size %b from /%a")},
	{"info", "store", 1.5, expand("Served block blk_%I to /%a in %d ms")},
	{"info", "store", 1, expand("PacketResponder %i for block blk_%I terminating")},
	{"warn", "store", .4, expand("replica of block blk_%I on %a:%p is stale, scheduling copy")},
	{"error", "store", .3, expand("checksum mismatch in %F/%x.dat at offset %I: want %x, got %x")},
	{"info", "store", .8, expand("wrote %F/%x.dat, %b bytes, fsync %d ms")},
	{"info", "batch", 1, expand("job %k-%i started by %u with %i workers")},
	{"info", "batch", 1, expand("job %k-%i finished: %I records, %i skipped, %d s")},
	{"error", "batch", .3, expand("job %k-%i failed at record %I: invalid character in column %i")},
	{"info", "batch", .7, expand("next run of %k in %i minutes")},
	{"debug", "batch", .7, expand("worker %i picked shard %i of %k")},
	{"info", "http", 1, expand("TLS handshake with %a:%p completed, TLSv1.3, cipher TLS_AES_128_GCM_SHA256, %d ms")},
	{"info", "queue", 1, expand("order %U created by user %u, %i items, total %d EUR")},
	{"info", "queue", .9, expand("payment %U authorised, amount %d EUR, provider reference %X")},
	{"warn", "queue", .4, expand("payment %U declined: code %i, retry in %i s")},
	{"info", "batch", .8, expand("mail to %u@example.com queued as %x via %h")},
	{"info", "db", .8, expand("replication: streaming from %h at %X, lag %i bytes")},
	{"info", "cache", .6, expand("feature flags loaded: %i flags, etag %x")},
	{"debug", "http", .8, expand("trace sampled: %i spans, parent=%X")},
	{"info", "store", .7, expand("gc %c @%ds %i%%: %d+%d+%d ms clock, %i->%i->%i MB, 2 P")},
	{"info", "auth", .5, expand("policy %u-readonly evaluated in %d ms: allow")},
	{"info", "http", .5, expand("websocket %X closed by client %a, code 1001, %i frames")},
	{"info", "store", .5, expand("thumbnail of %F/%I.jpg created, %ix%i, %b bytes")},
	{"warn", "db", .3, expand("long running transaction %I by %u, open for %i s")},
	{"error", "http", .3, expand("panic recovered in handler %P: runtime error: index out of range [%i] with length %i")},
	{"info", "batch", .4, expand("config reloaded from /etc/app/%k.yaml, revision %x")},
	{"info", "cache", .4, expand("connected to %h:%p, protocol 3, latency %d ms")},
}

var rareTemplate = logTemplate{"error", "store", 1, expand("volume %F/%i quarantined after %i checksum errors")}

// expand makes a generator of a template.
func expand(format string) func(g *Logs, dst []byte) []byte {
	return func(g *Logs, dst []byte) []byte {
		for i := 0; i < len(format); i++ {
			if format[i] != '%' {
				dst = append(dst, format[i])
				continue
			}
			i++
			dst = g.variable(dst, format[i])
		}
		return dst
	}
}

// skewed draws from n, the first most often.
func (g *Logs) skewed(n int) int {
	x := g.rng.Float64()
	return int(x * x * x * float64(n))
}

func (g *Logs) variable(dst []byte, kind byte) []byte {
	pick := func(ss []string) []byte { return append(dst, ss[g.skewed(len(ss))]...) }
	hexed := func(n int) []byte {
		var b [16]byte
		g.fill(b[:])
		return hex.AppendEncode(dst, b[:n])
	}
	switch kind {
	case 'i':
		return strconv.AppendInt(dst, int64(g.skewed(900)), 10)
	case 'I':
		return strconv.AppendInt(dst, g.rng.Int64N(4_000_000_000), 10)
	case 'c':
		return strconv.AppendInt(dst, g.counter, 10)
	case 'd':
		return strconv.AppendFloat(dst, float64(g.skewed(100_000))/100, 'f', 2, 64)
	case 'a':
		dst = append(dst, "10.42."...)
		dst = strconv.AppendInt(dst, int64(g.skewed(64)), 10)
		return strconv.AppendInt(append(dst, '.'), int64(g.rng.IntN(256)), 10)
	case 'p':
		return strconv.AppendInt(dst, int64(1024+g.rng.IntN(64000)), 10)
	case 'u':
		return pick(logUsers)
	case 'P':
		return pick(logPaths)
	case 'F':
		return pick(logFiles)
	case 'h':
		return pick(logHosts)
	case 'k':
		return pick(logTasks)
	case 'v':
		return pick(logVerbs)
	case 's':
		return append(dst, []string{"200", "200", "200", "201", "204", "304", "404", "500"}[g.skewed(8)]...)
	case 'b':
		return strconv.AppendInt(dst, int64(64+g.skewed(2_000_000)), 10)
	case 'x':
		return hexed(4)
	case 'X':
		return hexed(8)
	case 'U':
		b := hexed(16)
		id := b[len(dst):]
		return append(append(append(append(append(dst[:len(dst):len(dst)], id[:8]...), '-'), id[8:12]...), '-'), appendTail(id)...)
	}
	return append(dst, kind)
}

// appendTail is the last three groups of a UUID of 32 digits.
func appendTail(id []byte) []byte {
	out := make([]byte, 0, 23)
	out = append(append(out, id[12:16]...), '-')
	out = append(append(out, id[16:20]...), '-')
	return append(out, id[20:]...)
}
