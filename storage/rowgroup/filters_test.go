package rowgroup

import (
	"fmt"
	"testing"

	"tidemark/storage/model"
)

// TestFilters: what is in a group is never denied, and of what is not a little
// is admitted.
func TestFilters(t *testing.T) {
	var rows []testRow
	for i := range 3 * manyValues {
		rows = append(rows, testRow{set: uint32(i / 1000), time: int64(i % 1000), line: fmt.Sprintf("user ana-%d-x of /var/lib/volume%d/segment", i%77, i),
			fields: []testField{{"trace", model.Text(fmt.Sprintf("%032x", i*7919))}, {"few", model.Text(fmt.Sprint("v", i%9))}}})
	}
	g, err := Open(checkRoundTrip(t, rows))
	if err != nil {
		t.Fatal(err)
	}
	if g.grams == nil || len(g.values) != 1 {
		t.Fatalf("want filters of grams and of one field, got %v and %d", g.grams, len(g.values))
	}
	wrong := 0
	for i := range rows {
		if ok, err := g.MayHave("trace", fmt.Sprintf("%032x", i*7919)); err != nil || !ok {
			t.Fatalf("trace %d is denied: %v", i, err)
		}
		if ok, _ := g.MayHave("trace", fmt.Sprintf("%032x", i*7919+1)); ok {
			wrong++
		}
	}
	if wrong > len(rows)/25 {
		t.Errorf("%d of %d absent values are admitted", wrong, len(rows))
	}
	for _, text := range []string{"volume", "lib/vol", "segment", "me12"} {
		if ok, err := g.MayContain(text); err != nil || !ok {
			t.Errorf("%q is denied: %v", text, err)
		}
	}
	for _, text := range []string{"quarantined", "timeout", "deadlock"} {
		if ok, _ := g.MayContain(text); ok {
			t.Errorf("%q is admitted", text)
		}
	}
	if ok, err := g.MayHave("few", "anything"); err != nil || !ok {
		t.Errorf("a column without a filter denies a value: %v", err)
	}
}
