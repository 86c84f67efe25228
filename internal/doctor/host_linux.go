package doctor

import (
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
	h.Files = func() (uint64, bool) {
		var l unix.Rlimit
		err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l) // Go has raised it as far as it goes
		return l.Max, err == nil && l.Max != unix.RLIM_INFINITY
	}
}
