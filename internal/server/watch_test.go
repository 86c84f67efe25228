package server_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// Who watches is told at once and again, is one of a few, and does not keep the daemon from stopping.
func TestWatch(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	d.dial(t, transport.Put)
	c := pb.NewStatusServiceClient(d.connect(t))
	var first pb.StatusService_WatchClient
	for i := range 17 {
		w, err := c.Watch(t.Context(), &pb.WatchRequest{IntervalMillis: 1})
		must(t, err)
		m, err := w.Recv()
		if i == 16 {
			if status.Code(err) != codes.ResourceExhausted {
				t.Errorf("one too many: %v", err)
			}
			break
		}
		must(t, err)
		if m.GetOpen() != 1 || len(m.GetSessions()) != 1 || m.GetSessions()[0].GetDevice() != "memory/1" {
			t.Fatalf("%v", m)
		}
		if i == 0 {
			first = w
		}
	}
	begun := time.Now()
	if _, err := first.Recv(); err != nil || time.Since(begun) > 5*time.Second {
		t.Errorf("the second look: %v after %v", err, time.Since(begun))
	}
	begun = time.Now()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d.Drain(ctx)
	if took := time.Since(begun); took > 1900*time.Millisecond {
		t.Errorf("the daemon took %v to stop", took)
	}
	var err error
	for err == nil {
		_, err = first.Recv()
	}
	if status.Code(err) == codes.OK {
		t.Errorf("the watch ended with %v", err)
	}
}
