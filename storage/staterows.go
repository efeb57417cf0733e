package storage

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"tidemark/storage/chunk"
	"tidemark/storage/head"
	"tidemark/storage/keys"
	"tidemark/storage/model"
	"tidemark/storage/postings"
)

// stateText is one value of a state column.
type stateText struct {
	time  int64
	order uint64
	field string
	text  string
}

// stateSet is the state columns of a label set under one measurement.
type stateSet struct {
	labels model.Labels // with measurement
	texts  []stateText
}

// stateRows adds the state columns of a partition as rows: for each label set
// and measurement one row per time, with the last written text of each field.
func (s *rowScan) stateRows(p keys.Partition, onDisk bool, mint, maxt int64, add func(memoryRows)) error {
	sets := make(map[string]*stateSet)
	put := func(ls model.Labels, measurement string, ts []stateText) {
		if len(ts) == 0 {
			return
		}
		ls = ls.With(model.MeasurementLabel, measurement)
		key := ls.Key()
		st := sets[key]
		if st == nil {
			st = &stateSet{labels: ls}
			sets[key] = st
		}
		st.texts = append(st.texts, ts...)
	}
	if onDisk {
		if err := s.diskStates(p, mint, maxt, put); err != nil {
			return err
		}
	}
	for i, h := range s.v.heads {
		if h.Empty() {
			continue
		}
		if err := s.headStates(h, uint64(i+1)<<62, mint, maxt, put); err != nil {
			return err
		}
	}
	order := make([]string, 0, len(sets))
	for key := range sets {
		order = append(order, key)
	}
	slices.Sort(order)
	for _, key := range order {
		st := sets[key]
		d := s.stateData(st)
		if len(d.times) > 0 {
			add(memoryRows{labels: st.labels, key: key, mint: d.times[0], maxt: d.times[len(d.times)-1], read: func() (*rowData, error) { return d, nil }})
		}
	}
	return nil
}

// stateData returns the rows of a state that satisfy the filter.
func (s *rowScan) stateData(st *stateSet) *rowData {
	if s.filter.keepsAll() {
		return st.rows(s.sel)
	}
	d := st.rows(model.RowSelection{AllFields: true})
	d, undecided := s.filter.rows(st.labels, d, &s.sel)
	s.undecided = s.undecided || undecided
	return d
}

// rows turns texts into rows.
func (st *stateSet) rows(sel model.RowSelection) *rowData {
	slices.SortStableFunc(st.texts, func(a, b stateText) int {
		if a.time != b.time {
			return cmp.Compare(a.time, b.time)
		}
		if a.field != b.field {
			return cmp.Compare(a.field, b.field)
		}
		return cmp.Compare(a.order, b.order)
	})
	d := &rowData{columns: make(map[string][]model.Value)}
	var line strings.Builder
	type cell struct {
		row  int
		text string
	}
	cells := make(map[string][]cell)
	for i := 0; i < len(st.texts); {
		row := len(d.times)
		d.times = append(d.times, st.texts[i].time)
		line.Reset()
		for t := st.texts[i].time; i < len(st.texts) && st.texts[i].time == t; i++ {
			x := &st.texts[i]
			if i+1 < len(st.texts) && st.texts[i+1].time == t && st.texts[i+1].field == x.field {
				continue // a later one follows
			}
			if line.Len() > 0 {
				line.WriteByte(' ')
			}
			line.WriteString(x.field)
			line.WriteByte('=')
			line.WriteString(strconv.Quote(x.text))
			if sel.AllFields || slices.Contains(sel.Fields, x.field) {
				cells[x.field] = append(cells[x.field], cell{row, x.text})
			}
		}
		if !sel.NoLine {
			d.lines = append(d.lines, line.String())
		}
	}
	for field, cs := range cells {
		vals := make([]model.Value, len(d.times))
		for _, c := range cs {
			vals[c.row] = model.Text(c.text)
		}
		d.columns[field] = vals
	}
	return d
}

func (s *rowScan) diskStates(p keys.Partition, mint, maxt int64, put func(model.Labels, string, []stateText)) (err error) {
	x := diskIndex{s.v.snap, p}
	type state struct {
		metric uint32
		name   string
		info   keys.NameInfo
		sets   *postings.Set
	}
	var states []state
	sel, err := postings.Select(s.ctx, x, s.setMs)
	if err != nil || sel.Empty() {
		return err
	}
	lo, hi := p.AllStateSets()
	err = x.scan(lo, hi, func(it *pebble.Iterator) error {
		id, err := p.ReadStateSets(it.Key())
		if err != nil {
			return corrupt("state sets", err)
		}
		have, err := setAt(it, "state sets")
		if err != nil {
			return err
		}
		if !have.Intersects(sel) {
			return nil
		}
		name, info, err := s.v.metricByID(id)
		if err != nil {
			return err
		}
		if matchesAll(s.stateMs, info.Measurement) {
			states = append(states, state{id, name, info, postings.And(have, sel)})
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(states) == 0 {
		return nil
	}
	iter, err := s.v.snap.NewIter(nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, iter.Close()) }()
	var col chunk.Column
	for _, st := range states {
		for _, set := range st.sets.IDs() {
			var texts []stateText
			ls, err := s.v.labelsOf(p, set)
			if err != nil {
				return err
			}
			ds := metricDeletions(s.v.tombstones, st.name, ls.labels)
			err = s.v.chunks(s.ctx, iter, p, st.metric, set, mint, maxt, &col, func(c *chunk.Column, pos uint64) {
				if c.Type != model.TypeText {
					return
				}
				for i, t := range c.Times {
					if t >= mint && t <= maxt && !ds.hide(t, pos) {
						texts = append(texts, stateText{t, pos, st.info.Field, c.Texts[i]})
					}
				}
			})
			if err != nil {
				return err
			}
			put(ls.labels, st.info.Measurement, texts)
		}
	}
	return nil
}

func (s *rowScan) headStates(h *head.Snapshot, order uint64, mint, maxt int64, put func(model.Labels, string, []stateText)) error {
	sel, err := h.Select(s.ctx, s.setMs)
	if err != nil {
		return err
	}
	for _, st := range postings.And(sel, h.All(head.States)).IDs() {
		cols := make(map[string]model.Column)
		h.Columns(st, func(c head.Column) {
			if c.Class == head.States && c.Mint <= maxt && c.Maxt >= mint && matchesAll(s.stateMs, c.Measurement) {
				if _, ok := cols[c.Name]; !ok {
					cols[c.Name] = c.Column
				}
			}
		})
		for name, c := range cols {
			samples, err := h.Samples(s.ctx, st, head.States, name, mint, maxt, nil)
			if err != nil {
				return err
			}
			samples = headMetricDeletions(s.v.headTombstones[h], name, h.Labels(st)).keepSamples(samples)
			texts := make([]stateText, len(samples))
			for i, sm := range samples {
				texts[i] = stateText{sm.Time, sm.Order + order, c.Field, h.Text(sm.Bits)}
			}
			put(h.Labels(st), c.Measurement, texts)
		}
	}
	return nil
}

// metricByID returns the name of a metric id and what is known of it.
func (v *view) metricByID(id uint32) (string, keys.NameInfo, error) {
	val, c, err := v.snap.Get(keys.Metric(id))
	if err != nil {
		return "", keys.NameInfo{}, corrupt("metric id", err)
	}
	name := string(val)
	if err := c.Close(); err != nil {
		return "", keys.NameInfo{}, err
	}
	info, ok, err := readName(v.snap, name)
	if err == nil && !ok {
		err = pebble.ErrNotFound
	}
	return name, info, corrupt("metric name "+name, err)
}
