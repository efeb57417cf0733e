//go:build unix

package server

import (
	"crypto/tls"
	"net"
	"syscall"
)

// hungUp reports whether the other side has closed the connection, as far as
// the kernel knows: an end of file, or an error, is what reading would find. What
// has been sent is left there.
func hungUp(conn net.Conn) bool {
	if e, ok := conn.(*endConn); ok {
		conn = e.Conn
	}
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return true // closed already
	}
	gone := false
	var b [1]byte
	err = raw.Control(func(fd uintptr) {
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		switch err {
		case nil:
			gone = n == 0
		case syscall.EAGAIN, syscall.EINTR:
		default:
			gone = true
		}
	})
	return gone || err != nil
}
