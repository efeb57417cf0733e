package colenc

// Unit says, without decoding any, of what number all differences between
// values of an open column are multiples: at least 1. linear means that the
// unit is the difference of any two neighbours, which ascend. Where the
// encoding does not say, the unit is 1.
func (c *Ints) Unit() (unit int64, linear bool) {
	switch c.id {
	case intLinear:
		if c.step > 0 {
			return c.step, true
		}
	case intPacked, intCoded, intRice, intFixed:
		if c.step > 0 {
			return c.step, false
		}
	}
	return 1, false
}
