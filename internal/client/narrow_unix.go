//go:build unix

package client

import "syscall"

// shortSegment is as many bytes as a packet of the least MTU that IPv6 has may carry with all
// its headers.
const shortSegment = 1200

// narrow has neither end of a connection of TCP send longer segments: the other end keeps to
// what this one announces.
func narrow(network, _ string, c syscall.RawConn) (err error) {
	if network == "unix" {
		return nil
	}
	ctl := c.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, shortSegment)
	})
	if ctl != nil {
		return ctl
	}
	return err
}
