package rdma

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/rdmacp/rdmacp/internal/device"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mr"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// Config configures a Fabric.
type Config struct {
	Logger *slog.Logger // asynchronous events of the devices; nil: discarded
}

// Fabric makes connections on the RDMA devices of this host. It opens each
// device once, however many connections it makes: contexts are dear.
type Fabric struct {
	log    *slog.Logger
	budget *mr.Budget

	mu       sync.Mutex // guards contexts
	contexts map[string]*sharedContext

	seen   sight
	pulses *pulses
	tally  tally
}

var _ transport.Fabric = (*Fabric)(nil)

// New returns a fabric. It touches no device yet.
func New(c Config) *Fabric {
	log := c.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Fabric{log: log, budget: mr.NewBudget(), contexts: map[string]*sharedContext{}, pulses: newPulses()}
}

// Pinned is how many bytes its connections have pinned, or are about to.
func (f *Fabric) Pinned() uint64 { return f.budget.Reserved() }

// PrepareLender makes the passive end of a connection. Its route to the peer
// chooses the rail.
func (f *Fabric) PrepareLender(ctx context.Context, s transport.Setup) (transport.Pending[transport.Lender], error) {
	s.QPs = cmp.Or(s.QPs, defaultQPs)
	e, err := f.prepare(ctx, s, lenderRole(s))
	if err != nil {
		return nil, err
	}
	return &pending[transport.Lender]{end: e, start: newLender}, nil
}

// PrepareDriver makes the active end of a connection. Setup.QPs has to be what
// the lender's endpoint has.
func (f *Fabric) PrepareDriver(ctx context.Context, s transport.Setup) (transport.Pending[transport.Driver], error) {
	s.QPs = cmp.Or(s.QPs, defaultQPs)
	e, err := f.prepare(ctx, s, driverRole(s))
	if err != nil {
		return nil, err
	}
	return &pending[transport.Driver]{end: e, start: newDriver}, nil
}

// prepare chooses a rail and makes the objects of one end on it.
func (f *Fabric) prepare(ctx context.Context, s transport.Setup, r role) (*end, error) {
	choice, err := f.choose(ctx, s)
	if err != nil {
		return nil, err
	}
	if limit := choice.Rail.MaxMessage; uint64(s.ChunkSize) > uint64(limit) {
		s.ChunkSize = int(limit)
	}
	vctx, err := f.acquire(choice.Rail.Device) //nolint:contextcheck // the device outlives the connection that opened it first
	if err != nil {
		return nil, fault.New(fault.NoDevice, "opening RDMA device "+choice.Rail.Device, err,
			"see whether this user may open /dev/infiniband/uverbs*: ls -l /dev/infiniband")
	}
	res, err := newResources(vctx.Context, f, choice, s, r)
	if err != nil {
		return nil, errors.Join(err, vctx.release())
	}
	return newEnd(vctx, res, choice, s, r, f.log)
}

// choose finds the rail and the GID that reach the peer.
func (f *Fabric) choose(ctx context.Context, s transport.Setup) (device.Choice, error) {
	rails, err := f.seen.rails()
	if err != nil {
		return device.Choice{}, err
	}
	want := device.Want{Device: s.Device, Local: s.Local, Peer: s.Peer}
	if s.Peer.IsValid() && !s.Peer.IsLoopback() {
		// Without a route the connection may still be possible on a named
		// device, and Choose says what is wrong when it is not.
		if netdev, src, err := device.Route(ctx, s.Peer); err == nil {
			want.RouteNetDev, want.RouteSrc = netdev, src
		}
	}
	return device.Choose(rails, want)
}

// Close closes the devices. Every connection has to be closed before.
func (f *Fabric) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var errs []error
	for name, c := range f.contexts {
		if err := c.close(); err != nil {
			errs = append(errs, err)
			continue
		}
		delete(f.contexts, name)
	}
	return errors.Join(errs...)
}
