package script

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// newer is a daemon of a release to come, which speaks protocol 2 and nothing else.
type newer struct {
	pb.UnimplementedTransferServiceServer
	answer func(h *pb.Hello) *pb.SessionResponse
}

// Session answers the Hello.
func (n newer) Session(stream grpc.BidiStreamingServer[pb.SessionRequest, pb.SessionResponse]) error {
	m, err := stream.Recv()
	if err != nil {
		return err
	}
	if err := stream.Send(n.answer(m.GetHello())); err != nil {
		return err
	}
	_, _ = stream.Recv() // until the client has read it
	return nil
}

// A daemon that speaks another version of the protocol only ends the command with exit code 2,
// whichever end notices, and both versions are told.
func TestNewerDaemon(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "x")
	must(t, os.WriteFile(file, []byte("x"), 0o600))
	for name, tt := range map[string]struct {
		answer func(h *pb.Hello) *pb.SessionResponse
		says   string
	}{
		"it greets": {func(*pb.Hello) *pb.SessionResponse {
			return &pb.SessionResponse{Message: &pb.SessionResponse_Welcome{Welcome: &pb.Welcome{Protocol: 2, Version: "9.8.7"}}}
		}, "rdmad 9.8.7 speaks version 2 of the protocol, rdmacp " + console.Version() + " version 1"},
		"it refuses": {func(h *pb.Hello) *pb.SessionResponse {
			why := errors.New("rdmacp " + h.GetVersion() + " speaks version 1 of the protocol, rdmad 9.8.7 version 2")
			return &pb.SessionResponse{Message: &pb.SessionResponse_Fault{Fault: wire.FromFault(fault.New(fault.Version, "agreeing on a protocol", why, "install the same release of rdmacp on both hosts"))}}
		}, "rdmacp " + console.Version() + " speaks version 1 of the protocol, rdmad 9.8.7 version 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lis, err := net.Listen("tcp", "127.0.0.1:0")
			must(t, err)
			g := grpc.NewServer()
			pb.RegisterTransferServiceServer(g, newer{answer: tt.answer})
			served := make(chan error, 1)
			go func() { served <- g.Serve(lis) }()
			t.Cleanup(func() { g.Stop(); must(t, <-served) })
			_, port, _ := net.SplitHostPort(lis.Addr().String())
			client, _, stderr := process(t, "rdmacp", "--transport=tcp", "--port="+port, file, "127.0.0.1::data/x")
			err = client.Wait()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(stderr.String(), tt.says) || !strings.Contains(stderr.String(), "same release") {
				t.Errorf("it ends with %v: %s", err, stderr)
			}
		})
	}
}
