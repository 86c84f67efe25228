// Package doctor looks at what a copy by RDMA needs, one thing at a time, and says of each
// what it found, and what is to be done where that is not good. It changes nothing.
package doctor

import (
	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/fault"
)

// Status is how a check has ended.
type Status string

// The ends of a check.
const (
	OK   Status = "ok"
	Warn Status = "warn" // copies work, and could be better
	Fail Status = "fail"
	Skip Status = "skip" // it has nothing to look at
)

// Finding is what a check has found.
type Finding struct {
	ID       string // stable, for scripts and docs/doctor.md
	Status   Status
	Observed string
	Expected string       // what it is like on a host where copies go well
	Fault    *fault.Error // why, and what to do; nil unless it is a Warn or a Fail
	Exports  []string     // of the daemon's, that are named in it
	Host     string       // that has found it of itself; empty: this one has
}

// ok is a finding that is as it should be.
func ok(c check, observed string) Finding { return c.found(OK, observed, nil) }

// skip is the finding of a check that has nothing to look at.
func skip(c check, why string) Finding { return c.found(Skip, why, nil) }

// warn is a finding that could be better.
func warn(c check, observed, fix string) Finding {
	return c.found(Warn, observed, &fault.Error{Fix: fix})
}

// failed is the finding of something that failed.
func failed(c check, err error) Finding {
	f, known := fault.As(err)
	if !known {
		f = fault.New(fault.Internal, "checking "+c.String(), err, "")
	}
	f = console.Complete(f)
	return c.found(Fail, f.Error(), f)
}

// Worst is the fault of the first check that failed; nil if none did.
func Worst(all []Finding) *fault.Error {
	for _, f := range all {
		if f.Status == Fail {
			return f.Fault
		}
	}
	return nil
}
