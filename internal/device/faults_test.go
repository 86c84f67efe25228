package device

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/verbs"
)

func TestNoDevice(t *testing.T) {
	t.Parallel()
	dir := &fstest.MapFile{Mode: fs.ModeDir}
	for name, c := range map[string]struct {
		sysfs fs.FS
		nodes bool // /dev/infiniband has some
		cause error
		why   string
		fix   string
	}{
		"built without verbs": {fstest.MapFS{}, false, verbs.ErrNotSupported, "built without verbs", "with cgo"},
		"no library": {
			fstest.MapFS{"class/infiniband/rxe0": dir},
			true,
			fmt.Errorf("dlopen: %w", verbs.ErrNoLibrary), "libibverbs is not available", "libibverbs1",
		},
		"no module": {fstest.MapFS{}, false, nil, "no RDMA subsystem", "modprobe rdma_rxe"},
		"no module, says verbs": {
			fstest.MapFS{},
			false,
			&verbs.Error{Op: "ibv_get_device_list", Errno: syscall.ENOSYS}, "no RDMA subsystem", "modprobe rdma_rxe",
		},
		"no devices": {fstest.MapFS{"class/infiniband": dir}, false, nil, "this host has none", "hack/softroce/up NETDEV"},
		"no uverbs":  {fstest.MapFS{"class/infiniband/rxe0": dir}, false, nil, "the kernel has rxe0, but no way", "modprobe ib_uverbs"},
		"no device file": {
			fstest.MapFS{"class/infiniband/rxe0": dir, "class/infiniband_verbs/uverbs0": dir},
			false,
			nil, "the kernel has rxe0, but /dev/infiniband has no file", "--device /dev/infiniband/uverbs0",
		},
		"no provider": {
			fstest.MapFS{"class/infiniband/rxe0": dir, "class/infiniband_verbs/uverbs0": dir},
			true,
			nil, "the kernel has rxe0, but libibverbs finds no driver", "ibverbs-providers",
		},
		"a cause": {fstest.MapFS{"class/infiniband": dir}, false, errors.New("odd"), "this host has none: odd", "up NETDEV"},
	} {
		dev := fstest.MapFS{}
		if c.nodes {
			dev["infiniband/uverbs0"] = &fstest.MapFile{Mode: fs.ModeCharDevice}
		}
		f, ok := fault.As(noDevice(c.sysfs, dev, c.cause))
		if !ok || f.Code != fault.NoDevice || !strings.Contains(f.Error(), c.why) || !strings.Contains(f.Fix, c.fix) {
			t.Errorf("%s: %v; fix: %s", name, f, f.Fix)
		}
		if c.cause != nil && !errors.Is(f, c.cause) {
			t.Errorf("%s: the cause is lost", name)
		}
	}
}
