package gen

import "strconv"

// AppendLine appends a point as a line of line protocol, in nanoseconds.
func AppendLine(dst []byte, p *Point) []byte {
	dst = append(dst, p.key...)
	for i, v := range p.Values {
		if i == 0 {
			dst = append(dst, ' ')
		} else {
			dst = append(dst, ',')
		}
		dst = append(append(dst, p.Fields[i].Name...), '=')
		if p.Fields[i].Float {
			dst = strconv.AppendFloat(dst, v, 'f', -1, 64)
		} else {
			dst = append(strconv.AppendInt(dst, int64(v), 10), 'i')
		}
	}
	dst = strconv.AppendInt(append(dst, ' '), p.Time, 10)
	return append(dst, '\n')
}

// AppendLines appends up to n lines and returns how many samples they have; 0
// at the end.
func (w *Workload) AppendLines(dst []byte, n int) (body []byte, samples int) {
	for range n {
		p := w.Next()
		if p == nil {
			break
		}
		dst = AppendLine(dst, p)
		samples += len(p.Values)
	}
	return dst, samples
}
