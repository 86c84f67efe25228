//go:build linux

package guest

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/rdmacp/rdmacp/hack/softroce/internal/spec"
)

// openPort opens the serial port over which the host talks to this guest. There is no udev here to name it.
func openPort() (*os.File, error) {
	if err := mountKernel(); err != nil {
		return nil, err
	}
	if err := loadEarly(); err != nil {
		return nil, err
	}
	// The host announces a port's name shortly after the port.
	for range 500 {
		names, _ := filepath.Glob("/sys/class/virtio-ports/*/name")
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err == nil && string(bytes.TrimSpace(text)) == spec.PortName {
				return os.OpenFile(filepath.Join("/dev", filepath.Base(filepath.Dir(name))), os.O_RDWR, 0)
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil, errors.New("no virtio serial port named " + spec.PortName + " appeared in 5 s")
}
