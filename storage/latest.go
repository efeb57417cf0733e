package storage

import (
	"fmt"

	"tidemark/storage/model"
)

// putLatest writes the last sample of each window of the query into a series,
// and maybe others.
func (r *seriesReader) putLatest(into *model.Series) error {
	*into = model.Series{Name: into.Name, Labels: into.Labels, Times: into.Times[:0], Values: into.Values[:0]}
	pieces := r.gathered()
	if r.set.windows.Count == 1 {
		// The latest cluster mostly has it.
		for end := len(pieces); end > 0 && len(into.Times) == 0; {
			first := end - 1
			for i := first - 1; i >= 0; i-- { // one that begins early may reach far
				if pieces[i].maxt >= pieces[first].mint {
					first = i
				}
			}
			if err := r.latestOf(pieces[first:end], into); err != nil {
				return err
			}
			end = first
		}
		return nil
	}
	for i := 0; i < len(pieces); {
		j := clusterEnd(pieces, i, 1)
		if err := r.latestOf(pieces[i:j], into); err != nil {
			return err
		}
		i = j
	}
	return nil
}

// latestOf puts the latest samples of pieces that overlap.
func (r *seriesReader) latestOf(pieces []piece, into *model.Series) error {
	if c := pieces[0].chunk; c != nil && len(pieces) == 1 {
		if err := r.latestOfChunk(c, into); err != nil {
			return corrupt(fmt.Sprintf("chunk %x", r.buf[c.hi:c.end]), err)
		}
		return nil
	}
	return r.mergeCluster(pieces, func(times []int64, bits []uint64, typ model.Type) {
		into.Times = append(into.Times, times...)
		into.Values = appendFloats(into.Values, bits, typ)
	})
}

// latestOfChunk puts the last sample of a chunk in each window.
func (r *seriesReader) latestOfChunk(c *heldChunk, into *model.Series) error {
	rd := &r.chunk
	if err := rd.Open(r.buf[c.lo:c.hi]); err != nil {
		return err
	}
	r.stats.Chunks++
	r.stats.Bytes += int64(c.hi - c.lo)
	unit, linear, err := rd.TimeUnit()
	if err != nil {
		return err
	}
	w := r.set.windows
	k := int64(0)
	if c.header.Mint > w.End {
		k = (c.header.Mint - w.End) / w.Step // floors down times reach into it
	}
	last := -1
	for ; k < int64(w.Count); k++ {
		end := min(w.End+k*w.Step+w.Floor-1, r.set.maxt)
		i := c.header.Count
		switch {
		case end >= c.header.Maxt:
		case linear && end >= c.header.Mint:
			i = int((end-c.header.Mint)/unit) + 1
		default:
			if i, err = rd.Search(end); err != nil {
				return err
			}
		}
		if i--; i > last {
			last = i
			at := c.header.Mint + int64(i)*unit
			if !linear {
				if r.times, err = rd.AppendTimes(r.times[:0], i, i+1); err != nil {
					return err
				}
				at = r.times[0]
			}
			if at < r.mint || at > r.set.maxt {
				continue
			}
			into.Times = append(into.Times, at)
			if into.Values, err = rd.AppendFloats(into.Values, i, i+1); err != nil {
				return err
			}
		}
		if i+1 == c.header.Count {
			break
		}
	}
	return nil
}
