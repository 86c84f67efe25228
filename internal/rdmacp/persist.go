package rdmacp

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// Waits ahead of a new connection: each is twice as long as the one before.
const (
	firstWait = 500 * time.Millisecond
	mostWait  = 8 * time.Second
)

// mostInVain is how many tries by RDMA, one after the other, may come to nothing before TCP
// gets its turn, where it may.
const mostInVain = 2

// persist runs the transfer, and goes on with it over a new connection where one is
// lost, until nothing more has come to stay for as long as --retry-for says. It goes on as
// the same command does when it is run again: by the journals at the destination.
func (a *app) persist(ctx context.Context, w *watch) (outcome, error) {
	done, err := a.admitted(ctx, w)
	if !a.goesOn(w) || !lost(err) || done.peer == (client.Peer{}) {
		return done, err // there was no session that could have been lost
	}
	l := loss{first: err, since: time.Now()}
	for {
		wait := l.wait()
		if ctx.Err() != nil || time.Since(l.since)+wait > a.opts.retryFor {
			return done, l.gaveUp(err)
		}
		a.sayAgain(w, err, wait)
		a.narrow(w, done, err)
		if !sleep(ctx, wait) {
			return done, l.first
		}
		l.earlier.add(done)
		w.anew()
		done, err = a.transfer(ctx, w)
		done.earlier = l.earlier
		if err == nil && !w.busy() || err != nil && !lost(err) && !returns(err) {
			return done, err
		}
		l.note(done.result, err)
		if lost(err) && l.tries >= mostInVain && a.mayLeave(done, w) {
			w.noRDMA = inVain(err)
		}
	}
}

// narrow has the next try send short packets where nothing at all has moved by TCP: a switch
// whose MTU is smaller than the hosts' drops longer ones, and tells nobody.
func (a *app) narrow(w *watch, done outcome, err error) {
	if w.narrow || !lost(err) || done.peer.Transport != transport.TCP || done.result.Bytes > 0 {
		return
	}
	w.narrow = true
	if !a.opts.quiet {
		_, _ = fmt.Fprintln(a.messages, "rdmacp: nothing has moved by TCP; it is tried with short packets, in case that longer ones are dropped on the way: compare the MTUs")
	}
}

// inVain is why RDMA is left to itself: it connects, and is lost each time, as where the wire
// changes the order of packets, which an RC queue pair takes for losses.
func inVain(err error) *fault.Error {
	said := fault.New(fault.Path, "moving data", errors.New("connections by RDMA are lost before anything comes to stay"), "")
	if f, ok := fault.As(err); ok {
		said.Host, said.What, said.Why = f.Host, f.What, fmt.Errorf("%w: %w", said.Why, f.Why)
	}
	return said
}

// loss is a connection that was lost, and what has come of it.
type loss struct {
	first   error
	since   time.Time
	tries   int   // to go on
	stands  int64 // bytes that a try found at the destination, the most so far
	earlier earlier
}

// note notes how a try has ended. If it was good for something, its end is a new loss. That
// bytes have moved is not enough: where each try ends before a byte of it comes to stay,
// there would be no end of them.
func (l *loss) note(r client.Result, err error) {
	l.tries++
	stands := r.Resumed + r.Kept
	if lost(err) && (r.Files > 0 || stands > l.stands) {
		l.first, l.since, l.tries = err, time.Now(), 0
	}
	l.stands = max(l.stands, stands)
}

// wait is how long to wait before the next try. No two clients of a daemon that comes back
// come at the same time.
func (l *loss) wait() time.Duration {
	wait := min(firstWait<<min(l.tries, 10), mostWait)
	return wait/2 + rand.N(wait/2)
}

// gaveUp is how a copy ends that could not go on; err is how the last try has ended.
func (l *loss) gaveUp(err error) error {
	f, ok := fault.As(l.first)
	switch {
	case err == nil:
		return nil // what is busy is a problem of its own
	case !ok || l.tries == 0:
		return l.first
	}
	said := *f
	said.Why = fmt.Errorf("%w; %s to go on failed", f.Why, console.Count(int64(l.tries), "try", "tries"))
	if last, ok := fault.As(err); ok {
		said.Why = fmt.Errorf("%w, the last one so: %s: %w", said.Why, last.What, console.Complete(last).Why)
	}
	return &said
}

// goesOn reports whether a copy can go on by itself. Not where that could remove more
// than was allowed, or ask for sources that are removed already, nor where bytes go by
// once only.
func (a *app) goesOn(w *watch) bool {
	return a.opts.retryFor > 0 && w.plan.command == copies && !w.job.piped && !a.opts.sources && a.opts.maxDelete < 0
}

// lost reports whether err is that of a connection that broke while bytes were moved, or
// of a daemon that is being stopped.
func lost(err error) bool {
	f, ok := fault.As(err)
	return ok && (f.Code == fault.Lost || f.Code == fault.Timeout || f.Code == fault.Interrupted && f.Host != "")
}

// returns reports whether err may pass while a host or a network comes back: the daemon
// may not be up yet, or still hold what the broken session had.
func returns(err error) bool {
	switch fault.CodeOf(err) { //nolint:exhaustive // the others stay as they are
	case fault.Unreachable, fault.ConnectTimeout, fault.Limit, fault.Busy, fault.Path:
		return true
	default:
		return false
	}
}

// busy reports whether something could not be copied since another copy writes it: the
// broken session's, of which the daemon does not know yet that it is broken.
func (w *watch) busy() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.problems.causes {
		if c.fault.Code == fault.Busy {
			return true
		}
	}
	return false
}

// sleep waits, and reports whether ctx let it.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// sayAgain says that the copy goes on, and why it has to.
func (a *app) sayAgain(w *watch, err error, wait time.Duration) {
	f, ok := fault.As(err)
	if !ok {
		f = fault.New(fault.Busy, "copying", fmt.Errorf("what the broken connection had under way is not free yet"), "")
	}
	f = console.Complete(f)
	if a.opts.json {
		w.say(retryLine{head{jsonVersion, "retry"}, wait.Seconds(), f.Code.String(), f.Host, f.What, f.Why.Error()})
	}
	if a.opts.quiet {
		return
	}
	host := ""
	if f.Host != "" {
		host = console.Escape(f.Host) + ": "
	}
	_, _ = fmt.Fprintf(a.messages, "rdmacp: %s%s: %s; trying to go on in %.1f s (--retry-for %v)\n",
		host, console.Escape(f.What), console.Escape(f.Why.Error()), wait.Seconds(), a.opts.retryFor)
}

// earlier is what was done over connections that were lost.
type earlier struct {
	Lost    int64 // connections
	Files   int64
	Bytes   int64
	Elapsed time.Duration
}

// add adds what a try has done.
func (e *earlier) add(o outcome) {
	if o.peer != (client.Peer{}) {
		e.Lost++
	}
	e.Files += o.result.Files
	e.Bytes += o.result.Bytes
	e.Elapsed += o.result.Elapsed
}
