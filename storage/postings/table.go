package postings

// Table finds numbers by the hash of what they stand for, which it does not
// know: who asks compares. It has no pointers, so that the garbage collector
// passes it by, and takes about twelve bytes a number, where a map from
// strings takes about forty. The zero value is empty. It may be read by many
// goroutines while none changes it.
//
// It is open-addressed with linear probing; a slot holds the upper half of the
// hash beside the number, so that hardly any other number is looked at.
type Table struct {
	slots []uint64 // upper half of the hash, then number + 1; 0 is free
	n     int
}

// Place is where a look-up stands.
type Place struct {
	slot uint64
	at   int
	tag  uint32
}

// OK reports whether there is a number here.
func (p Place) OK() bool { return p.slot != 0 }

// Ref returns the number.
func (p Place) Ref() uint32 { return uint32(p.slot) - 1 }

// Find returns the first place that may be of a hash.
func (t *Table) Find(hash uint64) Place {
	if len(t.slots) == 0 {
		return Place{}
	}
	return t.from(Place{at: t.home(hash), tag: uint32(hash >> 32)})
}

// Next returns the place after p that may be of the same hash.
func (t *Table) Next(p Place) Place {
	p.at = (p.at + 1) & (len(t.slots) - 1)
	return t.from(p)
}

func (t *Table) from(p Place) Place {
	for {
		p.slot = t.slots[p.at]
		if p.slot == 0 || uint32(p.slot>>32) == p.tag {
			return p
		}
		p.at = (p.at + 1) & (len(t.slots) - 1)
	}
}

// home is where a hash belongs. It uses the half that a slot keeps, so that
// growing needs no other.
func (t *Table) home(hash uint64) int {
	return int((hash>>32)*0x9e3779b97f4a7c15>>32) & (len(t.slots) - 1)
}

// Put adds a number, below the largest uint32, under a hash.
func (t *Table) Put(hash uint64, ref uint32) {
	if 4*t.n >= 3*len(t.slots) {
		old := t.slots
		t.slots = make([]uint64, max(8, 2*len(old)))
		for _, s := range old {
			if s != 0 {
				t.place(s)
			}
		}
	}
	t.place(hash&^(1<<32-1) | uint64(ref+1))
	t.n++
}

func (t *Table) place(slot uint64) {
	at := t.home(slot)
	for t.slots[at] != 0 {
		at = (at + 1) & (len(t.slots) - 1)
	}
	t.slots[at] = slot
}

// Len returns the number of numbers.
func (t *Table) Len() int { return t.n }
