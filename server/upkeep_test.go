package server

import (
	"context"
	"errors"
	"testing"

	"tidemark/storage"
)

// fakeAdmin counts what is asked of it.
type fakeAdmin struct {
	compacted int
	err       error
}

func (f *fakeAdmin) Compact(context.Context) error {
	f.compacted++
	return f.err
}

func TestAdminPathsAreOffByDefault(t *testing.T) {
	h := start(t, Options{})
	for _, path := range []string{"/api/v1/admin/tsdb/clean_tombstones", "/tidemark/api/v1/admin/compact"} {
		h.do("POST", path, "").want(t, 503, `{"status":"error","errorType":"unavailable","error":"admin APIs disabled: start the server with --enable-admin-api"}`)
	}
}

func TestCompactPath(t *testing.T) {
	admin := &fakeAdmin{}
	h := start(t, Options{Admin: admin})
	for i, path := range []string{"/api/v1/admin/tsdb/clean_tombstones", "/tidemark/api/v1/admin/compact"} {
		h.do("POST", path, "").want(t, 204, "")
		if admin.compacted != i+1 {
			t.Errorf("%s: compacted %d times, want %d", path, admin.compacted, i+1)
		}
	}
	for err, status := range map[error]int{storage.ErrReadOnly: 503, storage.ErrClosed: 503, errors.New("disk on fire"): 500} {
		admin.err = err
		if r := h.do("POST", "/tidemark/api/v1/admin/compact", ""); r.status != status {
			t.Errorf("%v is %d, want %d", err, r.status, status)
		}
	}
}
