//go:build !linux

package rdmacp

// kernelRelease is Linux's.
func kernelRelease() string { return "" }
