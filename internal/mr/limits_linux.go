package mr

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// readLimits reads the limit for locked memory and, where it binds, what stands against
// it. It is called for each window of a file: where nothing binds it reads no file.
func readLimits() (limits, error) {
	var rl unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &rl); err != nil {
		return limits{}, fmt.Errorf("getrlimit: %w", err)
	}
	if rl.Cur == unix.RLIM_INFINITY || mayLock() && inInitialUserNS() {
		return limits{memlock: rl.Cur, unlimited: true}, nil
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return limits{}, err
	}
	pinned, err := parsePinned(status)
	return limits{memlock: rl.Cur, pinned: pinned}, err
}

// mayLock reports whether CAP_IPC_LOCK is effective.
func mayLock() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var caps [2]unix.CapUserData // of 32 bits each
	return unix.Capget(&header, &caps[0]) == nil && caps[0].Effective&(1<<unix.CAP_IPC_LOCK) != 0
}

// inInitialUserNS reports whether this process is in the initial user namespace, where the
// kernel wants the capability. In any other one it is there to be seen, and worth nothing.
var inInitialUserNS = sync.OnceValue(func() bool {
	uidMap, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && isInitialUserNS(uidMap)
})

// parsePinned finds in /proc/PID/status how many bytes are pinned.
func parsePinned(status []byte) (uint64, error) {
	lines := bufio.NewScanner(bytes.NewReader(status))
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), "VmPin:"); ok {
			kib, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 54)
			if err != nil {
				return 0, fmt.Errorf("VmPin: %w", err)
			}
			return kib << 10, nil
		}
	}
	return 0, lines.Err()
}

// isInitialUserNS reports whether a uid_map is the identity over all user IDs, as only
// the initial user namespace's is in practice.
func isInitialUserNS(uidMap []byte) bool {
	f := strings.Fields(string(uidMap))
	return len(f) == 3 && f[0] == "0" && f[1] == "0" && f[2] == "4294967295"
}
