package doctor_test

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rdmacp/rdmacp/internal/device"
	"github.com/rdmacp/rdmacp/internal/doctor"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// card is a host with a NIC behind a bridge, as sysfs shows it.
func card() doctor.Host {
	const nic, bridge = "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/", "sys/devices/pci0000:00/0000:00:01.0/"
	h := doctor.Host{
		By: transport.RDMA, Limit: func() (uint64, bool) { return 0, false }, Kernel: "6.12.0", Root: fstest.MapFS{
			"sys/class/infiniband/mlx5_0": {Data: []byte("../../devices/pci0000:00/0000:00:01.0/0000:01:00.0/infiniband/mlx5_0"), Mode: fs.ModeSymlink},
			nic + "iommu_group":           {Data: []byte("../../../../kernel/iommu_groups/7"), Mode: fs.ModeSymlink},
			bridge + "config":             {Data: make([]byte, 4096)},
		},
	}
	for name, text := range map[string]string{
		"sys/class/infiniband_verbs/uverbs0/ibdev": "mlx5_0",
		nic + "current_link_speed":                 "16.0 GT/s PCIe", nic + "max_link_speed": "16.0 GT/s PCIe", nic + "current_link_width": "16", nic + "max_link_width": "16",
		"sys/kernel/iommu_groups/7/type": "identity", "sys/devices/system/node/node1/cpulist": "16-31",
	} {
		file(&h, name, text)
	}
	h.Rails = rails(port(1, 100), port(2, 100))
	return h
}

// port is one of the card's.
func port(n int, gbps float64) device.Rail {
	r := rail("mlx5_0", device.StateActive, 9000, 4096)
	r.Port, r.SpeedGbps, r.NUMANode = n, gbps, 1
	return r
}

// capability puts an extended capability into a bridge's configuration space.
func capability(config []byte, at int, id uint16, next int, control uint16) {
	binary.LittleEndian.PutUint32(config[at:], uint32(id)|1<<16|uint32(next)<<20) //nolint:gosec // below 4096
	binary.LittleEndian.PutUint16(config[at+6:], control)
}

// findings are those of one check.
func findings(h doctor.Host, id string) []doctor.Finding {
	var of []doctor.Finding
	for _, f := range h.Local() {
		if f.ID == id {
			of = append(of, f)
		}
	}
	return of
}

// A card in a slot that is too narrow or too slow for its ports is found, and an IOMMU that
// one as fast as this may have to wait for.
func TestPCI(t *testing.T) {
	t.Parallel()
	const nic, bridge = "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/", "sys/devices/pci0000:00/0000:00:01.0/config"
	for name, tt := range map[string]struct {
		change func(h *doctor.Host)
		status doctor.Status
		says   string
	}{
		"good": {func(*doctor.Host) {}, doctor.OK, "mlx5_0 at 0000:01:00.0, NUMA node 1 (CPUs 16-31), IOMMU identity, x16 at 16 GT/s"},
		"a narrow slot": {
			func(h *doctor.Host) { file(h, nic+"current_link_width", "8") }, doctor.Warn,
			"x8 at 16 GT/s of x16 at 16: 126 Gb/s at most, and its ports have 200",
		},
		"a slow slot": {
			func(h *doctor.Host) { file(h, nic+"current_link_speed", "5.0 GT/s PCIe") }, doctor.Warn,
			"x16 at 5 GT/s of x16 at 16: 64 Gb/s at most, and its ports have 200",
		},
		"a narrow slot that is wide enough": {
			func(h *doctor.Host) { file(h, nic+"current_link_width", "8"); h.Rails = rails(port(1, 100)) }, doctor.OK, "x8 at 16 GT/s of x16 at 16",
		},
		"a port that is down has no use for it": {
			func(h *doctor.Host) {
				file(h, nic+"current_link_width", "8")
				down := port(2, 100)
				down.State = "DOWN"
				h.Rails = rails(port(1, 100), down)
			}, doctor.OK, "x8 at 16",
		},
		"a virtual function": {func(h *doctor.Host) { file(h, nic+"current_link_speed", "Unknown") }, doctor.OK, "IOMMU identity"},
		"an IOMMU":           {func(h *doctor.Host) { file(h, "sys/kernel/iommu_groups/7/type", "DMA-FQ") }, doctor.Warn, "IOMMU DMA-FQ, x16 at 16 GT/s: the IOMMU looks up"},
		"an IOMMU, and a slow port": {
			func(h *doctor.Host) {
				file(h, "sys/kernel/iommu_groups/7/type", "DMA-FQ")
				h.Rails = rails(port(1, 25))
			}, doctor.OK, "IOMMU DMA-FQ",
		},
		"no group": {func(h *doctor.Host) { delete(h.Root.(fstest.MapFS), "sys/kernel/iommu_groups/7/type") }, doctor.OK, "CPUs 16-31), x16"},
		"ACS": {
			func(h *doctor.Host) {
				config := h.Root.(fstest.MapFS)[bridge].Data
				capability(config, 0x100, 1, 0x148, 0xffff)
				capability(config, 0x148, 0xd, 0, 0x1d)
			}, doctor.OK, "x16 at 16 GT/s, ACS redirects at 0000:00:01.0 (which",
		},
		"software": {func(h *doctor.Host) { h.Rails = rails(rail("rxe0", device.StateActive, 9000, 4096)) }, doctor.Skip, "rxe0: there is no PCI device behind it"},
	} {
		h := card()
		tt.change(&h)
		all := findings(h, "pci")
		if len(all) != 1 || all[0].Status != tt.status || !strings.Contains(all[0].Observed, tt.says) {
			t.Errorf("%s: %+v", name, all)
		}
		if (name == "ACS") != strings.Contains(all[0].Observed, "ACS") {
			t.Errorf("%s: %s", name, all[0].Observed)
		}
	}
}

// What of a bridge's configuration space cannot be told is not.
func TestACS(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(config []byte) []byte{
		"off":            func(c []byte) []byte { capability(c, 0x100, 0xd, 0, 1); return c },
		"a circle":       func(c []byte) []byte { capability(c, 0x100, 1, 0x100, 0); return c },
		"beyond the end": func(c []byte) []byte { capability(c, 0x100, 1, 0xffc, 0); capability(c, 0xff0, 0xd, 0, 0); return c },
		"not for root":   func(c []byte) []byte { return c[:64] },
		"nothing there":  func([]byte) []byte { return nil },
	} {
		h := card()
		f := h.Root.(fstest.MapFS)["sys/devices/pci0000:00/0000:00:01.0/config"]
		f.Data = change(f.Data)
		all := findings(h, "pci")
		if len(all) != 1 || all[0].Status != doctor.OK || strings.Contains(all[0].Observed, "ACS") {
			t.Errorf("%s: %+v", name, all)
		}
	}
}

// A network that may drop packets is warned of where the driver says so, and not where
// nothing is known.
func TestFlow(t *testing.T) {
	t.Parallel()
	const ecn = "sys/class/net/eth0/ecn/"
	pfc := func(p device.PFC) func(*doctor.Host) {
		return func(h *doctor.Host) { h.Flow = func(string) (device.PFC, error) { return p, nil } }
	}
	for name, tt := range map[string]struct {
		change func(h *doctor.Host)
		status doctor.Status
		says   string
	}{
		"nothing known": {func(*doctor.Host) {}, doctor.Skip, "mlx5_0/1: its driver tells nothing of"},
		"a driver without": {
			func(h *doctor.Host) {
				h.Flow = func(string) (device.PFC, error) { return device.PFC{}, errors.ErrUnsupported }
			}, doctor.Skip, "tells nothing",
		},
		"on":  {pfc(device.PFC{Priorities: 1 << 3, Sent: 5, Received: 1234}), doctor.OK, "on for priority 3, 5 pause frames sent and 1,234 received"},
		"off": {pfc(device.PFC{}), doctor.Warn, "mlx5_0/1 on eth0, no priority flow control"},
		"ECN instead": {
			func(h *doctor.Host) {
				pfc(device.PFC{})(h)
				file(h, ecn+"roce_np/enable/3", "1")
				file(h, ecn+"roce_rp/enable/3", "1")
			}, doctor.OK, "no priority flow control, ECN on for priority 3",
		},
		"half of ECN": {
			func(h *doctor.Host) {
				pfc(device.PFC{})(h)
				file(h, ecn+"roce_np/enable/3", "1")
				file(h, ecn+"roce_rp/enable/3", "0")
			}, doctor.Warn, "no ECN",
		},
		"marks that come": {
			func(h *doctor.Host) {
				file(h, "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/infiniband/mlx5_0/ports/1/hw_counters/np_ecn_marked_roce_packets", "7")
			}, doctor.OK, "7 packets came marked",
		},
		"InfiniBand": {
			func(h *doctor.Host) {
				r := port(1, 100)
				r.LinkLayer, r.GIDs[0].Index = device.InfiniBand, 0
				h.Rails = rails(r)
			}, doctor.Skip, "no port of RoCE",
		},
	} {
		h := card()
		h.Rails = rails(port(1, 100))
		tt.change(&h)
		all := findings(h, "pfc-ecn")
		if len(all) != 1 || all[0].Status != tt.status || !strings.Contains(all[0].Observed, tt.says) {
			t.Errorf("%s: %+v", name, all)
		}
	}
}
