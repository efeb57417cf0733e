package syslog

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// ErrTooLong marks a message beyond the limit; the next one can be read.
var ErrTooLong = errors.New("message is too long")

// ErrFraming marks a stream whose messages cannot be told apart any more.
var ErrFraming = errors.New("framing is broken")

// maxCountDigits bounds the length in front of a counted message.
const maxCountDigits = 9

// Scanner reads messages from a stream.
type Scanner struct {
	r    *bufio.Reader
	most int
	buf  []byte
}

// NewScanner returns a scanner of messages of at most most bytes.
func NewScanner(r io.Reader, most int) *Scanner {
	return &Scanner{r: bufio.NewReaderSize(r, 64<<10), most: most}
}

// Buffered reports whether a message may be read without waiting.
func (s *Scanner) Buffered() bool { return s.r.Buffered() > 0 }

// Next returns the next message, valid until the next call. After ErrTooLong
// it may be called again; io.EOF is the end between messages.
func (s *Scanner) Next() ([]byte, error) {
	for {
		c, err := s.r.ReadByte()
		if err != nil {
			return nil, err
		}
		switch {
		case c == '\n' || c == '\r' || c == 0 || c == ' ':
			continue // between messages
		case c >= '1' && c <= '9':
			return s.counted(int(c - '0'))
		}
		if err := s.r.UnreadByte(); err != nil {
			return nil, err
		}
		return s.line()
	}
}

func (s *Scanner) counted(n int) ([]byte, error) {
	for digits := 1; ; digits++ {
		c, err := s.r.ReadByte()
		if err != nil {
			return nil, unexpected(err)
		}
		if c == ' ' {
			break
		}
		if c < '0' || c > '9' || digits == maxCountDigits {
			return nil, fmt.Errorf("%w: want the length of a message and a blank", ErrFraming)
		}
		n = 10*n + int(c-'0')
	}
	if n > s.most {
		if _, err := s.r.Discard(n); err != nil {
			return nil, unexpected(err)
		}
		return nil, fmt.Errorf("%w: it has %d bytes, want at most %d (MaxLineBytes)", ErrTooLong, n, s.most)
	}
	if cap(s.buf) < n {
		s.buf = make([]byte, n)
	}
	s.buf = s.buf[:n]
	if _, err := io.ReadFull(s.r, s.buf); err != nil {
		return nil, unexpected(err)
	}
	return trim(s.buf), nil
}

func (s *Scanner) line() ([]byte, error) {
	s.buf = s.buf[:0]
	total := 0
	for {
		piece, err := s.r.ReadSlice('\n')
		total += len(piece)
		if total <= s.most+2 {
			s.buf = append(s.buf, piece...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && total == 0:
			return nil, err
		case err != nil && !errors.Is(err, io.EOF):
			return nil, err
		}
		if msg := trim(s.buf); total <= s.most+2 && len(msg) <= s.most {
			return msg, nil
		}
		return nil, fmt.Errorf("%w: it has about %d bytes, want at most %d (MaxLineBytes)", ErrTooLong, total, s.most)
	}
}

func trim(b []byte) []byte { return bytes.TrimRight(b, "\r\n\x00") }

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
