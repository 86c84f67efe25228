package rdmacp

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strconv"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/storage"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// copyFile runs one copy and says how it went.
func (a *app) copyFile(ctx context.Context, args []string, chunk int) error {
	j, err := newJob(args)
	if err != nil {
		return err
	}
	a.what = fmt.Sprintf("copying %s to %s", j.src, j.dst)
	a.messages = &messages{w: a.io.Stderr}
	o := a.dialOptions(j, chunk)
	var done outcome
	if j.direction == transport.Put {
		done, err = a.put(ctx, j, o)
	} else {
		done, err = a.get(ctx, j, o)
	}
	if err != nil {
		return err
	}
	return a.summarise(done)
}

// dialOptions says whom to dial for a job, and how.
func (a *app) dialOptions(j job, chunk int) client.Options {
	port := j.remote.Port
	if port == 0 {
		port = a.opts.port
	}
	return client.Options{
		Address: net.JoinHostPort(j.remote.Host, strconv.Itoa(port)), Host: j.remote.Host,
		Fabric: a.fabric, Direction: j.direction, Device: a.opts.device,
		ChunkSize: chunk, Slots: a.opts.slots, QPs: a.opts.qps,
		ConnectTimeout: a.opts.connectTimeout, Version: console.Version(),
		Logger: newLogger(a.messages, a.opts.verbose),
	}
}

// put copies a local file to the remote host. The file is opened first: what is
// wrong on this host is said without asking the other.
func (a *app) put(ctx context.Context, j job, o client.Options) (outcome, error) {
	src, err := storage.OpenSource(j.local)
	if err != nil {
		return outcome{}, err
	}
	defer func() { _ = src.Close() }()
	s, err := client.Dial(ctx, o)
	if err != nil {
		return outcome{}, err
	}
	defer func() { _ = s.Close() }() //nolint:contextcheck // it ends what ctx did not, and has a limit of its own
	p := a.newProgress(filepath.Base(j.local))
	defer p.stop()
	if err := a.started(j, s.Peer(), src.Meta().Size); err != nil {
		return outcome{}, err
	}
	p.start(src.Meta().Size)
	res, err := s.Put(ctx, src, client.Target{
		Export: j.remote.Export, Path: j.remote.Path,
		BaseName: filepath.Base(j.local), WantDirectory: j.remote.TrailingSlash,
	}, p.meter.add)
	return outcome{job: j, peer: s.Peer(), result: res}, err
}

// get copies a remote file to this host.
func (a *app) get(ctx context.Context, j job, o client.Options) (outcome, error) {
	target, err := j.localTarget()
	if err != nil {
		return outcome{}, err
	}
	s, err := client.Dial(ctx, o)
	if err != nil {
		return outcome{}, err
	}
	defer func() { _ = s.Close() }() //nolint:contextcheck // it ends what ctx did not, and has a limit of its own
	p := a.newProgress(j.remote.base())
	defer p.stop()
	create := func(m storage.Meta) (*storage.Sink, error) {
		if err := a.started(j, s.Peer(), m.Size); err != nil {
			return nil, err
		}
		p.start(m.Size)
		return storage.Create(target, m)
	}
	res, err := s.Get(ctx, client.Target{Export: j.remote.Export, Path: j.remote.Path}, create, p.meter.add)
	return outcome{job: j, target: target, peer: s.Peer(), result: res}, err
}

// newProgress chooses how progress is shown.
func (a *app) newProgress(name string) *progress {
	name = console.Escape(name)
	mode := a.opts.progress
	if mode == "auto" {
		switch {
		case a.io.Interactive():
			mode = "tty"
		case a.opts.verbose > 0:
			mode = "plain"
		}
	}
	switch {
	case a.opts.quiet:
		return &progress{}
	case a.opts.json:
		return jsonProgress(a.io.Stdout)
	case mode == "tty":
		return barProgress(a.messages, name)
	case mode == "plain":
		return plainProgress(a.messages, name)
	}
	return &progress{}
}

// started tells --json that a copy begins.
func (a *app) started(j job, peer client.Peer, size int64) error {
	if !a.opts.json || a.opts.quiet {
		return nil
	}
	err := writeLine(a.io.Stdout, startLine{
		head: head{jsonVersion, "start"}, Direction: j.direction.String(), Source: j.src, Destination: j.dst,
		Bytes: size, Transport: transportName, LocalDevice: peer.LocalDevice, RemoteDevice: peer.Device,
		Session: peer.SessionID, PeerVersion: peer.Version,
	})
	if err != nil {
		return stdoutFault(err)
	}
	return nil
}

// summarise says what was done.
func (a *app) summarise(o outcome) error {
	if a.opts.json {
		if err := writeLine(a.io.Stdout, o.json()); err != nil {
			return stdoutFault(err)
		}
		return nil
	}
	if a.opts.quiet {
		return nil
	}
	_, _ = fmt.Fprintln(a.io.Stderr, o.line())
	if a.opts.verbose > 0 {
		_, _ = fmt.Fprintln(a.io.Stderr, o.ledger())
	}
	return nil
}
