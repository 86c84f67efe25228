package storage

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// linkNames gives a file one more name. It follows no symbolic link.
func linkNames(from *os.File, leaf string, to *os.File, name string) error {
	return control(from, func(src int) error {
		return control(to, func(dst int) error { return unix.Linkat(src, leaf, dst, name, 0) })
	})
}

// makeNode makes a FIFO, socket or device, which nobody may open yet.
func makeNode(dir *os.File, name string, k tree.Kind, m tree.Meta) error {
	types := map[tree.Kind]uint32{
		tree.FIFO: unix.S_IFIFO, tree.Socket: unix.S_IFSOCK, tree.CharDevice: unix.S_IFCHR, tree.BlockDevice: unix.S_IFBLK,
	}
	dev := 0
	if k == tree.CharDevice || k == tree.BlockDevice {
		dev = int(unix.Mkdev(m.Major, m.Minor))
	}
	return control(dir, func(fd int) error { return unix.Mknodat(fd, name, types[k], dev) })
}

// renameHere puts a file of the place's directory at its leaf.
func renameHere(p *place, from string) error {
	return control(p.self, func(fd int) error { return unix.Renameat(fd, from, fd, p.leaf) })
}
