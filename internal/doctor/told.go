package doctor

import (
	"errors"
	"slices"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/wire"
)

// statuses are the ends of a check as they are said on the wire.
var statuses = map[Status]wire.CheckStatus{OK: wire.CheckOK, Warn: wire.CheckWarn, Fail: wire.CheckFail, Skip: wire.CheckSkip}

// Told are the findings of a daemon's host that its clients hear of: all but those of its
// directories, which are not for everyone to know of.
func Told(all []Finding) []wire.Check {
	var told []wire.Check
	for _, f := range all {
		if f.ID == checkDisk.String() {
			continue
		}
		c := wire.Check{ID: f.ID, Status: statuses[f.Status], Observed: f.Observed, Expected: f.Expected}
		if f.Fault != nil {
			c.Fix, c.Code = f.Fault.Fix, f.Fault.Code
		}
		told = append(told, c)
	}
	return told
}

// heard are the findings that a daemon tells of its own host: what is not good there.
func heard(host string, all []wire.Check) []Finding {
	if len(all) == 0 {
		return []Finding{skip(checkThere, host+" tells nothing: it is of an older release, still at it, or exports nothing to this client")}
	}
	var bad []Finding
	for _, c := range all {
		if c.Status != wire.CheckWarn && c.Status != wire.CheckFail {
			continue
		}
		f := Finding{ID: c.ID, Status: Warn, Host: host, Observed: c.Observed, Expected: c.Expected, Fault: &fault.Error{Host: host, Fix: c.Fix}}
		if c.Status == wire.CheckFail {
			f.Status = Fail
			f.Fault = fault.New(c.Code, "looking at its host", errors.New(c.Observed), c.Fix)
			f.Fault.Host = host
		}
		bad = append(bad, f)
	}
	if bad == nil {
		return []Finding{ok(checkThere, host+" has looked at itself, and nothing there keeps copies from going well")}
	}
	return bad
}

// Ends are how checks have ended, of several findings of one the worst.
func Ends(all []Finding) map[string]Status {
	order := []Status{Skip, OK, Warn, Fail}
	ends := map[string]Status{}
	for _, f := range all {
		if old, known := ends[f.ID]; !known || slices.Index(order, f.Status) > slices.Index(order, old) {
			ends[f.ID] = f.Status
		}
	}
	return ends
}
