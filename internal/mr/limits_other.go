//go:build !linux

package mr

// readLimits knows no limit here.
func readLimits() (limits, error) { return limits{unlimited: true}, nil }
