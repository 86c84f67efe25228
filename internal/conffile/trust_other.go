//go:build !unix

package conffile

import "io/fs"

// Own is for where files have a mode and an owner.
func Own(fs.FileInfo) error { return nil }

// Closed is, too.
func Closed(fs.FileInfo) error { return nil }
