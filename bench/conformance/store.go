package conformance

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/metadata"
	promstorage "github.com/prometheus/prometheus/storage"

	"tidemark/storage"
	"tidemark/storage/model"
)

// errReadThroughEngine is what the reading side of Prometheus's storage
// interface answers: the engine under test reads through its own.
var errReadThroughEngine = errors.New("conformance: this store is read through its own views only")

// Store is a storage.DB as a storage of Prometheus's.
type Store struct {
	db *storage.DB
	// Flushed writes every commit to chunks, so that queries read what was
	// encoded for disk. Without it they read the head.
	flushed bool
}

var _ promstorage.Storage = (*Store)(nil)

// Open returns an empty store in memory. See Store for flushed.
func Open(flushed bool) (*Store, error) {
	db, err := storage.Open("store", storage.Options{FS: vfs.NewMem(), CacheBytes: 8 << 20})
	if err != nil {
		return nil, err
	}
	return &Store{db: db, flushed: flushed}, nil
}

// View implements the engine's source.
func (s *Store) View() (model.View, error) { return s.db.View() }

// Querier is part of the interface and not used.
func (*Store) Querier(int64, int64) (promstorage.Querier, error) { return nil, errReadThroughEngine }

// ChunkQuerier is part of the interface and not used.
func (*Store) ChunkQuerier(int64, int64) (promstorage.ChunkQuerier, error) {
	return nil, errReadThroughEngine
}

// StartTime is part of the interface and not used.
func (*Store) StartTime() (int64, error) { return 0, nil }

// Close closes the store.
func (s *Store) Close() error { return s.db.Close() }

// AppenderV2 returns an appender whose Commit writes one batch.
func (s *Store) AppenderV2(ctx context.Context) promstorage.AppenderV2 {
	return &appender{ctx: ctx, store: s}
}

// Appender is the older form of AppenderV2.
func (s *Store) Appender(ctx context.Context) promstorage.Appender {
	return &appenderV1{appender{ctx: ctx, store: s}}
}

// appender collects a batch.
type appender struct {
	ctx   context.Context
	store *Store
	batch model.Batch
}

// Append adds one sample to the batch.
func (a *appender) Append(_ promstorage.SeriesRef, ls labels.Labels, st, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, _ promstorage.AppendV2Options) (promstorage.SeriesRef, error) {
	var name string
	var pairs []model.Label
	ls.Range(func(l labels.Label) {
		if l.Name == labels.MetricName {
			name = l.Value
			return
		}
		pairs = append(pairs, model.Label{Name: l.Name, Value: l.Value})
	})
	if h != nil {
		fh = h.ToFloat(nil)
	}
	column := model.Column{Name: name, Measurement: name, Field: "value", Type: model.TypeFloat}
	if fh != nil {
		column.Type = model.TypeHistogram
	}
	schema := &model.Schema{Kind: model.MetricRow, Columns: []model.Column{column}}
	if st != 0 {
		schema.Columns = append(schema.Columns, model.Column{Type: model.TypeStart})
	}
	b := &a.batch
	b.Begin(model.NewStream(model.NewLabels(pairs...)), schema, t*1e6)
	if fh != nil {
		ours := fromFloat(fh)
		ours.Integer = h != nil && !ours.Stale()
		b.Histogram(ours)
	} else {
		b.Float(v)
	}
	if st != 0 {
		b.Start(st * 1e6)
	}
	return 1, nil
}

// Commit writes the batch.
func (a *appender) Commit() error {
	if _, err := a.store.db.Append(a.ctx, &a.batch); err != nil {
		return fmt.Errorf("conformance: append: %w", err)
	}
	if a.store.flushed {
		return a.store.db.Flush(a.ctx)
	}
	return nil
}

// Rollback drops the batch.
func (a *appender) Rollback() error {
	a.batch.Reset()
	return nil
}

// appenderV1 is the same for callers of the older interface.
type appenderV1 struct{ appender }

func (*appenderV1) SetOptions(*promstorage.AppendOptions) {}

func (a *appenderV1) Append(ref promstorage.SeriesRef, ls labels.Labels, t int64, v float64) (promstorage.SeriesRef, error) {
	return a.appender.Append(ref, ls, 0, t, v, nil, nil, promstorage.AOptions{})
}

func (a *appenderV1) AppendHistogram(ref promstorage.SeriesRef, ls labels.Labels, t int64, h *histogram.Histogram, fh *histogram.FloatHistogram) (promstorage.SeriesRef, error) {
	return a.appender.Append(ref, ls, 0, t, 0, h, fh, promstorage.AOptions{})
}

func (*appenderV1) AppendExemplar(promstorage.SeriesRef, labels.Labels, exemplar.Exemplar) (promstorage.SeriesRef, error) {
	return 0, errors.New("conformance: exemplars are not part of the suite")
}

func (*appenderV1) UpdateMetadata(promstorage.SeriesRef, labels.Labels, metadata.Metadata) (promstorage.SeriesRef, error) {
	return 0, errors.New("conformance: metadata is not part of the suite")
}

func (*appenderV1) AppendSTZeroSample(promstorage.SeriesRef, labels.Labels, int64, int64) (promstorage.SeriesRef, error) {
	return 0, errors.New("conformance: start times come with their samples")
}

func (*appenderV1) AppendHistogramSTZeroSample(promstorage.SeriesRef, labels.Labels, int64, int64, *histogram.Histogram, *histogram.FloatHistogram) (promstorage.SeriesRef, error) {
	return 0, errors.New("conformance: start times come with their samples")
}
