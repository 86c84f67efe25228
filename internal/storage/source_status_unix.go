//go:build unix && !linux

package storage

import "syscall"

// addStatus adds what package os does not tell.
func addStatus(st *status, sys any) {
	from, ok := sys.(*syscall.Stat_t)
	if !ok {
		return
	}
	st.device, st.inode, st.links = uint64(from.Dev), uint64(from.Ino), uint64(from.Nlink)
	st.uid, st.gid, st.blocks = from.Uid, from.Gid, int64(from.Blocks)
}
