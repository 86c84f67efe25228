package mr

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/dustin/go-humanize"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// raiseLimit is what to do about a limit that is too small.
const raiseLimit = "raise the limit: `ulimit -l unlimited` in a shell, LimitMEMLOCK=infinity in the systemd unit; " +
	"in a container run as root with the IPC_LOCK capability, or raise the runtime's limit " +
	"(--ulimit memlock=-1 for docker and podman, LimitMEMLOCK=infinity in containerd's unit)"

// askForLess is what to do when memory itself is short.
const askForLess = "free memory on this host, or move less at once: smaller chunks or fewer of them"

// limitFault says that the limit l keeps n more bytes from being pinned. The cause is
// what the kernel said, or nil if it was not asked.
func limitFault(n uint64, l limits, cause error) error {
	why := fmt.Errorf("the limit for locked memory is %s (RLIMIT_MEMLOCK), %s of it in use by this process",
		size(l.memlock), size(l.pinned))
	if cause != nil {
		why = fmt.Errorf("%w: %w", why, cause)
	}
	return fault.New(fault.Memlock, "pinning "+size(n), why, raiseLimit)
}

// registerFault explains why n bytes could not be registered. The kernel says ENOMEM
// for the limit and for a real lack of memory alike.
func registerFault(n uint64, cause error, read func() (limits, error)) error {
	if errors.Is(cause, syscall.EAGAIN) { // rdmacg_try_charge in Linux's kernel/cgroup/rdma.c
		return fault.New(fault.Memlock, "registering "+size(n), fmt.Errorf("the rdma cgroup of this process allows no more verbs objects: %w", cause),
			"raise rdma.max of the cgroup, or of one above it: `rdmacp doctor` says of which")
	}
	if !errors.Is(cause, syscall.ENOMEM) {
		return fmt.Errorf("registering %s: %w", size(n), cause)
	}
	if l, err := read(); err == nil && !l.fits(n) {
		return limitFault(n, l, cause)
	}
	return fault.New(fault.Memlock, "pinning "+size(n),
		fmt.Errorf("the host or the device has no memory left for it: %w", cause), askForLess)
}

// mapFault explains why n bytes could not be mapped.
func mapFault(n uint64, cause error) error {
	if !errors.Is(cause, syscall.ENOMEM) {
		return fmt.Errorf("mapping %s: %w", size(n), cause)
	}
	return fault.New(fault.Memlock, "mapping "+size(n), cause, askForLess)
}

// size prints a number of bytes, "8 MiB" rather than "8.0 MiB".
func size(n uint64) string { return strings.Replace(humanize.IBytes(n), ".0 ", " ", 1) }
