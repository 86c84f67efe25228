package client_test

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mtls"
	"github.com/rdmacp/rdmacp/internal/pki"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// A daemon that knows of no encryption does as if nothing had been asked for: the client ends
// it there, before a byte goes in the clear.
func TestNoEncryptionThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ca, err := pki.Init(dir, "test")
	must(t, err)
	_, err = ca.Issue(pki.Request{Name: "both", Hosts: []string{"127.0.0.1"}, Life: time.Hour})
	must(t, err)
	store, err := mtls.Open(mtls.Files{Cert: filepath.Join(dir, "both.crt"), Key: filepath.Join(dir, "both.key"), CA: ca.CertFile()}, slog.New(slog.DiscardHandler))
	must(t, err)
	fabric, asked := memory.New(memory.Faults{}), false
	old := &fake{session: func(stream serverStream) error {
		m, err := stream.Recv()
		if err != nil {
			return err
		}
		asked = m.GetHello().GetEncrypt()
		w := wire.FromWelcome(wire.Welcome{Version: "old", ChunkSize: chunk, Session: "S"})
		w.Endpoint = m.GetHello().GetEndpoint()
		if err := stream.Send(&pb.SessionResponse{Message: &pb.SessionResponse_Welcome{Welcome: w}}); err != nil {
			return err
		}
		return linger(stream)
	}}
	g, lis := grpc.NewServer(grpc.Creds(mtls.Credentials())), listen(t)
	pb.RegisterTransferServiceServer(g, old)
	served := make(chan error, 1)
	go func() { served <- g.Serve(store.Listen(lis)) }()
	t.Cleanup(func() { g.Stop(); must(t, <-served) })

	o := options(lis.Addr().String(), fabric, transport.Put)
	o.TLS, o.Encrypt = store, true
	if _, err := client.Dial(t.Context(), o); fault.CodeOf(err) != fault.Version {
		t.Errorf("it says %v", err)
	}
	if !asked {
		t.Error("the daemon was not asked")
	}
}
