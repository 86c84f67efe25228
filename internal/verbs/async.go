//go:build linux && cgo

package verbs

/*
#cgo noescape rd_get_async_event
#cgo nocallback rd_get_async_event
#include "shim.h"
*/
import "C"

import (
	"context"
	"errors"
	"syscall"
)

// NextEvent waits for an asynchronous event, and acknowledges it, so that it doesn't hold up the Close of its object.
// It blocks no thread. It ends with the context's error, or with ErrClosed when the Context is closed.
// One goroutine waits at a time; others queue behind it.
//
// Implements:
//
//	int ibv_get_async_event(struct ibv_context *context, struct ibv_async_event *event);
//	void ibv_ack_async_event(struct ibv_async_event *event);
func (c *Context) NextEvent(ctx context.Context) (AsyncEvent, error) {
	const op = "ibv_get_async_event"
	var (
		event C.struct_rd_event
		fail  error
	)
	err := c.events.wait(ctx, op, func() bool {
		rc, err := C.rd_get_async_event(c.ptr, &event)
		if rc == 0 {
			return true
		}
		if errors.Is(err, syscall.EAGAIN) {
			return false
		}
		fail = fromMinusOne(op, err)

		return true
	})
	if err != nil {
		return AsyncEvent{}, err
	}
	if fail != nil {
		return AsyncEvent{}, fail
	}

	return c.asyncEvent(&event), nil
}

func (c *Context) asyncEvent(event *C.struct_rd_event) AsyncEvent {
	e := AsyncEvent{Type: EventType(event._type), Port: int(event.port), QPN: uint32(event.qpn)}
	owner, _ := c.owners.Load(uintptr(event.id))
	switch o := owner.(type) {
	case *QP:
		e.QP = o
	case *CQ:
		e.CQ = o
	}

	return e
}
