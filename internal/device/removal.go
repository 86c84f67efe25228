package device

import (
	"context"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"
)

// removalEvery is how often AwaitRemoval looks.
const removalEvery = time.Second

// AwaitRemoval calls gone once the kernel begins to remove a device, which is open, and
// returns then, or when ctx ends. Drivers that can take a device from under a program say so
// by an event (DEVICE_FATAL). For others, Soft-RoCE among them, the kernel waits until the
// last program has closed the device, and tells no program: all that is to be seen is that
// the file by which programs open it is no longer listed in sysfs.
func AwaitRemoval(ctx context.Context, device string, gone func()) {
	awaitRemoval(ctx, os.DirFS("/sys"), device, gone)
}

func awaitRemoval(ctx context.Context, sysfs fs.FS, device string, gone func()) {
	node := verbsNode(sysfs, device)
	if node == "" {
		return // as in a container that does not see it
	}
	tick := time.NewTicker(removalEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if !exists(sysfs, node) {
			gone()
			return
		}
	}
}

// verbsNode is where sysfs lists the file by which programs open a device; empty if it does
// not.
func verbsNode(sysfs fs.FS, device string) string {
	for _, n := range names(sysfs, classVerbs) {
		node := path.Join(classVerbs, n)
		if name, err := fs.ReadFile(sysfs, path.Join(node, "ibdev")); err == nil && strings.TrimSpace(string(name)) == device {
			return node
		}
	}
	return ""
}
