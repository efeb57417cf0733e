package render

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Records are rows of named cells that are no answer to a query: labels,
// running queries, dates. A cell is a string, a number, a bool or nil, which is
// an empty cell.
type Records struct {
	Columns []string
	Rows    [][]any
	// Title stands above a table; other formats leave it out.
	Title string
	// Empty is what a table without rows says; by default "no data".
	Empty string
	// Plain tables have no head: lists of one column.
	Plain bool
}

// WriteRecords prints records in a format; a chart of them is a table. JSON is
// an array with an object per row, whose members are the columns in lower case
// with underscores.
func WriteRecords(w io.Writer, f Format, r *Records) error {
	var b strings.Builder
	switch f {
	case Table, Chart:
		r.table(&b)
	case JSON:
		if err := r.json(&b); err != nil {
			return err
		}
	case CSV:
		if err := r.csv(&b); err != nil {
			return err
		}
	default:
		return fmt.Errorf("output format %q: want table, json or csv", f)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// numeric reports whether every cell of a column that is not empty is a number.
func (r *Records) numeric(c int) bool {
	any := false
	for _, row := range r.Rows {
		switch row[c].(type) {
		case nil:
		case int, int64, float64:
			any = true
		default:
			return false
		}
	}
	return any
}

func (r *Records) table(b *strings.Builder) {
	if r.Title != "" {
		fmt.Fprintln(b, r.Title)
	}
	if len(r.Rows) == 0 {
		empty := r.Empty
		if empty == "" {
			empty = "no data"
		}
		fmt.Fprintln(b, empty)
		return
	}
	var lines [][]string
	if !r.Plain {
		head := make([]string, len(r.Columns))
		for i, c := range r.Columns {
			head[i] = strings.ToUpper(c)
		}
		lines = append(lines, head)
	}
	var right []int
	for c := range r.Columns {
		if r.numeric(c) {
			right = append(right, c)
		}
	}
	for _, row := range r.Rows {
		line := make([]string, len(row))
		for c, v := range row {
			if f, ok := v.(float64); ok {
				line[c] = short(f)
				continue
			}
			line[c] = visible(cell(v))
		}
		lines = append(lines, line)
	}
	columns(b, lines, right)
}

// columns prints rows padded to the widest cell of each column; those listed
// are flush right. No row ends in spaces.
func columns(b *strings.Builder, rows [][]string, right []int) {
	wide := make([]int, len(rows[0]))
	for _, row := range rows {
		for c, s := range row {
			wide[c] = max(wide[c], width(s))
		}
	}
	var line strings.Builder
	for _, row := range rows {
		line.Reset()
		for c, s := range row {
			if c > 0 {
				line.WriteString("  ")
			}
			pad := strings.Repeat(" ", wide[c]-width(s))
			if slices.Contains(right, c) {
				line.WriteString(pad + s)
			} else {
				line.WriteString(s + pad)
			}
		}
		fmt.Fprintln(b, strings.TrimRight(line.String(), " "))
	}
}

// cell prints a cell in full.
func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		return number(v)
	}
	return fmt.Sprint(v)
}

// key is a column's name as a member's: what a program reads.
func key(column string) string { return strings.ReplaceAll(strings.ToLower(column), " ", "_") }

func (r *Records) json(b *strings.Builder) error {
	b.WriteString("[")
	for i, row := range r.Rows {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString("\n  {")
		for c, v := range row {
			if c > 0 {
				b.WriteString(", ")
			}
			name, err := json.Marshal(key(r.Columns[c]))
			if err != nil {
				return err
			}
			text, err := json.Marshal(v)
			if err != nil { // an infinity or NaN: as Prometheus writes them
				if text, err = json.Marshal(cell(v)); err != nil {
					return err
				}
			}
			fmt.Fprintf(b, "%s: %s", name, text)
		}
		b.WriteString("}")
	}
	if len(r.Rows) > 0 {
		b.WriteString("\n")
	}
	b.WriteString("]\n")
	return nil
}

func (r *Records) csv(b *strings.Builder) error {
	w := csv.NewWriter(b)
	head := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		head[i] = key(c)
	}
	_ = w.Write(head)
	for _, row := range r.Rows {
		rec := make([]string, len(row))
		for c, v := range row {
			rec[c] = cell(v)
		}
		_ = w.Write(rec)
	}
	w.Flush()
	return w.Error() // writes to a strings.Builder report nothing earlier
}

// sparkBars are the heights of a spark line.
var sparkBars = []rune("▁▂▃▄▅▆▇█")

// Spark draws numbers as a line of bars, the largest at full height; what is 0
// or less has the lowest one.
func Spark(values []float64) string {
	top := 0.0
	for _, v := range values {
		top = max(top, v)
	}
	out := make([]rune, len(values))
	for i, v := range values {
		out[i] = sparkBars[0]
		if top > 0 && v > 0 {
			out[i] = sparkBars[min(int(v/top*float64(len(sparkBars))), len(sparkBars)-1)]
		}
	}
	return string(out)
}
