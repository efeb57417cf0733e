//go:build linux

package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// workloads returns the options of each workload to run.
func (o *options) workloads() ([]options, error) {
	if o.grow == "" {
		return []options{*o}, nil
	}
	var all []options
	for _, text := range strings.Split(o.grow, ",") {
		one := *o
		if n, err := fmt.Sscanf(text, "%dx%g", &one.workload.Hosts, &one.hours); n != 2 || one.workload.Hosts < 1 || one.hours <= 0 {
			return nil, fmt.Errorf("-grow %q: want HOSTSxHOURS, like 100x12 (%v)", text, err)
		}
		one.workload.Steps = one.steps()
		all = append(all, one)
	}
	return all, nil
}

// steps is how many steps the hours have.
func (o *options) steps() int {
	return int(o.hours * float64(time.Hour) / float64(o.workload.Interval))
}

// factor is how many times as many samples a query reads as in another
// workload.
func (r reach) factor(o, than *options) float64 {
	f := 1.0
	if r >= allHosts {
		f *= float64(o.workload.Hosts) / float64(than.workload.Hosts)
	}
	if r >= allTime {
		f *= o.hours / than.hours
	}
	return f
}

// printGrowth writes how the CPU time of each query grows from the first
// workload to the others, beside how many times the samples it reads.
func printGrowth(out io.Writer, all []*comparison) {
	first := all[0]
	fmt.Fprintf(out, "\nGrowth of a query's CPU time, from %d hosts over %g hours:\n\n", first.o.workload.Hosts, first.o.hours)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	header := "query\t"
	for _, c := range all[1:] {
		header += fmt.Sprintf("%dx%g reads\t", c.o.workload.Hosts, c.o.hours)
		for _, r := range c.results {
			header += r.name + "\t"
		}
	}
	fmt.Fprintln(w, header)
	for _, q := range first.queries {
		line := q.name + "\t"
		for _, c := range all[1:] {
			line += fmt.Sprintf("x%g\t", q.reads.factor(c.o, first.o))
			for i, r := range c.results {
				then, now := first.results[i].queries[q.name], r.queries[q.name]
				if then == nil || now == nil || then.refused || now.refused || then.cpu == 0 {
					line += "-\t"
					continue
				}
				line += fmt.Sprintf("x%.2g\t", float64(now.cpu)/float64(then.cpu))
			}
		}
		fmt.Fprintln(w, line)
	}
	_ = w.Flush()
}
