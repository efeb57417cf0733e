package plan

// bucketFuncs need the buckets of native histograms, statsFuncs their count and
// sum alone.
var (
	bucketFuncs = map[string]bool{"histogram_quantile": true, "histogram_quantiles": true, "histogram_fraction": true, "histogram_stddev": true, "histogram_stdvar": true}
	statsFuncs  = map[string]bool{"histogram_count": true, "histogram_sum": true, "histogram_avg": true}
)

// markStats sets StatsOnly on the selections of which only counts and sums of
// histograms are asked for. Within a subquery resets are found among its own
// results, which takes the buckets.
func markStats(n Node, stats, buckets bool) {
	switch n := n.(type) {
	case *Select:
		n.StatsOnly = stats && !buckets
	case *Subquery:
		markStats(n.Expr, stats, true)
	case *Unary:
		markStats(n.Expr, stats, buckets)
	case *Binary:
		buckets = buckets || isTrim(n.Op)
		markStats(n.LHS, stats, buckets)
		markStats(n.RHS, stats, buckets)
	case *Aggregate:
		if n.Param != nil {
			markStats(n.Param, stats, buckets)
		}
		markStats(n.Expr, stats, buckets)
	case *Call:
		for _, a := range n.Args {
			if a != nil {
				markStats(a, stats || statsFuncs[n.Func.Name], buckets || bucketFuncs[n.Func.Name])
			}
		}
	}
}
