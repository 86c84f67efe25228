//go:build linux && cgo

package verbs

/*
#include "shim.h"
*/
import "C"

import (
	"math"
	"syscall"
	"unsafe"
)

// GID returns one entry of a port's GID table; it may be zero.
//
// Implements:
//
//	int ibv_query_gid(struct ibv_context *context, uint8_t port_num, int index, union ibv_gid *gid);
func (c *Context) GID(port, index int) (GID, error) {
	const op = "ibv_query_gid"
	if port < 1 || port > math.MaxUint8 || index < 0 || index > math.MaxInt32 {
		return GID{}, withDetail(fromReturn(op, int(syscall.EINVAL)), "no such port or index")
	}
	if err := c.enter(op); err != nil {
		return GID{}, err
	}
	defer c.leave()
	var g GID
	rc, err := C.rd_query_gid(c.ptr, C.uint8_t(port), C.int(index), (*C.uint8_t)(unsafe.Pointer(&g)))
	if rc != 0 {
		return GID{}, fromMinusOne(op, err)
	}

	return g, nil
}

// GIDTable returns the valid entries of the GID tables of all ports.
//
// Implements:
//
//	ssize_t ibv_query_gid_table(struct ibv_context *context, struct ibv_gid_entry *entries,
//	                            size_t max_entries, uint32_t flags);
func (c *Context) GIDTable() ([]GIDEntry, error) {
	const op = "ibv_query_gid_table"
	size, err := c.gidTableSize()
	if err != nil || size == 0 {
		return nil, err
	}
	if err := c.enter(op); err != nil {
		return nil, err
	}
	defer c.leave()
	raw := make([]C.struct_ibv_gid_entry, size)
	n := int(C.rd_query_gid_table(c.ptr, &raw[0], C.size_t(size)))
	if n < 0 {
		return nil, fromReturn(op, n)
	}
	entries := make([]GIDEntry, n)
	for i := range entries {
		e := &raw[i]
		entries[i] = GIDEntry{
			GID: GID(e.gid), Index: uint32(e.gid_index), Port: uint32(e.port_num),
			Type: GIDType(e.gid_type), NDevIfIndex: uint32(e.ndev_ifindex),
		}
	}

	return entries, nil
}

// gidTableSize returns the room that the GID tables of all ports need.
func (c *Context) gidTableSize() (int, error) {
	dev, err := c.Attr()
	if err != nil {
		return 0, err
	}
	size := 0
	for port := 1; port <= dev.PhysPortCount; port++ {
		p, err := c.Port(port)
		if err != nil {
			return 0, err
		}
		size += p.GIDTableLen
	}

	return size, nil
}
