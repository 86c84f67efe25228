package rdmad

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/doctor"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/oneshot"
	"github.com/rdmacp/rdmacp/internal/server"
	"github.com/rdmacp/rdmacp/internal/transport/tcp"
	"github.com/rdmacp/rdmacp/internal/wire"
)

// How long an rdmad that was started for one rdmacp stays: from when its pipe is closed,
// for what runs to end, and without a session, in case that the pipe's end is not noticed.
const (
	oneShotEnd  = 10 * time.Second
	oneShotIdle = 2 * time.Minute
)

// oneShotSessions is for a session that goes on while the one before it still ends.
const oneShotSessions = 4

// What a copy pins that says nothing of it: what is to be had on this host, as doctor sees it.
const oneShotSlots, oneShotChunk = 16, 4 << 20

// oneShotCommand is what rdmacp --via-ssh has started on the other host.
func (a *app) oneShotCommand(ctx context.Context) *cobra.Command {
	return &cobra.Command{
		Use:   "one-shot",
		Short: "Serve the one rdmacp that has started this over ssh (--via-ssh), and nobody else",
		Long: `rdmad one-shot is what rdmacp --via-ssh has ssh start on the other host, as the user
that it logs in as. It listens on a free TCP port of the address that ssh has come by,
for that one rdmacp and nobody else (TLS 1.3, with keys made for the occasion, of which
the certificates go through ssh), reaches what its user reaches, and ends when ssh does.
It needs no configuration, and reads none.`,
		Args: noArgs("one-shot"),
		RunE: func(*cobra.Command, []string) error { return a.oneShot(ctx) },
	}
}

// oneShot serves one rdmacp until its pipe, or ctx, ends.
func (a *app) oneShot(ctx context.Context) (err error) {
	// Its log is what a person sees who copies: the client says what goes wrong.
	log := slog.New(slog.NewTextHandler(a.io.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	home, err := a.home()
	if err != nil {
		return err
	}
	g, err := oneshot.Greet(a.io.Stdin, a.io.Getenv("SSH_CONNECTION"), log)
	if err != nil {
		return fault.New(fault.Protocol, "starting for one rdmacp", err, "this is for rdmacp --via-ssh, which says so to it; a daemon is rdmad without one-shot")
	}
	traces := a.traces(ctx, log, false)
	defer traces.Close() //nolint:contextcheck // what ctx did not end is told all the same
	data := tcp.New(tcp.Config{Logger: log})
	srv, err := server.New(server.Config{
		Exports: server.Own(), Fabric: a.offer(config{}, log, data), Version: console.Version(), Logger: log, Traces: traces,
		ChunkSize: wire.MaxChunk, Slots: wire.MaxSlots, MaxSessions: oneShotSessions,
		Checks: func() []wire.Check {
			return doctor.Told(a.examine(config{slots: oneShotSlots, chunkSize: oneShotChunk}.host(a.rails, nil)))
		},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, srv.Close()) }() //nolint:contextcheck // what ctx did not end has to end all the same
	lis, err := g.Listen(ctx)
	if err != nil {
		return fault.New(fault.Unreachable, "listening for one rdmacp", err, "")
	}
	if err := g.Answer(a.io.Stdout, lis.Addr(), home, console.Version()); err != nil {
		return fault.New(fault.IO, "answering rdmacp", err, "")
	}
	failed, wait := serveAll(srv, []net.Listener{data.Listen(lis)})
	select {
	case <-a.deserted(ctx, srv):
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), oneShotEnd)
		defer cancel()
		srv.Drain(limited)
	case err = <-failed:
		srv.Drain(ctx)
	}
	wait()
	return err
}

// deserted returns a channel that is closed when nobody wants the daemon any more.
func (a *app) deserted(ctx context.Context, srv *server.Server) <-chan struct{} {
	closed, done := make(chan struct{}), make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, a.io.Stdin) // rdmacp has said all that it has to say
		close(closed)
	}()
	go func() {
		defer close(done)
		tick := time.NewTicker(oneShotIdle / 8)
		defer tick.Stop()
		for srv.Idle() < oneShotIdle {
			select {
			case <-tick.C:
			case <-closed:
				return
			case <-ctx.Done():
				return
			}
		}
	}()
	return done
}

// home is where relative names start.
func (a *app) home() (string, error) {
	dir := a.io.Getenv("HOME")
	if dir == "" {
		dir, _ = os.Getwd() // where sshd has started us
	}
	if !filepath.IsAbs(dir) {
		return "", fault.New(fault.NotFound, "looking for the home directory", errors.New("$HOME is not set to one"), "name absolute paths, and set it")
	}
	return dir, nil
}
