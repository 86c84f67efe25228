package device

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/Mellanox/rdmamap"
)

// This is the one file that uses rdmamap. It knows what the GID tables do not say: which
// IPoIB device belongs to an InfiniBand device, and which character devices one has. But
// it answers with nothing both when there is nothing and when it could not look, knows
// devices but not their ports, and takes the first of several matches. So its word is
// taken only where sysfs agrees, and nothing is made of its silence.

// ipoib returns the IPoIB device on a port of an InfiniBand device, or "".
func ipoib(sysfs fs.FS, device string, port int, links []link) string {
	for _, l := range links {
		if !l.infiniBand || devPort(sysfs, l.name) != port {
			continue
		}
		if owner, err := rdmamap.GetRdmaDeviceForNetdevice(l.name); err == nil && owner == device {
			return l.name
		}
	}
	return ""
}

// nodesOf names the character devices of an RDMA device that a program opens for verbs.
func nodesOf(device string) []string {
	return slices.DeleteFunc(rdmamap.GetRdmaCharDevices(device), func(n string) bool {
		return !strings.HasPrefix(path.Base(n), "uverbs")
	})
}
