package confine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"syscall"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// marker says in the environment that the process is confined, by which version.
const marker = "RDMACP_CONFINED"

// To confines this process to its needs, by landlock_restrict_self(2), and runs the program
// again from the start: only then do all its threads have the same credentials, by which
// the kernel knows who has opened a uverbs device (ib_safe_file_access) and refuses the work
// requests of everybody else. The second time it returns the version of the kernel's
// Landlock; 0 says that there is none, and that nothing was confined.
func To(n Needs) (abi int, err error) {
	if abi, err := strconv.Atoi(os.Getenv(marker)); err == nil {
		return abi, n.try()
	}
	abi, no := ll.LandlockGetABIVersion()
	if no != nil || abi < 2 { // version 1 could not let files be linked
		return 0, nil //nolint:nilerr // that there is none is an answer
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	rules := []landlock.Rule{
		landlock.ROFiles(self),
		landlock.RODirs(n.Read...).IgnoreIfMissing(),
		landlock.RWDirs(n.Write...).WithRefer().IgnoreIfMissing(),
		landlock.RWDirs(n.Devices...).WithIoctlDev().IgnoreIfMissing(),
		landlock.PathAccess(ll.AccessFSMakeSock|ll.AccessFSRemoveFile, n.Sockets...).IgnoreIfMissing(),
	}
	if err := landlock.V6.BestEffort().RestrictPaths(rules...); err != nil {
		return 0, fmt.Errorf("confining the process by Landlock %d: %w", abi, err)
	}
	return 0, fmt.Errorf("running %s again, confined: %w", self,
		syscall.Exec(self, os.Args, append(os.Environ(), fmt.Sprintf("%s=%d", marker, abi))))
}

// try finds out whether it is true, by a directory that nobody needs.
func (n Needs) try() error {
	if slices.Contains(n.Read, "/") || slices.Contains(n.Write, "/") {
		return nil
	}
	switch _, err := os.ReadDir("/"); {
	case err == nil:
		return errors.New("confined by Landlock, the process can still list /")
	case !errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("trying whether Landlock confines: %w", err)
	}
	return nil
}
