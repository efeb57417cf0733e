package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"tidemark/bench/accuracy/score"
	"tidemark/query"
	"tidemark/storage/model"
)

// cause is what truth.json says of a case.
type cause struct {
	Service string
	Group   string
	Target  struct {
		Node, Metric, Agg string
		Timestamp         float64
	}
}

// stretch prints (from, to] in milliseconds as the option baseline reads it.
func stretch(from, to int64) string {
	return fmt.Sprintf("%g/%g", float64(from)/1000, float64(to)/1000)
}

// ranked is the rank order of an answer's series by one label or two.
func ranked(r *query.Result, labels ...string) []string {
	var out []string
	for _, s := range r.Series {
		var parts []string
		for _, l := range labels {
			parts = append(parts, s.Labels.Get(l))
		}
		out = append(out, strings.Join(parts, "_"))
	}
	return out
}

// runSockShop ranks the signals of every case of Sock Shop. As published, the
// columns lat_50 and lat_99 are not used and carts-db counts as carts.
func runSockShop(ctx context.Context, s *session) ([]line, error) {
	const others = "BARO .99"
	var truth map[string]cause
	if err := readJSON(filepath.Join(s.folder, "truth.json"), &truth); err != nil {
		return nil, err
	}
	pred := map[string][]string{}
	var cases []score.RankedCase
	for i, name := range sorted(truth) {
		id := strconv.Itoa(i) // a case's folder is its answer
		var spans [2][2]int64
		for k, file := range []string{"normal.csv", "anomalous.csv"} {
			var err error
			if spans[k], err = s.writeSignals(ctx, id, filepath.Join(s.folder, name, file)); err != nil {
				return nil, err
			}
		}
		normal, bad := spans[0], spans[1]
		r, err := s.ask(ctx, bad[1], rankQuery, id, span(bad[1]-bad[0]), stretch(normal[0], normal[1]))
		if unavailable(err) {
			return []line{notAvailable("Avg@5", others, ".99")}, nil
		}
		if err != nil {
			return nil, err
		}
		pred[name] = ranked(r, "service", "metric")
		cases = append(cases, score.RankedCase{Service: truth[name].Service, Found: pred[name]})
	}
	ac := score.Ranked(cases)
	return []line{
		figure("Avg@5", (ac[0]+ac[1]+ac[2]+ac[3]+ac[4])/5, others, ".99"),
		{"AC@1, AC@3", fmt.Sprintf("%.3f, %.3f", ac[0], ac[2]), "", ""},
	}, s.save("pred.json", pred)
}

// writeSignals stores a table of signals, a column service_metric each, and
// returns the stretch (from, to] of its rows.
func (s *session) writeSignals(ctx context.Context, id, path string) (at [2]int64, err error) {
	rows, err := readCSV(path)
	if err != nil {
		return at, err
	}
	head, rows := rows[0], rows[1:]
	clock := column(head, "time", "timestamp")
	if clock < 0 || len(rows) < 2 {
		return at, fmt.Errorf("%s: %d rows of %q, want two with a column time", path, len(rows), head)
	}
	times := make([]int64, len(rows))
	for i, r := range rows {
		if times[i], err = parseTime(r[clock]); err != nil {
			return at, fmt.Errorf("%s: row %d: %w", path, i+1, err)
		}
	}
	taken := map[string]int{}
	for c, h := range head {
		if c == clock || strings.HasSuffix(h, "_lat_50") || strings.HasSuffix(h, "_lat_99") {
			continue
		}
		service, metric := h, ""
		for _, m := range []string{"_lat_90", "_lat", "_cpu", "_mem", "_lod", "_latency", "_workload", "_load", "_error"} {
			if strings.HasSuffix(h, m) {
				service, metric = h[:len(h)-len(m)], m[1:]
				break
			}
		}
		if metric == "" {
			continue
		}
		if service == "carts-db" {
			service = "carts"
		}
		taken[service+"_"+metric]++
		values := make([]float64, len(rows))
		for i, r := range rows {
			if values[i], err = strconv.ParseFloat(r[c], 64); err != nil {
				values[i] = math.NaN()
			}
		}
		ls := model.FromStrings("case", id, "service", service, "metric", metric, "nr", strconv.Itoa(taken[service+"_"+metric]))
		if err := s.write(ctx, "value", ls, times, values); err != nil {
			return at, err
		}
	}
	return [2]int64{times[0] - (times[1] - times[0]), times[len(times)-1]}, nil
}

// runPetShop ranks the nodes of every case of PetShop.
func runPetShop(ctx context.Context, s *session) ([]line, error) {
	const others = "best published .654/.827 (52 issues)"
	var truth map[string]cause
	if err := readJSON(filepath.Join(s.folder, "truth.json"), &truth); err != nil {
		return nil, err
	}
	pred := map[string][]string{}
	var cases []score.RankedCase
	for i, name := range sorted(truth) {
		t := truth[name]
		id := strconv.Itoa(i)
		scenario, _, _ := strings.Cut(name, "/")
		var spans [2][2]int64
		for k, dir := range []string{filepath.Join(scenario, "noissue"), name} {
			var err error
			if spans[k], err = s.writeNodes(ctx, id, filepath.Join(s.folder, dir, "metrics.csv")); err != nil {
				return nil, err
			}
		}
		at := spans[1][1]
		if err := s.writeEdges(ctx, id, at, filepath.Join(s.folder, scenario, "graph.csv")); err != nil {
			return nil, err
		}
		w := span(at - int64(t.Target.Timestamp*1000))
		r, err := s.ask(ctx, at, causeQuery, id, t.Target.Node, t.Target.Metric, t.Target.Agg, w, id, w, id, stretch(spans[0][0], spans[0][1]))
		if unavailable(err) {
			return []line{notAvailable("AC@1/AC@3", others, ".77/.92")}, nil
		}
		if err != nil {
			return nil, err
		}
		pred[name] = ranked(r, "service")
		cases = append(cases, score.RankedCase{Service: t.Service, Found: pred[name], Plain: true})
	}
	ac := score.Ranked(cases)
	return []line{{"AC@1/AC@3", fmt.Sprintf("%.3f/%.3f", ac[0], ac[2]), others, ".77/.92"}}, s.save("pred.json", pred)
}

// writeNodes stores a table whose first three rows are service, metric and
// statistic. Its times are the beginnings of the stretches that the values are
// about; a store has them at the ends.
func (s *session) writeNodes(ctx context.Context, id, path string) (at [2]int64, err error) {
	rows, err := readCSV(path)
	if err != nil {
		return at, err
	}
	if len(rows) < 5 {
		return at, fmt.Errorf("%s: %d rows, want three of header and two of values", path, len(rows))
	}
	head, rows := rows[:3], rows[3:]
	if _, err := parseTime(rows[0][0]); err != nil {
		rows = rows[1:] // names the index
	}
	times := make([]int64, len(rows))
	for i, r := range rows {
		if times[i], err = parseTime(r[0]); err != nil {
			return at, fmt.Errorf("%s: row %d: %w", path, i+1, err)
		}
	}
	width := times[1] - times[0]
	for i := range times {
		times[i] += width
	}
	for c := 1; c < len(head[0]); c++ {
		values := make([]float64, len(rows))
		for i, r := range rows {
			if values[i], err = strconv.ParseFloat(r[c], 64); err != nil {
				values[i] = math.NaN()
			}
		}
		ls := model.FromStrings("case", id, "service", head[0][c], "metric", head[1][c], "stat", head[2][c])
		if err := s.write(ctx, "value", ls, times, values); err != nil {
			return at, err
		}
	}
	return [2]int64{times[0] - (times[1] - times[0]), times[len(times)-1]}, nil
}

// writeEdges stores an adjacency matrix: who (row) calls whom (column).
func (s *session) writeEdges(ctx context.Context, id string, at int64, path string) error {
	rows, err := readCSV(path)
	if err != nil {
		return err
	}
	for _, r := range rows[1:] {
		for c := 1; c < len(r); c++ {
			if v, err := strconv.ParseFloat(r[c], 64); err == nil && v != 0 {
				if err := s.write(ctx, "edge", model.FromStrings("graph", id, "from", r[0], "to", rows[0][c]), []int64{at}, []float64{v}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// runRS asks which attributes explain a fall of a success ratio.
func runRS(ctx context.Context, s *session) ([]line, error) {
	var truth map[string][]string
	if err := readJSON(filepath.Join(s.folder, "truth.json"), &truth); err != nil {
		return nil, err
	}
	var faults map[string]float64
	if err := readJSON(filepath.Join(s.folder, "timestamps.json"), &faults); err != nil {
		return nil, err
	}
	pred := map[string][]string{}
	for i, name := range sorted(truth) {
		id := strconv.Itoa(i)
		path := filepath.Join(s.folder, name+".csv")
		first, err := s.writeAttributes(ctx, id, path)
		if errors.Is(err, fs.ErrNotExist) {
			delete(truth, name) // part of the cases only
			continue
		}
		if err != nil {
			return nil, err
		}
		at := int64(faults[name] * 1000)
		r, err := s.ask(ctx, at, attributesQuery, id, id, stretch(first-60_000, at-60_000))
		if unavailable(err) {
			return []line{notAvailable("set F1", "none", ".8")}, nil
		}
		if err != nil {
			return nil, err
		}
		for _, sr := range r.Series {
			var parts []string
			for _, l := range sr.Labels {
				if l.Name != "case" && l.Name != "rank" {
					parts = append(parts, l.Name+"="+l.Value)
				}
			}
			pred[name] = append(pred[name], strings.Join(parts, "&"))
		}
	}
	return []line{figure("set F1", score.Sets(truth, pred), "none", ".8")}, s.save("pred.json", pred)
}

// writeAttributes stores a table of minutes, counts and attributes as the
// metrics failed and total, and returns its first minute.
func (s *session) writeAttributes(ctx context.Context, id, path string) (first int64, err error) {
	rows, err := readCSV(path)
	if err != nil {
		return 0, err
	}
	head := rows[0]
	clock, failed, total := column(head, "min"), column(head, "value"), column(head, "cnt")
	if min(clock, failed, total) < 0 {
		return 0, fmt.Errorf("%s: columns %q, want min, value and cnt among them", path, head)
	}
	type cell struct {
		labels model.Labels
		times  []int64
		values [2][]float64
	}
	cells := map[string]*cell{}
	first = math.MaxInt64
	for i, r := range rows[1:] {
		t, err := parseTime(r[clock])
		if err != nil {
			return 0, fmt.Errorf("%s: row %d: %w", path, i+1, err)
		}
		first = min(first, t)
		var key []string
		for c, v := range r {
			if c != clock && c != failed && c != total {
				key = append(key, head[c], v)
			}
		}
		k := strings.Join(key, "\xff")
		cl := cells[k]
		if cl == nil {
			cl = &cell{labels: model.FromStrings(append(key, "case", id)...)}
			cells[k] = cl
		}
		// Rows of one minute with the same attributes add up.
		at := slices.Index(cl.times, t)
		if at < 0 {
			at = len(cl.times)
			cl.times = append(cl.times, t)
			cl.values[0], cl.values[1] = append(cl.values[0], 0), append(cl.values[1], 0)
		}
		for m, c := range []int{failed, total} {
			v, err := strconv.ParseFloat(r[c], 64)
			if err != nil {
				return 0, fmt.Errorf("%s: row %d: %q: want a number", path, i+1, r[c])
			}
			cl.values[m][at] += v
		}
	}
	for _, k := range sorted(cells) {
		for m, metric := range []string{"failed", "total"} {
			if err := s.write(ctx, metric, cells[k].labels, cells[k].times, cells[k].values[m]); err != nil {
				return 0, err
			}
		}
	}
	return first, nil
}
