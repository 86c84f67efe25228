//go:build linux && cgo

package verbs

/*
#cgo noescape rd_poll_cq
#cgo nocallback rd_poll_cq
#cgo nocallback rd_req_notify_cq
#include "shim.h"
*/
import "C"

import (
	"fmt"
	"math"
	"syscall"
	"unsafe"
)

// CQ is a completion queue.
type CQ struct {
	object
	ptr     *C.struct_ibv_cq
	ctx     *Context
	channel *CompChannel // may be nil
	id      uintptr
	depth   int
	unacked uint // guarded by channel.reading
}

// CreateCQ creates a completion queue for depth completions or a few more. It should have room for every work request
// that its queue pairs may have outstanding: a device that overruns it loses completions, and says so only by
// EventCQErr. With a channel, which must be of the same Context, [CQ.ReqNotify] makes completions wake
// [CompChannel.Wait].
//
// Implements:
//
//	struct ibv_cq *ibv_create_cq(struct ibv_context *context, int cqe, void *cq_context,
//	                             struct ibv_comp_channel *channel, int comp_vector);
func (c *Context) CreateCQ(depth int, ch *CompChannel) (*CQ, error) {
	const op = "ibv_create_cq"
	if depth < 1 || depth > math.MaxInt32 {
		return nil, withDetail(fromReturn(op, int(syscall.EINVAL)), fmt.Sprintf("depth %d", depth))
	}
	if ch != nil && ch.ctx != c {
		return nil, withDetail(fromReturn(op, int(syscall.EINVAL)), "completion channel of another Context")
	}
	if err := c.hold(op, kindCQ); err != nil {
		return nil, err
	}
	parents := []*object{&c.object}
	var chPtr *C.struct_ibv_comp_channel
	if ch != nil {
		if err := ch.hold(op, kindCQ); err != nil {
			c.drop(kindCQ)

			return nil, err
		}
		parents = append(parents, &ch.object)
		chPtr = ch.ptr
	}
	cq := &CQ{ctx: c, channel: ch, id: lastID.Add(1)}
	var err error
	if cq.ptr, err = C.rd_create_cq(c.ptr, C.int(depth), C.uintptr_t(cq.id), chPtr); cq.ptr == nil {
		dropAll(parents, kindCQ)

		return nil, withDetail(fromNull(op, err), fmt.Sprintf("depth %d", depth))
	}
	cq.depth = int(cq.ptr.cqe)
	c.owners.Store(cq.id, cq)
	cq.born(kindCQ, parents...)

	return cq, nil
}

// Depth is how many completions fit, which is at least what was asked for.
func (q *CQ) Depth() int { return q.depth }

// Poll fills dst with completions, and returns how many there were; it doesn't wait. It allocates nothing.
// One goroutine at a time may poll a CQ.
//
// Implements:
//
//	int ibv_poll_cq(struct ibv_cq *cq, int num_entries, struct ibv_wc *wc);
func (q *CQ) Poll(dst []WC) (int, error) {
	const op = "ibv_poll_cq"
	if len(dst) == 0 {
		return 0, nil
	}
	if err := q.enter(op); err != nil {
		return 0, err
	}
	defer q.leave()
	out := (*C.struct_rd_wc)(unsafe.Pointer(unsafe.SliceData(dst)))
	n := int(C.rd_poll_cq(q.ptr, out, C.int(min(len(dst), math.MaxInt32))))
	if n < 0 {
		return 0, fromPoll(op, n)
	}

	return n, nil
}

// ReqNotify arms the CQ: its next completion, or its next solicited or failed one, wakes CompChannel.Wait, once.
// Completions that arrived before it don't wake, so the caller polls again after arming and before waiting.
//
// Implements:
//
//	int ibv_req_notify_cq(struct ibv_cq *cq, int solicited_only);
func (q *CQ) ReqNotify(solicitedOnly bool) error {
	const op = "ibv_req_notify_cq"
	if err := q.enter(op); err != nil {
		return err
	}
	defer q.leave()
	var solicited C.int
	if solicitedOnly {
		solicited = 1
	}

	return fromReturn(op, int(C.rd_req_notify_cq(q.ptr, solicited)))
}

// Close destroys the queue. It fails with ErrBusy while queue pairs use it.
//
// Implements:
//
//	int ibv_destroy_cq(struct ibv_cq *cq);
func (q *CQ) Close() error {
	const op = "ibv_destroy_cq"

	return q.close(op, func() error {
		if q.channel != nil {
			// ibv_destroy_cq waits for the ack of every event that was read, so none may be read meanwhile.
			q.channel.reading.Lock()
			defer q.channel.reading.Unlock()
			q.ackLocked()
		}
		if err := fromReturn(op, int(C.rd_destroy_cq(q.ptr))); err != nil {
			return err
		}
		q.ctx.owners.Delete(q.id)

		return nil
	})
}
