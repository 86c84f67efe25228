package rdmad

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/server"
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

// tell tells the service manager now and then what the daemon does, for systemctl status and
// its watchdog, until the function that it returns is called. What the daemon does is not to
// be had of one whose sessions have locked each other up: that one is started again.
func tell(log *slog.Logger, srv *server.Server) (stop func()) {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return func() {}
	}
	every, alive := tellEvery, ""
	if limit, err := daemon.SdWatchdogEnabled(false); err == nil && limit > 0 {
		every, alive = min(every, limit/3), daemon.SdNotifyWatchdog+"\n"
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			notify(log, alive+"STATUS="+doing(srv))
			select {
			case <-tick.C:
			case <-done:
				return
			}
		}
	}()
	return func() { close(done); <-ended }
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
