package tcp

import (
	"bytes"
	"net"
	"testing"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// What a header says is what was written, and nothing else is one.
func FuzzHeader(f *testing.F) {
	f.Add(header{opPull, transport.Ticket{Addr: 1, RKey: 2, Len: 3, Slot: 4, Gen: 5}}.bytes())
	f.Add(header{opDone, transport.Ticket{Len: 1 << 31}}.bytes())
	f.Add(make([]byte, headerSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) != headerSize {
			return
		}
		h, err := parseHeader([headerSize]byte(b))
		if err == nil && !bytes.Equal(h.bytes(), b) {
			t.Errorf("%x is read as %+v", b, h)
		}
	})
}

func FuzzPreface(f *testing.F) {
	f.Add(preface{transport.Token{1, 2, 3}, 4}.bytes())
	f.Add(make([]byte, prefaceSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) != prefaceSize {
			return
		}
		p, err := parsePreface([prefaceSize]byte(b))
		if err == nil && !bytes.Equal(p.bytes(), b) {
			t.Errorf("%x is read as %+v", b, p)
		}
	})
}

// Whatever a driver sends, a lender neither falls over nor writes a sink that nobody
// settles.
func FuzzLender(f *testing.F) {
	push := header{opPush, transport.Ticket{RKey: 7, Len: 16, Slot: 0}}.bytes()
	f.Add(append(push, make([]byte, 16)...), true)
	f.Add(append(push, push...), true)
	f.Add(header{opPull, transport.Ticket{RKey: 7, Len: 16}}.bytes(), false)
	f.Fuzz(func(t *testing.T, says []byte, get bool) {
		s := transport.Setup{Direction: transport.Put, ChunkSize: 64, Slots: 2}
		if get {
			s.Direction = transport.Get
		}
		here, there := net.Pipe()
		l := newLender(New(Config{}), s, []net.Conn{here})
		l.key = 7 // ahead of any loan
		sink := make(memory, 16)
		var err error
		if get {
			_, err = l.LendSink(t.Context(), sink, transport.Extent{Len: 16})
		} else {
			_, err = l.LendSource(t.Context(), sink, transport.Extent{Len: 16})
		}
		must(t, err)
		go func() { _, _ = there.Write(says); _ = there.Close() }()
		for b := make([]byte, 256); ; {
			if _, err := there.Read(b); err != nil {
				break
			}
		}
		must(t, l.Close())
		if !bytes.Equal(sink, make([]byte, 16)) {
			t.Error("the sink was written")
		}
	})
}

// Whatever a lender answers, a driver ends with it.
func FuzzDriver(f *testing.F) {
	ticket := transport.Ticket{RKey: 7, Len: 16}
	f.Add(append(header{opData, ticket}.bytes(), make([]byte, 16)...))
	f.Add(header{opDone, ticket}.bytes())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, says []byte) {
		d := newDriver(New(Config{}), transport.Setup{Direction: transport.Put, ChunkSize: 64, Slots: 2, QPs: 1}, transport.Token{})
		here, there := net.Pipe()
		go func() {
			_, _ = there.Read(make([]byte, len(magic)))
			_, _ = there.Read(make([]byte, headerSize))
			_, _ = there.Write(says)
			_ = there.Close()
		}()
		must(t, d.take(0, here))
		sink := make(memory, 16)
		if _, err := d.Pull(t.Context(), ticket, sink, transport.Extent{Len: 16}); err == nil && len(says) < headerSize+16 {
			t.Errorf("%x is taken for an answer", says)
		}
		must(t, d.Close())
	})
}
