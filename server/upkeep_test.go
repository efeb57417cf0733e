package server

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"testing"

	"tidemark/storage"
	"tidemark/storage/model"
)

// fakeAdmin counts what is asked of it.
type fakeAdmin struct {
	compacted int
	deleted   []model.Deletion
	err       error
}

func (f *fakeAdmin) Delete(_ context.Context, d model.Deletion) error {
	f.deleted = append(f.deleted, d)
	return f.err
}

func (f *fakeAdmin) Compact(context.Context) error {
	f.compacted++
	return f.err
}

func (f *fakeAdmin) Snapshot(context.Context) (string, error) { return "20260101T000000Z-aa", f.err }

func TestSnapshotPath(t *testing.T) {
	admin := &fakeAdmin{}
	h := start(t, Options{Admin: admin})
	h.do("POST", "/api/v1/admin/tsdb/snapshot", "").want(t, 200, `{"status":"success","data":{"name":"20260101T000000Z-aa"}}`)
	admin.err = storage.ErrReadOnly
	if r := h.do("POST", "/api/v1/admin/tsdb/snapshot", ""); r.status != 503 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestAdminPathsAreOffByDefault(t *testing.T) {
	h := start(t, Options{})
	for _, path := range []string{"/api/v1/admin/tsdb/clean_tombstones", "/tidemark/api/v1/admin/compact", "/api/v1/admin/tsdb/delete_series?match[]=up"} {
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

func TestDeletePaths(t *testing.T) {
	admin := &fakeAdmin{}
	h := start(t, Options{Admin: admin})
	q := url.QueryEscape
	for _, c := range []struct {
		target, tenant, want string
	}{
		{"/api/v1/admin/tsdb/delete_series?match[]=" + q(`up{a="b"}`) + "&match[]=" + q(`{c=~"d.+"}`) + "&start=10&end=20.5", "",
			`[[__name__="up" a="b"] [c=~"d.+"]] 10000000000 20500999999 1`},
		{"/api/v1/admin/tsdb/delete_series?match[]=up", "t1", fmt.Sprintf(`[[__name__="up" tenant="t1"]] %d %d 1`, int64(math.MinInt64), int64(math.MaxInt64))},
		{"/loki/api/v1/delete?query=" + q(`{app="x"}`) + "&start=1700000000&end=1700000001", "", `[[app="x"]] 1700000000000000000 1700000001000000000 2`},
	} {
		admin.deleted = nil
		h.do("POST", c.target, "", "X-Scope-OrgID", c.tenant).want(t, 204, "")
		if len(admin.deleted) != 1 {
			t.Fatalf("%s: deleted %d times", c.target, len(admin.deleted))
		}
		d := admin.deleted[0]
		if got := fmt.Sprintf("%v %d %d %d", d.Selectors, d.Mint, d.Maxt, d.Scope); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.target, got, c.want)
		}
	}
	for _, target := range []string{
		"/api/v1/admin/tsdb/delete_series", "/api/v1/admin/tsdb/delete_series?match[]={}", "/api/v1/admin/tsdb/delete_series?match[]=up&start=5&end=4",
		"/loki/api/v1/delete?query=" + q(`{app="x"} |= "secret"`), "/loki/api/v1/delete",
	} {
		admin.deleted = nil
		if r := h.do("POST", target, ""); r.status != 400 || len(admin.deleted) > 0 {
			t.Errorf("%s: %d %s", target, r.status, r.body)
		}
	}
	admin.err = storage.ErrFull
	if r := h.do("POST", "/api/v1/admin/tsdb/delete_series?match[]=up", ""); r.status != 503 {
		t.Errorf("full: %d", r.status)
	}
}
