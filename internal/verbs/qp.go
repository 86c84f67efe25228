//go:build linux && cgo

package verbs

/*
#include "shim.h"
*/
import "C"

import (
	"math"
	"syscall"
)

// QP is a reliable connected queue pair.
type QP struct {
	object
	ptr  *C.struct_ibv_qp
	ctx  *Context
	id   uintptr
	qpn  uint32
	caps QPCaps
}

// CreateQP creates a reliable connected queue pair, in the RESET state.
//
// Implements:
//
//	struct ibv_qp *ibv_create_qp(struct ibv_pd *pd, struct ibv_qp_init_attr *qp_init_attr);
func (p *PD) CreateQP(attr QPInitAttr) (*QP, error) {
	const op = "ibv_create_qp"
	send, recv := attr.SendCQ, attr.RecvCQ
	if send == nil || recv == nil || send.ctx != p.ctx || recv.ctx != p.ctx {
		return nil, withDetail(fromReturn(op, int(syscall.EINVAL)), "needs two CQs of the PD's Context")
	}
	init, err := initAttr(op, attr)
	if err != nil {
		return nil, err
	}
	parents := []*object{&p.object, &send.object, &recv.object}
	for i, parent := range parents {
		if err := parent.hold(op, kindQP); err != nil {
			dropAll(parents[:i], kindQP)

			return nil, err
		}
	}
	qp := &QP{ctx: p.ctx, id: lastID.Add(1)}
	if qp.ptr, err = C.rd_create_qp(p.ptr, &init, send.ptr, recv.ptr, C.uintptr_t(qp.id)); qp.ptr == nil {
		dropAll(parents, kindQP)

		return nil, fromNull(op, err)
	}
	qp.qpn = uint32(qp.ptr.qp_num)
	qp.caps = QPCaps{
		MaxSendWR: int(init.cap.max_send_wr), MaxRecvWR: int(init.cap.max_recv_wr),
		MaxSendSGE: int(init.cap.max_send_sge), MaxRecvSGE: int(init.cap.max_recv_sge),
		MaxInline: int(init.cap.max_inline_data),
	}
	p.ctx.owners.Store(qp.id, qp)
	qp.born(kindQP, parents...)

	return qp, nil
}

// initAttr converts the sizes; the pointers are added in C.
func initAttr(op string, attr QPInitAttr) (C.struct_ibv_qp_init_attr, error) {
	var init C.struct_ibv_qp_init_attr
	sizes := []int{attr.MaxSendWR, attr.MaxRecvWR, attr.MaxSendSGE, attr.MaxRecvSGE, attr.MaxInline}
	if err := inRange(op, math.MaxUint32, sizes...); err != nil {
		return init, err
	}
	init.cap.max_send_wr = C.uint32_t(attr.MaxSendWR)
	init.cap.max_recv_wr = C.uint32_t(attr.MaxRecvWR)
	init.cap.max_send_sge = C.uint32_t(max(attr.MaxSendSGE, 1))
	init.cap.max_recv_sge = C.uint32_t(max(attr.MaxRecvSGE, 1))
	init.cap.max_inline_data = C.uint32_t(attr.MaxInline)
	if attr.SigAll {
		init.sq_sig_all = 1
	}

	return init, nil
}

// inRange refuses what a C field would cut off.
func inRange(op string, limit int, values ...int) error {
	for _, v := range values {
		if v < 0 || v > limit {
			return withDetail(fromReturn(op, int(syscall.EINVAL)), "an attribute is out of range")
		}
	}

	return nil
}

// QPN is the queue pair's number, by which its peer addresses it.
func (q *QP) QPN() uint32 { return q.qpn }

// Caps is what the queue pair got.
func (q *QP) Caps() QPCaps { return q.caps }

// MaxInline is how many bytes a work request may carry itself.
func (q *QP) MaxInline() int { return q.caps.MaxInline }

// State asks the device for the state; a queue pair moves to ERR by itself when a work request fails.
//
// Implements:
//
//	int ibv_query_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int attr_mask,
//	                 struct ibv_qp_init_attr *init_attr);
func (q *QP) State() (QPState, error) {
	const op = "ibv_query_qp"
	if err := q.enter(op); err != nil {
		return QPStateUnknown, err
	}
	defer q.leave()
	var state C.int
	if err := fromReturn(op, int(C.rd_query_qp_state(q.ptr, &state))); err != nil {
		return QPStateUnknown, err
	}

	return QPState(state), nil
}

// Close destroys the queue pair, in whatever state it is. Work requests that are outstanding vanish without a
// completion, so that nothing says when their memory is free: first call ToError and poll until none is outstanding.
//
// Implements:
//
//	int ibv_destroy_qp(struct ibv_qp *qp);
func (q *QP) Close() error {
	const op = "ibv_destroy_qp"

	return q.close(op, func() error {
		if err := fromReturn(op, int(C.rd_destroy_qp(q.ptr))); err != nil {
			return err
		}
		q.ctx.owners.Delete(q.id)

		return nil
	})
}
