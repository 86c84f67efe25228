//go:build linux

package guest

import (
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/hack/softroce/internal/spec"
)

// openFiles is the guest's hard limit of open files, and its soft one, too.
const openFiles = 1 << 20

// setLimits sets what PID 1's children inherit.
func setLimits(g spec.Guest) error {
	files := unix.Rlimit{Cur: openFiles, Max: openFiles}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return fmt.Errorf("set RLIMIT_NOFILE: %w", err)
	}
	if g.HugePages > 0 {
		if err := os.WriteFile("/proc/sys/vm/nr_hugepages", []byte(strconv.Itoa(g.HugePages)), 0); err != nil {
			return fmt.Errorf("reserve %d huge pages: %w", g.HugePages, err)
		}
	}
	memlock := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if g.Memlock >= 0 {
		memlock = unix.Rlimit{Cur: uint64(g.Memlock), Max: uint64(g.Memlock)}
		// Root would be exempt from the limit by this capability.
		_, _, errno := syscall.AllThreadsSyscall(unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, unix.CAP_IPC_LOCK, 0)
		if errno != 0 {
			return fmt.Errorf("drop CAP_IPC_LOCK: %w", errno)
		}
	}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &memlock); err != nil {
		return fmt.Errorf("set RLIMIT_MEMLOCK: %w", err)
	}
	return nil
}
