package rdmad

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/rdmacp/rdmacp/internal/device"
	"github.com/rdmacp/rdmacp/internal/doctor"
	"github.com/rdmacp/rdmacp/internal/mr"
	"github.com/rdmacp/rdmacp/internal/mtls"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// lookLimit is how long the daemon's end waits for the look at the host: a driver that does
// not answer is not to keep it.
const lookLimit = time.Second

// lookEvery is how often the host is looked at again: a port may go down, and a certificate expire.
const lookEvery = time.Minute

// lookAtHost says in the log which RDMA devices there are, and what of the host keeps copies
// from going well, as rdmacp doctor finds it. It looks beside all else that the daemon does,
// so that clients need not wait for it. A daemon without a device serves all the same: its
// clients hear why they cannot copy, or copy by TCP. It looks again until ctx ends, for the
// metrics and for clients that ask. The function that it returns waits for its end.
func (a *app) lookAtHost(ctx context.Context, log *slog.Logger, c config, credentials *mtls.Store, found *findings) (wait func()) {
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		rails := sync.OnceValues(a.rails) // both look at the same
		if c.transport != "tcp" {
			logRails(log, c.device, rails)
		}
		found.set(a.examine(c.host(rails, credentials)))
		logFindings(log, found.all())
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(lookEvery):
				found.set(a.examine(c.host(a.rails, credentials)))
			case done := <-found.again:
				if !found.fresh() { // another one has asked, or it was the first look that was waited for
					found.set(a.examine(c.host(a.rails, credentials)))
				}
				close(done)
			}
		}
	}()
	return func() {
		stop() // the daemon may end for another reason
		select {
		case <-done:
		case <-time.After(lookLimit):
		}
	}
}

// examine looks at a host, with what the kernel says of it.
func (a *app) examine(h doctor.Host) []doctor.Finding {
	if a.around != nil {
		a.around(&h)
	}
	return h.Local()
}

// host is this host as the daemon depends on it. What one session pins has to be had, at least.
func (c config) host(rails func() ([]device.Rail, error), credentials *mtls.Store) doctor.Host {
	h := doctor.Host{
		Rails: rails, Limit: mr.NewBudget().Limit, TLS: credentials,
		Pins: uint64(c.slots * c.chunkSize), //nolint:gosec // both were checked
	}
	switch c.transport {
	case "tcp":
		h.By = transport.TCP
	case "rdma":
		h.By = transport.RDMA
	}
	for _, e := range c.exports {
		if !e.ReadOnly {
			h.Dirs = append(h.Dirs, e.Path)
		}
	}
	return h
}

// logFindings says what could be better, and what does not work, a line each.
func logFindings(log *slog.Logger, all []doctor.Finding) {
	for _, f := range all {
		if f.Status != doctor.Warn && f.Status != doctor.Fail {
			continue
		}
		log.Warn("host check", slog.String("id", f.ID), slog.String("status", string(f.Status)), slog.String("observed", f.Observed),
			slog.String("expected", f.Expected), slog.String("fix", f.Fault.Fix))
	}
}

// logRails says which RDMA devices clients can be served by. What is wrong with the others
// is among the findings.
func logRails(log *slog.Logger, named string, list func() ([]device.Rail, error)) {
	rails, err := list()
	if err != nil {
		return // a finding, too
	}
	for _, r := range rails {
		if r.Unusable() != "" {
			continue
		}
		log.Info("rdma device", slog.String("device", r.String()), slog.String("link", string(r.LinkLayer)),
			slog.Int("rdma_mtu", r.ActiveMTU), slog.Float64("speed_gbps", r.SpeedGbps), slog.Int("numa_node", r.NUMANode))
	}
	if named == "" || len(rails) == 0 {
		return
	}
	if _, err := device.Choose(rails, device.Want{Device: named}); err != nil {
		log.Warn("no client can be served by the device that was named", slog.String("device", named), slog.String("reason", err.Error()))
	}
}
