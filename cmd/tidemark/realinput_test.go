package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// sharedData is where labelled real data sets lie, beside the checkout.
const sharedData = "../../../shared/data"

// A batch is one request of the real-input test: what is sent, and what the
// store must hold once it is acknowledged.
type batch struct {
	key     string
	body    []byte
	samples []sample
	rows    []row
}

type sample struct {
	file  string
	ms    int64
	value float64
}

type row struct {
	system string
	ns     int64
	line   string
}

// lineProtocolString quotes a string field.
var lineProtocolString = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// gunzipped reads a whole .gz file.
func gunzipped(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// cloudwatchBatches reads the NAB CloudWatch files, a batch per 500 points.
// Some files hold a timestamp twice: both points are sent.
func cloudwatchBatches(t *testing.T) []batch {
	t.Helper()
	paths, _ := filepath.Glob(filepath.Join(sharedData, "nab/data/realAWSCloudwatch/*.csv.gz"))
	var out []batch
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".csv.gz")
		records, err := csv.NewReader(bytes.NewReader(gunzipped(t, path))).ReadAll()
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for chunk := range slices.Chunk(records[1:], 500) {
			b := batch{key: fmt.Sprintf("%s-%d", name, len(out))}
			for _, rec := range chunk {
				at, err := time.Parse(time.DateTime, rec[0])
				if err != nil {
					t.Fatalf("%s: %v", path, err)
				}
				v, err := strconv.ParseFloat(rec[1], 64)
				if err != nil {
					t.Fatalf("%s: %v", path, err)
				}
				b.body = fmt.Appendf(b.body, "cloudwatch,file=%s value=%s %d\n", name, rec[1], at.UnixNano())
				b.samples = append(b.samples, sample{name, at.UnixMilli(), v})
			}
			out = append(out, b)
		}
	}
	return out
}

// loghubBatches reads the loghub lines, a batch per 250. Lines come four to
// the second with equal times, so that equal (stream, time) and equal (stream,
// time, line) both occur.
func loghubBatches(t *testing.T, start time.Time) []batch {
	t.Helper()
	paths, _ := filepath.Glob(filepath.Join(sharedData, "loghub2k/raw/*.log.gz"))
	var out []batch
	for _, path := range paths {
		system := strings.TrimSuffix(filepath.Base(path), ".log.gz")
		var lines []string
		sc := bufio.NewScanner(bytes.NewReader(gunzipped(t, path)))
		sc.Buffer(nil, 1<<20)
		for sc.Scan() {
			if l := strings.TrimSuffix(sc.Text(), "\r"); l != "" {
				lines = append(lines, l)
			}
		}
		for i, line := range lines {
			if i%250 == 0 {
				out = append(out, batch{key: fmt.Sprintf("%s-%d", system, i)})
			}
			b := &out[len(out)-1]
			at := start.Add(time.Duration(i/4) * time.Second)
			for range 1 + i%50/49 { // every fiftieth line is said twice
				b.body = fmt.Appendf(b.body, "loghub,system=%s message=\"%s\" %d\n", system, lineProtocolString.Replace(line), at.UnixNano())
				b.rows = append(b.rows, row{system, at.UnixNano(), line})
			}
		}
	}
	return out
}

// post sends a batch; ok says whether it was acknowledged.
func post(base string, b batch) (ok bool, err error) {
	req, err := http.NewRequest(http.MethodPost, base+"/api/v2/write?precision=ns", bytes.NewReader(b.body))
	if err != nil {
		return false, err
	}
	req.Header.Set("Idempotency-Key", b.key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false, nil // the server is gone: not acknowledged
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusNoContent {
		return false, fmt.Errorf("write: status %d: %s", resp.StatusCode, body)
	}
	return true, nil
}

// getJSON asks an endpoint and decodes its answer.
func getJSON(t *testing.T, into any, base, path string, params ...string) {
	t.Helper()
	q := url.Values{}
	for i := 0; i < len(params); i += 2 {
		q.Add(params[i], params[i+1])
	}
	resp, err := http.Get(base + path + "?" + q.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s?%s: status %d: %s", path, q.Encode(), resp.StatusCode, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatalf("%s: %v: %.300s", path, err, body)
	}
}

// matrix is the answer of a Prometheus query, instant or range.
type matrix struct {
	Status string
	Data   struct {
		ResultType string
		Result     []struct {
			Metric map[string]string
			Value  [2]any
			Values [][2]any
		}
	}
	Warnings []string
}

func number(t *testing.T, v any) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(fmt.Sprint(v), 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestRealInputSurvivesKill writes real metrics and logs over HTTP, kills the
// server in the middle with SIGKILL, restarts it, writes the rest and compares
// everything the store holds with everything that was acknowledged.
func TestRealInputSurvivesKill(t *testing.T) {
	if _, err := os.Stat(filepath.Join(sharedData, "nab")); errors.Is(err, os.ErrNotExist) {
		t.Skipf("the data sets are not in %s", sharedData)
	}
	dir := t.TempDir()
	logStart := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	metrics, logs := cloudwatchBatches(t), loghubBatches(t, logStart)
	if len(metrics) == 0 || len(logs) == 0 {
		t.Fatalf("%d batches of metrics, %d of logs: want some of both", len(metrics), len(logs))
	}
	var batches []batch // metrics and logs in turn
	for i := range max(len(metrics), len(logs)) {
		if i < len(metrics) {
			batches = append(batches, metrics[i])
		}
		if i < len(logs) {
			batches = append(batches, logs[i])
		}
	}

	// Four writers; SIGKILL comes while they write.
	srv := start(t, dir, "--no-self")
	work, refused := make(chan batch, len(batches)), make(chan batch, len(batches))
	half := len(batches) / 2
	for _, b := range batches[:half] {
		work <- b
	}
	close(work)
	acknowledged := make(chan struct{}, len(batches))
	done := make(chan error, 4)
	for range 4 {
		go func() {
			for b := range work {
				ok, err := post(srv.url, b)
				if err != nil {
					done <- err
					return
				}
				if ok {
					acknowledged <- struct{}{}
				} else {
					refused <- b
				}
			}
			done <- nil
		}()
	}
	for range half * 2 / 3 {
		<-acknowledged
	}
	srv.kill()
	for range 4 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	close(refused)
	t.Logf("%d of %d batches acknowledged before SIGKILL, %d were not", half-len(refused), half, len(refused))

	// What was in flight is sent again under its key, then the rest.
	srv = start(t, dir, "--no-self")
	rest := batches[half:]
	for b := range refused {
		rest = append(rest, b)
	}
	for _, b := range rest {
		if ok, err := post(srv.url, b); err != nil || !ok {
			t.Fatalf("batch %s after the restart: acknowledged %v, %v", b.key, ok, err)
		}
	}
	// A whole retry of an acknowledged batch changes nothing.
	if ok, err := post(srv.url, batches[1]); err != nil || !ok {
		t.Fatalf("retry of an acknowledged batch: acknowledged %v, %v", ok, err)
	}

	checkCloudwatch(t, srv.url, metrics)
	checkLoghub(t, srv.url, logs)
	askAboutRealInput(t, srv.url, logs, logStart)
	srv.stop()

	// Everything is there after a clean stop, too.
	srv = start(t, dir, "--no-self")
	checkCloudwatch(t, srv.url, metrics)
	checkLoghub(t, srv.url, logs)
}

// checkCloudwatch compares every (series, time) with the last value sent:
// batches of one file are in order, and so is the file.
func checkCloudwatch(t *testing.T, base string, batches []batch) {
	t.Helper()
	want := map[string]map[int64]float64{}
	for _, b := range batches {
		for _, s := range b.samples {
			if want[s.file] == nil {
				want[s.file] = map[int64]float64{}
			}
			want[s.file][s.ms] = s.value
		}
	}
	var names struct{ Data []string }
	getJSON(t, &names, base, "/api/v1/label/__name__/values", "start", "0", "end", "4000000000")
	if !slices.Equal(names.Data, []string{"cloudwatch"}) {
		t.Errorf("metric names: got %q, want cloudwatch alone", names.Data)
	}
	var got matrix
	getJSON(t, &got, base, "/api/v1/query", "query", "cloudwatch[10000d]", "time", "2026-04-01T00:00:00Z")
	if len(got.Data.Result) != len(want) {
		t.Errorf("series: got %d, want %d", len(got.Data.Result), len(want))
	}
	for _, s := range got.Data.Result {
		file := s.Metric["file"]
		left := maps.Clone(want[file])
		for _, p := range s.Values {
			ms := int64(math.Round(number(t, p[0]) * 1000))
			if v, ok := left[ms]; !ok || v != number(t, p[1]) {
				t.Errorf("%s at %d: got %v, want %v (sent: %v)", file, ms, p[1], v, ok)
			}
			delete(left, ms)
		}
		if len(left) > 0 {
			t.Errorf("%s: %d of %d points are missing", file, len(left), len(want[file]))
		}
	}
}

// checkLoghub compares every log row, as often as it was sent.
func checkLoghub(t *testing.T, base string, batches []batch) {
	t.Helper()
	want := map[row]int{}
	systems := map[string]int{}
	for _, b := range batches {
		for _, r := range b.rows {
			want[r]++
			systems[r.system]++
		}
	}
	total := 0
	for system, n := range systems {
		var got struct {
			Data struct {
				Result []struct {
					Stream map[string]string
					Values [][2]string
				}
			}
		}
		getJSON(t, &got, base, "/loki/api/v1/query_range", "query", fmt.Sprintf(`{system=%q}`, system),
			"start", "2026-02-01T00:00:00Z", "end", "2026-04-01T00:00:00Z", "limit", "5000", "direction", "forward")
		rows := 0
		for _, s := range got.Data.Result {
			for _, v := range s.Values {
				ns, err := strconv.ParseInt(v[0], 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				want[row{s.Stream["system"], ns, v[1]}]--
				rows++
			}
		}
		if rows != n {
			t.Errorf("%s: got %d rows, want %d", system, rows, n)
		}
		total += rows
	}
	bad := 0
	for r, n := range want {
		if n != 0 {
			if bad++; bad <= 3 {
				t.Errorf("row %+v: %+d times missing", r, n)
			}
		}
	}
	if bad > 3 {
		t.Errorf("and %d rows more", bad-3)
	}
	var all matrix
	getJSON(t, &all, base, "/loki/api/v1/query", "query", `sum(count_over_time({measurement=~".+"}[90d]))`, "time", "2026-04-01T00:00:00Z")
	if len(all.Data.Result) != 1 || number(t, all.Data.Result[0].Value[1]) != float64(total) {
		t.Errorf("all rows: got %+v, want %d", all.Data.Result, total)
	}
}

// askAboutRealInput asks for a score, a forecast and a count.
func askAboutRealInput(t *testing.T, base string, logs []batch, logStart time.Time) {
	t.Helper()

	// The two labelled windows of this file hold its highest scores.
	const file = "ec2_cpu_utilization_53ea38"
	var labels map[string][][2]string
	raw, err := os.ReadFile(filepath.Join(sharedData, "nab/labels/combined_windows.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &labels); err != nil {
		t.Fatal(err)
	}
	var scores matrix
	getJSON(t, &scores, base, "/api/v1/query_range", "query", fmt.Sprintf(`anomaly_score(cloudwatch{file=%q}[2w])`, file),
		"start", "2014-02-18T00:00:00Z", "end", "2014-02-28T14:00:00Z", "step", "5m")
	if len(scores.Data.Result) != 1 {
		t.Fatalf("anomaly_score: got %d series, want 1 (warnings %q)", len(scores.Data.Result), scores.Warnings)
	}
	var inside float64
	outside, beyond := 0, 0
	for _, p := range scores.Data.Result[0].Values {
		at, score := time.UnixMilli(int64(number(t, p[0])*1000)).UTC(), math.Abs(number(t, p[1]))
		in := false
		for _, w := range labels["realAWSCloudwatch/"+file+".csv"] {
			from, _ := time.Parse("2006-01-02 15:04:05.000000", w[0])
			to, _ := time.Parse("2006-01-02 15:04:05.000000", w[1])
			in = in || !at.Before(from) && !at.After(to)
		}
		switch {
		case in:
			inside = max(inside, score)
		default:
			outside++
			if score > 1 {
				beyond++
			}
		}
	}
	t.Logf("anomaly_score: highest in the labelled windows %.1f; outside, %d of %d points beyond 1", inside, beyond, outside)
	if inside <= 1 || beyond*10 > outside {
		t.Errorf("anomaly_score: highest in the labelled windows %.2f, want beyond 1; outside %d of %d points beyond 1, want few", inside, beyond, outside)
	}

	// The load balancer's requests for the next day stay within what was seen.
	var fc matrix
	getJSON(t, &fc, base, "/api/v1/query", "query", `forecast(cloudwatch{file="elb_request_count_8c0756"}[2w], h="1d")`, "time", "2014-04-24T00:00:00Z")
	if len(fc.Data.Result) != 3 || fc.Data.ResultType != "matrix" {
		t.Fatalf("forecast: got %d series of type %s, want the quantiles 0.1, 0.5 and 0.9 as a matrix (warnings %q)", len(fc.Data.Result), fc.Data.ResultType, fc.Warnings)
	}
	origin := float64(time.Date(2014, 4, 24, 0, 0, 0, 0, time.UTC).Unix())
	for _, s := range fc.Data.Result {
		for _, p := range s.Values {
			if number(t, p[0]) <= origin || math.IsNaN(number(t, p[1])) {
				t.Fatalf("forecast %v: point %v: want a number after the origin %v", s.Metric, p, origin)
			}
			if s.Metric["q"] == "0.5" && (number(t, p[1]) < 0 || number(t, p[1]) > 700) {
				t.Errorf("forecast %v: point %v: want within what was seen, 0 to 656", s.Metric, p)
			}
		}
	}

	// Error lines, counted by the store and by hand.
	want := 0
	for _, b := range logs {
		for _, r := range b.rows {
			if r.system == "Hadoop" && strings.Contains(r.line, "ERROR") {
				want++
			}
		}
	}
	var count matrix
	getJSON(t, &count, base, "/loki/api/v1/query", "query", `sum(count_over_time({system="Hadoop"} |= "ERROR" [1d]))`,
		"time", logStart.Add(24*time.Hour-time.Second).Format(time.RFC3339))
	if want == 0 || len(count.Data.Result) != 1 || number(t, count.Data.Result[0].Value[1]) != float64(want) {
		t.Errorf("error lines: got %+v, want %d", count.Data.Result, want)
	}
}
