package server_test

import (
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/rdmacp/rdmacp/internal/admin"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// At the admin socket tools are told what there is to call, beside what answers by HTTP there; it
// can be called, shows the sessions of all, and moves no file.
func TestInsight(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	d.dial(t, transport.Put)
	path := filepath.Join(t.TempDir(), "s")
	lis, err := net.Listen("unix", path)
	must(t, err)
	a := admin.Private(lis, d.Server, admin.Self{}, nil, d.Insight(), slog.New(slog.DiscardHandler))
	t.Cleanup(func() { _ = a.Close() })
	conn, err := grpc.NewClient("unix:"+path, grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	t.Cleanup(func() { must(t, conn.Close()) })
	names, err := services(t, conn)
	must(t, err)
	if !slices.Contains(names, "rdmacp.v1.StatusService") || slices.Contains(names, "rdmacp.v1.TransferService") {
		t.Errorf("it lists %q", names)
	}
	watch, err := pb.NewStatusServiceClient(conn).Watch(t.Context(), &pb.WatchRequest{})
	must(t, err)
	m, err := watch.Recv()
	must(t, err)
	if len(m.GetSessions()) != 1 {
		t.Errorf("it shows %v", m)
	}
	session, err := pb.NewTransferServiceClient(conn).Session(t.Context())
	must(t, err)
	if _, err := session.Recv(); status.Code(err) != codes.Unimplemented {
		t.Errorf("a session there: %v", err)
	}
	var s admin.Status
	must(t, admin.Ask(t.Context(), path, "GET", "/v1/status", nil, &s))
	if len(s.Sessions) != 1 {
		t.Errorf("by HTTP it shows %+v", s)
	}
	begun := time.Now()
	must(t, a.Close())
	if took := time.Since(begun); took > soon {
		t.Errorf("to close it took %v", took)
	}
}
