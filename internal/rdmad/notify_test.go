package rdmad

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// polled is a fabric whose poller is stuck, or not.
type polled struct {
	transport.Fabric
	stuck bool
}

func (p polled) Stuck(time.Duration) bool { return p.stuck }

// The watchdog hears nothing while completions are not polled, so that the daemon is started again.
func TestWatchdog(t *testing.T) {
	t.Parallel()
	const fed = "WATCHDOG=1\n"
	for name, c := range map[string]struct {
		fabric transport.Fabric
		limit  time.Duration
		want   string
	}{
		"polled":      {polled{}, time.Minute, fed},
		"stuck":       {polled{stuck: true}, time.Minute, ""},
		"no RDMA":     {nil, time.Minute, fed},
		"no watchdog": {polled{}, 0, ""},
	} {
		var log strings.Builder
		if got := alive(slog.New(slog.NewTextHandler(&log, nil)), c.fabric, c.limit); got != c.want {
			t.Errorf("%s: it hears %q, want %q", name, got, c.want)
		}
		if said := strings.Contains(log.String(), "not polled"); said != (name == "stuck") {
			t.Errorf("%s: the log says %q", name, log.String())
		}
	}
}
