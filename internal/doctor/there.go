package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/storage"
	"github.com/rdmacp/rdmacp/internal/wire"
)

// Place is a directory on the daemon's host.
type Place struct {
	Name   string // as the user wrote it
	Target client.Target
}

// target is what the daemon is asked for.
func (p *Place) target() *client.Target {
	if p == nil {
		return nil
	}
	return &p.Target
}

// examine has the daemon say what it alone can see, and returns what it has said of the
// disk at a place, if it has.
func examine(ctx context.Context, o client.Options, at *Place, say func(Finding)) *storage.Volume {
	e, err := client.Examine(ctx, o, at.target())
	switch {
	case errors.Is(err, client.ErrUnknown):
		say(skip(checkExports, "this rdmad is of a release that does not tell"))
		say(skip(checkClock, "as exports"))
		return nil
	case err != nil:
		say(failed(checkExports, err))
		return nil
	}
	say(exported(e.Exports))
	say(clock(e.Ahead))
	return e.Volume
}

// exported is the finding of what this client may do there.
func exported(all []wire.Reachable) Finding {
	if len(all) == 0 {
		return warn(checkExports, "this daemon exports nothing to this client",
			"start rdmad with --export NAME=DIR, or have a name of this client's certificate added to read or write of an export in its configuration")
	}
	names := make([]string, 0, len(all))
	for _, r := range all {
		may := "may be read"
		if r.Writable {
			may = "may be read and written to"
		}
		names = append(names, r.Name+" "+may)
	}
	return ok(checkExports, strings.Join(names, ", "))
}

// apart is how much clocks may differ: as much as certificates' issuers allow for at most,
// and more than whoever keeps the time by NTP ever sees.
const apart = time.Minute

// clock is the finding of a daemon's clock that is that far ahead.
func clock(ahead time.Duration) Finding {
	side := "ahead of"
	if ahead < 0 {
		side = "behind"
	}
	if ahead.Abs() <= apart {
		return ok(checkClock, "the daemon's and this host's agree")
	}
	return warn(checkClock, fmt.Sprintf("the daemon's is %s %s this host's", ahead.Abs().Round(time.Second), side),
		"set both by NTP (`timedatectl set-ntp true`): certificates and tokens that are new or nearly over are refused, and --update goes by the wrong times")
}
