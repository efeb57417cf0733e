package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"time"

	"tidemark/query"
	"tidemark/storage/model"
)

// maxExportLine bounds one line of an export.
const maxExportLine = 64 << 20

// Export reads a server's export. An answer that was cut off is an error.
func (c *client) Export(ctx context.Context, req query.ExportRequest, series func(*model.Series) error, rows func(*model.RowBlock) error) error {
	form := url.Values{"match[]": req.Match}
	if !req.Start.IsZero() {
		form.Set("start", req.Start.UTC().Format(time.RFC3339Nano))
	}
	if !req.End.IsZero() {
		form.Set("end", req.End.UTC().Format(time.RFC3339Nano))
	}
	resp, err := c.open(ctx, "/tidemark/api/v1/export?"+form.Encode())
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20)) // as far as it came
		return c.queryError(resp, body)
	}
	sc := bufio.NewScanner(resp.Body)
	sc.Buffer(make([]byte, 1<<16), maxExportLine)
	for sc.Scan() {
		var l jsonLine
		if err := json.Unmarshal(sc.Bytes(), &l); err != nil {
			return fmt.Errorf("export of %s: %w", c.base, err)
		}
		switch {
		case l.Error != "":
			return errors.New(l.Error)
		case l.End:
			if l.Histograms > 0 { // they do not come, but are counted
				return series(&model.Series{Times: make([]int64, l.Histograms), Values: make([]float64, l.Histograms), Histograms: absent(l.Histograms)})
			}
			return nil
		case l.Metric != nil:
			s, err := l.series()
			if err != nil {
				return fmt.Errorf("export of %s: %w", c.base, err)
			}
			if err := series(s); err != nil {
				return err
			}
		case l.Line != nil:
			if err := rows(l.block()); err != nil {
				return err
			}
		}
	}
	if err := sc.Err(); err != nil {
		return fmt.Errorf("export of %s: %w", c.base, err)
	}
	return fmt.Errorf("export of %s was cut off: its end is missing", c.base)
}

// absent stands for histograms that were left out.
func absent(n int64) []*model.Histogram {
	out := make([]*model.Histogram, n)
	for i := range out {
		out[i] = &model.Histogram{}
	}
	return out
}

// open begins an answer that is read as it comes.
func (c *client) open(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, bytes.NewReader(nil))
	if err != nil {
		return nil, err
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.explain(err)
	}
	if resp.StatusCode == http.StatusUnauthorized {
		resp.Body.Close()
		return nil, c.unauthorized()
	}
	return resp, nil
}

// series is the line's samples.
func (l *jsonLine) series() (*model.Series, error) {
	if len(l.Times) != len(l.Values) {
		return nil, fmt.Errorf("%d times and %d values: want as many", len(l.Times), len(l.Values))
	}
	ls := model.FromMap(l.Metric)
	s := &model.Series{Name: ls.Get(model.MetricName), Labels: ls.Without(model.MetricName), Times: l.Times,
		Values: make([]float64, len(l.Times)), Types: make([]model.Type, len(l.Times)), Exact: make([]uint64, len(l.Times))}
	for i, v := range l.Values {
		x, err := v.sample()
		if err != nil {
			return nil, err
		}
		s.Values[i], s.Types[i], s.Exact[i] = model.BitsToFloat(x.Type, x.Bits), x.Type, x.Bits
	}
	return s, nil
}

// block is the line's log row.
func (l *jsonLine) block() *model.RowBlock {
	b := &model.RowBlock{Labels: model.FromMap(l.Stream), Partition: model.TimeRange{Mint: math.MinInt64, Maxt: math.MaxInt64}, Times: []int64{l.Time}, Lines: []string{*l.Line}}
	for _, name := range sortedKeys(l.Fields) {
		b.Columns = append(b.Columns, model.RowColumn{Name: name, Values: []model.Value{model.Value(l.Fields[name])}})
	}
	return b
}
