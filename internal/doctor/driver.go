package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/rdmacp/rdmacp/internal/device"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// drivers are the kernel's modules that a device takes: what all of them share, and those that
// make devices.
var drivers = []string{
	"ib_core", "ib_uverbs", "rdma_rxe", "siw", "mlx5_ib", "mlx4_ib", "bnxt_re", "irdma", "efa", "erdma", "hns_roce_hw_v2", "qedr", "mana_ib", "ib_mthca", "ocrdma", "vmw_pvrdma",
}

// module looks at what the kernel has, by what it shows itself. It reports whether there is any
// use in looking further.
func (h Host) module() (f Finding, further bool) {
	if h.Root == nil {
		return skip(checkModule, "not Linux"), true
	}
	sysfs, err := fs.Sub(h.Root, "sys")
	if err != nil {
		return failed(checkModule, err), false
	}
	var loaded []string
	for _, name := range drivers {
		if _, err := fs.Stat(sysfs, "module/"+name); err == nil {
			loaded = append(loaded, name)
		}
	}
	with := "; of its modules there are " + strings.Join(loaded, ", ")
	if loaded == nil {
		with = "; none of its modules is there"
	}
	lacks := device.NoDriver(sysfs)
	if lacks == nil {
		return ok(checkModule, "the kernel has "+strings.Join(h.list("sys/class/infiniband"), ", ")+with), true
	}
	f = failed(checkModule, lacks)
	f.Observed += with
	if len(h.list("sys/class/infiniband")) == 0 && h.By != transport.RDMA {
		f.Status = Warn
		f.Observed += "; copies go by TCP"
	}
	return f, false
}

// list has the names in a directory; none if there is none.
func (h Host) list(dir string) []string {
	entries, err := fs.ReadDir(h.Root, dir)
	if err != nil {
		return nil
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// nodes opens the file of each device itself, since libibverbs passes over one that it may not
// open, and says that there is none. It reports whether there is one that can be opened.
func (h Host) nodes() (all []Finding, further bool) {
	const class = "sys/class/infiniband_verbs"
	if h.Root == nil || h.Node == nil {
		return []Finding{skip(checkNode, "not Linux")}, true
	}
	for _, name := range h.list(class) {
		if !strings.HasPrefix(name, "uverbs") {
			continue
		}
		file := "/dev/infiniband/" + name
		of := h.read(class + "/" + name + "/ibdev")
		if of == "" {
			of = name
		}
		owner, err := h.Node(file)
		if err != nil {
			all = append(all, warn(checkNode, of+": "+refused(file, owner, err), letIn(err)))
			continue
		}
		further = true
		all = append(all, ok(checkNode, of+": "+file+" can be opened"))
	}
	if all == nil {
		return []Finding{skip(checkNode, "the kernel names none")}, true
	}
	if !further {
		for i := range all {
			all[i].Status = Fail
			all[i].Fault = fault.New(fault.NoDevice, "opening the file of an RDMA device", errors.New(all[i].Observed), all[i].Fault.Fix)
		}
	}
	return all, further
}

// refused says why a file was not opened, and whose it is.
func refused(file, owner string, err error) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return err.Error()
	}
	if owner != "" {
		file += " (" + owner + ")"
	}
	return fmt.Sprintf("%s: %v", file, errno)
}

// letIn is what to do about a file that is not opened, by what the kernel said.
func letIn(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "in a container, pass the file in (--device /dev/infiniband/uverbs0, or the resource of Kubernetes' device plugin); elsewhere see that udev runs"
	case errors.Is(err, syscall.EPERM):
		return "its mode is not what forbids it: a cgroup's rules for devices may. DeviceAllow=char-infiniband_verbs rw in a unit, --device for a container, the resource of Kubernetes' device plugin"
	case errors.Is(err, syscall.EACCES):
		return "let this user open it: rdma-core's udev rules let everybody (`udevadm trigger --subsystem-match=infiniband_verbs`), or `chmod 0666` until it is made anew"
	}
	return "the driver does not answer: see what the kernel says of it (`dmesg`)"
}

// devices looks at what verbs makes of it, if the kernel has what that takes.
func (h Host) devices() (all []Finding, rails []device.Rail) {
	f, further := h.module()
	all = append(all, f)
	if !further {
		return append(all, skip(checkNode, "as module"), skip(checkDevices, "as module")), nil
	}
	nodes, further := h.nodes()
	all = append(all, nodes...)
	if !further {
		return append(all, skip(checkDevices, "as device-node")), nil
	}
	rails, err := h.Rails()
	if err != nil {
		return append(all, h.noDevices(err)), nil
	}
	return append(all, ok(checkDevices, named(rails))), rails
}
