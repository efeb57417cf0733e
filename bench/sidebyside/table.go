//go:build linux

package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// print writes everything as one table: a row per measure, a column per
// system, and behind each but the first the ratio of the first to it.
func (c *comparison) print(out io.Writer) {
	b := c.bodies
	fmt.Fprintf(out, "\n%s, %d hosts, %d series, %d steps every %s, seed %d: %d samples; %s, %d workers\n",
		c.o.workload.Shape, c.o.workload.Hosts, b.series, c.o.workload.Steps, c.o.workload.Interval, c.o.workload.Seed, b.samples, c.o.protocol, c.o.workers)
	for _, r := range c.results {
		fmt.Fprintf(out, "%s: %s\n", r.name, r.version)
	}
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	header := "measure\t"
	for i, r := range c.results {
		header += r.name + "\t"
		if i > 0 {
			header += "ratio\t"
		}
	}
	fmt.Fprintln(w, header)
	row := func(name, format string, value func(r *result) (float64, bool)) {
		line, any := name+"\t", false
		first, has := value(c.results[0])
		for i, r := range c.results {
			v, ok := value(r)
			any = any || ok
			if ok {
				line += fmt.Sprintf(format, v) + "\t"
			} else {
				line += "-\t"
			}
			if i > 0 {
				if ok && has && v > 0 {
					line += fmt.Sprintf("%.2f\t", first/v)
				} else {
					line += "-\t"
				}
			}
		}
		if any {
			fmt.Fprintln(w, line)
		}
	}
	samples := float64(b.samples)
	wasLoaded := func(f func(r *result) float64) func(r *result) (float64, bool) {
		return func(r *result) (float64, bool) {
			if r.load.took == 0 {
				return 0, false
			}
			return f(r), true
		}
	}
	row("samples/s, millions", "%.3f", wasLoaded(func(r *result) float64 { return samples / r.load.took.Seconds() / 1e6 }))
	row("samples per CPU-second, millions, to the last ack", "%.3f", wasLoaded(func(r *result) float64 { return samples / r.ackCPU.Seconds() / 1e6 }))
	row("samples per CPU-second, millions, with its end", "%.3f", wasLoaded(func(r *result) float64 { return samples / r.allCPU.Seconds() / 1e6 }))
	row("CPU seconds per million samples, with its end", "%.4f", wasLoaded(func(r *result) float64 { return r.allCPU.Seconds() / samples * 1e6 }))
	row("requests told to come back", "%.0f", wasLoaded(func(r *result) float64 { return float64(r.load.retries) }))
	row("peak RSS, MiB", "%.0f", wasLoaded(func(r *result) float64 { return float64(r.peak) / (1 << 20) }))
	row("bytes on disk per sample, settled", "%.4f", func(r *result) (float64, bool) { return float64(r.disk) / samples, r.disk > 0 })
	row("start with the loaded store, ms", "%.0f", func(r *result) (float64, bool) {
		if len(r.starts) == 0 {
			return 0, false
		}
		return ms(r.starts[len(r.starts)/2]), true
	})
	row("samples stored, share of sent", "%.6f", func(r *result) (float64, bool) { return float64(r.stored) / samples, r.stored > 0 })
	wasKilled := func(f func(k *killed) float64) func(r *result) (float64, bool) {
		return func(r *result) (float64, bool) {
			if r.killed == nil {
				return 0, false
			}
			return f(r.killed), true
		}
	}
	row("killed: acknowledged, millions", "%.3f", wasKilled(func(k *killed) float64 { return float64(k.acknowledged) / 1e6 }))
	row("killed: share of it recovered", "%.4f", wasKilled(func(k *killed) float64 { return float64(k.recovered) / float64(max(k.acknowledged, 1)) }))
	row("start after the kill, ms", "%.0f", wasKilled(func(k *killed) float64 { return ms(k.start) }))
	for _, q := range c.queries {
		of := func(f func(l *latency) float64) func(r *result) (float64, bool) {
			return func(r *result) (float64, bool) {
				l := r.queries[q.name]
				if l == nil || l.refused {
					return 0, false
				}
				v := f(l)
				return v, v > 0
			}
		}
		row(q.name+", p50 ms", "%.3f", of(func(l *latency) float64 { return ms(l.p50) }))
		row("p95 ms", "%.3f", of(func(l *latency) float64 { return ms(l.p95) }))
		row("CPU ms", "%.3f", of(func(l *latency) float64 { return ms(l.cpu) }))
		row("queries/s, 8 connections", "%.0f", of(func(l *latency) float64 { return l.perSecond }))
	}
	_ = w.Flush()
	fmt.Fprintf(out, "\nratio: the first system's figure divided by the other's.\n")
	for _, n := range c.notes {
		fmt.Fprintln(out, "note:", strings.TrimSpace(n))
	}
	for _, d := range c.disagreements {
		fmt.Fprintln(out, "DIFFERENT:", d)
	}
	if len(c.disagreements) == 0 {
		fmt.Fprintln(out, "No disagreement in counts and compared values.")
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
