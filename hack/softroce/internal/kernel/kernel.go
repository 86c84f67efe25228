// Package kernel finds a guest's kernel, the modules that it needs in the order in which they load, and packs them
// into an initramfs.
package kernel

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Kernel is a kernel image with its modules.
type Kernel struct {
	Version string // as uname -r says it
	Image   string // path of vmlinuz
	Modules string // path of lib/modules/VERSION
}

// Find returns the kernel that name says: a release that hack/deps unpacked below cache, such as "6.12", or the path
// of a folder that holds boot/vmlinuz-VERSION and lib/modules/VERSION. An empty name is the newest release there.
func Find(cache, name string) (Kernel, error) {
	dir := filepath.Join(cache, "kernels", name)
	if strings.Contains(name, "/") {
		dir = name
	}
	images, err := filepath.Glob(filepath.Join(dir, "boot", "vmlinuz-*"))
	if name == "" {
		images, err = filepath.Glob(filepath.Join(dir, "*", "boot", "vmlinuz-*"))
		slices.SortFunc(images, func(a, b string) int { return compareVersions(version(a), version(b)) })
		images = images[max(0, len(images)-1):]
	}
	switch {
	case err != nil:
		return Kernel{}, fmt.Errorf("kernel %q: %w", name, err)
	case len(images) != 1:
		return Kernel{}, fmt.Errorf("kernel %q: found %d of boot/vmlinuz-VERSION below %s, want one: "+
			"hack/deps vm unpacks the guest kernels there, and --kernel takes any folder with one", name, len(images), dir)
	}
	root := filepath.Dir(filepath.Dir(images[0]))
	k := Kernel{Version: version(images[0]), Image: images[0]}
	k.Modules = filepath.Join(root, "lib", "modules", k.Version)
	if _, err := os.Stat(filepath.Join(k.Modules, "modules.dep")); err != nil {
		return Kernel{}, fmt.Errorf("kernel %s: %w: run depmod -b %s %s", k.Version, err, root, k.Version)
	}
	return k, nil
}

func version(image string) string { return strings.TrimPrefix(filepath.Base(image), "vmlinuz-") }

// compareVersions compares versions by their leading numbers: 6.12.9 is newer than 6.1.99.
func compareVersions(a, b string) int { return slices.Compare(numbers(a), numbers(b)) }

func numbers(version string) []int {
	var all []int
	for _, field := range strings.FieldsFunc(version, func(r rune) bool { return r < '0' || r > '9' }) {
		number, err := strconv.Atoi(field)
		if err != nil {
			break
		}
		all = append(all, number)
	}
	return all
}
