package server_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/rdmacp/rdmacp/internal/server"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// header is the start of a call.
func header(method string) []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for _, f := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":path", method}, {":authority", "x"}, {"content-type", "application/grpc"}, {"te", "trailers"}} {
		_ = e.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	return b.Bytes()
}

// padding is a header that means nothing, of some kilobytes, and is not remembered.
func padding(n int) []byte {
	var b bytes.Buffer
	_ = hpack.NewEncoder(&b).WriteField(hpack.HeaderField{Name: "x", Value: string(bytes.Repeat([]byte{'\\'}, n)), Sensitive: true})
	return b.Bytes()
}

// frames is a connection that speaks HTTP/2 as it likes.
type frames struct {
	net.Conn
	*http2.Framer
	said atomic.Uint32 // GOAWAY's code, and one more
}

func (d *daemon) frames(t *testing.T) *frames {
	t.Helper()
	c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).Dial("tcp", d.addr)
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	_, err = io.WriteString(c, http2.ClientPreface)
	must(t, err)
	f := &frames{Conn: c, Framer: http2.NewFramer(c, c)}
	must(t, f.WriteSettings())
	return f
}

// heed reads what the daemon says until it hangs up.
func (f *frames) heed() {
	for {
		frame, err := f.ReadFrame()
		if errors.As(err, new(http2.StreamError)) {
			continue
		}
		if err != nil {
			return
		}
		if g, ok := frame.(*http2.GoAwayFrame); ok {
			f.said.Store(uint32(g.ErrCode) + 1)
		}
	}
}

// Frames of HTTP/2 that cost the daemon more than the one who sends them (calls that are taken
// back at once, pings, headers without end) have it hang up, and it serves others meanwhile.
func TestHostileFrames(t *testing.T) { //nolint:paralleltest // it looks at the memory of the process
	call := header(pb.TransferService_Session_FullMethodName)
	block := padding(8 << 10)
	const late = "empty headers without an end" // gRPC's keepalive sees to them, after 25 seconds
	for name, flood := range map[string]func(f *frames, i uint32) error{
		"calls that are taken back": func(f *frames, i uint32) error {
			err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*i + 1, BlockFragment: call, EndHeaders: true})
			return errors.Join(err, f.WriteRSTStream(2*i+1, http2.ErrCodeCancel))
		},
		"pings": func(f *frames, i uint32) error { return f.WritePing(false, [8]byte{byte(i)}) },
		"headers without an end": func(f *frames, i uint32) error {
			if i == 0 {
				return f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: call})
			}
			return f.WriteContinuation(1, false, block)
		},
		late: func(f *frames, i uint32) error {
			if i == 0 {
				return f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: call})
			}
			return f.WriteContinuation(1, false, nil)
		},
		"long headers": func(f *frames, i uint32) error {
			err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*i + 1, BlockFragment: call})
			for range 3 {
				err = errors.Join(err, f.WriteContinuation(2*i+1, false, block))
			}
			return errors.Join(err, f.WriteContinuation(2*i+1, true, nil))
		},
	} {
		t.Run(name, func(t *testing.T) {
			if name == late {
				t.Parallel()
			}
			d := start(t, memory.Faults{}, func(c *server.Config) { c.MaxClient = c.MaxSessions / 2 })
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			f := d.frames(t)
			over := make(chan struct{})
			go func() { defer close(over); f.heed() }()
			ctx, cancel := context.WithTimeout(t.Context(), 3*soon)
			defer cancel()
			sent, done := uint32(0), make(chan struct{})
			go func() {
				defer close(done)
				for ctx.Err() == nil && flood(f, sent) == nil {
					sent++
				}
			}()
			for range 3 {
				d.serves(t)
			}
			select {
			case <-over:
			case <-ctx.Done():
				t.Error("the daemon does not hang up")
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			_ = f.Close()
			<-done
			<-over
			if name == "pings" && f.said.Load() != uint32(http2.ErrCodeEnhanceYourCalm)+1 {
				t.Errorf("after %d of them it says %d", sent, f.said.Load())
			}
			if name != late && after.HeapAlloc > before.HeapAlloc+32<<20 {
				t.Errorf("the daemon takes %d bytes more", after.HeapAlloc-before.HeapAlloc)
			}
			d.serves(t)
		})
	}
}
