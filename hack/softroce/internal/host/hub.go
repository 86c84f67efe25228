//go:build linux

package host

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"sync"
)

// maxPacket bounds what QEMU may claim one Ethernet frame to be.
const maxPacket = 128 << 10

func hubSocket(dir string, wire int) string { return filepath.Join(dir, fmt.Sprintf("hub%d", wire)) }

// hub is one wire of more than two ends. QEMU sends each Ethernet frame with its length in front; the hub passes it
// on to the end where its destination was last seen, or to all the others.
type hub struct {
	mu    sync.Mutex
	ends  []*hubEnd
	known map[[6]byte]*hubEnd
}

type hubEnd struct {
	conn   net.Conn
	send   sync.Mutex
	spoken bool // its guest has its NIC up: one that boots takes no frame, and would have the others wait
}

// startHub listens for the ends of a wire. It stops with the listener, which the caller closes.
func startHub(ctx context.Context, dir string, wire int) (io.Closer, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "unix", hubSocket(dir, wire))
	if err != nil {
		return nil, fmt.Errorf("make wire %d: %w", wire, err)
	}
	h := &hub{known: map[[6]byte]*hubEnd{}}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			end := &hubEnd{conn: conn}
			h.mu.Lock()
			h.ends = append(h.ends, end)
			h.mu.Unlock()
			go h.serve(end)
		}
	}()
	return listener, nil
}

// serve passes on what one end sends, until its QEMU ends.
func (h *hub) serve(from *hubEnd) {
	in := bufio.NewReaderSize(from.conn, maxPacket)
	for {
		var head [4]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return
		}
		size := binary.BigEndian.Uint32(head[:])
		if size < 14 || size > maxPacket {
			return
		}
		frame := make([]byte, 4+size)
		copy(frame, head[:])
		if _, err := io.ReadFull(in, frame[4:]); err != nil {
			return
		}
		for _, end := range h.route(from, frame[4:]) {
			end.send.Lock()
			// An end that is gone has no use for the frame.
			_, _ = end.conn.Write(frame)
			end.send.Unlock()
		}
	}
}

// route learns where the frame's source is and returns the ends that it is for.
func (h *hub) route(from *hubEnd, frame []byte) []*hubEnd {
	to, source := [6]byte(frame[:6]), [6]byte(frame[6:12])
	h.mu.Lock()
	defer h.mu.Unlock()
	h.known[source] = from
	from.spoken = true
	if end, ok := h.known[to]; ok {
		return []*hubEnd{end}
	}
	var others []*hubEnd
	for _, end := range h.ends {
		if end != from && end.spoken {
			others = append(others, end)
		}
	}
	return others
}
