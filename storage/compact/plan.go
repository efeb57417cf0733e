package compact

import (
	"cmp"
	"math"
	"slices"

	"tidemark/storage/chunk"
	"tidemark/storage/model"
)

// Piece is what Plan knows of a chunk.
type Piece struct {
	Type       model.Type
	Mint, Maxt int64 // times of its first and last sample
	Position   uint64
	Count      int // samples
	Bytes      int // encoded
}

// Merge is a set of chunks to be rewritten together.
type Merge struct {
	// Pieces are indexes of Plan's input, ascending by (Mint, Position).
	Pieces []int
	// Until is the last time that is merged. Samples behind it are written
	// back with the type and position that they had.
	Until int64
}

// Partial reports whether the merge leaves work for another pass.
func (m *Merge) Partial() bool { return m.Until != math.MaxInt64 }

// Bounds of one merge. A single chunk may exceed them, and a merge always
// takes two.
const (
	MaxInputSamples = 8 * chunk.MaxSamples
	MaxInputBytes   = 8 << 20
)

// fullChunk is the number of samples from which on a tiered pass leaves a
// chunk alone.
const fullChunk = chunk.MaxSamples / 4

// lowerBounds are the least samples of each class.
var lowerBounds = [...]int{0, chunk.MaxSamples / 128, chunk.MaxSamples / 16, fullChunk}

// maxTextBytes is up to which encoded size text chunks are joined: their text
// is larger, and chunks are cut at chunk.TargetTextBytes of it.
const maxTextBytes = chunk.TargetTextBytes / 16

// maxHistograms is up to which number of samples chunks of histograms are
// joined: how many fit into one depends on their buckets. Of 64 buckets, as
// many do.
const maxHistograms = chunk.MaxSamples / 4

// manyPieces is how many chunks a reader may have to merge at one time before
// a tiered pass resolves them whatever the cost.
const manyPieces = 8

func classOf(samples int) int {
	c := len(lowerBounds) - 1
	for samples < lowerBounds[c] {
		c--
	}
	return c
}

// cluster is chunks that overlap each other, pieces[from:to] of the sorted
// order.
type cluster struct {
	from, to int
	samples  int
	bytes    int
	largest  int  // samples of the largest chunk
	types    uint // a bit for each
	resolved bool
}

// Plan chooses what to merge among the chunks of one series in one partition:
// all its numeric chunks, or all its text chunks. settle asks for a settling
// pass rather than a tiered one. The merges have no chunk in common and come
// in order of time. It takes time n log n in the number of chunks.
func Plan(pieces []Piece, settle bool) []Merge {
	if len(pieces) < 2 {
		return nil
	}
	order := make([]int, len(pieces))
	for i := range order {
		order[i] = i
	}
	byTime := func(a, b int) int {
		return cmp.Or(cmp.Compare(pieces[a].Mint, pieces[b].Mint), cmp.Compare(pieces[a].Position, pieces[b].Position), cmp.Compare(a, b))
	}
	if !slices.IsSortedFunc(order, byTime) {
		slices.SortFunc(order, byTime)
	}
	p := planner{pieces: pieces, order: order}
	p.findClusters()
	if settle {
		p.settle()
	} else {
		p.tiers()
	}
	return p.merges
}

type planner struct {
	pieces   []Piece
	order    []int
	clusters []cluster
	merges   []Merge
}

func (p *planner) findClusters() {
	for i := 0; i < len(p.order); {
		first := &p.pieces[p.order[i]]
		c := cluster{from: i, resolved: true}
		end := first.Maxt
		for ; i < len(p.order); i++ {
			x := &p.pieces[p.order[i]]
			if i > c.from && x.Mint > end {
				break
			}
			end = max(end, x.Maxt)
			c.samples += x.Count
			c.bytes += x.Bytes
			c.largest = max(c.largest, x.Count)
			c.types |= 1 << x.Type
			c.resolved = c.resolved && x.Position == first.Position
		}
		c.to = i
		p.clusters = append(p.clusters, c)
	}
}

// fits reports whether the chunks of both make one of each type.
func (c *cluster) fits(with *cluster) bool {
	types := c.types | with.types
	switch samples := c.samples + with.samples; {
	case samples > chunk.MaxSamples,
		types&(1<<model.TypeText) != 0 && c.bytes+with.bytes > maxTextBytes,
		types&(1<<model.TypeHistogram) != 0 && samples > maxHistograms:
		return false
	}
	return true
}

// join adds the clusters' next neighbour.
func (c *cluster) join(next *cluster) {
	c.to = next.to
	c.samples += next.samples
	c.bytes += next.bytes
	c.types |= next.types
}

// settle resolves what contradicts itself and joins what fits.
func (p *planner) settle() {
	for i := 0; i < len(p.clusters); {
		run := p.clusters[i]
		work := !run.resolved
		for i++; i < len(p.clusters) && run.fits(&p.clusters[i]); i++ {
			// Neighbours of different types do not become fewer.
			work = work || run.types&p.clusters[i].types != 0
			run.join(&p.clusters[i])
		}
		if work {
			p.merge(run)
		}
	}
}

// tiers merges runs of small neighbours that become a chunk of a higher class.
func (p *planner) tiers() {
	p.tier(0, len(p.clusters), len(lowerBounds)-2)
	slices.SortFunc(p.merges, func(a, b Merge) int {
		return cmp.Compare(p.pieces[a.Pieces[0]].Mint, p.pieces[b.Pieces[0]].Mint)
	})
}

// tier looks at clusters [from, to) for runs of class or below; what such a
// run does not take is looked at for lower classes.
func (p *planner) tier(from, to, class int) {
	if class < 0 {
		return
	}
	for i := from; i < to; {
		c := &p.clusters[i]
		if !c.resolved {
			if class == len(lowerBounds)-2 && c.urgent() {
				p.merge(*c)
			}
			i++
			continue
		}
		if classOf(c.samples) > class {
			i++
			continue
		}
		end, rest := i, i
		var last *cluster // the run's last merge, which may take what follows
		flush := func() {
			if last != nil {
				p.merge(*last)
			}
			last = nil
		}
		for run := (cluster{from: c.from}); end < to && p.clusters[end].resolved && classOf(p.clusters[end].samples) <= class; end++ {
			next := &p.clusters[end]
			if run.samples > 0 && (run.types&next.types == 0 || !run.fits(next)) {
				// Types do not mix, and texts are full by their size.
				flush()
				run, rest = cluster{from: next.from}, end
			}
			run.join(next)
			if run.samples >= lowerBounds[class+1] {
				flush()
				last = &cluster{}
				*last, run, rest = run, cluster{from: next.to}, end+1
			} else if last != nil && end+1 == to && last.types&run.types != 0 && last.fits(&run) {
				last.join(&run)
				rest = end + 1
			}
		}
		flush()
		p.tier(rest, end, class-1)
		i = end
	}
}

// urgent reports whether a cluster that is not resolved is worth rewriting in
// a tiered pass.
func (c *cluster) urgent() bool {
	return c.to-c.from >= manyPieces || (c.samples-c.largest)*8 >= c.largest
}

// merge adds a merge of a run of whole clusters, as far as its bounds allow.
func (p *planner) merge(run cluster) {
	n, samples, bytes := 0, 0, 0
	for _, i := range p.order[run.from:run.to] {
		x := &p.pieces[i]
		samples += x.Count
		bytes += x.Bytes
		if n >= 2 && (samples > MaxInputSamples || bytes > MaxInputBytes) {
			break
		}
		n++
	}
	m := Merge{Pieces: p.order[run.from : run.from+n], Until: math.MaxInt64}
	if run.from+n < run.to {
		m = p.cut(run, n)
	}
	p.merges = append(p.merges, m)
}

// cut returns a merge of the first n chunks of a run up to where the next one
// begins.
func (p *planner) cut(run cluster, n int) Merge {
	mintAt := func(i int) int64 { return p.pieces[p.order[run.from+i]].Mint }
	next := mintAt(n)
	same := n // the first that begins when the next one does
	for same > 0 && mintAt(same-1) == next {
		same--
	}
	if same > 0 {
		return Merge{Pieces: p.order[run.from : run.from+same], Until: next - 1}
	}
	// All begin at once: these are of the lowest positions. They are merged up
	// to where one begins later.
	m := Merge{Pieces: p.order[run.from : run.from+n], Until: math.MaxInt64 - 1}
	for i := n; i < run.to-run.from; i++ {
		if t := mintAt(i); t > next {
			m.Until = t - 1
			break
		}
	}
	return m
}
