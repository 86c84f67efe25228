package server_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
)

// Drain lets what runs end, and nothing new begin.
func TestDrain(t *testing.T) {
	t.Parallel()
	d := start(t, slow)
	s := d.dial(t, transport.Put)
	drained := make(chan struct{})
	var once sync.Once
	data := noise(40 * chunk)
	_, err := put(t.Context(), t, s, data, to("x"), func(int64) {
		once.Do(func() {
			go func() {
				defer close(drained)
				d.Drain(t.Context())
			}()
			eventually(t, "a new client is refused", func() bool {
				late, err := client.Dial(t.Context(), d.options(transport.Put))
				if err == nil {
					_ = late.Close()
				}
				return err != nil
			})
		})
	})
	must(t, err)
	holds(t, filepath.Join(d.dir, "x"), data)
	select {
	case <-drained:
		t.Error("did not wait for the session to end")
	default:
	}
	must(t, s.Close())
	<-drained
}

// When the time is up, sessions are cut: their clients hear why, and no
// file that is not complete is there.
func TestCut(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]func(d *daemon){
		"drain": func(d *daemon) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			d.Drain(ctx)
		},
		"close": func(d *daemon) { must(t, d.Close()) },
	} {
		d := start(t, slow)
		s := d.dial(t, transport.Put)
		done := make(chan struct{})
		var once sync.Once
		_, err := put(t.Context(), t, s, noise(1000*chunk), to("x"), func(int64) {
			once.Do(func() {
				go func() { cut(d); close(done) }()
			})
		})
		f := failsWith(t, err, fault.Interrupted)
		if f.Host != "there" || f.Why == nil || f.Why.Error() != "the daemon is being stopped" || f.Fix == "" {
			t.Errorf("%s: poor fault %+v", name, f)
		}
		<-done
		if _, err := os.Lstat(filepath.Join(d.dir, "x")); err == nil {
			t.Errorf("%s: a file that is not complete is there", name)
		}
		if _, err := put(t.Context(), t, s, noise(1), to("x"), nil); err == nil {
			t.Errorf("%s: the session lives on", name)
		}
	}
}

// Somebody who watches the health, or keeps a connection open, does not keep the
// daemon from stopping.
func TestDrainWithOnlookers(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	watch, err := healthpb.NewHealthClient(d.connect(t)).Watch(t.Context(), &healthpb.HealthCheckRequest{})
	must(t, err)
	m, err := watch.Recv()
	must(t, err)
	if m.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("health is %v", m.GetStatus())
	}
	begun := time.Now()
	d.Drain(t.Context())
	if took := time.Since(begun); took > soon {
		t.Errorf("it took %v", took)
	}
	if m, err := watch.Recv(); err == nil && m.GetStatus() != healthpb.HealthCheckResponse_NOT_SERVING {
		t.Errorf("health is %v afterwards", m.GetStatus())
	}
}

// Clients hear how a daemon is, and not what there is to call.
func TestHealth(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	conn := d.connect(t)
	for _, service := range []string{"", "rdmacp.v1.TransferService"} {
		m, err := healthpb.NewHealthClient(conn).Check(t.Context(), &healthpb.HealthCheckRequest{Service: service})
		must(t, err)
		if m.GetStatus() != healthpb.HealthCheckResponse_SERVING {
			t.Errorf("health of %q is %v", service, m.GetStatus())
		}
	}
	for _, c := range []*grpc.ClientConn{conn, d.byUnix(t)} {
		if _, err := services(t, c); status.Code(err) != codes.Unimplemented {
			t.Errorf("reflection for clients: %v", err)
		}
	}
}

// services are those that reflection lists.
func services(t *testing.T, conn *grpc.ClientConn) (names []string, err error) {
	t.Helper()
	stream, err := reflectionpb.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
	must(t, err)
	// What is wrong shows in the answer.
	_ = stream.Send(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}})
	m, err := stream.Recv()
	for _, s := range m.GetListServicesResponse().GetService() {
		names = append(names, s.GetName())
	}
	return names, err
}
