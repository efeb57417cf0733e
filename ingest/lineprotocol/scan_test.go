package lineprotocol

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"tidemark/ingest"
	"tidemark/storage/model"
)

// TestScanIsDecode: however a stream is cut into blocks, the rows and the
// report are those of the whole body.
func TestScanIsDecode(t *testing.T) {
	bodies := []string{
		"",
		"\n\n",
		"m v=1 5",
		"m v=1 5\nm v=2 6\n",
		"# comment\n\nm v=1 5\r\nm msg=\"a\nb\n\nc\",v=1 6\r\nbad\nm v=x\nm v=3 7",
		"m msg=\"open\nm v=1 5\nm v=2 6",
		"m msg=\"open\nm msg=\"closed\" 5\nm v=2 6\n  ",
		strings.Repeat("cpu,host=a a=1,b=2i,c=\"x\ny\" 5\nbad line\n", 20),
	}
	for _, body := range bodies {
		d := newDecoder(t, Options{})
		var b model.Batch
		want := d.Decode([]byte(body), Params{Now: 9}, &b)
		for _, size := range []int{1, 2, 3, 5, 7, 16, 31, 64, 1 << 20} {
			for _, one := range []bool{false, true} {
				var r io.Reader = strings.NewReader(body)
				if one {
					r = iotest.DataErrReader(iotest.OneByteReader(r))
				}
				var rows []string
				var read int64
				var sum ingest.Report
				got, err := newDecoder(t, Options{}).Scan(context.Background(), r, Params{Now: 9}, ScanOptions{BlockBytes: size}, func(blk ingest.Block) error {
					if s := dump(blk.Batch); s != "" {
						rows = append(rows, s)
					}
					if blk.Read < read {
						t.Errorf("progress goes back from %d to %d", read, blk.Read)
					}
					read = blk.Read
					sum.Add(blk.Report, 100)
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				if strings.Join(rows, "\n") != dump(&b) || fmt.Sprint(got) != fmt.Sprint(want) || fmt.Sprint(sum) != fmt.Sprint(want) || read != int64(len(body)) {
					t.Errorf("%q in blocks of %d: read %d\n%s\n%+v\nwant\n%s\n%+v", body, size, read, strings.Join(rows, "\n"), got, dump(&b), want)
				}
			}
		}
	}
}

func TestScanRefusesLongRecords(t *testing.T) {
	d := newDecoder(t, Options{Options: ingest.Options{Limits: ingest.Limits{MaxLineBytes: 20}}})
	f := func(body, rows string, lines ...int) {
		t.Helper()
		for _, size := range []int{1, 8, 24, 1000} {
			var got []string
			rep, err := d.Scan(context.Background(), strings.NewReader(body), Params{}, ScanOptions{BlockBytes: size}, func(blk ingest.Block) error {
				if s := dump(blk.Batch); s != "" {
					got = append(got, s)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			var at []int
			for _, e := range rep.Errors {
				at = append(at, e.Line)
			}
			if strings.Join(got, "\n") != rows || fmt.Sprint(at) != fmt.Sprint(lines) {
				t.Errorf("%q in blocks of %d:\n%s\nlines %v %v\nwant\n%s\nlines %v", body, size, strings.Join(got, "\n"), at, rep.Errors, rows, lines)
			}
		}
	}
	const z = "metric {} 5 z_v=float:1"
	f("z v=1 5\n12345678901234567890 v=1 5\nz v=1 5\nbad", z+"\n"+z, 2, 4)
	f(strings.Repeat("x", 500)+"\nz v=1 5\n", z, 1)
	f("#"+strings.Repeat("x", 500)+"\nz v=1 5\n", z)
	f(strings.Repeat(" ", 500)+"\nz v=1 5\n"+strings.Repeat(" ", 500)+"x\n", z, 3)
	f("m v=12345678901234 5\r\nz v=1 5", "metric {} 5 m_v=float:1.2345678901234e+13\n"+z)
}

func TestScanEnds(t *testing.T) {
	d := newDecoder(t, Options{})
	body := strings.Repeat("m v=1 5\n", 100)
	boom := errors.New("boom")
	nothing := func(ingest.Block) error { return nil }

	if _, err := d.Scan(context.Background(), iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(body))), Params{}, ScanOptions{}, nothing); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("reader's error: got %v", err)
	}
	visits := 0
	if _, err := d.Scan(context.Background(), strings.NewReader(body), Params{}, ScanOptions{BlockBytes: 80}, func(ingest.Block) error { visits++; return boom }); !errors.Is(err, boom) || visits != 1 {
		t.Errorf("visit's error after %d visits: got %v", visits, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	visits = 0
	rep, err := d.Scan(ctx, strings.NewReader(body), Params{}, ScanOptions{BlockBytes: 80}, func(ingest.Block) error { visits++; cancel(); return nil })
	if !errors.Is(err, context.Canceled) || visits != 1 || rep.Accepted != 10 {
		t.Errorf("cancelled: %v after %d visits, %+v", err, visits, rep)
	}
}
