//go:build !linux

package confine

// To does nothing: Landlock is Linux's.
func To(Needs) (abi int, err error) { return 0, nil }
