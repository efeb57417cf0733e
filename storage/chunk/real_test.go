package chunk

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tidemark/storage/internal/colenc"
	"tidemark/storage/model"
)

// TestRealSeries takes the series of the Numenta Anomaly Benchmark through
// encoding and back, and logs what they take (go test -v).
func TestRealSeries(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/data/nab/data/*/*.csv.gz")
	if len(files) == 0 {
		t.Skip("the NAB series are not there: ../../../shared/data/nab")
	}
	samples, size, times := 0, 0, 0
	for _, file := range files {
		c := readSeries(t, file)
		n, before := c.Len(), size
		for rest := c; rest.Len() > 0; {
			part := rest.Slice(0, rest.Cut())
			rest = rest.Slice(part.Len(), rest.Len())
			size += len(checkRoundTrip(t, &part))
			times += len(appendTimes(nil, part.Times, colenc.Smallest))
		}
		samples += n
		t.Logf("%-44s %6d samples, %.2f bytes each", filepath.Base(file), n, float64(size-before)/float64(n))
	}
	t.Logf("%d samples, %.3f bytes each, of which times %.3f", samples, float64(size)/float64(samples), float64(times)/float64(samples))
}

// readSeries reads a file of lines "time,value", sorted, the last value of a
// repeated time.
func readSeries(t *testing.T, file string) Column {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	type sample struct {
		t int64
		v float64
	}
	var ss []sample
	for lines := bufio.NewScanner(z); lines.Scan(); {
		at, value, _ := strings.Cut(lines.Text(), ",")
		ts, err := time.Parse(time.DateTime, at)
		if err != nil {
			continue // the head
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		ss = append(ss, sample{ts.UnixNano(), v})
	}
	slices.SortStableFunc(ss, func(a, b sample) int { return cmp.Compare(a.t, b.t) })
	c := Column{Type: model.TypeFloat}
	for i, s := range ss {
		if i+1 < len(ss) && ss[i+1].t == s.t {
			continue
		}
		c.Times = append(c.Times, s.t)
		c.Bits = append(c.Bits, math.Float64bits(s.v))
	}
	if c.Len() == 0 {
		t.Fatalf("%s: no sample", file)
	}
	return c
}
