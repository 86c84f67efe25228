package storage

import (
	"io/fs"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// statusFrom is the status that the kernel has told.
func statusFrom(st *unix.Stat_t) status {
	return status{
		mode: modeOf(st.Mode), size: st.Size, blocks: st.Blocks,
		modified: time.Unix(st.Mtim.Unix()), changed: time.Unix(st.Ctim.Unix()),
		device: st.Dev, inode: st.Ino, links: widened(st.Nlink), uid: st.Uid, gid: st.Gid,
		major: unix.Major(st.Rdev), minor: unix.Minor(st.Rdev),
	}
}

// addStatus adds what only this system tells.
func addStatus(st *status, sys any) {
	from, ok := sys.(*syscall.Stat_t)
	if !ok {
		return
	}
	st.changed = time.Unix(from.Ctim.Unix())
	st.device, st.inode, st.links = from.Dev, from.Ino, widened(from.Nlink)
	st.uid, st.gid, st.blocks = from.Uid, from.Gid, from.Blocks
	st.major, st.minor = unix.Major(from.Rdev), unix.Minor(from.Rdev)
}

// widened makes one type of what differs among processors.
func widened[T uint32 | uint64](v T) uint64 { return uint64(v) }

var kindModes = map[uint32]fs.FileMode{
	unix.S_IFDIR:  fs.ModeDir,
	unix.S_IFLNK:  fs.ModeSymlink,
	unix.S_IFIFO:  fs.ModeNamedPipe,
	unix.S_IFSOCK: fs.ModeSocket,
	unix.S_IFBLK:  fs.ModeDevice,
	unix.S_IFCHR:  fs.ModeDevice | fs.ModeCharDevice,
}

// modeOf is the kernel's mode in the words of package fs.
func modeOf(mode uint32) fs.FileMode {
	m := fs.FileMode(mode & 0o777)
	if kind := mode & unix.S_IFMT; kind != unix.S_IFREG {
		known, ok := kindModes[kind]
		if !ok {
			known = fs.ModeIrregular
		}
		m |= known
	}
	if mode&unix.S_ISUID != 0 {
		m |= fs.ModeSetuid
	}
	if mode&unix.S_ISGID != 0 {
		m |= fs.ModeSetgid
	}
	if mode&unix.S_ISVTX != 0 {
		m |= fs.ModeSticky
	}
	return m
}
