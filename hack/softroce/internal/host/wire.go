//go:build linux

package host

import (
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

// wire is a pair of sockets that two guests are joined by, straight from QEMU to QEMU. The ends stay open here, for the
// QEMU that comes after a power cut.
type wire [2]*os.File

func newWire() (wire, error) {
	ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return wire{}, fmt.Errorf("make a wire: %w", err)
	}
	return wire{os.NewFile(uintptr(ends[0]), "wire"), os.NewFile(uintptr(ends[1]), "wire")}, nil
}

// Close closes what is open here of both ends.
func (w wire) Close() error {
	_ = w[0].Close()
	return w[1].Close()
}

// drain throws away what arrives at an end while nobody is there, until it is closed. A guest whose NIC can't send for
// as long as another one boots would be one with broken hardware: rxe waits 50 s for its packets to be gone, then goes
// on, and the kernel panics.
func drain(end *os.File) (io.Closer, error) {
	conn, err := net.FileConn(end)
	if err != nil {
		return nil, err
	}
	go func() {
		for frame := make([]byte, maxPacket); ; {
			if _, err := conn.Read(frame); err != nil {
				return
			}
		}
	}()
	return conn, nil
}
