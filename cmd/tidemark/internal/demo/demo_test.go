package demo

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"

	"tidemark/storage/model"
)

// testNow is a Friday afternoon with seconds that no tick divides.
var testNow = time.Date(2026, 11, 20, 15, 42, 37, 123, time.UTC)

func clockAt(t time.Time) func() time.Time { return func() time.Time { return t } }

// fullEstate is one fill of three weeks that several tests look at.
var fullEstate = sync.OnceValues(func() (*memStore, error) {
	s := newMemStore()
	f, err := Open(context.Background(), s, Options{Weeks: 3, LogWeeks: 1, Now: clockAt(testNow)})
	if err == nil {
		err = f.Fill(context.Background())
	}
	return s, err
})

func estate(t testing.TB) (*memStore, *timetable) {
	s, err := fullEstate()
	if err != nil {
		t.Fatal(err)
	}
	return s, newTimetable(testNow.Unix()/60, 3*minutesPerWeek)
}

// digest is the content of a store but for progress rows: the sum of the rows'
// hashes, which does not depend on their order but does on repetition, and
// their number.
func digest(s *memStore) (uint64, int) {
	var sum uint64
	var row []byte
	n := 0
	for i := range s.rows {
		r := &s.rows[i]
		if r.schema == progressSchema {
			continue
		}
		n++
		row = binary.BigEndian.AppendUint64(row[:0], uint64(r.time))
		row = append(row, r.stream.Key()...)
		for c, w := range r.words {
			row = append(row, r.schema.Columns[c].Name...)
			row = binary.BigEndian.AppendUint64(row, w)
		}
		sum += xxhash.Sum64(append(row, r.text...))
	}
	return sum, n
}

// shortHistory is minutes enough for several batches of each part.
const shortHistory = 2 * minutesPerDay

func fill(t *testing.T, s *memStore, now time.Time, seed uint64) error {
	t.Helper()
	f, err := Open(context.Background(), s, Options{Seed: seed, length: shortHistory, Now: clockAt(now)})
	if err != nil {
		t.Fatal(err)
	}
	return f.Fill(context.Background())
}

func TestSameSeedSameRecords(t *testing.T) {
	a, b, c := newMemStore(), newMemStore(), newMemStore()
	for s, seed := range map[*memStore]uint64{a: 7, b: 7, c: 8} {
		if err := fill(t, s, testNow, seed); err != nil {
			t.Fatal(err)
		}
	}
	ha, na := digest(a)
	hb, nb := digest(b)
	hc, _ := digest(c)
	if ha != hb || na != nb {
		t.Errorf("seed 7 twice: %d rows %x and %d rows %x, want equal", na, ha, nb, hb)
	}
	if ha == hc {
		t.Error("seeds 7 and 8 gave equal records")
	}
}

// A fill that ends at any batch, and a history written in pieces of odd
// length, give the records of one that never stopped.
func TestInterruptedFillLosesAndRepeatsNothing(t *testing.T) {
	later := testNow.Add(47*time.Minute + 11*time.Second)
	want := newMemStore()
	for _, now := range []time.Time{testNow, later} {
		if err := fill(t, want, now, 7); err != nil {
			t.Fatal(err)
		}
	}
	hw, nw := digest(want)
	got := newMemStore()
	now := testNow
	for stops := 0; ; stops++ {
		got.failAfter = got.batches + 7 // a later batch from here is refused
		err := fill(t, got, now, 99)    // the store knows its seed: this one is not used
		if stops == 0 {
			// The first run begins the estate, with another seed.
			got = newMemStore()
			got.failAfter = 3
			if err = fill(t, got, now, 7); !errors.Is(err, errRefused) {
				t.Fatalf("fill of a refusing store: got %v, want %v", err, errRefused)
			}
			continue
		}
		if err == nil && now.Before(later) {
			now = now.Add(17*time.Minute + 13*time.Second)
			if now.After(later) {
				now = later
			}
			continue
		}
		if err == nil {
			break
		}
		if !errors.Is(err, errRefused) {
			t.Fatal(err)
		}
		if stops > 200 {
			t.Fatal("fill makes no progress")
		}
	}
	hg, ng := digest(got)
	if hg != hw || ng != nw {
		t.Errorf("interrupted: %d rows %x, want %d rows %x", ng, hg, nw, hw)
	}
}

func TestRetryOfARefusedTick(t *testing.T) {
	s := newMemStore()
	now := testNow
	f, err := Open(context.Background(), s, Options{Seed: 3, length: shortHistory, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if err := f.Fill(ctx); err != nil {
		t.Fatal(err)
	}
	for i := range 30 { // five minutes of ticks, every third refused
		now = now.Add(10 * time.Second)
		s.failAfter = math.MaxInt
		if i%3 == 1 {
			s.failAfter = s.batches + 2
		}
		for _, c := range f.parts {
			_ = c.advance(ctx, f.clock())
		}
	}
	s.failAfter = math.MaxInt
	for _, c := range f.parts {
		if err := c.advance(ctx, f.clock()); err != nil {
			t.Fatal(err)
		}
	}
	want := newMemStore()
	for _, at := range []time.Time{testNow, now} {
		if err := fill(t, want, at, 3); err != nil {
			t.Fatal(err)
		}
	}
	hg, ng := digest(s)
	hw, nw := digest(want)
	if hg != hw || ng != nw {
		t.Errorf("with refused ticks: %d rows %x, want %d rows %x", ng, hg, nw, hw)
	}
}

// TestFillWaitsForABusyStore: a store that is behind delays the history and
// does not end it; what is no matter of waiting does, and so does the context.
func TestFillWaitsForABusyStore(t *testing.T) {
	s := newMemStore()
	refusals := 0
	opts := Options{Seed: 3, length: shortHistory, Pause: time.Microsecond, Now: func() time.Time { return testNow }}
	opts.Busy = func(err error) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		if refusals++; refusals%3 == 0 {
			s.failAfter = s.batches + 2
		}
		return errors.Is(err, errRefused)
	}
	s.failAfter = 1
	ctx, cancel := context.WithCancel(context.Background())
	f, err := Open(ctx, s, opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Fill(ctx); err != nil {
		t.Fatal(err)
	}
	want := newMemStore()
	if err := fill(t, want, testNow, 3); err != nil {
		t.Fatal(err)
	}
	hg, ng := digest(s)
	hw, nw := digest(want)
	if hg != hw || ng != nw || refusals < 6 {
		t.Errorf("after %d refusals: %d rows %x, want %d rows %x", refusals, ng, hg, nw, hw)
	}

	s = newMemStore()
	s.failAfter = 1
	opts.Busy = func(error) bool { cancel(); return true }
	if f, err = Open(context.Background(), s, opts); err != nil {
		t.Fatal(err)
	}
	if err := f.Fill(ctx); err == nil {
		t.Error("a cancelled wait ends without an error")
	}
}

func TestNothingOlderThanRetention(t *testing.T) {
	s := newMemStore()
	s.minTime = testNow.Add(-50 * time.Hour).UnixNano()
	if err := fill(t, s, testNow, 1); err != nil {
		t.Fatal(err)
	}
	if s.tooOld > 0 || len(s.rows) == 0 {
		t.Errorf("got %d rows older than retention of %d, want none", s.tooOld, len(s.rows))
	}
}

func TestALongPauseIsBounded(t *testing.T) {
	s := newMemStore()
	if err := fill(t, s, testNow.Add(-300*24*time.Hour), 1); err != nil {
		t.Fatal(err)
	}
	f, err := Open(context.Background(), s, Options{Now: clockAt(testNow)})
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Missing(); got > 9*7*24*time.Hour {
		t.Errorf("after 300 days %s are to be written, want at most nine weeks", got)
	}
}

func TestCancelledFillSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	f, err := Open(context.Background(), newMemStore(), Options{Weeks: 1, Now: clockAt(testNow)})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Fill(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func TestVolume(t *testing.T) {
	s, _ := estate(t)
	var samples, metricRows, logRows int
	streams := map[string]bool{}
	for i := range s.rows {
		streams[s.rows[i].stream.Key()] = true
		if s.rows[i].schema.Kind == model.LogRow {
			logRows++
			continue
		}
		metricRows++
		samples += len(s.rows[i].words)
	}
	t.Logf("three weeks: %d samples in %d rows, one week: %d log rows, %d label sets", samples, metricRows, logRows, len(streams))
	if nine := 3 * samples; nine < 20e6 || nine > 36e6 {
		t.Errorf("nine weeks have %d samples, want 20 to 36 million", nine)
	}
	if two := 2 * logRows; two < 5e5 || two > 2e6 {
		t.Errorf("two weeks have %d log rows, want half a million to two", two)
	}
}

func TestSeasons(t *testing.T) {
	s, tt := estate(t)
	cpu := s.one(t, "cpu_usage_user", "host", "web-eu-1")
	tuesday := dayStart(tt.origin) - 10*minutesPerDay
	if d := time.Unix(tuesday*60, 0).UTC().Weekday(); d != time.Tuesday {
		t.Fatalf("ten days before the origin is a %s", d)
	}
	night, day := mean(t, cpu, tuesday+2*60, tuesday+4*60), mean(t, cpu, tuesday+13*60, tuesday+15*60)
	if day < 1.8*night {
		t.Errorf("cpu at 14:00 is %.1f, at 03:00 %.1f: want a daily season", day, night)
	}
	sunday := tuesday - 2*minutesPerDay
	if rest := mean(t, cpu, sunday+13*60, sunday+15*60); rest > 0.8*day {
		t.Errorf("cpu on Sunday is %.1f, on Tuesday %.1f: want a weekend dip", rest, day)
	}
	us := s.one(t, "cpu_usage_user", "host", "web-us-1")
	if early, late := mean(t, us, tuesday+8*60, tuesday+10*60), mean(t, us, tuesday+19*60, tuesday+21*60); late < 1.3*early {
		t.Errorf("us at 20:00 UTC is %.1f, at 09:00 %.1f: want its day six hours later", late, early)
	}
	batch := s.one(t, "cpu_usage_user", "host", "batch-eu-1")
	if work, idle := mean(t, batch, tuesday+jobsFrom, tuesday+jobsTo), mean(t, batch, tuesday+600, tuesday+720); work < idle+40 {
		t.Errorf("batch host at night is %.1f, by day %.1f: want night jobs", work, idle)
	}
}

func TestDisks(t *testing.T) {
	s, tt := estate(t)
	last := tt.origin - 1
	filling := s.one(t, "disk_used_percent", "host", "db-ap-1", "path", "/data")
	slope := (at(t, filling, last) - at(t, filling, tt.start)) / float64(last-tt.start) * minutesPerDay
	if math.Abs(slope-diskPerDay) > 0.05 {
		t.Errorf("/data of db-ap-1 grows by %.3f percent a day, want %.2f", slope, diskPerDay)
	}
	if days := (100 - at(t, filling, last)) / slope; math.Abs(days-diskFullDays) > 0.5 {
		t.Errorf("/data of db-ap-1 is full in %.2f days, want %d", days, diskFullDays)
	}
	saw := s.one(t, "disk_used_percent", "host", "web-eu-1", "path", "/")
	sunday := dayStart(tt.origin) - 5*minutesPerDay
	for minuteOfWeek(sunday) != 6*minutesPerDay {
		sunday--
	}
	clean := sunday + 180
	if before, after := at(t, saw, clean-1), at(t, saw, clean+1); before-after < 20 {
		t.Errorf("/ of web-eu-1 goes from %.1f to %.1f percent on Sunday at 03:00, want a cleaning", before, after)
	}
	for _, sr := range s.series("disk_used_percent", math.MinInt64, math.MaxInt64) {
		for i, v := range sr.Values {
			if !(v > 0 && v <= 100) {
				t.Fatalf("%s at %d: %v percent", sr.Labels, sr.Times[i], v)
			}
		}
	}
}

func TestOutageIsSeenInMetricsAndExplainedInLogs(t *testing.T) {
	s, tt := estate(t)
	io := s.one(t, "cpu_usage_iowait", "host", "db-eu-1")
	if calm, bad := mean(t, io, tt.outageFrom-60, tt.outageFrom), mean(t, io, tt.outageFrom+5, tt.outageTo-5); bad < calm+30 {
		t.Errorf("iowait of db-eu-1 is %.1f in the outage and %.1f before, want a stall", bad, calm)
	}
	for _, name := range []string{"checkout", "payments"} {
		errs := s.one(t, "http_errors_total", "service", name)
		before := at(t, errs, tt.outageFrom-1) - at(t, errs, tt.outageFrom-1-outageMinutes)
		during := at(t, errs, tt.outageTo-1) - at(t, errs, tt.outageFrom-1)
		if during < 20*(before+5) {
			t.Errorf("%s failed %v times in the outage and %v before it, want a burst", name, during, before)
		}
	}
	count := map[string][2]int{} // line mentions -> rows in and out of the outage
	for i := range s.rows {
		r := &s.rows[i]
		if r.schema.Kind != model.LogRow {
			continue
		}
		for _, word := range []string{"db-eu-1:5432", "nvme1"} {
			if strings.Contains(r.text, word) {
				n := count[word]
				if m := r.time / nanosPerMinute; m >= tt.outageFrom && m < tt.outageTo {
					n[0]++
				} else {
					n[1]++
				}
				count[word] = n
			}
		}
	}
	if n := count["db-eu-1:5432"]; n[0] < 500 || n[1] > 0 {
		t.Errorf("lines that name db-eu-1:5432: %d in the outage, %d outside, want hundreds and none", n[0], n[1])
	}
	if n := count["nvme1"]; n[0] < outageMinutes || n[1] > 0 {
		t.Errorf("kernel lines of the cause: %d in the outage, %d outside, want one a minute and none", n[0], n[1])
	}
}

func TestDeployRaisesLatencyOfCheckoutAlone(t *testing.T) {
	s, tt := estate(t)
	latency := func(name string, from, to int64) float64 {
		sum, n := s.one(t, "http_request_duration_seconds_sum", "service", name), s.one(t, "http_request_duration_seconds_count", "service", name)
		return (at(t, sum, to) - at(t, sum, from)) / (at(t, n, to) - at(t, n, from))
	}
	for name, want := range map[string]float64{"checkout": deploySlowdown, "cart": 1} {
		before := latency(name, tt.deployAt-minutesPerDay, tt.deployAt-1)
		after := latency(name, tt.deployAt+10, tt.deployAt+10+minutesPerDay)
		if got := after / before; math.Abs(got-want) > 0.12 {
			t.Errorf("%s: latency grew by factor %.2f at the deployment, want %.2f", name, got, want)
		}
	}
	found := 0
	for i := range s.rows {
		if strings.Contains(s.rows[i].text, "deploy service=checkout version=v2.14.0") {
			if m := s.rows[i].time / nanosPerMinute; m != tt.deployAt {
				t.Errorf("deployment logged at minute %d, want %d", m, tt.deployAt)
			}
			found++
		}
	}
	if found != 1 {
		t.Errorf("the deployment is logged %d times, want once", found)
	}
}

func TestLeak(t *testing.T) {
	s, tt := estate(t)
	rss := s.one(t, "process_resident_memory_bytes", "service", "recommendations")
	restart := tt.leakAnchor
	full, fresh := at(t, rss, restart-1), at(t, rss, restart)
	if full < 3*fresh {
		t.Errorf("memory goes from %.0f to %.0f at the restart, want a fall to a third", full, fresh)
	}
	slope := (mean(t, rss, restart-120, restart) - mean(t, rss, restart-leakPeriod, restart-leakPeriod+120)) / (leakPeriod - 120)
	if want := float64(leakGrowth) / leakPeriod; math.Abs(slope-want) > 0.1*want {
		t.Errorf("memory leaks %.0f bytes a minute, want %.0f", slope, want)
	}
	host := s.one(t, "mem_used_percent", "host", "api-us-3")
	if a, b := mean(t, host, restart-120, restart), mean(t, host, restart, restart+120); a < b+12 {
		t.Errorf("memory of api-us-3 is %.1f percent before the restart and %.1f after, want it to follow", a, b)
	}
}

func TestCountersAndBucketsOnlyGrow(t *testing.T) {
	s, _ := estate(t)
	for _, name := range []string{"http_requests_total", "http_errors_total", "http_request_duration_seconds_bucket", "net_bytes_recv", "net_bytes_sent"} {
		for _, sr := range s.series(name, math.MinInt64, math.MaxInt64) {
			for i := 1; i < len(sr.Values); i++ {
				if sr.Values[i] < sr.Values[i-1] {
					t.Fatalf("%s%s falls from %v to %v", name, sr.Labels, sr.Values[i-1], sr.Values[i])
				}
			}
		}
	}
	below := -1.0
	for _, le := range boundNames {
		b := s.one(t, "http_request_duration_seconds_bucket", "service", "search", "le", le)
		v := b.Values[len(b.Values)-1]
		if v < below {
			t.Errorf("bucket le=%s holds %v, the one before it %v: want them cumulative", le, v, below)
		}
		below = v
	}
}

func BenchmarkGenerate(b *testing.B) {
	tt := newTimetable(testNow.Unix()/60, 9*minutesPerWeek)
	parts := newParts(1, tt, 9)
	var batch model.Batch
	rows, m := 0, tt.start
	for b.Loop() {
		batch.Reset()
		for _, p := range parts {
			p.step(m, &batch)
		}
		rows += batch.Len()
		m++
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}
