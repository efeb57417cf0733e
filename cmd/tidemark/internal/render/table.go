package render

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"tidemark/query"
	"tidemark/storage/model"
)

// table prints aligned columns: one per label that any series has, then time
// and value. Log rows are printed as lines of time, labels and text.
func table(b *strings.Builder, r *query.Result) {
	switch r.Kind {
	case query.KindScalar:
		if len(r.Points) == 1 {
			fmt.Fprintln(b, number(r.Points[0].V))
			return
		}
		rows := [][]string{{"TIME", "VALUE"}}
		for _, p := range r.Points {
			rows = append(rows, []string{milli(p.T), number(p.V)})
		}
		align(b, rows, 1)
	case query.KindString:
		fmt.Fprintln(b, visible(r.Text))
	case query.KindStreams:
		streamTable(b, r.Streams)
	default:
		seriesTable(b, r.Series)
	}
	if Empty(r) {
		b.WriteString("no data\n")
	}
}

// Empty reports whether an answer holds nothing.
func Empty(r *query.Result) bool {
	switch r.Kind {
	case query.KindVector, query.KindMatrix:
		return len(r.Series) == 0
	case query.KindStreams:
		return len(r.Streams) == 0
	case query.KindScalar:
		return len(r.Points) == 0
	}
	return false
}

// labelNames returns the names that any of the label sets has: the metric's
// name first, the others sorted.
func labelNames(sets func(yield func(model.Labels))) []string {
	seen := map[string]bool{}
	sets(func(ls model.Labels) {
		for _, l := range ls {
			seen[l.Name] = true
		}
	})
	names := make([]string, 0, len(seen))
	for n := range seen {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b string) int {
		if (a == model.MetricName) != (b == model.MetricName) {
			if a == model.MetricName {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	return names
}

func seriesLabelNames(series []query.Series) []string {
	return labelNames(func(yield func(model.Labels)) {
		for i := range series {
			yield(series[i].Labels)
		}
	})
}

func seriesTable(b *strings.Builder, series []query.Series) {
	if len(series) == 0 {
		return
	}
	names := seriesLabelNames(series)
	head := make([]string, 0, len(names)+2)
	for _, n := range names {
		if n == model.MetricName {
			n = "METRIC"
		}
		head = append(head, visible(n))
	}
	rows := [][]string{append(head, "TIME", "VALUE")}
	for i := range series {
		for _, c := range moments(&series[i]) {
			row := make([]string, 0, len(head)+2)
			for _, n := range names {
				row = append(row, visible(series[i].Labels.Get(n)))
			}
			rows = append(rows, append(row, milli(c.t), c.text))
		}
	}
	align(b, rows, len(names)+1)
}

// align prints rows with columns padded to their widest cell; the column
// right is flush right, and ends each row.
func align(b *strings.Builder, rows [][]string, right int) {
	wide := make([]int, len(rows[0]))
	for _, row := range rows {
		for c, s := range row {
			wide[c] = max(wide[c], width(s))
		}
	}
	for _, row := range rows {
		for c, s := range row {
			pad := strings.Repeat(" ", wide[c]-width(s))
			if c == right {
				b.WriteString(pad)
				b.WriteString(s)
				continue
			}
			b.WriteString(s)
			b.WriteString(pad)
			b.WriteString("  ")
		}
		b.WriteByte('\n')
	}
}

// row is one log row with the labels of its stream.
type row struct {
	labels *model.Labels
	entry  *query.Entry
}

// rowsOf merges the rows of all streams into one order of time: that of the
// streams themselves, which is told by any stream with two different times.
func rowsOf(streams []query.Stream) []row {
	var rows []row
	backward, known := false, false
	for i := range streams {
		es := streams[i].Entries
		for j := range es {
			rows = append(rows, row{&streams[i].Labels, &es[j]})
		}
		if n := len(es); !known && n > 1 && es[0].T != es[n-1].T {
			backward, known = es[0].T > es[n-1].T, true
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		c := 0
		switch {
		case a.entry.T < b.entry.T:
			c = -1
		case a.entry.T > b.entry.T:
			c = 1
		}
		if backward {
			return -c
		}
		return c
	})
	return rows
}

// streamTable prints the labels that all streams share once, above the rows.
func streamTable(b *strings.Builder, streams []query.Stream) {
	if len(streams) == 0 {
		return
	}
	common := slices.Clone(streams[0].Labels)
	for i := range streams[1:] {
		ls := streams[1+i].Labels
		common = slices.DeleteFunc(common, func(l model.Label) bool { return ls.Get(l.Name) != l.Value })
	}
	if len(common) > 0 {
		b.WriteString(visible(common.String()))
		b.WriteByte('\n')
	}
	shared := make([]string, len(common))
	for i, l := range common {
		shared[i] = l.Name
	}
	for _, r := range rowsOf(streams) {
		r.print(b, shared)
	}
}

// WriteRows prints the rows of one stream as they stand in a table of several,
// each with all of its labels.
func WriteRows(w io.Writer, st *query.Stream) error {
	var b strings.Builder
	for i := range st.Entries {
		(&row{&st.Labels, &st.Entries[i]}).print(&b, nil)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// print prints a row without the labels that are shared by all.
func (r *row) print(b *strings.Builder, shared []string) {
	b.WriteString(nano(r.entry.T))
	b.WriteString("  ")
	if own := r.labels.Without(shared...); len(own) > 0 {
		b.WriteString(visible(own.String()))
		b.WriteString("  ")
	}
	b.WriteString(visible(r.entry.Line))
	for _, f := range r.entry.Fields {
		b.WriteString("  ")
		b.WriteString(visible(f.Name))
		b.WriteByte('=')
		b.WriteString(visible(f.Value.String()))
	}
	b.WriteByte('\n')
}
