package rowgroup

import "tidemark/storage/model"

type builder struct{ size, n int }

func (b *builder) startSet(uint32)            {}
func (b *builder) row(int64, []byte, []Field) { b.n++ }
func (b *builder) rows() int                  { return b.n }
func (b *builder) full() bool                 { return b.n >= TargetRows }
func (b *builder) append([]byte) []byte       { panic("rowgroup: no encoder yet") }
func (b *builder) reset()                     { *b = builder{} }

type group struct {
	rows       int
	mint, maxt int64
	runs       []Run
	columns    []ColumnInfo
}

func (g *group) open([]byte) error                              { return ErrUnsupported }
func (g *group) run(uint32) (Run, bool)                         { return Run{}, false }
func (g *group) has(string, int, int) bool                      { return false }
func (g *group) timesOf(_, _ int, dst []int64) ([]int64, error) { return dst, ErrUnsupported }
func (g *group) lines(_, _ int, dst []string) ([]string, error) { return dst, ErrUnsupported }
func (g *group) column(_ string, _, _ int, dst []model.Value) ([]model.Value, error) {
	return dst, ErrUnsupported
}
