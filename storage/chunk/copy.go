package chunk

// AppendFrom appends samples [i, j) of src, which shares their texts and histograms. The
// types must be equal, unless c is empty: then it takes that of src. Where
// only one of both has start times, the others' are NoStart.
func (c *Column) AppendFrom(src *Column, i, j int) {
	had := len(c.Times)
	if had == 0 {
		c.Type = src.Type
	}
	if c.Type != src.Type {
		panic("chunk: append samples: want " + c.Type.String() + ", got " + src.Type.String())
	}
	c.Times = append(c.Times, src.Times[i:j]...)
	if len(src.Bits) > 0 {
		c.Bits = append(c.Bits, src.Bits[i:j]...)
	}
	if len(src.Texts) > 0 {
		c.Texts = append(c.Texts, src.Texts[i:j]...)
	}
	if len(src.Histograms) > 0 {
		c.Histograms = append(c.Histograms, src.Histograms[i:j]...)
	}
	switch {
	case len(src.Starts) > 0:
		for len(c.Starts) < had {
			c.Starts = append(c.Starts, NoStart)
		}
		c.Starts = append(c.Starts, src.Starts[i:j]...)
	case len(c.Starts) > 0:
		for len(c.Starts) < len(c.Times) {
			c.Starts = append(c.Starts, NoStart)
		}
	}
}
