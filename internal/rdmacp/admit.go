package rdmacp

import (
	"context"
	"fmt"
	"time"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/fault"
)

// admitted runs the transfer once the daemon has room for a session: when a job starts, all of its nodes
// come at once, and most of them have to wait until others are through. Who comes next is left to chance.
func (a *app) admitted(ctx context.Context, w *watch) (outcome, error) {
	l := loss{since: time.Now()}
	for {
		done, err := a.transfer(ctx, w)
		f, ok := full(done, err)
		if !ok {
			return done, err
		}
		wait := l.wait()
		if time.Since(l.since)+wait > a.opts.retryFor {
			return done, l.kept(f)
		}
		a.sayFull(w, f, l.tries, wait)
		if !sleep(ctx, wait) {
			return done, err
		}
		l.tries++
	}
}

// full reports whether there is no session since the daemon has as many as it allows.
func full(done outcome, err error) (*fault.Error, bool) {
	f, ok := fault.As(err)
	return f, ok && f.Code == fault.Limit && f.Host != "" && done.peer == (client.Peer{})
}

// kept is how a copy ends that was let in by nobody.
func (l *loss) kept(f *fault.Error) *fault.Error {
	if l.tries == 0 {
		return f
	}
	said := *f
	said.Why = fmt.Errorf("%w; so it was for %v, at each of %d tries", f.Why, time.Since(l.since).Round(time.Second), l.tries+1)
	said.Fix = f.Fix + ", or wait longer: --retry-for"
	return &said
}

// sayFull says, once to a person, that the copy waits.
func (a *app) sayFull(w *watch, f *fault.Error, tries int, wait time.Duration) {
	if a.opts.json {
		w.say(retryLine{head{jsonVersion, "retry"}, wait.Seconds(), f.Code.String(), f.Host, f.What, f.Why.Error()})
	}
	if a.opts.quiet || tries > 0 {
		return
	}
	_, _ = fmt.Fprintf(a.messages, "rdmacp: %s: %s: %s; waiting for one to end (--retry-for %v)\n",
		console.Escape(f.Host), console.Escape(f.What), console.Escape(f.Why.Error()), a.opts.retryFor)
}
