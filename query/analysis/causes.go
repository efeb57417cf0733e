package analysis

import (
	"cmp"
	"math"
	"slices"
)

// Signal is one series of a node, compared with its baseline.
type Signal struct {
	// Node is what has it: a service, a host.
	Node string
	// Kin says that it measures what the target measures.
	Kin        bool
	Comparison Comparison
	// Lead is by how many milliseconds its change comes before the target's;
	// NaN where that cannot be told.
	Lead float64
}

// Edge says that a node calls, or depends on, another.
type Edge struct{ From, To string }

// Cause is a candidate with the evidence for it. It is evidence, not proof.
type Cause struct {
	Node string
	// Score ranks candidates; it has no unit.
	Score float64
	// Change is the largest change of its signals, in scales of the baseline.
	Change float64
	// Own is the share of its change that no node it depends on explains.
	Own float64
	// Path is how well changed nodes connect it with the target, 0 to 1: 1
	// where each on the way changed at least as much as the weakest end.
	Path float64
	// Lead is in milliseconds, NaN where unknown.
	Lead float64
	// Event says that something is known to have happened to it.
	Event bool
}

// CauseOptions declare a target and what is known beside the signals.
type CauseOptions struct {
	// Target is the node whose trouble is to be explained.
	Target string
	// Sign is +1 where the target rose, −1 where it fell.
	Sign  float64
	Edges []Edge
	// Events are nodes to which something happened shortly before.
	Events map[string]bool
}

const (
	// otherKind is what a change of another kind than the target's counts.
	otherKind = 0.5
	// leastChange is how many scales a node must have changed to pass trouble on.
	leastChange = 3
	// eventBonus is what a known event multiplies a score with.
	eventBonus = 1.5
	// leadBonus is what coming first multiplies it with.
	leadBonus = 1.25
)

// RankCauses ranks the nodes that have signals by the evidence that trouble at
// the target began with them, best first.
//
// A node's change is the largest of its signals': those that measure what the
// target measures count when they moved as the target did; others count half.
// Trouble travels from a callee to its callers: a candidate must be reachable
// from the target over edges whose nodes changed, and the share of its change
// that a callee of its own explains (by the size of the callee's shift, where
// both measure the same) is taken off, so that of a chain of changed nodes the
// deepest remains. Nodes with one neighbour only count less than those with
// several: what only one caller sees of an address is a symptom as often as a
// cause. Known events and an earlier change add to the score. Without edges,
// change, lead and events rank alone.
//
// The idea of descending to the deepest changed node is common to
// topology-based localisation (for instance MonitorRank, Kim, Sumbaly and Shah 2013;
// Counterfactual attribution in PetShop, Hardt et al. 2024). O(signals + edges
// · log nodes). Failure modes: a cause without signals or edges; several causes
// at once rank by their size only.
func RankCauses(signals []Signal, o CauseOptions) []Cause {
	type node struct {
		change, kin, shift, lead float64 // kin is the change of those that are kin
		degree                   int
		out                      []string
	}
	nodes := map[string]*node{}
	get := func(name string) *node {
		n := nodes[name]
		if n == nil {
			n = &node{lead: math.NaN()}
			nodes[name] = n
		}
		return n
	}
	has := map[string]bool{}
	for _, s := range signals {
		n := get(s.Node)
		has[s.Node] = true
		change := math.Abs(s.Comparison.Effect)
		switch {
		case !s.Kin:
			change *= otherKind
		case s.Comparison.Effect*o.Sign < 0:
			change = 0
		default:
			if change > n.kin {
				n.kin, n.shift = change, s.Comparison.Shift*o.Sign
			}
		}
		if change > n.change {
			n.change, n.lead = change, s.Lead
		}
	}
	linked := map[Edge]bool{}
	for _, e := range o.Edges {
		if e.From == e.To || linked[e] {
			continue
		}
		linked[e] = true
		f, t := get(e.From), get(e.To)
		f.out = append(f.out, e.To)
		f.degree++
		t.degree++
	}

	// The weight of the best path from the target: the smallest change on it,
	// in the compressed scale of log1p (Dijkstra's algorithm with minima).
	path := map[string]float64{}
	if len(o.Edges) > 0 {
		get(o.Target)
		path[o.Target] = math.Inf(1)
		queue := []string{o.Target}
		for len(queue) > 0 {
			slices.SortStableFunc(queue, func(a, b string) int { return cmp.Compare(path[b], path[a]) })
			at := queue[0]
			queue = queue[1:]
			for _, to := range nodes[at].out {
				n := nodes[to]
				w := min(path[at], n.change)
				if n.change >= leastChange && w > path[to] {
					path[to] = w
					queue = append(queue, to)
				}
			}
		}
	}

	var out []Cause
	for name := range has {
		n := nodes[name]
		c := Cause{Node: name, Change: n.change, Own: 1, Path: 1, Lead: n.lead, Event: o.Events[name]}
		score := math.Log1p(n.change)
		if len(o.Edges) > 0 {
			for _, to := range n.out {
				m := nodes[to]
				explained := 0.0
				switch {
				case n.kin >= leastChange && m.kin >= leastChange && n.shift > 0:
					explained = m.shift / n.shift
				case n.kin < leastChange && m.change >= leastChange:
					explained = m.change / n.change
				}
				c.Own = min(c.Own, max(1-explained, 0))
			}
			c.Path = 0
			if w, ok := path[name]; ok {
				c.Path = min(math.Log1p(w)/max(math.Log1p(n.change), 1e-9), 1)
			}
			degree := float64(n.degree)
			score *= (0.05 + c.Own) * (0.02 + c.Path) * degree / (degree + 4)
		}
		if c.Event {
			score *= eventBonus
		}
		if c.Lead > 0 {
			score *= leadBonus
		}
		c.Score = score
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Cause) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Node, b.Node))
	})
	return out
}
