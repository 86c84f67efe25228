package server

import (
	"context"
	"sync"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// carriers are the rails that a session has or had, to tell how much went by which device. The
// zero value is ready.
type carriers struct {
	mu  sync.Mutex
	all []carrier
}

// carrier is one of them. What it moved can be asked of it after its end, too.
type carrier struct {
	device string
	driver transport.Driver
}

// bytes is how many went by each device; by "" where that is none: an address is not told.
func (c *carriers) bytes() map[string]uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	by := map[string]uint64{}
	for _, one := range c.all {
		by[one.device] += one.driver.Stats().Bytes
	}
	return by
}

// of is a fabric whose drivers are noted.
func (c *carriers) of(f transport.Fabric) transport.Fabric { return noting{f, c} }

type noting struct {
	transport.Fabric
	to *carriers
}

// PrepareDriver implements transport.Fabric.
func (n noting) PrepareDriver(ctx context.Context, s transport.Setup) (transport.Pending[transport.Driver], error) {
	p, err := n.Fabric.PrepareDriver(ctx, s)
	if err != nil {
		return nil, err
	}
	return noted{p, n.to}, nil
}

// noted is a driver that waits for the client's endpoint.
type noted struct {
	transport.Pending[transport.Driver]
	to *carriers
}

// Connect implements transport.Pending.
func (n noted) Connect(ctx context.Context, peer transport.Endpoint) (transport.Driver, error) {
	e := n.Endpoint()
	d, err := n.Pending.Connect(ctx, peer)
	if err != nil {
		return nil, err
	}
	one := carrier{driver: d}
	if e.Kind == transport.RDMA {
		one.device = e.Device
	}
	n.to.mu.Lock()
	defer n.to.mu.Unlock()
	n.to.all = append(n.to.all, one)
	return d, nil
}
