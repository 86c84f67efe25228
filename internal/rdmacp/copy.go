package rdmacp

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/trace"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// run does what the names and flags on the command line say.
func (a *app) run(ctx context.Context, what command, flags *pflag.FlagSet, args []string) error {
	chunk, err := a.opts.check(flags)
	if err != nil {
		return err
	}
	j, err := newJob(what, args, a.opts.viaSSH)
	if err != nil {
		return err
	}
	a.what = j.what()
	if err := errors.Join(j.checkHosts(a.opts.port), j.checkLogin(a.opts.viaSSH), j.checkList(&a.opts)); err != nil {
		return err
	}
	files, err := a.opts.files(ctx, a.io.Stdin)
	if err != nil {
		return err
	}
	p := a.opts.newPlan(what, flags, files)
	p.chunk = chunk
	j.name(files != nil)
	if err := errors.Join(j.check(&a.opts, p), j.look(p)); err != nil {
		return err
	}
	a.again = again(j, p)
	a.messages = &messages{w: a.io.Stderr}
	w, err := a.newWatch(j, p)
	if err != nil {
		return err
	}
	defer w.manifest.drop()
	defer a.closeShot()
	return a.traced(ctx, p.command.String(), func(ctx context.Context) error {
		done, err := a.persist(ctx, w)
		done.trace(ctx)
		if err != nil {
			w.over(err)
			return err
		}
		return a.finish(w, done)
	})
}

// again says what happens to what a command has done, if it is interrupted and run
// again.
func again(j job, p plan) string {
	switch {
	case p.command != copies || j.piped:
		return ""
	case p.land.IgnoreTimes && (p.walk.Recursive || len(j.sources) > 1):
		return ": the file at which this one stopped continues; without -I, what is complete is not sent again either"
	}
	return ": it continues where this one stopped"
}

// newWatch makes what follows a transfer.
func (a *app) newWatch(j job, p plan) (*watch, error) {
	o := &a.opts
	w := &watch{
		job: j, plan: p, stdout: a.io.Stdout, stderr: a.messages,
		as:   j.newName(),
		list: o.itemize || p.command != copies, sums: o.digest != tree.NoDigest,
		json: o.json, files: o.verbose > 0 || o.digest != tree.NoDigest, quiet: o.quiet, unproven: o.noVerify,
	}
	w.problems.out, w.problems.all = a.messages, o.verbose > 0
	w.progress = a.newProgress(j.title(), w)
	if o.manifest == "" {
		return w, nil
	}
	var err error
	w.manifest, err = newManifest(o.manifest)
	return w, err
}

// transfer runs the transfer from one end to the other: by TCP, where it is free to, if RDMA
// gets nothing across.
func (a *app) transfer(ctx context.Context, w *watch) (outcome, error) {
	done, err := a.once(ctx, w)
	why, ok := fault.As(err)
	if !ok || why.Code != fault.Path || !a.mayLeave(done, w) {
		return done, err
	}
	w.noRDMA = why
	w.anew()
	return a.once(ctx, w)
}

// mayLeave reports whether what went by RDMA may go by TCP instead.
func (a *app) mayLeave(done outcome, w *watch) bool {
	return done.peer.Transport == transport.RDMA && a.opts.kind() == 0 && !a.opts.zeroCopy && !w.job.piped && w.plan.command != verifies
}

// once is transfer without another try.
func (a *app) once(ctx context.Context, w *watch) (outcome, error) {
	done := outcome{job: w.job, command: w.plan.command, unproven: a.opts.noVerify}
	done.limit, _ = bandwidth(a.opts.bwlimit) // it was read before
	var src source
	var dst sink
	var err error
	// This end is opened first: what is wrong here is said without asking the other.
	if w.job.direction == transport.Put {
		src = a.openSource(w)
		defer func() { _ = src.Close() }() // nothing was written to it
	} else {
		if dst, err = a.openSink(w); err != nil {
			return done, err
		}
		defer func() { _ = dst.Close() }() // what was committed is safe
		done.target = dst.Path()
	}
	o, err := a.dialOptions(ctx, w.job, w.plan.chunk)
	if err != nil {
		return done, err
	}
	o.Narrow = w.narrow
	if w.noRDMA != nil {
		o.Transport, o.NoRDMA = transport.TCP, w.noRDMA
	}
	s, err := client.Dial(ctx, o)
	if err != nil {
		return done, a.unreached(err)
	}
	defer func() { _ = s.Close() }() //nolint:contextcheck // it ends what ctx did not, and has a limit of its own
	done.peer = s.Peer()
	if err := a.started(w.job, done.peer); err != nil {
		return done, err
	}
	w.progress.start()
	defer w.progress.stop()
	c := a.opts.clientJob(w.job, w.plan)
	c.Engine.Events = w.events()
	if w.job.direction == transport.Put {
		done.result, err = s.Put(ctx, src, w.job.dst.remote.target(a.home()), c)
	} else {
		done.result, err = s.Get(ctx, w.job.targets(a.home()), dst, c)
	}
	done.tally, done.problems = w.tally, w.problems.count
	return done, err
}

// leastSlots is how few chunks may be in flight where little memory may be pinned: with one
// alone, neither end has anything to do while it is on the wire.
const leastSlots = 2

// dialOptions says whom to dial for a job, and how.
func (a *app) dialOptions(ctx context.Context, j job, chunk int) (client.Options, error) {
	r := j.remote()
	address, proof, err := a.reach(ctx, r)
	return client.Options{
		Address: address, Host: r.Host,
		Fabric: a.fabric, Transport: a.opts.kind(), Direction: j.direction, Device: a.opts.device,
		ChunkSize: chunk, Slots: a.opts.slots, LeastSlots: leastSlots, QPs: a.opts.qps, Rails: a.opts.rails,
		ConnectTimeout: a.opts.connectTimeout, Version: console.Version(), Unverified: a.opts.noVerify, ZeroCopy: a.opts.zeroCopy, Encrypt: a.opts.encrypt,
		TLS: proof, Logger: trace.Log(ctx, newLogger(a.messages, a.opts.verbose)),
	}, err
}

// newProgress chooses how progress is shown.
func (a *app) newProgress(name string, w *watch) *progress {
	name = console.Escape(name)
	mode := a.opts.progress
	if mode == "auto" {
		// A bar and a list on the same terminal would write over one another.
		lists := !a.opts.json && (w.list || w.sums)
		switch {
		case a.io.Interactive() && !lists:
			mode = "tty"
		case a.opts.verbose > 0 || a.opts.showProgress:
			mode = "plain"
		}
	}
	switch {
	case a.opts.quiet:
		return &progress{}
	case a.opts.json:
		return jsonProgress(w)
	case mode == "tty":
		return barProgress(a.messages, name)
	case mode == "plain":
		return plainProgress(a.messages, name)
	}
	return &progress{}
}

// started tells --json that a copy begins, and everybody if it does not go by the
// transport that was hoped for.
func (a *app) started(j job, peer client.Peer) error {
	if a.opts.quiet {
		return nil
	}
	if peer.NoRDMA != nil {
		more := ""
		if peer.NoRDMA.Code == fault.Memlock {
			more = "; what to do: " + console.Cited(peer.NoRDMA).Fix
		}
		_, _ = fmt.Fprintf(a.messages, "rdmacp: going by TCP, not by RDMA: %s; --transport tcp does so without a word\n", console.Escape(fallback(peer.NoRDMA)+more))
	}
	if !a.opts.json {
		return nil
	}
	err := writeLine(a.io.Stdout, startLine{
		head: head{jsonVersion, "start"}, Direction: j.direction.String(), Sources: j.typed(), Destination: j.dst.arg,
		Transport: peer.Transport.String(), Encrypted: peer.Encrypted, Fallback: fallback(peer.NoRDMA), LocalDevice: peer.LocalDevice, RemoteDevice: peer.Device,
		Session: peer.SessionID, PeerVersion: peer.Version,
	})
	if err != nil {
		return stdoutFault(err)
	}
	return nil
}

// finish says what was done, and whether that was all.
func (a *app) finish(w *watch, o outcome) error {
	err := w.result()
	if w.manifest != nil {
		err = errors.Join(err, w.manifest.finish())
	}
	if o.problems > 0 && o.tally.Entries <= 1 && o.result.Files == 0 && w.problems.first != nil {
		return err // one thing was to be copied, and was not: there is nothing to sum up
	}
	return errors.Join(err, a.summarise(o))
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
	switch {
	case a.opts.stats:
		_, _ = fmt.Fprintln(a.io.Stderr, o.stats())
	case a.opts.verbose > 0:
		_, _ = fmt.Fprintln(a.io.Stderr, o.ledger())
	}
	return nil
}
