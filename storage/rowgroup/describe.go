package rowgroup

import (
	"fmt"

	"tidemark/storage/model"
)

// Describe tells what a group's directory lists, column by column, in words. It
// needs the head alone.
func Describe(group []byte) ([]string, error) {
	head, err := headOf(group)
	if err != nil {
		return nil, err
	}
	payloads := group[len(head):]
	if len(payloads) == 0 {
		payloads = nil
	}
	var out []string
	_, _, err = readHead(head, payloads, func(e *entry, _ []byte) error {
		line := ""
		switch e.kind {
		case kindTimes:
			line = "times"
		case kindLines:
			line = "lines"
		case kindShapes:
			line = "shapes of lines"
		case kindVars:
			line = "variables of lines"
		case kindGrams:
			line = "filter of grams"
		case kindValues:
			line = "filter of values"
		case kindTally:
			line = "tally by label set"
		case kindTotals:
			line = "totals by label set"
		case kindBytes:
			line = "bytes of lines by label set"
		case kindField:
			line = fmt.Sprintf("field %q, %s", e.Name, e.Type)
			if e.Type == model.TypeText && e.payload != nil && e.decode() == nil {
				line += ", " + e.texts.Kind()
			}
		default:
			line = fmt.Sprintf("column of kind %d", e.kind)
		}
		out = append(out, fmt.Sprintf("%s: %d bytes", line, e.Size))
		return nil
	})
	return out, err
}
