package cpu

import (
	"time"

	"golang.org/x/sys/windows"
)

// Used is what the process has used so far. The system does not count context switches.
func Used() Usage {
	var created, ended, system, user windows.Filetime
	if err := windows.GetProcessTimes(windows.CurrentProcess(), &created, &ended, &system, &user); err != nil {
		return Usage{}
	}
	return Usage{User: span(user), System: span(system)}
}

// span is a time that is counted in steps of 100 ns.
func span(t windows.Filetime) time.Duration {
	return time.Duration(int64(t.HighDateTime)<<32|int64(t.LowDateTime)) * 100
}
