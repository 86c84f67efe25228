package rdmad

import (
	"log/slog"

	"github.com/coreos/go-systemd/v22/daemon"
)

// notify tells the service manager how the daemon is, as sd_notify(3) does; nothing where
// none has started it.
func notify(log *slog.Logger, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Warn("the service manager cannot be told", slog.String("state", state), slog.Any("error", err))
	}
}
