package doctor_test

import (
	"errors"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/rdmacp/rdmacp/internal/device"
	"github.com/rdmacp/rdmacp/internal/doctor"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// rail is a port of a RoCE device on an Ethernet device of that MTU.
func rail(name, state string, mtu, packet int) device.Rail {
	return device.Rail{
		Device: name, Port: 1, State: state, LinkLayer: device.Ethernet, NetDev: "eth0", MTU: mtu, ActiveMTU: packet,
		GIDs: []device.GID{{Addr: netip.MustParseAddr("::ffff:10.0.0.1"), Kind: device.RoCEv2}},
	}
}

// Each thing that is wrong with a host is found, with what to do; and no other is.
func TestLocal(t *testing.T) {
	t.Parallel()
	good := rail("rxe0", device.StateActive, 9000, 4096)
	for name, tt := range map[string]struct {
		change func(h *doctor.Host)
		says   map[string]string // of each check that is not ok
		code   fault.Code
	}{
		"nothing": {func(*doctor.Host) {}, nil, fault.OK},
		"a device that cannot be used": {
			func(h *doctor.Host) { h.Rails = none },
			skipped("devices", "fail looking: none get one", "ports", "gid", "pci", "counters", "pfc-ecn", "memlock", "cgroup"), fault.NoDevice,
		},
		"no device": {
			func(h *doctor.Host) { h.Rails, h.Root = never(t), fstest.MapFS{} },
			skipped("module", "warn looking for RDMA devices: the kernel has no RDMA subsystem loaded; none of its modules is there; copies go by TCP load the driver of the NIC",
				"device-node", "devices", "ports", "gid", "pci", "counters", "pfc-ecn", "memlock", "cgroup"), fault.OK,
		},
		"no device for RDMA": {
			func(h *doctor.Host) {
				h.By, h.Rails, h.Root = transport.RDMA, never(t), fstest.MapFS{"sys/class/infiniband": {Mode: fs.ModeDir}}
				file(h, "sys/module/rdma_rxe/refcnt", "0")
			},
			skipped("module", "fail looking for RDMA devices: this host has none; of its modules there are rdma_rxe `hack/softroce/up", "device-node", "devices", "ports", "gid", "pci", "counters", "pfc-ecn", "memlock", "cgroup"), fault.NoDevice,
		},
		"no ib_uverbs": {
			func(h *doctor.Host) {
				h.Rails = never(t)
				delete(h.Root.(fstest.MapFS), "sys/class/infiniband_verbs/uverbs0/ibdev")
			},
			skipped("module", "fail looking for RDMA devices: the kernel has rxe0, but no way for programs to use it; of its modules there are ib_core, rdma_rxe `modprobe ib_uverbs`",
				"device-node", "devices", "ports", "gid", "pci", "counters", "pfc-ecn", "memlock", "cgroup"),
			fault.NoDevice,
		},
		"the file of the device is another's": {
			func(h *doctor.Host) { h.Rails, h.Node = never(t), shut("uverbs0", syscall.EACCES) },
			skipped("device-node", "fail rxe0: /dev/infiniband/uverbs0 (of uid 0 and gid 0, mode 0600): permission denied let this user open it",
				"devices", "ports", "gid", "pci", "counters", "pfc-ecn", "memlock", "cgroup"),
			fault.NoDevice,
		},
		"a cgroup forbids the device": {
			func(h *doctor.Host) { h.Rails, h.Node = never(t), shut("uverbs0", syscall.EPERM) },
			skipped("device-node", "fail rxe0: /dev/infiniband/uverbs0 (of uid 0 and gid 0, mode 0600): operation not permitted its mode is not what forbids it: a cgroup's",
				"devices", "ports", "gid", "pci", "counters", "pfc-ecn", "memlock", "cgroup"),
			fault.NoDevice,
		},
		"a container without the file": {
			func(h *doctor.Host) { h.Rails, h.Node = never(t), shut("uverbs0", syscall.ENOENT) },
			skipped("device-node", "fail rxe0: /dev/infiniband/uverbs0 (of uid 0 and gid 0, mode 0600): no such file or directory in a container",
				"devices", "ports", "gid", "pci", "counters", "pfc-ecn", "memlock", "cgroup"),
			fault.NoDevice,
		},
		"one of two files": {
			func(h *doctor.Host) {
				h.Node = shut("uverbs1", syscall.ENXIO)
				file(h, "sys/class/infiniband_verbs/uverbs1/ibdev", "rxe1")
			},
			map[string]string{"device-node": "warn rxe1: /dev/infiniband/uverbs1 (of uid 0 and gid 0, mode 0600): no such device or address the driver does not answer"},
			fault.OK,
		},
		"copies by TCP": {
			func(h *doctor.Host) { h.By = transport.TCP },
			skipped("devices", "skip copies by TCP need none", "module", "device-node", "ports", "gid", "pci", "counters", "pfc-ecn", "memlock", "cgroup"), fault.OK,
		},
		"a port is down": {
			func(h *doctor.Host) { h.Rails = rails(good, rail("rxe1", "DOWN", 9000, 4096)) },
			map[string]string{"ports": "warn rxe1/1 on eth0: port DOWN"},
			fault.OK,
		},
		"a device that may not be opened": {
			func(h *doctor.Host) {
				shut := device.Rail{Device: "rxe1", Port: 1, State: "UNKNOWN", LinkLayer: device.NoLink, Problem: "open /dev/infiniband/uverbs1: permission denied"}
				h.Rails = rails(good, shut)
			},
			map[string]string{"ports": "warn rxe1/1: open /dev/infiniband/uverbs1: permission denied do what device-node says"},
			fault.OK,
		},
		"a device of another kind": {
			func(h *doctor.Host) {
				other := rail("siw0", device.StateActive, 9000, 4096)
				other.Problem = "iWARP"
				h.Rails = rails(good, other)
			},
			map[string]string{"ports": "warn siw0/1 on eth0: iWARP use another device"},
			fault.OK,
		},
		"all are down": {
			func(h *doctor.Host) { h.Rails = rails(rail("rxe1", "DOWN", 9000, 4096)) },
			map[string]string{"ports": "fail rxe1/1 on eth0: port DOWN", "gid": "skip no port that is active", "counters": "skip no port"},
			fault.NoDevice,
		},
		"link-local addresses only": {
			func(h *doctor.Host) {
				h.Rails = rails(withGIDs("rxe1", fe80(0, device.RoCEv1), fe80(1, device.RoCEv2)))
			},
			map[string]string{"gid": "fail rxe1/1: only link-local GIDs (fe80::/10 or 169.254.0.0/16) give eth0 an address"},
			fault.NoDevice,
		},
		"link-local addresses only, on one of two": {
			func(h *doctor.Host) { h.Rails = rails(good, withGIDs("rxe1", fe80(1, device.RoCEv2))) },
			map[string]string{"gid": "warn rxe1/1: only link-local GIDs"},
			fault.OK,
		},
		"GIDs of RoCE v1 only": {
			func(h *doctor.Host) { h.Rails = rails(withGIDs("rxe1", fe80(0, device.RoCEv1))) },
			map[string]string{"gid": "fail rxe1/1: no RoCE v2 GID, only those of RoCE v1 RoCE v1 leads to no other network", "counters": "skip no port"},
			fault.NoDevice,
		},
		"a GID table that is all zero": {
			func(h *doctor.Host) { h.Rails = rails(withGIDs("rxe1")) },
			map[string]string{"gid": "fail rxe1/1: no GID: its table is empty, or all zero give eth0 an address", "counters": "skip no port"},
			fault.NoDevice,
		},
		"a small MTU": {
			func(h *doctor.Host) { h.Rails = rails(rail("rxe1", device.StateActive, 1500, 1024)) },
			map[string]string{"ports": "warn rxe1/1 on eth0: packets of 1024 bytes, since the MTU of eth0 is 1500 `ip link set eth0 mtu 9000`"},
			fault.OK,
		},
		"little to pin": {
			func(h *doctor.Host) { h.Limit = func() (uint64, bool) { return 8 << 20, true } },
			map[string]string{"memlock": "8.0 MiB may be pinned, and a copy wants 16 MiB `ulimit -l unlimited`"},
			fault.Memlock,
		},
		"enough to pin": {func(h *doctor.Host) { h.Limit = func() (uint64, bool) { return 16 << 20, true } }, nil, fault.OK},
		"an old kernel": {
			func(h *doctor.Host) { h.Kernel = "6.1.0-50-amd64" },
			map[string]string{"kernel": "warn Linux 6.1.0-50-amd64 does not let"},
			fault.OK,
		},
		"few files": {
			func(h *doctor.Host) { h.Files = func() (uint64, bool) { return 256, true } },
			map[string]string{"files": "warn 256 files may be open at once `ulimit -n` 1024 or more"},
			fault.OK,
		},
		"a cgroup that allows few objects": {
			func(h *doctor.Host) { file(h, "sys/fs/cgroup/a/rdma.max", "mlx5_0 hca_handle=max hca_object=9") },
			map[string]string{"cgroup": "warn mlx5_0: the cgroup /a allows hca_object=9 write `mlx5_0 max` to its rdma.max"},
			fault.OK,
		},
		"a cgroup above it": {
			func(h *doctor.Host) { file(h, "sys/fs/cgroup/rdma.max", "rxe0 hca_handle=0 hca_object=max") },
			map[string]string{"cgroup": "the cgroup / allows hca_handle=0"},
			fault.OK,
		},
		"a cgroup that allows little memory": {
			func(h *doctor.Host) { file(h, "sys/fs/cgroup/a/memory.max", "33554432") },
			map[string]string{"cgroup": "warn the cgroup /a allows 32 MiB of memory, and a copy takes 48 MiB: 16 MiB pinned, and its own raise it (MemoryMax="},
			fault.OK,
		},
		"a cgroup that allows few threads": {
			func(h *doctor.Host) {
				file(h, "sys/fs/cgroup/a/b/pids.max", "64")
				file(h, "sys/fs/cgroup/a/b/pids.current", "40")
			},
			map[string]string{"cgroup": "warn the cgroup /a/b allows 64 processes and threads, and has 40 raise it (TasksMax="},
			fault.OK,
		},
		"a cgroup with limits that are high": {
			func(h *doctor.Host) {
				file(h, "sys/fs/cgroup/a/b/pids.max", "64")
				file(h, "sys/fs/cgroup/a/b/pids.current", "2")
				file(h, "sys/fs/cgroup/a/memory.max", "max")
				file(h, "sys/fs/cgroup/memory.max", "1073741824")
			},
			nil, fault.OK,
		},
		"a cgroup that allows many": {func(h *doctor.Host) { file(h, "sys/fs/cgroup/a/b/rdma.max", "rxe0 hca_handle=9 hca_object=2000") }, nil, fault.OK},
		"packets are lost": {
			func(h *doctor.Host) { file(h, "sys/class/infiniband/rxe0/ports/1/hw_counters/rcvd_seq_err", "300") },
			map[string]string{"counters": "warn rxe0/1 on eth0: 10,000 packets received, 300 lost or out of order, since it came up look for what drops packets"},
			fault.OK,
		},
		"requests were given up": {
			func(h *doctor.Host) {
				file(h, "sys/class/infiniband/rxe0/ports/1/hw_counters/retry_exceeded_err", "3")
			},
			nil, fault.OK,
		},
		"no Linux": {func(h *doctor.Host) { h.Kernel, h.Root = "", nil }, map[string]string{"module": "skip not Linux", "device-node": "skip not Linux", "kernel": "skip not Linux", "cgroup": "skip not Linux", "counters": "skip no port"}, fault.OK},
		"a wrong key": {
			func(h *doctor.Host) { h.TLSErr = fault.New(fault.Usage, "reading", errors.New("no match"), "see") },
			map[string]string{"tls": "fail reading: no match see"},
			fault.Usage,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := doctor.Host{
				Rails: rails(good), Limit: func() (uint64, bool) { return 0, false }, Kernel: "6.12.95+deb12-amd64", Pins: 16 << 20,
				Files: func() (uint64, bool) { return 1 << 20, true }, Root: fstest.MapFS{}, Node: shut("none", 0),
			}
			file(&h, "sys/class/infiniband/rxe0/node_type", "1: CA")
			file(&h, "sys/class/infiniband_verbs/uverbs0/ibdev", "rxe0")
			file(&h, "sys/module/ib_core/refcnt", "1")
			file(&h, "sys/module/rdma_rxe/refcnt", "0")
			file(&h, "proc/self/cgroup", "1:name=systemd:/x\n0::/a/b")
			file(&h, "sys/class/infiniband/rxe0/ports/1/hw_counters/rcvd_pkts", "10000")
			tt.change(&h)
			all := h.Local()
			seen := map[string]bool{}
			for _, f := range all {
				text := string(f.Status) + " " + f.Observed
				if f.Fault != nil {
					text += " " + f.Fault.Fix
				}
				want, bad := tt.says[f.ID]
				switch {
				case bad && strings.Contains(text, want):
					seen[f.ID] = true
				case f.Status != doctor.OK && (f.Status != doctor.Skip || !slices.Contains([]string{"tls", "pci", "pfc-ecn"}, f.ID)):
					t.Errorf("%s: %s", f.ID, text)
				}
			}
			if len(seen) != len(tt.says) {
				t.Errorf("of %v it says %v", tt.says, all)
			}
			code := fault.OK
			if w := doctor.Worst(all); w != nil {
				code = w.Code
			}
			if code != tt.code {
				t.Errorf("it ends with %v, want %v", code, tt.code)
			}
		})
	}
}

// withGIDs is a port that has these.
func withGIDs(name string, gids ...device.GID) device.Rail {
	r := rail(name, device.StateActive, 9000, 4096)
	r.GIDs = gids
	return r
}

func fe80(index int, kind device.GIDKind) device.GID {
	return device.GID{Addr: netip.MustParseAddr("fe80::1"), Index: index, Kind: kind, NetDev: "eth0"}
}

// Of a port's addresses it says which one is taken, and why.
func TestGID(t *testing.T) {
	t.Parallel()
	v4 := device.GID{Addr: netip.MustParseAddr("10.77.0.1"), Index: 2, Kind: device.RoCEv2, NetDev: "eth0"}
	v6 := device.GID{Addr: netip.MustParseAddr("fd77::1"), Index: 3, Kind: device.RoCEv2, NetDev: "eth0"}
	ib := withGIDs("mlx5_0", device.GID{Addr: netip.MustParseAddr("fe80::2"), Kind: device.IB})
	ib.LinkLayer = device.InfiniBand
	for says, r := range map[string]device.Rail{
		"rxe0/1: index 2, 10.77.0.1 (RoCE v2): the first that is not link-local; of the 4 there are": withGIDs("rxe0", fe80(0, device.RoCEv1), fe80(1, device.RoCEv2), v4, v6),
		"index 3, fd77::1 (RoCE v2): the first that is not link-local, there being none of IPv4":     withGIDs("rxe0", fe80(1, device.RoCEv2), v6),
		"mlx5_0/1: index 0, fe80::2 (IB): packets find their way by LID":                             ib,
	} {
		h := doctor.Host{Rails: rails(r), Limit: func() (uint64, bool) { return 0, false }}
		if f := findings(h, "gid"); len(f) != 1 || f[0].Status != doctor.OK || !strings.Contains(f[0].Observed, says) {
			t.Errorf("%+v, want %q", f, says)
		}
	}
}

func rails(all ...device.Rail) func() ([]device.Rail, error) {
	return func() ([]device.Rail, error) { return all, nil }
}

// none is what there is on a host without a device that can be used.
func none() ([]device.Rail, error) {
	return nil, fault.New(fault.NoDevice, "looking", errors.New("none"), "get one")
}

// never is for hosts where verbs is not to be called.
func never(t *testing.T) func() ([]device.Rail, error) {
	t.Helper()
	return func() ([]device.Rail, error) {
		t.Helper()
		t.Error("verbs is called though the cause is known")
		return none()
	}
}

// shut are files of devices one of which cannot be opened.
func shut(name string, why syscall.Errno) func(string) (string, error) {
	return func(file string) (string, error) {
		if strings.HasSuffix(file, "/"+name) {
			return "of uid 0 and gid 0, mode 0600", &fs.PathError{Op: "open", Path: file, Err: why}
		}
		return "of uid 0 and gid 0, mode 0666", nil
	}
}

// skipped are a finding, and checks that are skipped for it.
func skipped(id, says string, others ...string) map[string]string {
	all := map[string]string{id: says}
	for _, o := range others {
		all[o] = "skip "
	}
	return all
}

// file makes a file of the host's.
func file(h *doctor.Host, name, text string) {
	h.Root.(fstest.MapFS)[name] = &fstest.MapFile{Data: []byte(text + "\n")}
}

// What was lost just now is told apart from what was lost long ago.
func TestProbed(t *testing.T) {
	t.Parallel()
	h := doctor.Host{Rails: rails(rail("rxe0", device.StateActive, 9000, 4096)), Root: fstest.MapFS{}}
	count := func(received, lost string) {
		file(&h, "sys/class/infiniband/rxe0/ports/1/hw_counters/rcvd_pkts", received)
		file(&h, "sys/class/infiniband/rxe0/ports/1/hw_counters/rcvd_seq_err", lost)
	}
	for name, tt := range map[string]struct {
		received, lost string
		status         doctor.Status // empty: nothing is said
		says           string
	}{
		"few packets":                {"10050", "5003", "", ""},
		"few packets, and many lost": {"10020", "5005", doctor.Warn, "rxe0/1: 20 packets received to and from gpu7 just now, 5 lost or out of order"},
		"none lost":                  {"11000", "5000", doctor.OK, "rxe0/1: 1,000 packets received to and from gpu7 just now, 0 lost or out of order"},
		"many lost":                  {"11000", "5100", doctor.Warn, "rxe0/1: 1,000 packets received to and from gpu7 just now, 100 lost or out of order"},
	} {
		count("10000", "5000")
		after := h.Probed()
		count(tt.received, tt.lost)
		found := after("gpu7")
		switch {
		case tt.status == "":
			if len(found) > 0 {
				t.Errorf("%s: %+v", name, found)
			}
		case len(found) != 1 || found[0].Status != tt.status || found[0].Observed != tt.says:
			t.Errorf("%s: %+v", name, found)
		}
	}
}
