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
}

// AllocPD allocates a protection domain.
//
// Implements:
//
//	struct ibv_pd *ibv_alloc_pd(struct ibv_context *context);
func (c *Context) AllocPD() (*PD, error) {
	const op = "ibv_alloc_pd"
	if err := c.hold(op, kindPD); err != nil {
		return nil, err
	}
	ptr, err := C.rd_alloc_pd(c.ptr)
	if ptr == nil {
		c.drop(kindPD)

		return nil, fromNull(op, err)
	}
	pd := &PD{ptr: ptr, ctx: c}
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
	const op = "ibv_reg_mr"
	if len(mem) == 0 {
		return nil, withDetail(fromReturn(op, int(syscall.EINVAL)), "no memory given")
	}
	if err := p.hold(op, kindMR); err != nil {
		return nil, err
	}
	addr := unsafe.Pointer(unsafe.SliceData(mem))
	ptr, err := C.rd_reg_mr(p.ptr, addr, C.size_t(len(mem)), C.uint(access))
	if ptr == nil {
		p.drop(kindMR)
		err = fromNull(op, err)
		if errors.Is(err, syscall.ENOMEM) {
			err = withDetail(err, "is the limit on locked memory, ulimit -l, high enough?")
		}

		return nil, err
	}
	mr := &MR{
		ptr: ptr, addr: uint64(uintptr(addr)), length: len(mem),
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
