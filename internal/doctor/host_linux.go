package doctor

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/device"
)

// LookAround fills in what the kernel says of this host.
func (h *Host) LookAround() {
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		h.Kernel = unix.ByteSliceToString(u.Release[:])
	}
	h.Root = os.DirFS("/")
	h.Flow = device.PriorityFlow
	h.Node = node
	h.NextHop = device.NextHop
	h.Files = func() (uint64, bool) {
		var l unix.Rlimit
		err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l) // Go has raised it as far as it goes
		return l.Max, err == nil && l.Max != unix.RLIM_INFINITY
	}
}

// node opens a device's file and closes it. Whose it is is said even where it is not opened.
func node(name string) (owner string, err error) {
	var st unix.Stat_t
	if unix.Stat(name, &st) == nil {
		owner = fmt.Sprintf("of uid %d and gid %d, mode %04o", st.Uid, st.Gid, st.Mode&0o7777)
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err == nil {
		err = f.Close()
	}
	return owner, err
}
