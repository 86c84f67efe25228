package mr

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// readLimits reads the limit for locked memory and what stands against it.
func readLimits() (limits, error) {
	var rl unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &rl); err != nil {
		return limits{}, fmt.Errorf("getrlimit: %w", err)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return limits{}, err
	}
	pinned, ipcLock, err := parseStatus(status)
	if err != nil {
		return limits{}, err
	}
	// The kernel wants the capability in the initial user namespace. In any other one
	// it is there to be seen, and worth nothing.
	if ipcLock {
		uidMap, err := os.ReadFile("/proc/self/uid_map")
		ipcLock = err == nil && isInitialUserNS(uidMap)
	}
	return limits{
		memlock: rl.Cur, pinned: pinned,
		unlimited: ipcLock || rl.Cur == unix.RLIM_INFINITY,
	}, nil
}

// parseStatus finds in /proc/PID/status how many bytes are pinned and whether
// CAP_IPC_LOCK is effective.
func parseStatus(status []byte) (pinned uint64, ipcLock bool, err error) {
	lines := bufio.NewScanner(bytes.NewReader(status))
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimSpace(value)
		switch key {
		case "VmPin":
			kib, err := strconv.ParseUint(strings.TrimSuffix(value, " kB"), 10, 54)
			if err != nil {
				return 0, false, fmt.Errorf("VmPin: %w", err)
			}
			pinned = kib << 10
		case "CapEff":
			caps, err := strconv.ParseUint(value, 16, 64)
			if err != nil {
				return 0, false, fmt.Errorf("CapEff: %w", err)
			}
			ipcLock = caps&(1<<unix.CAP_IPC_LOCK) != 0
		}
	}
	return pinned, ipcLock, lines.Err()
}

// isInitialUserNS reports whether a uid_map is the identity over all user IDs, as only
// the initial user namespace's is in practice.
func isInitialUserNS(uidMap []byte) bool {
	f := strings.Fields(string(uidMap))
	return len(f) == 3 && f[0] == "0" && f[1] == "0" && f[2] == "4294967295"
}
