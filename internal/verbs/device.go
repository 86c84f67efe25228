//go:build linux && cgo

package verbs

/*
#include "shim.h"
*/
import "C"

import (
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// Devices lists the RDMA devices of the host. A host without any gives an empty list, and one whose kernel has no RDMA
// support an error that is ErrNotSupported.
//
// Implements:
//
//	struct ibv_device **ibv_get_device_list(int *num_devices);
//	void ibv_free_device_list(struct ibv_device **list);
//	__be64 ibv_get_device_guid(struct ibv_device *device);
func Devices() ([]DeviceInfo, error) {
	var infos []DeviceInfo
	err := eachDevice(func(dev *C.struct_ibv_device) bool {
		infos = append(infos, DeviceInfo{
			Name:      C.GoString(&dev.name[0]),
			GUID:      uint64(C.rd_device_guid(dev)),
			NodeType:  NodeType(dev.node_type),
			Transport: TransportType(dev.transport_type),
		})

		return true
	})

	return infos, err
}

// eachDevice calls yield with each device until it returns false. The pointers are valid within yield only.
func eachDevice(yield func(*C.struct_ibv_device) bool) error {
	if err := lib.load(); err != nil {
		return err
	}
	var n C.int
	list, err := C.rd_get_device_list(&n)
	if list == nil {
		err = fromNull("ibv_get_device_list", err)
		if errors.Is(err, syscall.ENOSYS) {
			err = withDetail(err, "does the kernel have RDMA support, is ib_uverbs loaded?")
		}

		return err
	}
	defer C.rd_free_device_list(list)
	for _, dev := range unsafe.Slice(list, int(n)) {
		if !yield(dev) {
			break
		}
	}

	return nil
}

// Context is an open device.
type Context struct {
	object
	ptr    *C.struct_ibv_context
	name   string
	events *eventFD
	// owners finds the Go object of an event by the number that its C object was created with. Numbers are not used
	// twice, as addresses are, so an event that arrives late finds nothing instead of a stranger.
	owners sync.Map // uintptr to *CQ or *QP
}

// lastID is the number of the CQ or QP that was created last.
var lastID atomic.Uintptr

// Open opens the device of that name.
//
// Implements:
//
//	struct ibv_context *ibv_open_device(struct ibv_device *device);
func Open(name string) (*Context, error) {
	const op = "ibv_open_device"
	var ptr *C.struct_ibv_context
	openErr := withDetail(fromNull(op, syscall.ENODEV), name)
	err := eachDevice(func(dev *C.struct_ibv_device) bool {
		if C.GoString(&dev.name[0]) != name {
			return true
		}
		var err error
		if ptr, err = C.rd_open_device(dev); ptr == nil {
			openErr = withDetail(fromNull(op, err), name)
		}

		return false
	})
	if err != nil {
		return nil, err
	}
	if ptr == nil {
		return nil, openErr
	}
	events, err := newEventFD(int(ptr.async_fd), name+" events")
	if err != nil {
		C.rd_close_device(ptr)

		return nil, err
	}
	c := &Context{ptr: ptr, name: name, events: events}
	c.born(kindContext)

	return c, nil
}

// Name returns the device's name.
func (c *Context) Name() string { return c.name }

// Close closes the device, and ends a NextEvent with ErrClosed. It fails with ErrBusy while PDs, CQs or completion
// channels are open.
//
// Implements:
//
//	int ibv_close_device(struct ibv_context *context);
func (c *Context) Close() error {
	const op = "ibv_close_device"

	return c.close(op, func() error {
		c.events.close()
		if rc, err := C.rd_close_device(c.ptr); rc != 0 {
			return fromMinusOne(op, err)
		}

		return nil
	})
}

// Attr returns what the device can do.
//
// Implements:
//
//	int ibv_query_device(struct ibv_context *context, struct ibv_device_attr *device_attr);
func (c *Context) Attr() (DeviceAttr, error) {
	const op = "ibv_query_device"
	if err := c.enter(op); err != nil {
		return DeviceAttr{}, err
	}
	defer c.leave()
	var a C.struct_ibv_device_attr
	if err := fromReturn(op, int(C.rd_query_device(c.ptr, &a))); err != nil {
		return DeviceAttr{}, err
	}

	return DeviceAttr{
		FWVer:    C.GoString(&a.fw_ver[0]),
		NodeGUID: uint64(C.rd_device_guid(c.ptr.device)),
		VendorID: uint32(a.vendor_id), VendorPartID: uint32(a.vendor_part_id), HWVer: uint32(a.hw_ver),
		MaxQP: int(a.max_qp), MaxQPWR: int(a.max_qp_wr), MaxSGE: int(a.max_sge),
		MaxCQ: int(a.max_cq), MaxCQE: int(a.max_cqe),
		MaxMR: int(a.max_mr), MaxPD: int(a.max_pd), MaxMW: int(a.max_mw), MaxMRSize: uint64(a.max_mr_size),
		MaxQPRdAtom: int(a.max_qp_rd_atom), MaxQPInitRdAtom: int(a.max_qp_init_rd_atom),
		PhysPortCount: int(a.phys_port_cnt),
	}, nil
}

// Port returns the state of a port. Ports are numbered from 1.
//
// Implements:
//
//	int ibv_query_port(struct ibv_context *context, uint8_t port_num, struct ibv_port_attr *port_attr);
func (c *Context) Port(port int) (PortAttr, error) {
	const op = "ibv_query_port"
	if port < 1 || port > math.MaxUint8 {
		return PortAttr{}, withDetail(fromReturn(op, int(syscall.EINVAL)), "no such port")
	}
	if err := c.enter(op); err != nil {
		return PortAttr{}, err
	}
	defer c.leave()
	var a C.struct_ibv_port_attr
	if err := fromReturn(op, int(C.rd_query_port(c.ptr, C.uint8_t(port), &a))); err != nil {
		return PortAttr{}, err
	}

	return PortAttr{
		State: PortState(a.state), MaxMTU: MTU(a.max_mtu), ActiveMTU: MTU(a.active_mtu),
		GIDTableLen: int(a.gid_tbl_len), PKeyTableLen: int(a.pkey_tbl_len), MaxMsgSize: uint32(a.max_msg_sz),
		LID: uint16(a.lid), SMLID: uint16(a.sm_lid), LMC: uint8(a.lmc), SMSL: uint8(a.sm_sl),
		LinkLayer: LinkLayer(a.link_layer), ActiveWidth: uint8(a.active_width), ActiveSpeed: uint8(a.active_speed),
		PhysState: uint8(a.phys_state), GRHRequired: a.flags&C.IBV_QPF_GRH_REQUIRED != 0,
	}, nil
}
