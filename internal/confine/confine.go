// Package confine takes from a process, for good, what it does not need: the third wall
// around what a daemon exports, behind its own checks and openat2.
package confine

// Needs are what a process goes on needing. What is not there is passed over.
type Needs struct {
	Read    []string // directories, and what is below them
	Write   []string // the same, to change things there too
	Devices []string // directories of devices
	Sockets []string // directories in which sockets may be made, and files removed
}
