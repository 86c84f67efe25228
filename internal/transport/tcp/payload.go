package tcp

import (
	"errors"
	"io"
	"net"
	"slices"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// payload is what a frame carries: the pages of a file, or a slab.
type payload struct {
	pages *pages // nil: the slab
	slab  []byte
	n     int
}

// errOutside answers for an extent that is not, or not all, where its file has bytes.
var errOutside = errors.New("tcp: the extent is not in one stretch of its file")

// show makes a payload of an extent where it lies, and takes its digest.
func (e *end) show(p transport.Place, n int) (payload, transport.Digest, error) {
	if p.Off < p.Since || p.Off+int64(n) > p.Until {
		return payload{}, transport.Digest{}, errOutside
	}
	pages, err := openPages(p)
	if err != nil {
		e.refused(err.Error())
		return payload{}, transport.Digest{}, err
	}
	var digest transport.Digest
	if !e.setup.Unverified {
		digest, err = e.hash(pages, n)
	}
	if err != nil {
		pages.close()
		return payload{}, transport.Digest{}, err
	}
	return payload{pages: pages, n: n}, digest, nil
}

// load makes a payload of a slab with what src holds, and takes its digest.
func (e *end) load(src io.ReaderAt, ext transport.Extent) (payload, transport.Digest, error) {
	slab := e.slabs.get()
	if err := e.fill(slab, src, ext); err != nil {
		e.slabs.put(slab)
		return payload{}, transport.Digest{}, err
	}
	return payload{slab: slab, n: ext.Len}, e.sum(slab[:ext.Len]), nil
}

// drop gives up what a payload holds.
func (e *end) drop(p payload) {
	p.closePages()
	e.slabs.put(p.slab)
}

// closePages is for who has sent them, or never will.
func (p payload) closePages() {
	if p.pages != nil {
		p.pages.close()
	}
}

// send writes a frame. A file that has become shorter is made up for by zeros: the frame
// is as long as its header says, and short tells that its bytes are not the file's.
func (e *end) send(c net.Conn, h header, p payload) (short bool, err error) {
	e.sent.Add(1)
	switch {
	case p.pages != nil:
		return e.sendPages(c, h, p)
	case p.n > 0:
		e.socket.Add(uint64(p.n))
	}
	first := min(p.n, piece)
	if err := e.write(c, net.Buffers{h.bytes(), p.slab[:first]}); err != nil {
		return false, err
	}
	for rest := range slices.Chunk(p.slab[first:p.n], piece) {
		if err := e.write(c, net.Buffers{rest}); err != nil {
			return false, err
		}
	}
	return false, nil
}

// piece is how much is written at once, so that one can tell a slow peer from a dead one:
// bytes.
const piece = 256 << 10

// write writes buffers.
func (e *end) write(c net.Conn, part net.Buffers) error {
	if last := len(part) - 1; len(part[last]) == 0 {
		part = part[:last]
	}
	_, err := part.WriteTo(c)
	e.calls.Add(1)
	e.moving()
	return err
}

// writeZeros writes n zeros.
func (e *end) writeZeros(c net.Conn, n int) error {
	zeros := make([]byte, min(n, 64<<10))
	for n > 0 {
		part := zeros[:min(n, len(zeros))]
		n -= len(part)
		if err := e.write(c, net.Buffers{part}); err != nil {
			return err
		}
	}
	return nil
}
