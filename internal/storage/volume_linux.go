package storage

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// kinds are the names of file systems, by their numbers in statfs(2).
var kinds = map[uint32]string{
	unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs", unix.F2FS_SUPER_MAGIC: "f2fs",
	unix.TMPFS_MAGIC: "tmpfs", unix.RAMFS_MAGIC: "ramfs", unix.OVERLAYFS_SUPER_MAGIC: "overlay", unix.NFS_SUPER_MAGIC: "nfs",
	unix.SMB2_SUPER_MAGIC: "smb", unix.CEPH_SUPER_MAGIC: "ceph", unix.FUSE_SUPER_MAGIC: "fuse", unix.V9FS_MAGIC: "9p",
	unix.MSDOS_SUPER_MAGIC: "vfat", unix.EXFAT_SUPER_MAGIC: "exfat", unix.SQUASHFS_MAGIC: "squashfs", unix.HUGETLBFS_MAGIC: "hugetlbfs",
	0x2fc12fc1: "zfs", 0x0bd00bd0: "lustre", 0x47504653: "gpfs", 0x19830326: "beegfs", // of modules that Linux does not come with
}

// volumeOf says what the kernel does of f's file system.
func volumeOf(f *os.File) (v Volume, err error) {
	var st unix.Statfs_t
	if err := control(f, func(fd int) error { return unix.Fstatfs(fd, &st) }); err != nil {
		return v, err
	}
	number := uint32(st.Type) // on 32 bits it is signed
	v = Volume{Kind: kinds[number], ReadOnly: st.Flags&unix.ST_RDONLY != 0, Memory: livesInMemory(f), Reserves: reserves(number)}
	if v.Kind == "" {
		v.Kind = fmt.Sprintf("file system %#x", number)
	}
	return v, nil
}

// nameless makes a file that nobody else can reach, and that is gone once it is closed.
func (d *Dir) nameless() (*os.File, error) {
	dir, err := d.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }()
	raw, err := makeUnnamed(&handle{fd: descriptor(dir)}, 0o600)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(raw.fd), d.path), nil
}
