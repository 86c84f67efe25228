//go:build linux

package e2e

import (
	"bytes"
	"encoding/binary"
	"net"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// tap looks at what goes over a wire of this host.
type tap struct {
	fd   int
	seen atomic.Int64 // frames with the mark in them
	all  atomic.Int64 // frames
	done chan struct{}
}

// listenTo counts the frames on a NIC that have a mark in them, until the test is over.
func listenTo(t *testing.T, nic string, mark []byte) *tap {
	t.Helper()
	link, err := net.InterfaceByName(nic)
	if err != nil {
		t.Fatal(err)
	}
	every := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL))
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(every))
	if err != nil {
		t.Fatal(err)
	}
	w := &tap{fd: fd, done: make(chan struct{})}
	wait := unix.NsecToTimeval(100e6)
	for _, err := range []error{
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: every, Ifindex: link.Index}),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	stop := make(chan struct{})
	go w.run(mark, stop)
	t.Cleanup(func() {
		close(stop)
		<-w.done
		_ = unix.Close(fd)
	})
	return w
}

func (w *tap) run(mark []byte, stop chan struct{}) {
	defer close(w.done)
	frame := make([]byte, 1<<16)
	for {
		select {
		case <-stop:
			return
		default:
		}
		n, _, err := unix.Recvfrom(w.fd, frame, 0)
		if err != nil {
			continue // it is time to look whether that was all
		}
		w.all.Add(1)
		if bytes.Contains(frame[:n], mark) {
			w.seen.Add(1)
		}
	}
}
