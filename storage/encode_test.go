package storage

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"tidemark/storage/chunk"
	"tidemark/storage/model"
	"tidemark/storage/rowgroup"
	"tidemark/storage/storagetest"
)

// TestEncoderFaultsLoseNothing flushes with encoders that get values wrong,
// write what cannot be decoded, or panic: everything that was acknowledged is
// read from disk as it was, and each fault is told and counted.
func TestEncoderFaultsLoseNothing(t *testing.T) {
	for name, broken := range map[string]encoders{
		"wrong value": {
			chunk: func(dst []byte, c *chunk.Column) []byte {
				other := chunk.Column{Type: c.Type, Times: c.Times, Bits: append([]uint64(nil), c.Bits...), Texts: append([]string(nil), c.Texts...)}
				if len(other.Bits) > 0 {
					other.Bits[len(other.Bits)-1] ^= 1
				} else {
					other.Texts[0] += "!"
				}
				return chunk.Append(dst, &other)
			},
			group: func(b *rowgroup.Builder, dst []byte) []byte {
				other := rowgroup.NewBuilder()
				other.StartSet(1)
				for i := range b.Rows() {
					other.Row(int64(i), []byte("x"), nil)
				}
				return other.Append(dst)
			},
		},
		"undecodable": {
			chunk: func(dst []byte, c *chunk.Column) []byte { return append(dst, "no chunk"...) },
			group: func(b *rowgroup.Builder, dst []byte) []byte { return append(dst, "no group"...) },
		},
		"panic": {
			chunk: func([]byte, *chunk.Column) []byte { panic("index out of range") },
			group: func(*rowgroup.Builder, []byte) []byte { panic("index out of range") },
		},
	} {
		t.Run(name, func(t *testing.T) {
			var faults []error
			db, err := Open(t.TempDir(), Options{EventListener: func(e Event) {
				if e.Kind == EventEncodingFault {
					faults = append(faults, e.Err)
				}
			}})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			}()
			db.encoders = broken
			naive := storagetest.NewNaive()
			var b model.Batch
			metrics := &model.Schema{Kind: model.MetricRow, Columns: []model.Column{
				{Name: "m_f", Measurement: "m", Field: "f", Type: model.TypeFloat},
				{Name: "m_i", Measurement: "m", Field: "i", Type: model.TypeInt},
				{Name: "m_b", Measurement: "m", Field: "b", Type: model.TypeBool},
				{Name: "m_s", Measurement: "m", Field: "s", Type: model.TypeText},
			}}
			logs := &model.Schema{Kind: model.LogRow, Columns: []model.Column{
				{Field: model.LineField, Type: model.TypeText},
				{Name: "l_n", Measurement: "l", Field: "n", Type: model.TypeFloat},
			}}
			st, lst := model.NewStream(model.FromStrings("a", "1")), model.NewStream(model.FromStrings("a", "1", "measurement", "l"))
			for i := range int64(300) {
				b.Add(st, metrics, i*1e9, model.Float(float64(i*i)/8), model.Int(i-5), model.Bool(i%3 == 0), model.Text(fmt.Sprint("s", i%7)))
				b.Add(lst, logs, i/2*1e9, model.Text(fmt.Sprintf("line %d", i)), model.Float(float64(i)))
			}
			naive.Append(&b)
			if _, err := db.Append(context.Background(), &b); err != nil {
				t.Fatal(err)
			}
			if err := db.Flush(context.Background()); err != nil {
				t.Fatal(err)
			}
			if got, want := int64(len(faults)), db.Metrics().EncodingFaults; got != 5 || got != want {
				t.Errorf("want 5 faults told and counted (4 chunks, 1 row group), got %d and %d: %v", got, want, faults)
			}
			if m := db.Metrics(); m.AppliedPosition != m.VisiblePosition || m.HeadRows != 0 || m.ReadOnly {
				t.Errorf("want a finished flush, got %+v", m)
			}
			v, err := db.View()
			if err != nil {
				t.Fatal(err)
			}
			defer v.Close()
			ctx := context.Background()
			all := model.SampleSelection{Mint: minInt64, Maxt: maxInt64, Matchers: []*model.Matcher{model.MustMatcher(model.MatchRegexp, model.MetricName, ".+")}}
			want, err := storagetest.PrintSamples(ctx, naive, all)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := storagetest.PrintSamples(ctx, v, all); err != nil || got != want {
				t.Errorf("samples: %v: got\n%s\nwant\n%s", err, got, want)
			}
			rows := model.RowSelection{Mint: minInt64, Maxt: maxInt64, AllFields: true, Matchers: []*model.Matcher{model.MustMatcher(model.MatchRegexp, model.MeasurementLabel, ".+")}}
			if want, err = storagetest.PrintRows(ctx, naive, rows); err != nil || !strings.Contains(want, "line 299") {
				t.Fatal(err, want)
			}
			if got, err := storagetest.PrintRows(ctx, v, rows); err != nil || got != want {
				t.Errorf("rows: %v: got\n%s\nwant\n%s", err, got, want)
			}
		})
	}
}

// TestColumnThatCannotBeEncoded fails the flush; the store goes on and the log
// keeps what was acknowledged.
func TestColumnThatCannotBeEncoded(t *testing.T) {
	e := &encoder{db: &DB{opts: Options{}.WithDefaults(), encoders: defaultEncoders()}}
	err := e.encodeChunk(&chunk.Column{Type: model.TypeFloat, Times: []int64{2, 1}, Bits: []uint64{0, 0}})
	if err == nil || !strings.Contains(err.Error(), "written plainly") || errors.Is(err, ErrReadOnly) {
		t.Fatalf("want an error of writing plainly, got %v", err)
	}
}
