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
	Fault    *fault.Error // why, and what to do; nil unless it is a Warn or a Fail
}

// ok is a finding that is as it should be.
func ok(id, observed string) Finding { return Finding{ID: id, Status: OK, Observed: observed} }

// skip is the finding of a check that has nothing to look at.
func skip(id, why string) Finding { return Finding{ID: id, Status: Skip, Observed: why} }

// warn is a finding that could be better.
func warn(id, observed, fix string) Finding {
	return Finding{ID: id, Status: Warn, Observed: observed, Fault: &fault.Error{Fix: fix}}
}

// failed is the finding of something that failed.
func failed(id string, err error) Finding {
	f, known := fault.As(err)
	if !known {
		f = fault.New(fault.Internal, "checking "+id, err, "")
	}
	f = console.Complete(f)
	return Finding{ID: id, Status: Fail, Observed: f.Error(), Fault: f}
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
