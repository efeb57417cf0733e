//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// system is a server that can be compared.
type system struct {
	name, binary string // binary is what it is called in $PATH
	versionArg   string
	protocols    []string
	// args starts it on a folder and an address.
	args func(dir, addr string) []string
	// prepare, where set, makes files that the start needs.
	prepare func(dir, addr string) error
	ready   string // path that answers 200 or 204 once queries are served
	writes  map[string]string
	// settle, where set, asks for what the system would do in time.
	settle func(ctx context.Context, c *client) error
	// besides are files and folders of its folder that do not hold data.
	besides []string
	promQL  bool
	// params go with every query.
	params string

	path, version string
}

func tidemark(path string) system {
	return system{
		name: "tidemark", path: path, versionArg: "version", protocols: []string{"line", "remote-write"},
		args: func(dir, addr string) []string {
			return []string{"serve", "--data", dir, "--listen", addr, "--no-self", "--enable-admin-api", "--log-level", "warn"}
		},
		ready:  "/api/v1/query?query=1",
		writes: map[string]string{"line": "/write", "remote-write": "/api/v1/write"},
		settle: func(ctx context.Context, c *client) error {
			_, err := c.text(ctx, "POST", "/tidemark/api/v1/admin/compact")
			return err
		},
		// The reserve for a full disk: of one size whatever is stored.
		besides: []string{"ballast"},
		promQL:  true,
	}
}

var peers = []system{
	{
		name: "victoria-metrics", binary: "victoria-metrics", versionArg: "--version", protocols: []string{"line", "remote-write"},
		args: func(dir, addr string) []string {
			return []string{"-storageDataPath=" + dir, "-httpListenAddr=" + addr, "-retentionPeriod=100y", "-loggerLevel=ERROR",
				"-search.disableCache", "-search.maxUniqueTimeseries=10000000", "-search.maxSamplesPerQuery=10000000000", "-search.maxQueryDuration=5m"}
		},
		ready:  "/api/v1/query?query=1",
		writes: map[string]string{"line": "/write", "remote-write": "/api/v1/write"},
		settle: func(ctx context.Context, c *client) error {
			if err := c.get(ctx, "/internal/force_flush"); err != nil {
				return err
			}
			return c.get(ctx, "/internal/force_merge")
		},
		besides: []string{"cache"},
		promQL:  true,
		params:  "&nocache=1",
	},
	{
		name: "prometheus", binary: "prometheus", versionArg: "--version", protocols: []string{"remote-write"},
		prepare: func(dir, _ string) error {
			// Two workers send a series' samples out of order.
			return os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte("storage:\n  tsdb:\n    out_of_order_time_window: 10m\n"), 0o644)
		},
		args: func(dir, addr string) []string {
			return []string{"--config.file=" + filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path=" + filepath.Join(dir, "data"), "--web.listen-address=" + addr,
				"--web.enable-remote-write-receiver", "--storage.tsdb.retention.time=100y", "--log.level=error",
				"--query.max-samples=1000000000", "--query.timeout=5m"}
		},
		ready:  "/api/v1/query?query=1",
		writes: map[string]string{"remote-write": "/api/v1/write"},
		promQL: true,
	},
	{
		name: "influxdb", binary: "influxd", versionArg: "version", protocols: []string{"line"},
		prepare: influxConfig,
		args:    func(dir, _ string) []string { return []string{"-config", filepath.Join(dir, "influxdb.conf")} },
		ready:   "/ping",
		writes:  map[string]string{"line": "/write?db=bench"},
	},
}

func peerNames() []string {
	var names []string
	for _, p := range peers {
		names = append(names, p.name)
	}
	return names
}

// influxConfig keeps InfluxDB on the one address and in the folder, and takes
// bodies of any size.
func influxConfig(dir, addr string) error {
	quote := func(name string) string { return fmt.Sprintf("%q", filepath.Join(dir, name)) }
	conf := strings.Join([]string{
		"reporting-disabled = true", `bind-address = "127.0.0.1:0"`,
		"[meta]", "dir = " + quote("meta"),
		"[data]", "dir = " + quote("data"), "wal-dir = " + quote("wal"), "query-log-enabled = false", `index-version = "tsi1"`,
		"max-series-per-database = 0", "max-values-per-tag = 0",
		"[http]", fmt.Sprintf("bind-address = %q", addr), "log-enabled = false", "max-body-size = 0",
		"[monitor]", "store-enabled = false", "[logging]", `level = "error"`, "",
	}, "\n")
	return os.WriteFile(filepath.Join(dir, "influxdb.conf"), []byte(conf), 0o644)
}

// rest waits until the folder has not changed for a while.
func rest(ctx context.Context, dir string, besides []string) error {
	const quiet, most = 4 * time.Second, 3 * time.Minute
	began := time.Now()
	last, since := int64(-1), time.Now()
	for time.Since(began) < most {
		n, err := diskBytes(dir, besides)
		if err == nil && n == last && time.Since(since) >= quiet {
			return nil
		}
		if err != nil || n != last {
			last, since = n, time.Now()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
	progress("%s still changes after %s", dir, most)
	return nil
}
