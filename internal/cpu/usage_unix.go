//go:build unix

package cpu

import (
	"time"

	"golang.org/x/sys/unix"
)

// Used is what this process has used so far: getrusage(2). It is zero where the system
// does not tell.
func Used() Usage { return used(unix.RUSAGE_SELF) }

func used(by int) Usage {
	var r unix.Rusage
	if unix.Getrusage(by, &r) != nil {
		return Usage{}
	}
	return Usage{
		User: time.Duration(r.Utime.Nano()), System: time.Duration(r.Stime.Nano()),
		Voluntary: uint64(r.Nvcsw), Involuntary: uint64(r.Nivcsw),
	}
}
