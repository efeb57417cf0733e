package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"tidemark/bench/accuracy/score"
	"tidemark/storage/model"
)

// competition is one group of a forecasting competition's series.
type competition struct {
	file string
	// interval is the distance of its rows, in milliseconds.
	interval              int64
	owa, rest             string // published
	goalOWA, mase, spread string
}

var competitions = []competition{
	{"hourly.jsonl", int64(time.Hour / time.Millisecond), "AutoBox .664, seasonal naive .669; all 414: winners .410", "all 414: 6.14, .722", ".60 (.41)", "(.722)", "(6.1), ACD .02"},
	{"weekly.jsonl", int64(7 * 24 * time.Hour / time.Millisecond), "AutoBox .861; all 359: winners .739", "all 359: 16.2, 1.990", ".77 (.74)", "(1.990)", "(16), ACD .02"},
}

// interval is what the benchmark writes for one forecast.
type interval struct {
	Mean []float64 `json:"mean"`
	Lo   []float64 `json:"lo"`
	Hi   []float64 `json:"hi"`
}

func runM4(ctx context.Context, s *session) ([]line, error) {
	var lines []line
	pred := map[string]interval{}
	for _, c := range competitions {
		f, err := open(filepath.Join(s.folder, c.file))
		if err != nil {
			continue
		}
		var all []score.Forecasted
		for d := json.NewDecoder(f); ; {
			var sr struct {
				ID          string
				M           int
				Train, Test []float64
			}
			if err := d.Decode(&sr); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				f.Close()
				return nil, fmt.Errorf("%s: %w", c.file, err)
			}
			p, err := s.forecast(ctx, sr.ID, sr.Train, len(sr.Test), c.interval)
			if err != nil {
				f.Close()
				return nil, err
			}
			pred[sr.ID] = p
			all = append(all, score.Forecasted{Period: sr.M, Train: sr.Train, Test: sr.Test, Mean: p.Mean, Lo: p.Lo, Hi: p.Hi})
		}
		f.Close()
		v := score.Forecasts(all)
		name := c.file[:len(c.file)-len(".jsonl")]
		lines = append(lines,
			figure(name+" OWA", v.OWA, c.owa, c.goalOWA),
			figure(name+" MASE", v.MASE, "", c.mase),
			line{name + " MSIS, ACD", fmt.Sprintf("%.4g, %.4f", v.MSIS, v.ACD), c.rest, c.spread})
	}
	return lines, s.save("pred.json", pred)
}

// forecast writes a series, whose last row is at a multiple of the interval,
// and asks for what follows. Where there is no answer (too short a history)
// the last value stands in.
func (s *session) forecast(ctx context.Context, id string, train []float64, h int, step int64) (interval, error) {
	origin := (firstRow/step + 1) * step
	times := make([]int64, len(train))
	for i := range times {
		times[i] = origin - int64(len(train)-1-i)*step
	}
	var p interval
	if err := s.write(ctx, "value", model.FromStrings("series", id), times, train); err != nil {
		return p, err
	}
	r, err := s.ask(ctx, origin, forecastQuery, id, span(int64(len(train))*step), span(int64(h)*step), span(step))
	if err != nil {
		return p, err
	}
	by := map[string][]float64{}
	for _, sr := range r.Series {
		for _, pt := range sr.Points {
			q := sr.Labels.Get("q")
			by[q] = append(by[q], pt.V)
		}
	}
	p = interval{Mean: by["0.5"], Lo: by["0.025"], Hi: by["0.975"]}
	for _, v := range []*[]float64{&p.Mean, &p.Lo, &p.Hi} {
		if n := len(*v); n != 0 && n != h {
			return p, fmt.Errorf("%s: %d forecasts, want %d", id, n, h)
		}
		for len(*v) < h {
			*v = append(*v, train[len(train)-1])
		}
	}
	return p, nil
}
