// Package protobuf walks the fields of protocol buffer messages in the wire
// format, without reflection and without allocation. It knows no schema: who
// reads a message says what each field number means.
//
// The wire format, as https://protobuf.dev/programming-guides/encoding has it:
//
//	message = {tag value}
//	tag     = uvarint(number<<3 | type), number 1 to 2^29-1
//
//	type  name     value
//	----  -------  ----------------------------------------
//	   0  Varint   uvarint of at most 64 bits
//	   1  Fixed64  8 bytes, little endian
//	   2  Bytes    uvarint length, then so many bytes
//	   5  Fixed32  4 bytes, little endian
//
// Groups (types 3 and 4) are refused: no message read here ever had one.
package protobuf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Type is a wire type.
type Type uint8

// The wire types.
const (
	Varint  Type = 0
	Fixed64 Type = 1
	Bytes   Type = 2
	Fixed32 Type = 5
)

// ErrMalformed marks every error of this package.
var ErrMalformed = errors.New("malformed protobuf")

// Cursor stands on one field of a message. Bytes given by it alias the
// message.
type Cursor struct {
	// Num and Type are the field's number and wire type.
	Num  uint32
	Type Type
	// Bits is the value of a varint or fixed field.
	Bits uint64
	// Data is the value of a Bytes field, else nil.
	Data []byte

	msg []byte
	pos int
	err error
}

// NewCursor returns a cursor before the first field.
func NewCursor(msg []byte) Cursor { return Cursor{msg: msg} }

// CursorAt returns a cursor before the field at an offset, where one must
// start.
func CursorAt(msg []byte, pos int) Cursor { return Cursor{msg: msg, pos: pos} }

// Next moves to the next field. It returns false at the end and at an error.
func (c *Cursor) Next() bool {
	if c.pos >= len(c.msg) || c.err != nil {
		return false
	}
	tag, ok := c.uvarint()
	if !ok {
		return c.fail("tag is cut off or too long")
	}
	if n := tag >> 3; n == 0 || n > 1<<29-1 {
		return c.fail("field number %d: want 1 to 536870911", n)
	}
	c.Num, c.Type, c.Data = uint32(tag>>3), Type(tag&7), nil
	left := len(c.msg) - c.pos
	switch c.Type {
	case Varint:
		if c.Bits, ok = c.uvarint(); !ok {
			return c.fail("varint is cut off or too long")
		}
	case Fixed64:
		if left < 8 {
			return c.fail("%d bytes are left: want 8", left)
		}
		c.Bits = binary.LittleEndian.Uint64(c.msg[c.pos:])
		c.pos += 8
	case Fixed32:
		if left < 4 {
			return c.fail("%d bytes are left: want 4", left)
		}
		c.Bits = uint64(binary.LittleEndian.Uint32(c.msg[c.pos:]))
		c.pos += 4
	case Bytes:
		n, ok := c.uvarint()
		if left = len(c.msg) - c.pos; !ok || n > uint64(left) {
			return c.fail("length %d: want one within the %d bytes left", n, left)
		}
		c.Data = c.msg[c.pos : c.pos+int(n) : c.pos+int(n)]
		c.pos += int(n)
	default:
		return c.fail("wire type %d: want 0, 1, 2 or 5", c.Type)
	}
	return true
}

func (c *Cursor) uvarint() (uint64, bool) {
	if c.pos < len(c.msg) && c.msg[c.pos] < 0x80 {
		c.pos++
		return uint64(c.msg[c.pos-1]), true
	}
	v, n := binary.Uvarint(c.msg[c.pos:])
	if n <= 0 {
		return 0, false
	}
	c.pos += n
	return v, true
}

func (c *Cursor) fail(format string, args ...any) bool {
	c.err = fmt.Errorf("%w: field %d at byte %d: %s", ErrMalformed, c.Num, c.pos, fmt.Sprintf(format, args...))
	return false
}

// Pos returns the offset behind the field that the cursor stands on.
func (c *Cursor) Pos() int { return c.pos }

// Err returns what was wrong with the message, or nil.
func (c *Cursor) Err() error { return c.err }

// Want reports whether the field has the type; otherwise it makes the walk
// end with an error.
func (c *Cursor) Want(t Type) bool {
	if c.Type == t {
		return true
	}
	return c.fail("wire type %d: want %d", c.Type, t)
}

// Float returns the value of a double field.
func (c *Cursor) Float() float64 { return math.Float64frombits(c.Bits) }

// Varints appends the values of a repeated integer field, packed or not.
func (c *Cursor) Varints(dst []uint64) []uint64 {
	if c.Type == Varint {
		return append(dst, c.Bits)
	}
	if !c.Want(Bytes) {
		return dst
	}
	for b := c.Data; len(b) > 0; {
		if b[0] < 0x80 {
			dst, b = append(dst, uint64(b[0])), b[1:]
			continue
		}
		v, n := binary.Uvarint(b)
		if n <= 0 {
			c.fail("packed varint is cut off or too long")
			return dst
		}
		dst, b = append(dst, v), b[n:]
	}
	return dst
}

// Fixed64s appends the values of a repeated double or fixed64 field, packed
// or not.
func (c *Cursor) Fixed64s(dst []uint64) []uint64 {
	if c.Type == Fixed64 {
		return append(dst, c.Bits)
	}
	if !c.Want(Bytes) {
		return dst
	}
	if len(c.Data)%8 != 0 {
		c.fail("packed field has %d bytes: want a multiple of 8", len(c.Data))
		return dst
	}
	for b := c.Data; len(b) > 0; b = b[8:] {
		dst = append(dst, binary.LittleEndian.Uint64(b))
	}
	return dst
}
