package rdmad

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/server"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// notify tells the service manager how the daemon is, as sd_notify(3) does; nothing where
// none has started it.
func notify(log *slog.Logger, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Warn("the service manager cannot be told", slog.String("state", state), slog.Any("error", err))
	}
}

// tellEvery is how often the service manager hears what the daemon does.
const tellEvery = 10 * time.Second

// teller tells the service manager now and then what the daemon does, for systemctl status and
// its watchdog. What the daemon does is not to
// be had of one whose sessions have locked each other up, and one whose completions are no
// longer polled says nothing to the watchdog: that one is started again.
type teller struct {
	done, ended chan struct{} // nil: there is no service manager
	draining    chan struct{}
}

// tell begins to do so.
func tell(log *slog.Logger, srv *server.Server, fabric transport.Fabric) *teller {
	t := &teller{draining: make(chan struct{})}
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return t
	}
	every := tellEvery
	limit, err := daemon.SdWatchdogEnabled(false)
	if err != nil || limit <= 0 {
		limit = 0
	} else {
		every = min(every, limit/3)
	}
	t.done, t.ended = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(t.ended)
		tick := time.NewTicker(every)
		defer tick.Stop()
		draining, more := t.draining, ""
		for {
			notify(log, alive(log, fabric, limit)+more+"STATUS="+doing(srv))
			select {
			case <-tick.C:
			case <-draining:
				draining, more = nil, fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d\n", (3*every).Microseconds())
			case <-t.done:
				return
			}
		}
	}()
	return t
}

// drains has it ask for time as well, as long as it goes on: --drain-timeout may be longer
// than what the service manager waits for an end by itself (TimeoutStopSec of the unit).
func (t *teller) drains() { close(t.draining) }

// stop ends it.
func (t *teller) stop() {
	if t.done != nil {
		close(t.done)
		<-t.ended
	}
}

// poller is a fabric whose completions are polled.
type poller interface {
	Stuck(limit time.Duration) bool
}

// alive is what the watchdog wants to hear, if there is one: nothing while a poller is stuck.
func alive(log *slog.Logger, fabric transport.Fabric, limit time.Duration) string {
	if limit == 0 {
		return ""
	}
	if p, ok := fabric.(poller); ok && p.Stuck(limit) {
		log.Error("completions are not polled: the watchdog may start this daemon again", slog.Duration("for", limit))
		return ""
	}
	return daemon.SdNotifyWatchdog + "\n"
}

// doing says in a line what a daemon does.
func doing(srv *server.Server) string {
	var open int
	var moved uint64
	for _, t := range srv.Totals() {
		open += t.Open
		moved += t.Stats.Bytes
	}
	return fmt.Sprintf("%s, %s moved", console.Count(int64(open), "session", "sessions"), console.Bytes(int64(moved)))
}
