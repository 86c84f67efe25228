package doctor

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rdmacp/rdmacp/internal/client"
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

// examined says what the daemon has told of what it alone can see.
func examined(o client.Options, e client.Examined, err error, say func(Finding)) {
	switch {
	case errors.Is(err, client.ErrUnknown):
		say(skip(checkExports, "this rdmad is of a release that does not tell"))
		say(skip(checkClock, "as exports"))
	case err != nil:
		f := failed(checkExports, err)
		f.Exports = exportNames(e.Exports)
		say(f)
	default:
		say(exported(e.Exports))
		say(clock(e.Ahead))
		for _, f := range heard(o.Host, e.Checks) {
			say(f)
		}
	}
}

// exported is the finding of what this client may do there.
func exported(all []wire.Reachable) Finding {
	if len(all) == 0 {
		return warn(checkExports, "this daemon exports nothing to this client",
			"start rdmad with --export NAME=DIR, or have a name of this client's certificate added to read or write of an export in its configuration")
	}
	rights := make([]string, 0, len(all))
	for _, r := range all {
		may := "may be read"
		if r.Writable {
			may = "may be read and written to"
		}
		name := r.Name
		if name == "" { // of an rdmad that ssh has started
			name = "what that user reaches"
		}
		rights = append(rights, name+" "+may)
	}
	f := ok(checkExports, strings.Join(rights, ", "))
	f.Exports = exportNames(all)
	return f
}

// exportNames are the names of exports.
func exportNames(all []wire.Reachable) []string {
	names := make([]string, 0, len(all))
	for _, r := range all {
		names = append(names, r.Name)
	}
	return names
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
