//go:build linux

package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"tidemark/bench/gen"
)

// options are the command's flags.
type options struct {
	tidemark string
	peers    string
	paths    map[string]*string

	workload   gen.Config
	hours      float64
	protocol   string
	lines      int
	samples    int
	workers    int
	dir        string
	phases     string
	queries    string
	throughput time.Duration
	killAfter  time.Duration
	grow       string
}

func main() {
	o := &options{paths: map[string]*string{}}
	flag.StringVar(&o.tidemark, "tidemark", "", "binaries of Tidemark, comma-separated, to compare with each other; default: built from this tree")
	flag.StringVar(&o.peers, "peers", "victoria-metrics", "peers to run where they are found, comma-separated: "+strings.Join(peerNames(), ", ")+"; none")
	for _, name := range peerNames() {
		o.paths[name] = flag.String(name, "", "binary of "+name+"; default: the one in $PATH")
	}
	shape := flag.String("shape", string(gen.CPUOnly), "workload: cpu-only, devops or services")
	flag.IntVar(&o.workload.Hosts, "hosts", 1000, "hosts of the workload")
	flag.Float64Var(&o.hours, "hours", 12, "hours of the workload")
	flag.DurationVar(&o.workload.Interval, "interval", 10*time.Second, "time between a host's points")
	flag.Uint64Var(&o.workload.Seed, "seed", 123, "seed of the workload and of the queries")
	flag.StringVar(&o.protocol, "protocol", "line", "how to send: line (line protocol) or remote-write; Prometheus knows only the latter")
	flag.IntVar(&o.lines, "lines", 10_000, "lines of a body")
	flag.IntVar(&o.samples, "samples", 2_000, "samples of a remote write request")
	flag.IntVar(&o.workers, "workers", 2, "connections of the loader")
	flag.StringVar(&o.dir, "dir", "", "scratch folder, which is kept; default: a temporary one, removed at the end")
	flag.StringVar(&o.phases, "phases", "load,query,kill", "what to do")
	flag.StringVar(&o.queries, "queries", "", "queries to ask, by parts of their names, comma-separated; default: all")
	flag.DurationVar(&o.throughput, "throughput", 3*time.Second, "time of each throughput measurement; 0 leaves them out")
	flag.DurationVar(&o.killAfter, "kill-after", 3*time.Second, "time of loading before SIGKILL")
	flag.StringVar(&o.grow, "grow", "", "repeat the run on several workloads and compare them: HOSTSxHOURS, comma-separated; the first is the measure of the others")
	flag.Parse()
	o.workload.Shape, o.workload.Start = gen.Shape(*shape), gen.DefaultStart
	o.workload.Steps = o.steps()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sidebyside:", err)
		stop()
		os.Exit(1)
	}
}

func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// run compares the systems and prints the table, also of what was done before
// an error.
func run(ctx context.Context, o *options, out io.Writer) error {
	dir := o.dir
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "sidebyside"); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	systems, err := o.systems(ctx, dir)
	if err != nil {
		return err
	}
	workloads, err := o.workloads()
	if err != nil {
		return err
	}
	var all []*comparison
	agree := true
	for i := range workloads {
		c, err := compare(ctx, &workloads[i], systems, dir, out)
		if err != nil {
			return err
		}
		all, agree = append(all, c), agree && c.agree()
	}
	if len(all) > 1 {
		printGrowth(out, all)
	}
	if !agree {
		return fmt.Errorf("the systems do not agree: see above")
	}
	return nil
}

// compare takes all systems through one workload and prints its table, also
// of what was done before an error.
func compare(ctx context.Context, o *options, systems []system, dir string, out io.Writer) (*comparison, error) {
	progress("generating the workload")
	b, err := writeBodies(ctx, filepath.Join(dir, "bodies"), o)
	if err != nil {
		return nil, fmt.Errorf("generate: %w", err)
	}
	defer b.close()
	progress("%d samples of %d series in %d bodies, %.1f MB", b.samples, b.series, len(b.index), float64(b.bytes)/1e6)

	c := &comparison{o: o, dir: dir, bodies: b, queries: suite(o)}
	for _, s := range systems {
		r := &result{name: s.name, version: s.version}
		c.results = append(c.results, r)
		if err := c.system(ctx, s, r); err != nil {
			c.print(out)
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	c.print(out)
	return c, nil
}

// systems finds Tidemark and the peers.
func (o *options) systems(ctx context.Context, dir string) ([]system, error) {
	var systems []system
	paths := strings.Split(o.tidemark, ",")
	if o.tidemark == "" {
		progress("building tidemark")
		bin := filepath.Join(dir, "tidemark")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", bin, "tidemark/cmd/tidemark").CombinedOutput(); err != nil {
			return nil, fmt.Errorf("go build: %w\n%s", err, out)
		}
		paths = []string{bin}
	}
	for i, p := range paths {
		s := tidemark(p)
		if i > 0 {
			s.name = fmt.Sprintf("tidemark-%d", i+1)
		}
		systems = append(systems, s)
	}
	wanted := strings.Split(o.peers, ",")
	for _, p := range wanted {
		if p != "none" && !slices.Contains(peerNames(), p) {
			return nil, fmt.Errorf("peer %q: want %s or none", p, strings.Join(peerNames(), ", "))
		}
	}
	for _, p := range peers {
		path := *o.paths[p.name]
		if path == "" && slices.Contains(wanted, p.name) {
			path, _ = exec.LookPath(p.binary)
			if path == "" {
				progress("%s: there is no %s in $PATH (try: apt-get install %s), left out", p.name, p.binary, p.name)
			}
		}
		if path == "" {
			continue
		}
		if !slices.Contains(p.protocols, o.protocol) {
			progress("%s does not speak %s, left out", p.name, o.protocol)
			continue
		}
		p.path = path
		systems = append(systems, p)
	}
	for i := range systems {
		s := &systems[i]
		var err error
		if s.path, err = exec.LookPath(s.path); err != nil {
			return nil, err
		}
		if s.path, err = filepath.Abs(s.path); err != nil {
			return nil, err
		}
		s.version = readVersion(ctx, s.path, s.versionArg)
	}
	return systems, nil
}

// readVersion returns the first line of what a program says of itself.
func readVersion(ctx context.Context, path, arg string) string {
	out, err := exec.CommandContext(ctx, path, arg).CombinedOutput()
	if err != nil {
		return "unknown version"
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line
}

func (o *options) does(phase string) bool {
	return slices.Contains(strings.Split(o.phases, ","), phase)
}
