package device

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// The directories that the kernel lists RDMA devices in, below /sys.
const (
	classInfiniBand = "class/infiniband"
	classVerbs      = "class/infiniband_verbs"
	classNet        = "class/net"
)

// numaNode is the NUMA node of a device, or -1. A software device hangs on no bus itself;
// its node is the one of its network device.
func numaNode(sysfs fs.FS, device, netDev string) int {
	places := []string{path.Join(classInfiniBand, device, "device/numa_node")}
	if netDev != "" {
		places = append(places, path.Join(classNet, netDev, "device/numa_node"))
		// A virtio NIC has a device between it and the PCI one, which knows.
		for dir := realDir(sysfs, path.Join(classNet, netDev)); dir != "."; dir = path.Dir(dir) {
			places = append(places, path.Join(dir, "numa_node"))
		}
	}
	for _, p := range places {
		raw, err := fs.ReadFile(sysfs, p)
		if err != nil {
			continue
		}
		if n, err := strconv.Atoi(strings.TrimSpace(string(raw))); err == nil && n >= 0 {
			return n
		}
	}
	return -1
}

// realDir is where a link of sysfs leads, which is relative; "." if it is none.
func realDir(sysfs fs.FS, link string) string {
	to, err := fs.ReadLink(sysfs, link)
	if err != nil || path.IsAbs(to) {
		return "."
	}
	return path.Join(path.Dir(link), to)
}

// names lists a directory of sysfs; none if there is no such directory.
func names(sysfs fs.FS, dir string) []string {
	entries, err := fs.ReadDir(sysfs, dir)
	if err != nil {
		return nil
	}
	out := make([]string, len(entries))
	for i, e := range entries {
		out[i] = e.Name()
	}
	return out
}

// exists reports whether a file or directory is there.
func exists(fsys fs.FS, name string) bool {
	_, err := fs.Stat(fsys, name)
	return err == nil
}

// netDevBySysfs returns the network device on a port of an RDMA device, by sysfs alone, or
// "". It is the parent of a software device, and shares the PCI device of any other.
func netDevBySysfs(sysfs fs.FS, device string, port int) string {
	dir := path.Join(classInfiniBand, device)
	if raw, err := fs.ReadFile(sysfs, path.Join(dir, "parent")); err == nil {
		return strings.TrimSpace(string(raw))
	}
	for _, n := range names(sysfs, path.Join(dir, "device/net")) {
		if devPort(sysfs, n) == port {
			return n
		}
	}
	return ""
}

// devPort is the port of its adapter that a network device sits on, counted from 1, or 0
// if sysfs does not say.
func devPort(sysfs fs.FS, netDev string) int {
	raw, err := fs.ReadFile(sysfs, path.Join(classNet, netDev, "dev_port"))
	if err != nil {
		return 0
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(raw)), 10, 8)
	if err != nil {
		return 0
	}
	return int(n) + 1
}
