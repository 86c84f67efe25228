package server_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/rdmacp/rdmacp/internal/mtls"
	"github.com/rdmacp/rdmacp/internal/server"
	"github.com/rdmacp/rdmacp/internal/token"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
)

// secured is a daemon that lets everybody in who proves something, of which nobody but alice
// may do anything with its export. Listen is where it is reached under TLS.
func secured(t *testing.T, store *mtls.Store) (d *daemon, addr string) {
	t.Helper()
	d = start(t, memory.Faults{}, func(c *server.Config) {
		c.Anchors = store.Anchors
		c.Exports = []server.Export{{Name: "data", Path: c.Exports[0].Path, Rights: server.Rights{Write: []string{"alice"}}}}
	})
	store.Admit(d.Guests())
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	served := make(chan error, 1)
	go func() { served <- d.Serve(store.Listen(lis)) }()
	t.Cleanup(func() {
		must(t, lis.Close())
		if err := <-served; !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
	return d, lis.Addr().String()
}

// first is how a call with nothing in it is answered.
func first(ctx context.Context, t *testing.T, conn *grpc.ClientConn, method string) codes.Code {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, soon)
	defer cancel()
	s, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
	if err != nil {
		return status.Code(err)
	}
	_ = s.SendMsg(&emptypb.Empty{})
	_ = s.CloseSend()
	return status.Code(s.RecvMsg(&emptypb.Empty{}))
}

// Each method that there is, called over the wire by who has no certificate, by who has come
// by a token, and by somebody with a certificate who may do nothing with any export, gives
// each what it is for, and nothing more.
func TestCallers(t *testing.T) {
	t.Parallel()
	there, here := proof(t)
	d, addr := secured(t, there)
	text, _, err := d.Issue(token.Scope{Export: "data", Path: "sub"}, time.Hour, 1)
	must(t, err)
	own, anchors, err := token.Parse(text)
	must(t, err)
	dial := func(c credentials.TransportCredentials, prove func(context.Context, net.Conn) (net.Conn, error)) *grpc.ClientConn {
		conn, err := grpc.NewClient("passthrough:///x", grpc.WithTransportCredentials(c), grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
			if err != nil || prove == nil {
				return raw, err
			}
			return prove(ctx, raw)
		}))
		must(t, err)
		t.Cleanup(func() { must(t, conn.Close()) })
		return conn
	}
	by := func(s *mtls.Store) *grpc.ClientConn {
		return dial(mtls.Credentials(), func(ctx context.Context, c net.Conn) (net.Conn, error) { return s.Handshake(ctx, c, "127.0.0.1") })
	}
	//nolint:gosec // whoever answers, it is this end that proves nothing
	anonymous := dial(credentials.NewTLS(&tls.Config{InsecureSkipVerify: true}), nil)
	guest, stranger := by(mtls.Pinned(own, nil, anchors...)), by(here)

	const ok, no, denied = codes.OK, codes.InvalidArgument, codes.PermissionDenied // no: what was said is no request
	want := map[string]struct{ guest, stranger codes.Code }{
		"/rdmacp.v1.TransferService/Session": {no, no},
		"/rdmacp.v1.StatusService/Watch":     {ok, ok},
		"/rdmacp.v1.StatusService/Examine":   {denied, ok},
		"/grpc.health.v1.Health/Check":       {ok, ok},
		"/grpc.health.v1.Health/List":        {ok, ok},
		"/grpc.health.v1.Health/Watch":       {ok, ok},
	}
	for service, info := range d.Services() {
		for _, m := range info.Methods {
			name := "/" + service + "/" + m.Name
			w, ok := want[name]
			if !ok {
				t.Errorf("%s: nobody has said who may call it", name)
			}
			if got := first(t.Context(), t, anonymous, name); got != codes.Unavailable {
				t.Errorf("%s without a certificate: %v", name, got)
			}
			if got := first(t.Context(), t, guest, name); got != w.guest {
				t.Errorf("%s by a token: %v, want %v", name, got, w.guest)
			}
			if got := first(t.Context(), t, stranger, name); got != w.stranger {
				t.Errorf("%s by a stranger: %v, want %v", name, got, w.stranger)
			}
		}
	}
	if got := first(t.Context(), t, stranger, "/rdmacp.v1.TransferService/None"); got != codes.Unimplemented {
		t.Errorf("a method that there is not: %v", got)
	}
}

// A method whose path has no slash in front is not another way to it.
func TestPathWithoutSlash(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	for service, info := range d.Services() {
		for _, m := range info.Methods {
			f := d.frames(t)
			must(t, f.SetDeadline(time.Now().Add(soon)))
			must(t, f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: header(service + "/" + m.Name), EndHeaders: true}))
			must(t, f.WriteData(1, true, make([]byte, 5))) // an empty message
			f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
			got := ""
			for got == "" {
				frame, err := f.ReadFrame()
				must(t, err)
				if h, ok := frame.(*http2.MetaHeadersFrame); ok {
					for _, field := range h.RegularFields() {
						if field.Name == "grpc-status" {
							got = field.Value
						}
					}
				}
				if _, ok := frame.(*http2.DataFrame); ok {
					t.Fatalf("%s/%s is served", service, m.Name)
				}
			}
			if got != "7" && got != "12" { // PERMISSION_DENIED, UNIMPLEMENTED
				t.Errorf("%s/%s: status %s", service, m.Name, got)
			}
		}
	}
}
