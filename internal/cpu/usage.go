// Package cpu tells what work costs this process: time, cycles and context switches.
package cpu

import "time"

// Usage is what a process has used, or used between two looks.
type Usage struct {
	User, System time.Duration
	Voluntary    uint64 // context switches since a thread waited
	Involuntary  uint64 // context switches since another thread's turn came
}

// Since is what was used after an earlier look.
func (u Usage) Since(before Usage) Usage {
	return Usage{
		User: u.User - before.User, System: u.System - before.System,
		Voluntary: u.Voluntary - before.Voluntary, Involuntary: u.Involuntary - before.Involuntary,
	}
}

// Time is the time of both kinds.
func (u Usage) Time() time.Duration { return u.User + u.System }
