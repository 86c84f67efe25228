//go:build linux

// Package session runs commands at the other end of a byte stream: a guest's serial port, or a TCP connection between
// guests. Both carry the same frames, so that "run this there" is written once.
package session

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// Kind says what a frame is.
type Kind byte

// The kinds of frame. Those of a command's run are Request, then Stdin and Signal one way, Stdout, Stderr and one
// Exit the other way.
const (
	Spec    Kind = 'S' // host to guest, once: a spec.Guest
	Ready   Kind = 'R' // guest to host, once: commands are welcome
	Failed  Kind = 'F' // guest to host, once, in place of Ready: why the guest could not be set up
	Request Kind = 'C' // a Command
	Stdin   Kind = 'i' // input; empty at its end
	Signal  Kind = 's' // one byte: the signal's number
	Dump    Kind = 'd' // print what the kernel's tasks do to the console
	Stdout  Kind = 'o'
	Stderr  Kind = 'e'
	Exit    Kind = 'x' // a Result
)

// maxFrame bounds what a frame may claim to hold, so that a broken stream is an error and not an allocation.
const maxFrame = 16 << 20

// Conn is a stream of frames. Frames may be sent by several goroutines at once, and received by one.
type Conn struct {
	rw   io.ReadWriter
	send sync.Mutex
}

// NewConn returns a Conn over rw.
func NewConn(rw io.ReadWriter) *Conn { return &Conn{rw: rw} }

// Send writes one frame.
func (c *Conn) Send(k Kind, payload []byte) error {
	frame := make([]byte, 5, 5+len(payload))
	frame[0] = byte(k)
	binary.BigEndian.PutUint32(frame[1:], uint32(len(payload)))
	frame = append(frame, payload...)
	c.send.Lock()
	defer c.send.Unlock()
	if _, err := c.rw.Write(frame); err != nil {
		return fmt.Errorf("send frame %c: %w", k, err)
	}
	return nil
}

// SendJSON writes one frame that holds v.
func (c *Conn) SendJSON(k Kind, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("send frame %c: %w", k, err)
	}
	return c.Send(k, data)
}

// Receive reads one frame. The error is io.EOF when the stream ends between two frames.
func (c *Conn) Receive() (Kind, []byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(c.rw, head[:]); err != nil {
		return 0, nil, err
	}
	size := binary.BigEndian.Uint32(head[1:])
	if size > maxFrame {
		return 0, nil, fmt.Errorf("receive frame: kind %q claims %d bytes: the stream is broken", head[0], size)
	}
	payload := make([]byte, size)
	if _, err := io.ReadFull(c.rw, payload); err != nil {
		return 0, nil, fmt.Errorf("receive frame %c: %w", head[0], err)
	}
	return Kind(head[0]), payload, nil
}

// sink sends what is written to it as frames of one kind.
type sink struct {
	conn *Conn
	kind Kind
}

func (s sink) Write(p []byte) (int, error) {
	if err := s.conn.Send(s.kind, p); err != nil {
		return 0, err
	}
	return len(p), nil
}
