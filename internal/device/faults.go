package device

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/verbs"
)

// softRoCE is how to get an RDMA device where there is no NIC for it.
const softRoCE = "`hack/softroce/up NETDEV` makes a Soft-RoCE device of any Ethernet device " +
	"(`modprobe rdma_rxe; rdma link add rxe0 type rxe netdev NETDEV`)"

// noDevice explains why verbs lists no device. The cause is what verbs said, or nil if it
// just found none.
func noDevice(sysfs, dev fs.FS, cause error) error {
	const what = "looking for RDMA devices"
	known := names(sysfs, classInfiniBand)
	nodes, _ := fs.Glob(dev, "infiniband/uverbs*")
	var errno syscall.Errno // what the stub of a build without verbs never has
	switch {
	case errors.Is(cause, verbs.ErrNotSupported) && !errors.As(cause, &errno):
		return fault.New(fault.NoDevice, what, fmt.Errorf("this program was built without verbs: %w", cause),
			"use a build for Linux with cgo")
	case errors.Is(cause, verbs.ErrNoLibrary):
		return fault.New(fault.NoDevice, what, cause,
			"install libibverbs and its providers (Debian: libibverbs1 ibverbs-providers, Fedora: libibverbs)")
	}
	if f := noDriver(sysfs, cause); f != nil {
		return f
	}
	have := "the kernel has " + strings.Join(known, ", ")
	if len(nodes) == 0 {
		f := fault.New(fault.NoDevice, what, because(have+", but /dev/infiniband has no file for it", cause), passIn)
		f.Check = "device-node"
		return f
	}
	return fault.New(fault.NoDevice, what, because(have+", but libibverbs finds no driver for it", cause),
		"install the providers (Debian: ibverbs-providers)")
}

// passIn is how to get the file of a device.
const passIn = "in a container, pass the files in (docker and podman: --device /dev/infiniband/uverbs0); elsewhere see that udev runs"

// NoDriver says what the kernel itself lacks for programs to use an RDMA device, a fault of
// code fault.NoDevice, by what it shows below /sys; nil if it lacks nothing.
func NoDriver(sysfs fs.FS) *fault.Error { return noDriver(sysfs, nil) }

func noDriver(sysfs fs.FS, cause error) *fault.Error {
	known := names(sysfs, classInfiniBand)
	lacks := func(why, fix string) *fault.Error {
		f := fault.New(fault.NoDevice, "looking for RDMA devices", because(why, cause), fix)
		f.Check = "module"
		return f
	}
	switch {
	case !exists(sysfs, classInfiniBand):
		return lacks("the kernel has no RDMA subsystem loaded", "load the driver of the NIC; without one, "+softRoCE)
	case len(known) == 0:
		return lacks("this host has none", softRoCE)
	case !exists(sysfs, classVerbs):
		return lacks("the kernel has "+strings.Join(known, ", ")+", but no way for programs to use it", "`modprobe ib_uverbs`")
	}
	return nil
}

// because puts a cause, which may be nil, behind an explanation.
func because(why string, cause error) error {
	if cause == nil {
		return errors.New(why)
	}
	return fmt.Errorf("%s: %w", why, cause)
}

// openProblem explains why a device cannot be opened. libibverbs tells little, and some
// of its versions say ENOENT for a file that they may not open, so the file is tried here.
func openProblem(device string, cause error) error {
	nodes := nodesOf(device)
	for _, n := range nodes {
		f, err := os.OpenFile(n, os.O_RDWR, 0)
		if err == nil {
			_ = f.Close()
			continue
		}
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w; in a container, pass the device in", err)
		}
		return err
	}
	if errors.Is(cause, syscall.ENOENT) && len(nodes) == 0 {
		return fmt.Errorf("%w; is the module ib_uverbs loaded?", cause)
	}
	return cause
}
