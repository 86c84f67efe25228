//go:build linux

package guest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/hack/softroce/internal/kernel"
	"github.com/rdmacp/rdmacp/hack/softroce/internal/spec"
)

// loadEarly loads what it takes to hear from the host: some kernels have even that in modules.
func loadEarly() error {
	list, err := os.ReadFile(filepath.Join(kernel.ModuleDir, kernel.EarlyList))
	if err != nil {
		return err
	}
	return load(strings.Fields(string(list)))
}

// loadModules loads the modules of the spec.
func loadModules(g spec.Guest) error { return load(g.Modules) }

// load loads modules of the initramfs, which must be named in an order that satisfies what they need.
func load(names []string) error {
	for _, name := range names {
		file, err := os.Open(filepath.Join(kernel.ModuleDir, name))
		if err != nil {
			return err
		}
		err = unix.FinitModule(int(file.Fd()), "", 0)
		_ = file.Close()
		// A module of the spec may be loaded already; one that is for other hardware says ENODEV.
		if err != nil && !errors.Is(err, unix.EEXIST) && !errors.Is(err, unix.ENODEV) {
			return fmt.Errorf("load module %s: %w", name, err)
		}
	}
	return nil
}
