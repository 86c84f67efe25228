//go:build !windows

package storage

// holdable refuses no name: what a file system cannot hold, it says itself.
func holdable(string) error { return nil }

// foldsNames says that names which differ in case only are several.
const foldsNames = false

func folded(leaf string) string { return leaf }

func slashed(to string) string { return to }
