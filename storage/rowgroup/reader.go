package rowgroup

import "tidemark/storage/model"

// Group reads an encoded row group. It keeps and reuses what it has decoded, so
// it is not safe for concurrent use; opening a second one is cheap. What it
// returns stays valid for good and does not refer to the encoded bytes.
type Group struct{ g group }

// Open checks the header, the directory of columns and their checksum, and
// returns a group that reads from src, which must not change while the
// group is in use. It decodes no column; each column's own checksum is verified
// when it is first decoded.
func Open(src []byte) (*Group, error) {
	g := new(Group)
	if err := g.g.open(src); err != nil {
		return nil, err
	}
	return g, nil
}

// Rows returns the number of rows.
func (g *Group) Rows() int { return g.g.rows }

// Mint returns the earliest time of any row.
func (g *Group) Mint() int64 { return g.g.mint }

// Maxt returns the latest time of any row.
func (g *Group) Maxt() int64 { return g.g.maxt }

// Sets returns the runs of label sets, ascending by id and by first row. The
// slice belongs to the group.
func (g *Group) Sets() []Run { return g.g.runs }

// Run returns the rows of one label set; ok is false where the group has none.
// It takes time logarithmic in the number of runs.
func (g *Group) Run(id uint32) (r Run, ok bool) { return g.g.run(id) }

// Columns returns the columns of fields, sorted by name and type. A name
// appears once per type its values have. The slice belongs to the group.
func (g *Group) Columns() []ColumnInfo { return g.g.columns }

// Times appends the times of rows [first, first+count) to dst. After an error it
// returns dst as it was, as the other methods do.
func (g *Group) Times(first, count int, dst []int64) ([]int64, error) {
	return g.g.timesOf(first, count, dst)
}

// Lines appends the lines of rows [first, first+count) to dst. It decompresses
// only the blocks of text that these rows touch.
func (g *Group) Lines(first, count int, dst []string) ([]string, error) {
	return g.g.lines(first, count, dst)
}

// Has reports, from the directory alone, whether rows [first, first+count) may
// have a value of the field: false means that none has.
func (g *Group) Has(name string, first, count int) bool { return g.g.has(name, first, count) }

// Column appends the values of a field in rows [first, first+count) to dst, one
// per row, merged over the types the field has; TypeNone where a row lacks the
// field. A field that the group lacks is lacking in every row.
func (g *Group) Column(name string, first, count int, dst []model.Value) ([]model.Value, error) {
	return g.g.column(name, first, count, dst)
}
