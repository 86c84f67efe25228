package rdmad

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/metrics"
	"github.com/rdmacp/rdmacp/internal/mtls"
	"github.com/rdmacp/rdmacp/internal/server"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/tcp"
)

// How many connections that are not for data may be open. A session has one, and one address
// may have a quarter of them: all sessions may come by one.
const (
	minConnections  = 1024
	connectionsEach = 4 // for each session that there may be
)

// serve runs the daemon until ctx ends, then drains it. Again reads the configuration anew.
func (a *app) serve(ctx context.Context, c config, again func() (config, error)) (err error) {
	log := a.logger(c)
	abi, err := a.confine(log, c)
	if err != nil {
		return err
	}
	traces := a.traces(ctx, log, true)
	defer traces.Close() //nolint:contextcheck // what ctx did not end is told all the same
	credentials, err := c.credentials(log)
	if err != nil {
		return err
	}
	var anchors func() []*x509.Certificate
	if credentials != nil {
		anchors = credentials.Anchors
	}
	data := tcp.New(tcp.Config{Logger: log, Connections: max(minConnections, connectionsEach*c.maxSessions)})
	fabrics := a.offer(c, log, data)
	found, durations := newFindings(), metrics.NewDurations()
	srv, err := server.New(server.Config{
		Exports: c.exports, Limits: c.limits, Fabric: fabrics, Device: c.device, Version: console.Version(), Logger: log, Traces: traces,
		ChunkSize: c.chunkSize, Slots: c.slots, MaxSessions: c.maxSessions, MaxClient: c.maxClient, Operators: c.operators, Anchors: anchors, Checks: found.told,
		StallTimeout: c.stallTimeout, Took: durations.Took,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, srv.Close()) }() //nolint:contextcheck // what ctx did not end has to end all the same
	if credentials != nil {
		credentials.Admit(srv.Guests())
	}
	listeners, err := openAll(ctx, c, credentials)
	if err != nil {
		return err
	}
	for i, lis := range listeners {
		listeners[i] = data.Listen(lis)
	}
	closeAdmin, err := c.openAdmin(ctx, log, srv, about{listeners: listeners, credentials: credentials, landlock: abi, fabrics: fabrics, found: found, durations: durations})
	if err != nil {
		return err
	}
	defer closeAdmin()
	logStart(log, c, listeners)
	failed, wait := serveAll(srv, listeners)
	notify(log, daemon.SdNotifyReady)
	defer a.lookAtHost(ctx, log, c, credentials, found)()
	told := tell(log, srv, fabrics.RDMA)
	defer told.stop()
	defer a.reloads(log, srv, c, abi > 0, again)()
	select {
	case <-ctx.Done():
		notify(log, daemon.SdNotifyStopping)
		told.drains()
		drain(ctx, log, srv, c)
	case err = <-failed:
		srv.Drain(ctx)
	}
	wait()
	return err
}

// offer is what the daemon's clients may have.
func (a *app) offer(c config, log *slog.Logger, data *tcp.Fabric) (f transport.Fabrics) {
	if c.transport != "tcp" {
		f.RDMA = a.fabric(log)
	}
	if c.transport != "rdma" {
		f.TCP = data
	}
	return f
}

// credentials are what proves who this daemon is; nil without TLS.
func (c config) credentials(log *slog.Logger) (*mtls.Store, error) {
	if c.tls.Cert == "" {
		return nil, nil
	}
	s, err := mtls.Open(c.tls, log)
	if err != nil {
		return nil, fault.New(fault.Usage, "reading the files for TLS", err, "see that they are whole, fit together and can be read by rdmad; rdmad pki issue makes them")
	}
	if err := s.Serves(); err != nil {
		return nil, fault.New(fault.Usage, "reading the files for TLS", err, "have one issued with the names that clients call this host by: rdmad pki issue NAME --host HOST")
	}
	return s, nil
}

// openAll opens every listener, or none. TLS is for those that lead to other hosts, and
// for loopback; who may use a unix socket is said by its mode.
func openAll(ctx context.Context, c config, credentials *mtls.Store) ([]net.Listener, error) {
	open, err := activated()
	if err != nil {
		return nil, err
	}
	if len(open) == 0 {
		for _, addr := range c.listen {
			var lis net.Listener
			if lis, err = addr.open(ctx, c.insecure || credentials != nil); err != nil {
				break
			}
			open = append(open, lis)
		}
	}
	for i, lis := range open {
		switch {
		case credentials != nil && lis.Addr().Network() != "unix":
			open[i] = credentials.Listen(lis)
		case !c.insecure && !local(lis):
			err = unproven(lis.Addr().String(), "127.0.0.1:7471")
		}
	}
	if err == nil {
		return open, nil
	}
	for _, lis := range open {
		_ = lis.Close()
	}
	return nil, err
}

// serveAll serves every listener. What fails comes out of failed; wait returns
// once all of them have ended.
func serveAll(srv *server.Server, listeners []net.Listener) (failed <-chan error, wait func()) {
	errs := make(chan error, len(listeners))
	var wg sync.WaitGroup
	for _, lis := range listeners {
		wg.Go(func() {
			if err := srv.Serve(lis); err != nil {
				errs <- fault.New(fault.Unreachable, "accepting connections on "+lis.Addr().String(), err, "start rdmad again")
			}
		})
	}
	return errs, wg.Wait
}

// drain lets the sessions end that run, within the limit.
func drain(ctx context.Context, log *slog.Logger, srv *server.Server, c config) {
	log.Info("draining", slog.Float64("drain_seconds", c.drainTimeout.Seconds()), slog.String("reason", context.Cause(ctx).Error()))
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.drainTimeout)
	defer cancel()
	srv.Drain(limited)
	if limited.Err() != nil {
		log.Warn("stopped, with sessions cut")
		return
	}
	log.Info("stopped")
}

// logStart says what the daemon has to offer, and that it is ready.
func logStart(log *slog.Logger, c config, listeners []net.Listener) {
	log.Info("starting", slog.String("version", console.Version()))
	for _, name := range c.ignored {
		log.Warn("environment variable means nothing", slog.String("name", name))
	}
	log.Info("transport", slog.String("offered", c.transport))
	logExports(log, c)
	var addresses []string
	for _, lis := range listeners {
		addresses = append(addresses, lis.Addr().String())
		log.Info("listening", slog.String("network", lis.Addr().Network()), slog.String("address", lis.Addr().String()),
			slog.Bool("tls", c.tls.Cert != "" && lis.Addr().Network() != "unix"))
	}
	if c.insecure {
		log.Warn("insecure: without TLS, whoever reaches a listener can read and write the exports")
	}
	log.Info("ready", slog.String("address", strings.Join(addresses, ",")))
}

// logExports says what is exported.
func logExports(log *slog.Logger, c config) {
	for _, e := range c.exports {
		if c.tls.Cert == "" && (e.Read != nil || e.Write != nil) {
			log.Warn("without TLS nobody can prove to be among read and write of the export", slog.String("name", e.Name))
		}
		log.Info("export", slog.String("name", e.Name), slog.String("path", e.Path), slog.Bool("read_only", e.ReadOnly),
			slog.Any("read", e.Read), slog.Any("write", e.Write))
	}
	for _, l := range c.limits {
		log.Info("clients", slog.Any("match", l.Match), slog.Int64("rate", l.Rate), slog.Int64("max_bytes", l.Bytes), slog.Bool("owner", l.Owner != nil))
	}
	if len(c.exports) == 0 {
		log.Warn("nothing is exported", slog.String("fix", "give --export NAME=DIR"))
	}
}
