package cpu

import "golang.org/x/sys/unix"

// UsedByThread is what the calling thread has used so far: getrusage(2). Whoever compares two looks
// keeps to one thread meanwhile (runtime.LockOSThread).
func UsedByThread() Usage { return used(unix.RUSAGE_THREAD) }
