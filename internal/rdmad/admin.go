package rdmad

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/rdmacp/rdmacp/internal/admin"
	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/metrics"
	"github.com/rdmacp/rdmacp/internal/mtls"
	"github.com/rdmacp/rdmacp/internal/server"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// about is what a daemon says of itself besides what its server does.
type about struct {
	listeners   []net.Listener
	credentials *mtls.Store // nil: no TLS
	landlock    int
	fabrics     transport.Fabrics // that are offered
	found       *findings
	durations   *metrics.Durations
}

// timed is a fabric that knows how long its chunks were where.
type timed interface{ Latencies() *transport.Latencies }

// host is what the metrics say of the daemon itself.
func (a about) host() metrics.Host {
	h := metrics.Host{Version: console.Version(), Landlock: a.landlock, Checks: a.found.worst, Durations: a.durations, Latencies: map[string]*transport.Latencies{}}
	if c := a.credentials; c != nil {
		h.CertExpires = func() float64 { return float64(c.Expires().Unix()) }
		h.Refused = c.Refused
	}
	h.RDMA, _ = a.fabrics.RDMA.(metrics.RDMA)
	for kind, f := range map[transport.Kind]transport.Fabric{transport.RDMA: a.fabrics.RDMA, transport.TCP: a.fabrics.TCP} {
		if f, ok := f.(timed); ok {
			h.Latencies[kind.String()] = f.Latencies()
		}
	}
	return h
}

// openAdmin opens what the configuration has of addresses to ask the daemon at. The
// function that it returns closes them.
func (c config) openAdmin(ctx context.Context, log *slog.Logger, srv *server.Server, a about) (closeAll func(), err error) {
	self := admin.Self{Version: console.Version(), PID: os.Getpid(), Started: time.Now()}
	for _, lis := range a.listeners {
		self.Listening = append(self.Listening, lis.Addr().String())
	}
	registry := metrics.New(srv, a.host())
	var open []*admin.Server
	closeAll = func() {
		for _, s := range open {
			_ = s.Close() // nothing was written to it
		}
	}
	if c.admin != nil {
		lis, err := c.admin.open(ctx, true)
		if err != nil {
			return nil, err
		}
		open = append(open, admin.Private(lis, srv, self, registry, srv.Insight(), log))
		log.Info("admin socket", slog.String("path", c.admin.unix))
	}
	if c.metrics != nil {
		lis, err := c.metrics.open(ctx, true) // there is nothing to be guarded
		if err != nil {
			closeAll()
			return nil, err
		}
		open = append(open, admin.Public(lis, srv, self, registry, log))
		log.Info("metrics", slog.String("address", lis.Addr().String()))
	}
	return closeAll, nil
}

// errNoDaemon says what can be the matter with a socket that nobody answers at.
var errNoDaemon = errors.New("no rdmad answers there")
