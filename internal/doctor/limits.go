package doctor

import (
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// What a copy needs of limits, with room for some more at once.
const (
	fewFiles   = 1024 // open files: a tree's directories, connections, devices
	fewObjects = 64   // verbs objects of an rdma cgroup: a session has a PD, a CQ, queue pairs and memory regions
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

// cgroup looks at how many verbs objects may be made: rdma.max of cgroup v2, of this process's
// cgroup and those above it.
func (h Host) cgroup() Finding {
	if h.Root == nil {
		return skip(checkCgroup, "not Linux")
	}
	for dir := h.cgroupDir(); dir != ""; dir = above(dir) {
		b, err := fs.ReadFile(h.Root, path.Join("sys/fs/cgroup", dir, "rdma.max"))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(b)) {
			f := strings.Fields(line)
			if len(f) == 0 {
				continue
			}
			for _, limit := range f[1:] {
				name, value, _ := strings.Cut(limit, "=")
				n, err := strconv.Atoi(value)
				if err == nil && (name == "hca_handle" && n < 1 || name == "hca_object" && n < fewObjects) {
					return warn(checkCgroup, fmt.Sprintf("%s: the cgroup %s allows %s", f[0], dir, limit),
						fmt.Sprintf("write `%s max` to its rdma.max: making a queue pair or registering memory fails there", f[0]))
				}
			}
		}
	}
	return ok(checkCgroup, "no limit on verbs objects")
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
