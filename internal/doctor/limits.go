package doctor

import (
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
)

// What a copy needs of limits, with room for some more at once.
const (
	fewFiles   = 1024     // open files: a tree's directories, connections, devices
	fewObjects = 64       // verbs objects of an rdma cgroup: a session has a PD, a CQ, queue pairs and memory regions
	fewThreads = 32       // of Go's runtime, and those that wait for disks
	ownMemory  = 32 << 20 // bytes that a copy takes besides what it pins
)

// files looks at how many files may be open.
func (h Host) files() Finding {
	if h.Files == nil {
		return skip(checkFiles, "this system does not say how many files may be open")
	}
	n, limited := h.Files()
	if limited && n < fewFiles {
		return warn(checkFiles, fmt.Sprintf("%d files may be open at once", n),
			fmt.Sprintf("`ulimit -n` %d or more, LimitNOFILE in a unit: large trees end with \"too many open files\"", fewFiles))
	}
	return ok(checkFiles, "enough files may be open at once")
}

// cgroup looks at what this process's cgroup and those above it allow (version 2): verbs objects,
// memory, and threads.
func (h Host) cgroup() Finding {
	if h.Root == nil {
		return skip(checkCgroup, "not Linux")
	}
	for dir := h.cgroupDir(); dir != ""; dir = above(dir) {
		for _, look := range []func(dir string) (Finding, bool){h.objects, h.memory, h.threads} {
			if f, bad := look(dir); bad {
				return f
			}
		}
	}
	return ok(checkCgroup, "no limit on verbs objects, memory or threads that a copy would meet")
}

// objects looks at the rdma.max of a cgroup.
func (h Host) objects(dir string) (f Finding, bad bool) {
	for line := range strings.Lines(h.limitsOf(dir, "rdma.max")) {
		of := strings.Fields(line)
		if len(of) == 0 {
			continue
		}
		for _, limit := range of[1:] {
			name, value, _ := strings.Cut(limit, "=")
			n, err := strconv.Atoi(value)
			if err == nil && (name == "hca_handle" && n < 1 || name == "hca_object" && n < fewObjects) {
				return warn(checkCgroup, fmt.Sprintf("%s: the cgroup %s allows %s", of[0], dir, limit),
					fmt.Sprintf("write `%s max` to its rdma.max: making a queue pair or registering memory fails there", of[0])), true
			}
		}
	}
	return f, false
}

// memory looks at the memory.max of a cgroup: what is pinned is in it, and cannot be taken back.
func (h Host) memory(dir string) (f Finding, bad bool) {
	most, limited := number(h.limitsOf(dir, "memory.max"))
	if wants := h.Pins + ownMemory; limited && most < wants {
		return warn(checkCgroup, fmt.Sprintf("the cgroup %s allows %s of memory, and a copy takes %s: %s pinned, and its own", dir, humanize.IBytes(most), humanize.IBytes(wants), humanize.IBytes(h.Pins)),
			"raise it (MemoryMax= in a unit, --memory for a container, limits.memory of a pod): the kernel kills what goes beyond; or fewer --slots and a smaller --chunk-size"), true
	}
	return f, false
}

// threads looks at the pids.max of a cgroup, in which threads count as well.
func (h Host) threads(dir string) (f Finding, bad bool) {
	most, limited := number(h.limitsOf(dir, "pids.max"))
	now, _ := number(h.limitsOf(dir, "pids.current"))
	if limited && most < now+fewThreads {
		return warn(checkCgroup, fmt.Sprintf("the cgroup %s allows %d processes and threads, and has %d", dir, most, now),
			fmt.Sprintf("raise it (TasksMax= in a unit, --pids-limit for a container): with fewer than %d to spare a copy may end with \"resource temporarily unavailable\"", fewThreads)), true
	}
	return f, false
}

// limitsOf reads a file of a cgroup; empty if it is not there.
func (h Host) limitsOf(dir, name string) string {
	b, err := fs.ReadFile(h.Root, path.Join("sys/fs/cgroup", dir, name))
	if err != nil {
		return ""
	}
	return string(b)
}

// number reads a limit, if it is one: "max" is none.
func number(text string) (n uint64, is bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
	return n, err == nil
}

// cgroupDir is this process's cgroup, beginning with a slash; empty if it is in none.
func (h Host) cgroupDir() string {
	b, err := fs.ReadFile(h.Root, "proc/self/cgroup")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if dir, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok { // cgroups(7): version 2
			return path.Clean("/" + dir)
		}
	}
	return ""
}

// above is the cgroup above one; empty above the root.
func above(dir string) string {
	if dir == "/" {
		return ""
	}
	return path.Dir(dir)
}
