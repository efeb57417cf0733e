package selfmon

import (
	"context"
	"strings"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/host"
	"github.com/shirou/gopsutil/v4/load"
	"github.com/shirou/gopsutil/v4/mem"
	psnet "github.com/shirou/gopsutil/v4/net"
)

// hostReader reads the host's figures. What a platform does not offer is left
// out, so no reading ends in an error.
type hostReader struct {
	last *cpu.TimesStat // of the reading before, for shares of time
}

// read passes the present figures to add, a measurement at a time.
func (h *hostReader) read(ctx context.Context, add func(measurement string, labels []string, fields ...field)) {
	h.cpu(ctx, add)
	system(ctx, add)
	memory(ctx, add)
	disks(ctx, add)
	network(ctx, add)
}

func (h *hostReader) cpu(ctx context.Context, add func(string, []string, ...field)) {
	times, err := cpu.TimesWithContext(ctx, false)
	if err != nil || len(times) == 0 {
		return
	}
	now := times[0]
	if last := h.last; last != nil {
		user := now.User + now.Nice - last.User - last.Nice
		system := now.System + now.Irq + now.Softirq - last.System - last.Irq - last.Softirq
		iowait := now.Iowait - last.Iowait
		idle := now.Idle - last.Idle
		all := user + system + iowait + idle + now.Steal - last.Steal
		if all > 0 {
			share := func(v float64) float64 { return max(0, min(100, 100*v/all)) }
			add("cpu", nil, float("usage_user", share(user)), float("usage_system", share(system)),
				float("usage_iowait", share(iowait)), float("usage_idle", share(idle)))
		}
	}
	h.last = &now
}

func system(ctx context.Context, add func(string, []string, ...field)) {
	var fields []field
	if l, err := load.AvgWithContext(ctx); err == nil {
		fields = append(fields, float("load1", l.Load1), float("load5", l.Load5), float("load15", l.Load15))
	}
	if n, err := cpu.CountsWithContext(ctx, true); err == nil {
		fields = append(fields, integer("n_cpus", uint64(n)))
	}
	if up, err := host.UptimeWithContext(ctx); err == nil {
		fields = append(fields, integer("uptime", up))
	}
	add("system", nil, fields...)
}

func memory(ctx context.Context, add func(string, []string, ...field)) {
	if m, err := mem.VirtualMemoryWithContext(ctx); err == nil {
		add("mem", nil, integer("total", m.Total), integer("used", m.Used),
			integer("available", m.Available), float("used_percent", m.UsedPercent))
	}
	if s, err := mem.SwapMemoryWithContext(ctx); err == nil && s.Total > 0 {
		add("swap", nil, integer("total", s.Total), integer("used", s.Used), float("used_percent", s.UsedPercent))
	}
}

func disks(ctx context.Context, add func(string, []string, ...field)) {
	mounts, err := disk.PartitionsWithContext(ctx, false)
	seen := map[string]bool{}
	if err == nil {
		for _, m := range mounts {
			if seen[m.Device] { // bind mounts repeat a device
				continue
			}
			seen[m.Device] = true
			usage(ctx, m.Mountpoint, []string{"path", m.Mountpoint, "device", strings.TrimPrefix(m.Device, "/dev/"), "fstype", m.Fstype}, add)
		}
	}
	if len(seen) == 0 { // a container has no device of its own
		usage(ctx, "/", []string{"path", "/"}, add)
	}
	if io, err := disk.IOCountersWithContext(ctx); err == nil {
		for name, c := range io {
			if strings.HasPrefix(name, "loop") || strings.HasPrefix(name, "ram") {
				continue
			}
			add("diskio", []string{"name", name}, integer("reads", c.ReadCount), integer("writes", c.WriteCount),
				integer("read_bytes", c.ReadBytes), integer("write_bytes", c.WriteBytes), integer("io_time", c.IoTime))
		}
	}
}

func usage(ctx context.Context, path string, labels []string, add func(string, []string, ...field)) {
	u, err := disk.UsageWithContext(ctx, path)
	if err != nil || u.Total == 0 {
		return
	}
	add("disk", labels, integer("total", u.Total), integer("used", u.Used), integer("free", u.Free),
		float("used_percent", u.UsedPercent), float("inodes_used_percent", u.InodesUsedPercent))
}

func network(ctx context.Context, add func(string, []string, ...field)) {
	list, err := psnet.IOCountersWithContext(ctx, true)
	if err != nil {
		return
	}
	for _, c := range list {
		add("net", []string{"interface", c.Name},
			integer("bytes_sent", c.BytesSent), integer("bytes_recv", c.BytesRecv),
			integer("packets_sent", c.PacketsSent), integer("packets_recv", c.PacketsRecv),
			integer("err_in", c.Errin), integer("err_out", c.Errout),
			integer("drop_in", c.Dropin), integer("drop_out", c.Dropout))
	}
}
