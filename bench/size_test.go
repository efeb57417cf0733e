package bench

import (
	"context"
	"io/fs"
	"path/filepath"
	"testing"

	"tidemark/bench/gen"
	"tidemark/storage"
	"tidemark/storage/dump"
	"tidemark/storage/keys"
	"tidemark/storage/model"
)

// BenchmarkSize loads the suite's shapes, flushes, compacts, and reports what a
// sample takes on disk, and what of it are values, times, headers and keys of
// chunks, the index, and summaries (before Pebble's own compression).
func BenchmarkSize(b *testing.B) {
	for _, c := range []gen.Config{
		{Shape: gen.CPUOnly, Hosts: 100, Seed: 123, Steps: 8640},
		{Shape: gen.Devops, Hosts: 20, Seed: 123, Steps: 2160},
	} {
		b.Run(string(c.Shape), func(b *testing.B) {
			for b.Loop() {
				reportSize(b, c)
			}
		})
	}
}

func reportSize(b *testing.B, c gen.Config) {
	dir := b.TempDir()
	db, err := storage.Open(dir, storage.Options{})
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	samples := load(b, db, c)
	if err := db.Flush(ctx); err != nil {
		b.Fatal(err)
	}
	if err := db.Compact(ctx); err != nil {
		b.Fatal(err)
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	var z dump.Sizes
	if err := storage.Inspect(ctx, dir, storage.Inspection{Entry: z.Entry}); err != nil {
		b.Fatal(err)
	}
	chunks := z.Chunks()
	if chunks.Samples != samples {
		b.Fatalf("want %d samples stored, got %d", samples, chunks.Samples)
	}
	index := 0
	for _, k := range []keys.Kind{keys.KindName, keys.KindMetric, keys.KindLabels, keys.KindHash, keys.KindPosting, keys.KindMetricSets, keys.KindClassSets, keys.KindStateSets} {
		index += z.Kind(k).Keys + z.Kind(k).Values
	}
	disk := int64(0)
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".sst" {
			info, err := e.Info()
			if err != nil {
				return err
			}
			disk += info.Size()
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	per := func(size int, unit string) { b.ReportMetric(float64(size)/float64(samples), unit) }
	per(chunks.Values, "values-B/sample")
	per(chunks.Times+chunks.Starts, "times-B/sample")
	per(chunks.Header, "headers-B/sample")
	per(z.Kind(keys.KindChunk).Keys, "keys-B/sample")
	per(index, "index-B/sample")
	per(chunks.Summaries, "summaries-B/sample")
	per(int(disk), "disk-B/sample")
	b.ReportMetric(float64(samples)/float64(z.Kind(keys.KindChunk).Entries), "samples/chunk")
	b.ReportMetric(0, "ns/op")
}

// load appends a workload whole and returns the number of its samples.
func load(b *testing.B, db *storage.DB, c gen.Config) (samples int) {
	w, err := gen.New(c)
	if err != nil {
		b.Fatal(err)
	}
	type known struct {
		stream *model.Stream
		schema *model.Schema
	}
	sources := map[int]known{}
	var batch model.Batch
	flush := func() {
		if _, err := db.Append(context.Background(), &batch); err != nil {
			b.Fatal(err)
		}
		batch.Reset()
	}
	rows, flushes := 0, 0
	for p := w.Next(); p != nil; p = w.Next() {
		k, ok := sources[p.Source]
		if !ok {
			var tags []string
			for _, t := range p.Tags {
				tags = append(tags, t.Name, t.Value)
			}
			k = known{model.NewStream(model.FromStrings(tags...)), &model.Schema{Kind: model.MetricRow}}
			for _, f := range p.Fields {
				typ := model.TypeInt
				if f.Float {
					typ = model.TypeFloat
				}
				k.schema.Columns = append(k.schema.Columns, model.Column{Name: p.Measurement + "_" + f.Name, Measurement: p.Measurement, Field: f.Name, Type: typ})
			}
			sources[p.Source] = k
		}
		batch.Begin(k.stream, k.schema, p.Time)
		for i, f := range p.Fields {
			if f.Float {
				batch.Float(p.Values[i])
			} else {
				batch.Int(int64(p.Values[i]))
			}
		}
		samples += len(p.Fields)
		if rows++; rows%5000 == 0 {
			flush()
		}
		if samples/2e6 > flushes { // so that there is something to compact
			flushes++
			if err := db.Flush(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
	}
	flush()
	return samples
}
