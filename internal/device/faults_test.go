package device

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
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
		cause error
		why   string
		fix   string
	}{
		"built without verbs": {fstest.MapFS{}, verbs.ErrNotSupported, "built without verbs", "with cgo"},
		"no library": {
			fstest.MapFS{"class/infiniband/rxe0": dir},
			fmt.Errorf("dlopen: %w", verbs.ErrNoLibrary), "libibverbs is not available", "libibverbs1",
		},
		"no module":  {fstest.MapFS{}, nil, "no RDMA subsystem", "modprobe rdma_rxe"},
		"no devices": {fstest.MapFS{"class/infiniband": dir}, nil, "this host has none", "hack/softroce/up NETDEV"},
		"no uverbs":  {fstest.MapFS{"class/infiniband/rxe0": dir}, nil, "the kernel has rxe0, but no way", "modprobe ib_uverbs"},
		"no provider": {
			fstest.MapFS{"class/infiniband/rxe0": dir, "class/infiniband_verbs/uverbs0": dir},
			nil, "the kernel has rxe0, but libibverbs finds no driver", "ibverbs-providers",
		},
		"a cause": {fstest.MapFS{"class/infiniband": dir}, errors.New("odd"), "this host has none: odd", "up NETDEV"},
	} {
		f, ok := fault.As(noDevice(c.sysfs, c.cause))
		if !ok || f.Code != fault.NoDevice || !strings.Contains(f.Error(), c.why) || !strings.Contains(f.Fix, c.fix) {
			t.Errorf("%s: %v; fix: %s", name, f, f.Fix)
		}
		if c.cause != nil && !errors.Is(f, c.cause) && errors.Unwrap(c.cause) == nil {
			t.Errorf("%s: the cause is lost", name)
		}
	}
}
