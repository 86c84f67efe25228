package server_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/time/rate"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/server"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// ports is a fabric of several devices, each on a network of its own.
type ports []*memory.Fabric

func (ports) name(i int) string        { return fmt.Sprintf("port%d/1", i) }
func (ports) address(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(i), 1}) }

// Further is all devices but the first.
func (f ports) Further(_ context.Context, s transport.Setup) (all []transport.Setup) {
	for i := 1; i < len(f); i++ {
		s.Device, s.Local = f.name(i), f.address(i)
		all = append(all, s)
	}
	return all
}

// of is the device that is named, or leads to the peer; the first one otherwise.
func (f ports) of(s transport.Setup) int {
	for i := range f {
		if s.Device == f.name(i) || s.Peer == f.address(i) {
			return i
		}
	}
	return 0
}

func (f ports) PrepareLender(ctx context.Context, s transport.Setup) (transport.Pending[transport.Lender], error) {
	p, err := f[f.of(s)].PrepareLender(ctx, s)
	return port[transport.Lender]{p, f, f.of(s)}, err
}

func (f ports) PrepareDriver(ctx context.Context, s transport.Setup) (transport.Pending[transport.Driver], error) {
	p, err := f[f.of(s)].PrepareDriver(ctx, s)
	return port[transport.Driver]{p, f, f.of(s)}, err
}

// port is an end that knows which device it is on.
type port[T any] struct {
	transport.Pending[T]
	all ports
	i   int
}

func (p port[T]) Endpoint() transport.Endpoint {
	e := p.Pending.Endpoint()
	e.Device, e.GID = p.all.name(p.i), netip.AddrFrom16(p.all.address(p.i).As16())
	return e
}

// slowly copies for some seconds.
func slowly() client.Job {
	j := job(nil)
	j.Engine.Limit = rate.NewLimiter(100*chunk, chunk)
	return j
}

// A rail that is lost is used again once it is back, in the same copy.
func TestRailComesBack(t *testing.T) {
	t.Parallel()
	data := noise(300 * chunk)
	for _, way := range []transport.Direction{transport.Put, transport.Get} {
		t.Run(way.String(), func(t *testing.T) {
			t.Parallel()
			all := ports{memory.New(memory.Faults{}), memory.New(memory.Faults{CutEvery: 10})}
			d := start(t, memory.Faults{}, func(c *server.Config) { c.Fabric = all })
			o := d.options(way)
			o.Fabric = all
			s, err := client.Dial(t.Context(), o)
			must(t, err)
			t.Cleanup(func() { must(t, s.Close()) })
			there, here := filepath.Join(d.dir, "there"), filepath.Join(t.TempDir(), "here")
			var r client.Result
			if way == transport.Put {
				r, err = putTree(t.Context(), t, s, sourceFile(t, data), to("there"), slowly())
			} else {
				must(t, os.WriteFile(there, data, 0o600))
				r, err = getTree(t.Context(), t, s, here, slowly(), to("there"))
				there = here
			}
			must(t, err)
			holds(t, there, data)
			// That it is lost again shows that it has carried something.
			if len(r.LostRails) < 2 || len(r.RailsBack) == 0 || slices.ContainsFunc(append(r.LostRails, r.RailsBack...), func(n string) bool { return n != "port1/1" }) {
				t.Errorf("lost %q, back %q", r.LostRails, r.RailsBack)
			}
		})
	}
}

// A client may ask for a rail in the place of one of several; of one that cannot be, it is a
// breach.
func TestHostileRails(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	r := d.shake(t, transport.Put)
	rail := func(lost uint32) *pb.SessionRequest {
		e := r.pending.Endpoint()
		e.More = nil
		return &pb.SessionRequest{Message: &pb.SessionRequest_Rail{Rail: &pb.Rail{Endpoint: wire.FromEndpoint(e), Lost: lost}}}
	}
	// With one rail there is none to be replaced.
	must(t, r.stream.Send(rail(0)))
	if m := r.hear(t).GetRail(); m == nil || m.GetEndpoint() != nil || m.GetReason() == "" {
		t.Errorf("it says %v", m)
	}
	must(t, r.stream.Send(rail(1<<20)))
	if f := r.verdict(t); f.Code != fault.Protocol {
		t.Error(f)
	}
}
