//go:build linux && cgo

package verbs

/*
#cgo noescape rd_get_cq_event
#cgo nocallback rd_get_cq_event
#include "shim.h"
*/
import "C"

import (
	"context"
	"errors"
	"sync"
	"syscall"
)

// ackBatch is how many events of a CQ are acknowledged together, because each acknowledgement takes a lock.
const ackBatch = 64

// CompChannel is a completion channel: it says which armed CQ got a completion.
type CompChannel struct {
	object
	ptr    *C.struct_ibv_comp_channel
	ctx    *Context
	events *eventFD
	// reading is held to read an event and count it, and to ack a CQ's events and destroy it.
	reading sync.Mutex
}

// CreateCompChannel creates a completion channel.
//
// Implements:
//
//	struct ibv_comp_channel *ibv_create_comp_channel(struct ibv_context *context);
func (c *Context) CreateCompChannel() (*CompChannel, error) {
	const op = "ibv_create_comp_channel"
	if err := c.hold(op, kindCompChannel); err != nil {
		return nil, err
	}
	ptr, err := C.rd_create_comp_channel(c.ptr)
	if ptr == nil {
		c.drop(kindCompChannel)

		return nil, fromNull(op, err)
	}
	events, err := newEventFD(int(ptr.fd), c.name+" completions")
	if err != nil {
		C.rd_destroy_comp_channel(ptr)
		c.drop(kindCompChannel)

		return nil, err
	}
	ch := &CompChannel{ptr: ptr, ctx: c, events: events}
	ch.born(kindCompChannel, &c.object)

	return ch, nil
}

// Wait waits until an armed CQ gets a completion, and returns that CQ. It blocks no thread. It ends with the context's
// error, or with ErrClosed when the channel is closed. One goroutine waits at a time; others queue behind it.
// Events are acknowledged in bulk, the last of them by CQ.Close.
//
// Implements:
//
//	int ibv_get_cq_event(struct ibv_comp_channel *channel, struct ibv_cq **cq, void **cq_context);
//	void ibv_ack_cq_events(struct ibv_cq *cq, unsigned int nevents);
func (ch *CompChannel) Wait(ctx context.Context) (*CQ, error) {
	const op = "ibv_get_cq_event"
	var (
		cq   *CQ
		fail error
	)
	err := ch.events.wait(ctx, op, func() bool {
		cq, fail = ch.read(op)

		return cq != nil || !errors.Is(fail, syscall.EAGAIN)
	})
	if err != nil {
		return nil, err
	}

	return cq, fail
}

// read takes one event without waiting; the error is EAGAIN if there is none.
func (ch *CompChannel) read(op string) (*CQ, error) {
	ch.reading.Lock()
	defer ch.reading.Unlock()
	var id C.uintptr_t
	if rc, err := C.rd_get_cq_event(ch.ptr, &id); rc != 0 {
		return nil, fromMinusOne(op, err)
	}
	owner, _ := ch.ctx.owners.Load(uintptr(id))
	cq, ok := owner.(*CQ)
	if !ok {
		return nil, fromMinusOne(op, syscall.EBADF) // Can't be: a CQ is destroyed under the lock that is held here.
	}
	if cq.unacked++; cq.unacked >= ackBatch {
		cq.ackLocked()
	}

	return cq, nil
}

// ackLocked acknowledges the events that were read. The caller holds the channel's reading lock.
func (q *CQ) ackLocked() {
	if q.unacked > 0 {
		C.rd_ack_cq_events(q.ptr, C.uint(q.unacked))
		q.unacked = 0
	}
}

// Close destroys the channel, and ends a Wait with ErrClosed. It fails with ErrBusy while CQs use it.
//
// Implements:
//
//	int ibv_destroy_comp_channel(struct ibv_comp_channel *channel);
func (ch *CompChannel) Close() error {
	const op = "ibv_destroy_comp_channel"

	return ch.close(op, func() error {
		ch.events.close()

		return fromReturn(op, int(C.rd_destroy_comp_channel(ch.ptr)))
	})
}
