//go:build unix

package pki

import (
	"os"

	"golang.org/x/sys/unix"
)

// lock keeps others out of the CA's directory until the file is closed: what one revokes
// must not be lost to what another revokes at the same time.
func (ca *CA) lock() (*os.File, error) {
	f, err := os.Open(ca.dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil { //nolint:gosec // a descriptor
		_ = f.Close()
		return nil, &os.PathError{Op: "flock", Path: ca.dir, Err: err}
	}
	return f, nil
}
