package doctor

import (
	"io/fs"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"

	"github.com/rdmacp/rdmacp/internal/device"
)

// Facts are what the checks of a host have looked at, for somebody who is not there.
type Facts struct {
	OS           string  `json:"os"`
	Arch         string  `json:"arch"`
	CPUs         int     `json:"cpus"`
	Kernel       string  `json:"kernel"`
	MemlockBytes *uint64 `json:"memlock_bytes"` // that may be pinned; null: no limit, or none that is known
	WantedBytes  uint64  `json:"memlock_wanted_bytes"`
	Files        *uint64 `json:"open_files"` // null as above

	// Cgroups are the limits on verbs objects, of this process's cgroup and those above it.
	Cgroups  []CgroupLimits `json:"rdma_max"`
	Counters []PortCounters `json:"counters"`
}

// CgroupLimits is the rdma.max of a cgroup.
type CgroupLimits struct {
	Cgroup string   `json:"cgroup"`
	Limits []string `json:"limits"` // of a device each
}

// PortCounters are what a port has counted that is not zero, by the names of its driver.
type PortCounters struct {
	Port   string            `json:"port"`
	Counts map[string]uint64 `json:"counts"`
}

// Facts collects them. The rails are those whose counters are wanted.
func (h Host) Facts(rails []device.Rail) Facts {
	f := Facts{
		OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Kernel: h.Kernel, WantedBytes: h.Pins,
		Cgroups: []CgroupLimits{}, Counters: []PortCounters{},
	}
	if n, limited := h.Limit(); limited {
		f.MemlockBytes = &n
	}
	if h.Files != nil {
		if n, limited := h.Files(); limited {
			f.Files = &n
		}
	}
	if h.Root == nil {
		return f
	}
	for dir := h.cgroupDir(); dir != ""; dir = above(dir) {
		if b, err := fs.ReadFile(h.Root, path.Join("sys/fs/cgroup", dir, "rdma.max")); err == nil {
			f.Cgroups = append(f.Cgroups, CgroupLimits{dir, strings.FieldsFunc(string(b), func(c rune) bool { return c == '\n' })})
		}
	}
	for _, r := range rails {
		count := h.counter(r)
		of := map[string]uint64{}
		for _, name := range slices.Concat(lossy, dead, came) {
			of[name] = count(name)
		}
		maps.DeleteFunc(of, func(_ string, n uint64) bool { return n == 0 })
		f.Counters = append(f.Counters, PortCounters{r.Name(), of})
	}
	return f
}
