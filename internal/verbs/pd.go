//go:build linux && cgo

package verbs

/*
#include "shim.h"
*/
import "C"

import (
	"errors"
	"syscall"
	"unsafe"
)

// PD is a protection domain: queue pairs reach only the regions of their own.
type PD struct {
	object
	ptr *C.struct_ibv_pd
	ctx *Context

	ownIOVA bool // the device takes no other address for a region than where it is mapped
}

// vendorVMware is the PCI vendor of VMware's paravirtual adapter. Its driver (pvrdma_mr.c) hands on the address of
// the memory alone, and says nothing of it when it was asked for another one.
const vendorVMware = 0x15ad

// AllocPD allocates a protection domain.
//
// Implements:
//
//	struct ibv_pd *ibv_alloc_pd(struct ibv_context *context);
func (c *Context) AllocPD() (*PD, error) {
	const op = "ibv_alloc_pd"
	attr, err := c.Attr()
	if err != nil {
		return nil, err
	}
	if err := c.hold(op, kindPD); err != nil {
		return nil, err
	}
	ptr, err := C.rd_alloc_pd(c.ptr)
	if ptr == nil {
		c.drop(kindPD)

		return nil, fromNull(op, err)
	}
	pd := &PD{ptr: ptr, ctx: c, ownIOVA: attr.VendorID == vendorVMware}
	pd.born(kindPD, &c.object)

	return pd, nil
}

// Close frees the protection domain. It fails with ErrBusy while regions or queue pairs are open.
//
// Implements:
//
//	int ibv_dealloc_pd(struct ibv_pd *pd);
func (p *PD) Close() error {
	const op = "ibv_dealloc_pd"

	return p.close(op, func() error { return fromReturn(op, int(C.rd_dealloc_pd(p.ptr))) })
}

// MR is a registered memory region.
type MR struct {
	object
	ptr        *C.struct_ibv_mr
	addr       uint64
	length     int
	lkey, rkey Key
}

// RegMR pins mem and makes it reachable for the device, and with an access flag for remote use also for peers.
// mem must not be on the Go heap and must stay mapped until the MR is closed; the kernel's limit on locked memory
// (ulimit -l) applies unless the process has CAP_IPC_LOCK.
//
// Implements:
//
//	struct ibv_mr *ibv_reg_mr(struct ibv_pd *pd, void *addr, size_t length, int access);
func (p *PD) RegMR(mem []byte, access Access) (*MR, error) {
	return p.register("ibv_reg_mr", mem, uint64(uintptr(unsafe.Pointer(unsafe.SliceData(mem)))), access)
}

// RegMRIOVA is RegMR with an address of the caller's choice for the first byte, which work requests have to name in
// the place of where it is mapped. Its offset in a page, and for large pages to be of use to the device in one of
// those, must be that of mem. ErrNotSupported: the device takes no other address than the mapped one.
//
// Implements:
//
//	struct ibv_mr *ibv_reg_mr_iova(struct ibv_pd *pd, void *addr, size_t length, uint64_t hca_va, int access);
func (p *PD) RegMRIOVA(mem []byte, iova uint64, access Access) (*MR, error) {
	const op = "ibv_reg_mr_iova"
	if p.ownIOVA {
		return nil, fromReturn(op, int(syscall.EOPNOTSUPP))
	}

	return p.register(op, mem, iova, access)
}

func (p *PD) register(op string, mem []byte, iova uint64, access Access) (*MR, error) {
	if len(mem) == 0 {
		return nil, withDetail(fromReturn(op, int(syscall.EINVAL)), "no memory given")
	}
	if err := p.hold(op, kindMR); err != nil {
		return nil, err
	}
	addr := unsafe.Pointer(unsafe.SliceData(mem))
	ptr, err := C.rd_reg_mr(p.ptr, addr, C.size_t(len(mem)), C.uint64_t(iova), C.uint(access))
	if ptr == nil {
		p.drop(kindMR)
		err = fromNull(op, err)
		if errors.Is(err, syscall.ENOMEM) {
			err = withDetail(err, "is the limit on locked memory, ulimit -l, high enough?")
		}

		return nil, err
	}
	mr := &MR{
		ptr: ptr, addr: iova, length: len(mem),
		lkey: Key(ptr.lkey), rkey: Key(ptr.rkey),
	}
	mr.born(kindMR, &p.object)

	return mr, nil
}

// LKey is the key for work requests that are posted here.
func (m *MR) LKey() Key { return m.lkey }

// RKey is the key for work requests of the peer.
func (m *MR) RKey() Key { return m.rkey }

// Addr is the address that work requests, here and of the peer, give for the first byte.
func (m *MR) Addr() uint64 { return m.addr }

// Len is the number of bytes.
func (m *MR) Len() int { return m.length }

// Close deregisters the region. No work request that uses it may be outstanding here; those of the peer fail from then
// on. The memory stays as it is.
//
// Implements:
//
//	int ibv_dereg_mr(struct ibv_mr *mr);
func (m *MR) Close() error {
	const op = "ibv_dereg_mr"

	return m.close(op, func() error { return fromReturn(op, int(C.rd_dereg_mr(m.ptr))) })
}
