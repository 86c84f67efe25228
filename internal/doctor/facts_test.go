package doctor_test

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rdmacp/rdmacp/internal/device"
	"github.com/rdmacp/rdmacp/internal/doctor"
)

// The facts are those that the checks go by.
func TestFacts(t *testing.T) {
	t.Parallel()
	limit, open := uint64(8<<20), uint64(256)
	h := doctor.Host{
		Limit: func() (uint64, bool) { return limit, true }, Files: func() (uint64, bool) { return open, true },
		Kernel: "6.1.0", Pins: 16 << 20, Root: fstest.MapFS{},
	}
	file(&h, "proc/self/cgroup", "0::/a/b")
	file(&h, "sys/fs/cgroup/a/rdma.max", "mlx5_0 hca_handle=max hca_object=9\nmlx5_1 hca_handle=2 hca_object=max")
	file(&h, "sys/class/infiniband/rxe0/ports/1/hw_counters/rcvd_seq_err", "300")
	file(&h, "sys/class/infiniband/rxe0/ports/1/hw_counters/out_of_sequence", "0")
	got := h.Facts([]device.Rail{rail("rxe0", "DOWN", 9000, 4096)})
	want := doctor.Facts{
		Kernel: "6.1.0", MemlockBytes: &limit, WantedBytes: 16 << 20, Files: &open,
		Cgroups:  []doctor.CgroupLimits{{Cgroup: "/a", Limits: []string{"mlx5_0 hca_handle=max hca_object=9", "mlx5_1 hca_handle=2 hca_object=max"}}},
		Counters: []doctor.PortCounters{{Port: "rxe0/1", Counts: map[string]uint64{"rcvd_seq_err": 300}}},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(doctor.Facts{}, "OS", "Arch", "CPUs")); diff != "" {
		t.Error(diff)
	}
	if got.OS == "" || got.Arch == "" || got.CPUs == 0 {
		t.Errorf("not said: %+v", got)
	}

	free := doctor.Host{Limit: func() (uint64, bool) { return 0, false }}.Facts(nil)
	if free.MemlockBytes != nil || free.Files != nil || len(free.Cgroups)+len(free.Counters) != 0 {
		t.Errorf("a host without limits: %+v", free)
	}
}
