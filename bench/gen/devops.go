package gen

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"time"
)

// measurement is a kind of source: what a host reports together.
type measurement struct {
	name   string
	fields []Field
	// start draws what a source begins with.
	start func(*rand.Rand) source
	// values appends a value per field.
	values func(dst []float64, s *source, elapsed time.Duration) []float64
}

const (
	tebibyte  = 1 << 40
	gibibyte  = 1 << 30
	inodeSize = 4096
)

// measurements returns what every host of a shape reports, in order.
func (s Shape) measurements() ([]*measurement, error) {
	switch s {
	case CPUOnly:
		return []*measurement{cpu()}, nil
	case Devops:
		// The suite writes "postgresl", and so does everyone's query.
		return []*measurement{cpu(), diskio(), disk(), kernel(), mem(), network(), nginx(), postgres(), redis()}, nil
	case Services:
		return services(), nil
	}
	return nil, fmt.Errorf("shape %q: want %s, %s or %s", s, CPUOnly, Devops, Services)
}

func pick(rng *rand.Rand, ss ...string) string { return ss[rng.IntN(len(ss))] }

// zones are the data centers of each region, by their last letters.
var zones = []struct{ region, letters string }{
	{"us-east-1", "abce"}, {"us-west-1", "ab"}, {"us-west-2", "abc"}, {"eu-west-1", "abc"}, {"eu-central-1", "ab"},
	{"ap-southeast-1", "ab"}, {"ap-southeast-2", "ab"}, {"ap-northeast-1", "ac"}, {"sa-east-1", "abc"},
}

func hostTags(n int, rng *rand.Rand) []Tag {
	z := zones[rng.IntN(len(zones))]
	return []Tag{
		{"hostname", fmt.Sprintf("host_%d", n)},
		{"region", z.region},
		{"datacenter", z.region + string(z.letters[rng.IntN(len(z.letters))])},
		{"rack", strconv.Itoa(rng.IntN(100))},
		{"os", pick(rng, "Ubuntu16.10", "Ubuntu16.04LTS", "Ubuntu15.10")},
		{"arch", pick(rng, "x64", "x86")},
		{"team", pick(rng, "SF", "NYC", "LON", "CHI")},
		{"service", strconv.Itoa(rng.IntN(20))},
		{"service_version", strconv.Itoa(rng.IntN(2))},
		{"service_environment", pick(rng, "production", "staging", "test")},
	}
}

func ints(names ...string) []Field {
	fields := make([]Field, len(names))
	for i, n := range names {
		fields[i].Name = n
	}
	return fields
}

// plain is a measurement whose fields are its walks, cut to integers.
func plain(name string, fields []Field, tags func(*rand.Rand) []Tag, walks func(*rand.Rand) []walk) *measurement {
	m := &measurement{name: name, fields: fields}
	m.start = func(rng *rand.Rand) source {
		s := source{m: m, walks: walks(rng)}
		if tags != nil {
			s.tags = tags(rng)
		}
		return s
	}
	m.values = func(dst []float64, s *source, _ time.Duration) []float64 { return appendWalks(dst, s.walks) }
	return m
}

func appendWalks(dst []float64, walks []walk) []float64 {
	for i := range walks {
		dst = append(dst, math.Trunc(walks[i].state))
	}
	return dst
}

func cpu() *measurement {
	return plain("cpu", ints("usage_user", "usage_system", "usage_idle", "usage_nice", "usage_iowait",
		"usage_irq", "usage_softirq", "usage_steal", "usage_guest", "usage_guest_nice"), nil,
		func(rng *rand.Rand) []walk {
			walks := make([]walk, 10)
			for i := range walks {
				walks[i] = gauge(0, 1, 100, rng.Float64()*100)
			}
			return walks
		})
}

func diskio() *measurement {
	return plain("diskio", ints("reads", "writes", "read_bytes", "write_bytes", "read_time", "write_time", "io_time"),
		func(rng *rand.Rand) []Tag {
			return []Tag{{"serial", fmt.Sprintf("%03d-%03d-%03d", rng.IntN(1000), rng.IntN(1000), rng.IntN(1000))}}
		},
		func(*rand.Rand) []walk {
			return []walk{counter(50), counter(50), counter(100), counter(100), counter(5), counter(5), counter(5)}
		})
}

// disk has one walk, the free bytes, and all else from it.
func disk() *measurement {
	m := &measurement{name: "disk", fields: ints("total", "free", "used", "used_percent", "inodes_total", "inodes_free", "inodes_used")}
	m.start = func(rng *rand.Rand) source {
		return source{m: m,
			tags:  []Tag{{"path", fmt.Sprintf("/dev/sda%d", rng.IntN(10))}, {"fstype", pick(rng, "ext3", "ext4", "btrfs")}},
			walks: []walk{gauge(50, 1, tebibyte, tebibyte/2)},
		}
	}
	m.values = func(dst []float64, s *source, _ time.Duration) []float64 {
		free := int64(s.walks[0].state)
		used := int64(tebibyte) - free
		const inodes = tebibyte / inodeSize
		return append(dst, tebibyte, float64(free), float64(used), math.Trunc(100*(float64(used)/tebibyte)),
			inodes, float64(free/inodeSize), float64(inodes-free/inodeSize))
	}
	return m
}

// kernel leads with a constant.
func kernel() *measurement {
	m := plain("kernel", ints("boot_time", "interrupts", "context_switches", "processes_forked", "disk_pages_in", "disk_pages_out"), nil,
		func(*rand.Rand) []walk { return []walk{counter(5), counter(5), counter(5), counter(5), counter(5)} })
	start := m.start
	m.start = func(rng *rand.Rand) source {
		s := start(rng)
		s.own = float64(rng.IntN(240))
		return s
	}
	m.values = func(dst []float64, s *source, _ time.Duration) []float64 {
		return appendWalks(append(dst, s.own), s.walks)
	}
	return m
}

// mem walks used, cached and buffered bytes; percents are floats of full
// precision.
func mem() *measurement {
	m := &measurement{name: "mem", fields: append(ints("total", "available", "used", "free", "cached", "buffered"),
		Field{"used_percent", true}, Field{"available_percent", true}, Field{"buffered_percent", true})}
	m.start = func(rng *rand.Rand) source {
		s := source{m: m, own: []float64{8 * gibibyte, 12 * gibibyte, 16 * gibibyte}[rng.IntN(3)]}
		for range 3 {
			s.walks = append(s.walks, gauge(0, s.own/64, s.own, rng.Float64()*s.own))
		}
		return s
	}
	m.values = func(dst []float64, s *source, _ time.Duration) []float64 {
		total := s.own
		used, cached, buffered := math.Trunc(s.walks[0].state), math.Trunc(s.walks[1].state), math.Trunc(s.walks[2].state)
		available := total - used
		return append(dst, total, available, used, available, cached, buffered,
			100*(used/total), 100*(available/total), 100*buffered/total)
	}
	return m
}

func network() *measurement {
	return plain("net", ints("bytes_sent", "bytes_recv", "packets_sent", "packets_recv", "err_in", "err_out", "drop_in", "drop_out"),
		func(rng *rand.Rand) []Tag { return []Tag{{"interface", fmt.Sprintf("eth%d", rng.IntN(4))}} },
		func(*rand.Rand) []walk {
			return []walk{counter(50), counter(50), counter(50), counter(50), counter(5), counter(5), counter(5), counter(5)}
		})
}

// listener is the tags of a service with a port and a name.
func listener(name string) func(rng *rand.Rand) []Tag {
	return func(rng *rand.Rand) []Tag {
		server := fmt.Sprintf("%s_%d", name, rng.IntN(100_000))
		return []Tag{{"port", strconv.Itoa(rng.IntN(20_000) + 1024)}, {"server", server}}
	}
}

func nginx() *measurement {
	return plain("nginx", ints("accepts", "active", "handled", "reading", "requests", "waiting", "writing"), listener("nginx"),
		func(*rand.Rand) []walk {
			g := gauge(5, 1, 100, 0)
			return []walk{counter(5), g, counter(5), g, counter(5), g, g}
		})
}

func postgres() *measurement {
	return plain("postgresl", ints("numbackends", "xact_commit", "xact_rollback", "blks_read", "blks_hit", "tup_returned",
		"tup_fetched", "tup_inserted", "tup_updated", "tup_deleted", "conflicts", "temp_files", "temp_bytes", "deadlocks",
		"blk_read_time", "blk_write_time"), nil,
		func(*rand.Rand) []walk {
			walks := make([]walk, 16)
			for i := range walks {
				walks[i] = gauge(5, 1, 1000, 0)
			}
			walks[12] = gauge(1024, 1, gibibyte, 0)
			return walks
		})
}

// redis leads with the time since the start.
func redis() *measurement {
	m := plain("redis", ints("uptime_in_seconds",
		"total_connections_received", "expired_keys", "evicted_keys", "keyspace_hits", "keyspace_misses",
		"instantaneous_ops_per_sec", "instantaneous_input_kbps", "instantaneous_output_kbps",
		"connected_clients", "used_memory", "used_memory_rss", "used_memory_peak", "used_memory_lua", "rdb_changes_since_last_save",
		"sync_full", "sync_partial_ok", "sync_partial_err", "pubsub_channels", "pubsub_patterns", "latest_fork_usec",
		"connected_slaves", "master_repl_offset", "repl_backlog_active", "repl_backlog_size", "repl_backlog_histlen",
		"mem_fragmentation_ratio", "used_cpu_sys", "used_cpu_user", "used_cpu_sys_children", "used_cpu_user_children"), listener("redis"),
		func(*rand.Rand) []walk {
			memory, small := gauge(50, 1, 16*gibibyte, 8*gibibyte), gauge(5, 1, 1000, 0)
			return []walk{
				counter(5), counter(50), counter(50), counter(50), counter(50),
				drift(1), drift(1), drift(1),
				gauge(50, 1, 10_000, 0), memory, memory, memory, memory, gauge(50, 1, 10_000, 0),
				small, small, small, small, small, small,
				small, small, small, small, small,
				gauge(5, 1, 100, 0), small, small, small, small,
			}
		})
	m.values = func(dst []float64, s *source, elapsed time.Duration) []float64 {
		return appendWalks(append(dst, math.Trunc(elapsed.Seconds())), s.walks)
	}
	return m
}
