package tcp

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// magic begins a connection for data, and answers its preface. Its last character but
// two is the version. Nothing else that may come to the same port begins with its first
// byte: HTTP/2 begins with a P, TLS with 0x16.
const magic = "\xd7rdmacp data 1\r\n"

// The lengths of what is no payload, in bytes.
const (
	prefaceSize = 40
	headerSize  = 24
)

// preface is what a lender begins a connection with: the magic, the token (16 bytes), and
// which of the session's connections it is (2 bytes); six bytes are zero.
type preface struct {
	token transport.Token
	index uint16
}

func (p preface) bytes() []byte {
	b := make([]byte, prefaceSize)
	copy(b, magic)
	copy(b[16:], p.token[:])
	binary.BigEndian.PutUint16(b[32:], p.index)
	return b
}

// errPreface answers for what is no preface.
var errPreface = errors.New("tcp: not a preface")

func parsePreface(b [prefaceSize]byte) (p preface, err error) {
	p = preface{transport.Token(b[16:32]), binary.BigEndian.Uint16(b[32:])}
	if string(b[:16]) != magic || [6]byte(b[34:]) != [6]byte{} {
		return preface{}, errPreface
	}
	return p, nil
}

// op is what a frame is.
type op uint8

// The frames.
const (
	opPull op = 1 // driver to lender: send what the ticket names
	opData op = 2 // lender to driver: that, ticket.Len bytes of it
	opPush op = 3 // driver to lender: ticket.Len bytes for what the ticket names
	opDone op = 4 // lender to driver: they are here
)

// header begins a frame. An answer has the ticket of what it answers.
type header struct {
	op     op
	ticket transport.Ticket
}

// bytes is the header on the wire: operation (1 byte), three zeros, slot (2), generation
// (2), length (4), key (4), address (8), all in network order.
func (h header) bytes() []byte {
	b := make([]byte, headerSize)
	b[0] = byte(h.op)
	binary.BigEndian.PutUint32(b[4:], h.ticket.Imm())
	binary.BigEndian.PutUint32(b[8:], h.ticket.Len)
	binary.BigEndian.PutUint32(b[12:], h.ticket.RKey)
	binary.BigEndian.PutUint64(b[16:], h.ticket.Addr)
	return b
}

func parseHeader(b [headerSize]byte) (h header, err error) {
	imm := binary.BigEndian.Uint32(b[4:])
	h = header{op(b[0]), transport.Ticket{
		Addr: binary.BigEndian.Uint64(b[16:]), RKey: binary.BigEndian.Uint32(b[12:]), Len: binary.BigEndian.Uint32(b[8:]),
		Slot: uint16(imm >> 16), Gen: uint16(imm),
	}}
	if h.op < opPull || h.op > opDone || [3]byte(b[1:4]) != [3]byte{} || h.ticket.Len == 0 {
		return header{}, fmt.Errorf("tcp: a frame of kind %d with %d bytes", b[0], h.ticket.Len)
	}
	return h, nil
}
