//go:build !unix

package pki

import "os"

// lock keeps nobody out here.
func (ca *CA) lock() (*os.File, error) { return os.Open(ca.dir) }
