//go:build linux

package host

// ticks reads the CPU's time stamp counter, which an emulated guest sees as its own.
func ticks() int64
