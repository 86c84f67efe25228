//go:build !linux

package numa

// Near calls fn.
func Near(_ int, fn func()) { fn() }

// Stay does nothing.
func Stay(int) {}
